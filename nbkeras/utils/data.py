"""Data sets written in Python (`PyDataset`), and the `(x, y, sample_weight)` tuples that batches are."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

from nbkeras.errors import DataError


class PyDataset:
    """A data set that makes one batch at a time, on request.

    Subclasses write `__getitem__`, which returns a whole batch, and `__len__` or `num_batches`, the batches in an
    epoch (`num_batches = None` for an endless set). They may write `on_epoch_begin` and `on_epoch_end`.

    Args:
        workers: how many batches are made at the same time.
        use_multiprocessing: False makes them in threads. True makes them in processes, which are always spawned,
            never forked, as a fork after kernels ran can hang: the data set is pickled at the start of each epoch, and
            the script needs `if __name__ == "__main__":` round its training.
        max_queue_size: most batches made ahead.

    Example:
        >>> import numpy as np
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         x = np.arange(4) + 4 * index
        ...         return x, x**2
        >>> dataset = Squares(workers=2)
        >>> dataset.num_batches, dataset[1][0]
        (3, array([4, 5, 6, 7]))

    Source: the interface is that of `keras.utils.PyDataset`.
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10):
        self._workers = workers
        self._use_multiprocessing = use_multiprocessing
        self._max_queue_size = max_queue_size

    @property
    def workers(self) -> int:
        """How many batches are made at the same time."""
        return self._setting("_workers", 1)

    @workers.setter
    def workers(self, value: int) -> None:
        self._workers = value

    @property
    def use_multiprocessing(self) -> bool:
        """Whether the workers are processes."""
        return self._setting("_use_multiprocessing", False)

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        self._use_multiprocessing = value

    @property
    def max_queue_size(self) -> int:
        """Most batches made ahead."""
        return self._setting("_max_queue_size", 10)

    @max_queue_size.setter
    def max_queue_size(self, value: int) -> None:
        self._max_queue_size = value

    def _setting(self, name: str, default: Any) -> Any:
        if name not in self.__dict__:
            setattr(self, name, default)
            warnings.warn(
                f"{type(self).__name__}.__init__ should call super().__init__(**kwargs), where kwargs may hold "
                f"workers, use_multiprocessing and max_queue_size; taking {name[1:]}={default}.",
                stacklevel=3,
            )
        return getattr(self, name)

    @property
    def num_batches(self) -> int | None:
        """Batches in an epoch, None for an endless data set."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__} needs a __len__ method or a num_batches property.")

    def __getitem__(self, index: int) -> Any:
        """The batch at a position: `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`."""
        raise NotImplementedError(f"{type(self).__name__} needs a __getitem__ method that returns one batch.")

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """Called before the first batch of each epoch."""

    def on_epoch_end(self) -> None:
        """Called after the last batch of each epoch."""


#: The older name of `PyDataset`.
Sequence = PyDataset


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Take a batch apart into `(x, y, sample_weight)`, with None for what it does not hold.

    Args:
        data: `x`, or a tuple or list `(x,)`, `(x, y)` or `(x, y, sample_weight)`.

    Raises:
        DataError: a tuple of another length.

    Example:
        >>> unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise DataError(
            f"unpack_x_y_sample_weight: expected x, (x,), (x, y) or (x, y, sample_weight), "
            f"got a {type(data).__name__} of {len(data)}.",
            next="put several inputs into one list or dict: ([x1, x2, ...], y).",
        )
    return (*data, None, None)[:3]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Pack data as `fit` takes it: `x`, `(x,)` if x is a list or tuple, `(x, y)` or `(x, y, sample_weight)`.

    Example:
        >>> pack_x_y_sample_weight(1), pack_x_y_sample_weight([1, 2]), pack_x_y_sample_weight(1, 2)
        (1, ([1, 2],), (1, 2))
    """
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)
