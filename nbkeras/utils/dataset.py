"""`Dataset`: a chain of steps that yields elements or batches, each time it is iterated over anew."""

from __future__ import annotations

import itertools
import math
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from nbkeras.errors import ArgumentError, DataError
from nbkeras.training.columns import holds_arrays
from nbkeras.training.structure import map_leaves, named_leaves


class HostArray(np.ndarray):
    """A NumPy array with the `.numpy()` that scripts written for TensorFlow's data sets call."""

    def numpy(self) -> np.ndarray:
        """The array itself, as NumPy's own class."""
        return np.asarray(self)


class Dataset:
    """Elements that are made when they are asked for; `fit`, `evaluate` and `predict` take batches of them.

    Args:
        make: called for each pass; returns an iterator of elements.
        length: elements of a pass, None if unknown, `math.inf` if it never ends.

    Example:
        >>> x, y = np.arange(10.0), np.arange(10) % 2
        >>> batches = Dataset.from_tensor_slices((x, y)).map(lambda x, y: (x * 2, y)).batch(4)
        >>> [len(labels) for _, labels in batches], len(batches)
        ([4, 4, 2], 3)

    Source: the methods are the most used ones of TensorFlow's `tf.data.Dataset`.
    """

    def __init__(self, make: Callable[[], Iterator[Any]], length: float | None = None):
        self._make = make
        self._size = length

    @classmethod
    def from_tensor_slices(cls, tensors: Any) -> Dataset:
        """An element for each row of some arrays.

        Args:
            tensors: an array, or nested tuples, lists and dicts of arrays with the same number of rows.

        Raises:
            DataError: no array, or different numbers of rows.

        Example:
            >>> import numpy as np
            >>> data = Dataset.from_tensor_slices((np.array([[1], [2], [3]]), np.array([10, 20, 30])))
            >>> [(x.tolist(), int(y)) for x, y in data]
            [([1], 10), ([2], 20), ([3], 30)]
        """
        columns = map_leaves(np.asarray, _as_tuples(tensors))
        counts = {len(leaf) if leaf.ndim else None for _, leaf in named_leaves(columns, "tensors")}
        if len(counts) != 1 or counts == {None}:
            raise DataError(
                f"Dataset.from_tensor_slices: expected arrays with one number of rows, got {sorted(map(str, counts))}."
            )
        (rows,) = counts
        return cls(lambda: (_row(columns, index) for index in range(rows)), rows)

    @classmethod
    def from_generator(cls, generator: Callable[[], Iterable[Any]], output_signature: Any = None) -> Dataset:
        """What a generator function yields, called anew for each pass; the signature is not needed.

        Example:
            >>> [int(x) for x in Dataset.from_generator(lambda: iter([1, 2, 3]))]
            [1, 2, 3]
        """
        return cls(lambda: iter(generator()))

    @classmethod
    def zip(cls, *datasets: Dataset | tuple) -> Dataset:
        """Tuples of one element from each of several data sets, as long as all have one.

        Example:
            >>> import numpy as np
            >>> numbers = Dataset.from_tensor_slices(np.arange(2))
            >>> [(int(x), int(y)) for x, y in Dataset.zip(numbers, numbers.map(lambda x: x * 10))]
            [(0, 0), (1, 10)]
        """
        parts = datasets[0] if len(datasets) == 1 and isinstance(datasets[0], (tuple, list)) else datasets
        sizes = [part._size for part in parts]
        size = None if None in sizes else min(sizes)
        return cls(lambda: zip(*parts), size)  # noqa: B905 - the shortest ends it

    def __iter__(self) -> Iterator[Any]:
        return self._make()

    def __len__(self) -> int:
        if self._size is None or self._size == math.inf:
            raise TypeError(f"this Dataset has {'an unknown' if self._size is None else 'an infinite'} length")
        return int(self._size)

    def cardinality(self) -> int:
        """Elements of a pass; -1 if it never ends, -2 if nobody knows.

        Example:
            >>> import numpy as np
            >>> Dataset.from_tensor_slices(np.arange(5)).batch(2).cardinality()
            3
        """
        return {None: -2, math.inf: -1}.get(self._size, self._size)

    def as_numpy_iterator(self) -> Iterator[Any]:
        """The elements as NumPy's own arrays."""
        return (map_leaves(np.asarray, element) for element in self)

    def map(self, function: Callable, num_parallel_calls: int | None = None, deterministic: bool = True) -> Dataset:
        """Elements as a function changes them; the parts of a tuple are its arguments.

        Args:
            function: gets NumPy arrays; may use `nbkeras.ops`.
            num_parallel_calls: so many threads call it ahead; -1 for a few. Order stays as it is.
            deterministic: accepted, as order always stays as it is.

        Example:
            >>> import numpy as np
            >>> [int(x) for x in Dataset.from_tensor_slices(np.arange(3)).map(lambda x: x * 10)]
            [0, 10, 20]
        """

        def call(element):
            result = function(*element) if isinstance(element, tuple) else function(element)
            return map_leaves(_host, _as_tuples(result))

        if num_parallel_calls is None:
            return self._then(lambda elements: map(call, elements), self._size)
        threads = num_parallel_calls if num_parallel_calls > 0 else 4
        return self._then(lambda elements: _in_threads(call, elements, threads), self._size)

    def filter(self, predicate: Callable) -> Dataset:
        """The elements for which a function gives true.

        Example:
            >>> import numpy as np
            >>> [int(x) for x in Dataset.from_tensor_slices(np.arange(5)).filter(lambda x: x % 2 == 0)]
            [0, 2, 4]
        """

        def keep(element):
            return bool(predicate(*element) if isinstance(element, tuple) else predicate(element))

        return self._then(lambda elements: filter(keep, elements), None)

    def batch(self, batch_size: int, drop_remainder: bool = False, **ignored) -> Dataset:
        """Elements joined, `batch_size` to a batch; the last one may be shorter, unless it is dropped.

        Example:
            >>> import numpy as np
            >>> [x.tolist() for x in Dataset.from_tensor_slices(np.arange(5)).batch(2)]
            [[0, 1], [2, 3], [4]]
        """
        _check_count("batch", "batch_size", batch_size)
        size = self._size
        if size not in (None, math.inf):
            size = size // batch_size if drop_remainder else -(-size // batch_size)

        def join(elements):
            elements = iter(elements)
            while group := list(itertools.islice(elements, batch_size)):
                if len(group) == batch_size or not drop_remainder:
                    yield _stack(group)

        return self._then(join, size)

    def unbatch(self) -> Dataset:
        """Batches taken apart into elements."""

        def split(elements):
            for element in elements:
                rows = len(next(iter(named_leaves(element, "element")))[1])
                for index in range(rows):
                    yield _row(element, index)

        return self._then(split, None)

    def rebatch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """Batches of another size."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def shuffle(self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True) -> Dataset:
        """Elements in another order: each is drawn from the next `buffer_size` that are waiting.

        Args:
            buffer_size: at least the number of elements for a fair shuffle.
            seed: fixes the orders of all passes; None draws one from NumPy's global generator.
            reshuffle_each_iteration: whether each pass has an order of its own.

        Example:
            >>> import numpy as np
            >>> sorted(int(x) for x in Dataset.from_tensor_slices(np.arange(5)).shuffle(3, seed=1))
            [0, 1, 2, 3, 4]
        """
        _check_count("shuffle", "buffer_size", buffer_size)
        if seed is None:
            seed = int(np.random.randint(2**31))  # noqa: NPY002 - `set_random_seed` fixes it

        # Counted here, and not in what is made from it: each pass has its own order, whoever asks for it.
        passes = itertools.count() if reshuffle_each_iteration else itertools.repeat(0)

        def make():
            rng = np.random.default_rng([seed, next(passes)])
            return _draw(iter(self._make()), buffer_size, rng)

        return Dataset(make, self._size)

    def take(self, count: int) -> Dataset:
        """The first elements; -1 for all.

        Example:
            >>> import numpy as np
            >>> [int(x) for x in Dataset.from_tensor_slices(np.arange(5)).take(2)]
            [0, 1]
        """
        size = self._size if count < 0 else None if self._size is None else min(count, self._size)
        return self._then(lambda elements: itertools.islice(elements, count if count >= 0 else None), size)

    def skip(self, count: int) -> Dataset:
        """All but the first elements; -1 for none.

        Example:
            >>> import numpy as np
            >>> [int(x) for x in Dataset.from_tensor_slices(np.arange(5)).skip(3)]
            [3, 4]
        """
        size = self._size if self._size is None else 0 if count < 0 else max(0, self._size - count)
        return self._then(lambda elements: itertools.islice(elements, count, None) if count >= 0 else iter(()), size)

    def repeat(self, count: int | None = None) -> Dataset:
        """So many passes after each other; for ever without a number.

        Example:
            >>> import numpy as np
            >>> [int(x) for x in Dataset.from_tensor_slices(np.arange(2)).repeat(2)]
            [0, 1, 0, 1]
        """
        endless = count is None or count < 0
        size = math.inf if endless else None if self._size is None else self._size * count

        def make():
            for _ in itertools.count() if endless else range(count):
                empty = True
                for element in self:
                    empty = False
                    yield element
                if empty:
                    return

        return Dataset(make, size)

    def cache(self, filename: str = "") -> Dataset:
        """Elements kept in memory after the first whole pass."""
        if filename:
            raise ArgumentError("Dataset.cache: there is no cache in files; leave out the file name.")
        kept: list[list] = []

        def make():
            if kept:
                yield from kept[0]
                return
            seen = []
            for element in self._make():
                seen.append(element)
                yield element
            kept.append(seen)

        return Dataset(make, self._size)

    def prefetch(self, buffer_size: int = -1) -> Dataset:
        """Elements made ahead by a thread, while the last ones are in use; -1 for two of them."""
        depth = buffer_size if buffer_size > 0 else 2
        return self._then(lambda elements: _ahead(elements, depth), self._size)

    def enumerate(self, start: int = 0) -> Dataset:
        """Pairs of number and element.

        Example:
            >>> import numpy as np
            >>> [(int(i), int(x)) for i, x in Dataset.from_tensor_slices(np.array([7, 8])).enumerate()]
            [(0, 7), (1, 8)]
        """
        return self._then(lambda elements: enumerate(elements, start), self._size)

    def _then(self, step: Callable[[Iterator], Iterator], size: float | None) -> Dataset:
        return Dataset(lambda: iter(step(self._make())), size)


def _as_tuples(tree: Any) -> Any:
    """Lists of arrays as tuples, whose parts are what functions get as arguments; lists of numbers as arrays."""
    if isinstance(tree, dict):
        return {key: _as_tuples(branch) for key, branch in tree.items()}
    if isinstance(tree, list) and not holds_arrays(tree):
        return np.asarray(tree)
    if isinstance(tree, (list, tuple)) and not hasattr(tree, "_fields"):
        return tuple(_as_tuples(branch) for branch in tree)
    return tree


def _host(value: Any) -> HostArray:
    return np.asarray(value).view(HostArray)


def _row(columns: Any, index: int) -> Any:
    return map_leaves(lambda column: _host(column[index]), columns)


def _stack(group: list) -> Any:
    leaves = [[leaf for _, leaf in named_leaves(element, "element")] for element in group]
    try:
        stacked = iter([_host(np.stack(parts)) for parts in zip(*leaves, strict=True)])
    except ValueError as error:
        raise DataError(
            f"Dataset.batch: the elements of a batch must have one shape: {error}.",
            next="bring them to one shape with map before batch, such as by resizing or padding.",
        ) from error
    return map_leaves(lambda leaf: next(stacked), group[0])


def _draw(elements: Iterator, buffer_size: int, rng: np.random.Generator) -> Iterator:
    waiting = list(itertools.islice(elements, buffer_size))
    for element in elements:
        place = int(rng.integers(len(waiting)))
        drawn, waiting[place] = waiting[place], element
        yield drawn
    for place in rng.permutation(len(waiting)):
        yield waiting[place]


def _in_threads(call: Callable, elements: Iterable, threads: int) -> Iterator:
    from concurrent.futures import ThreadPoolExecutor

    remaining = iter(elements)
    with ThreadPoolExecutor(threads, thread_name_prefix="nbkeras-map") as pool:
        waiting = deque(pool.submit(call, element) for element in itertools.islice(remaining, 2 * threads))
        while waiting:
            done = waiting.popleft().result()
            waiting.extend(pool.submit(call, element) for element in itertools.islice(remaining, 1))
            yield done


_END = object()


def _ahead(elements: Iterable, depth: int) -> Iterator:
    """The elements, made by a thread that ends with them, or when nobody asks any more."""
    made: queue.Queue = queue.Queue(depth)
    stop = threading.Event()

    def put(item) -> bool:
        while not stop.is_set():
            try:
                made.put(item, timeout=0.1)
                return True
            except queue.Full:
                pass
        return False

    def work():
        try:
            for element in elements:
                if not put((element, None)):
                    return
            put((_END, None))
        except BaseException as error:  # It is raised where the elements are asked for.
            put((_END, error))

    thread = threading.Thread(target=work, name="nbkeras-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            element, error = made.get()
            if error is not None:
                raise error
            if element is _END:
                return
            yield element
    finally:
        stop.set()
        thread.join()


def _check_count(who: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(f"Dataset.{who}: expected {name} to be a positive integer, got {value!r}.")
