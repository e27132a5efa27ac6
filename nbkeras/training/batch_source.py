"""Batches that the user's own object makes: generators, iterators, and anything that can be iterated again."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from nbkeras.errors import DataError
from nbkeras.training.columns import as_triple, batch_dtype, check_rows, holds_arrays
from nbkeras.training.sample_weights import combine_weights
from nbkeras.training.source import Batch, Source
from nbkeras.training.structure import map_leaves


def as_batch(data: Any, class_weight: dict | None, caller: str) -> Batch:
    """Turn what the user's object returned into a checked `Batch` of NumPy arrays.

    Args:
        data: `x`, or a tuple or list `(x,)`, `(x, y)` or `(x, y, sample_weight)`.
        class_weight: weights by class index, or None.
        caller: the method the user called, for messages.

    Raises:
        DataError: a tuple of another length, rows that differ, anything but numbers.
    """
    if isinstance(data, tuple) or (isinstance(data, list) and holds_arrays(data)):
        parts = tuple(data)
    else:
        parts = (data,)
    if not 1 <= len(parts) <= 3:
        raise DataError(
            f"{caller}: a batch must be x, (x,), (x, y) or (x, y, sample_weight), "
            f"but is a {type(data).__name__} of {len(parts)}.",
            next="put several inputs into one list or dict: ([x1, x2, ...], y).",
        )
    x, y, sample_weight = as_triple((*parts, None, None)[:3], caller)
    batch = Batch(x, y, combine_weights(y, sample_weight, class_weight, caller))
    check_rows(batch, caller)
    return Batch(*map_leaves(lambda column: np.ascontiguousarray(column, dtype=batch_dtype(column)), tuple(batch)))


class StreamSource(Source):
    """A source over a generator, an iterator, or an object that gives a new iterator each time.

    Without `steps`, an epoch is all there is: a generator then has one epoch. With `steps`, epochs follow each other
    in the stream, and an object that can be iterated again starts anew when it has ended.

    Args:
        stream: what is iterated over, batch by batch.
        steps: batches per epoch, or None for all.
        class_weight: weights by class index, or None.
        caller: the method the user called, for messages.

    Example:
        >>> source = StreamSource((np.full(1, i) for i in range(3)), 2, None, "fit")
        >>> [batch.x.tolist() for batch in source.batches(epoch=0)]
        [[0], [1]]
    """

    def __init__(self, stream: Iterable[Any], steps: int | None, class_weight: dict | None, caller: str):
        super().__init__(steps, caller)
        self._stream = stream
        self._restarts = not isinstance(stream, Iterator)
        self._class_weight = class_weight
        # A length that nobody knows is 0 here.
        self._length = (operator.length_hint(stream) or None) if self._restarts else None
        self._iterator: Iterator[Any] | None = None
        self._peeked: list[Any] = []
        self._taken = 0
        self.peek()

    @property
    def num_batches(self) -> int | None:
        if self.steps and self._length:
            return min(self.steps, self._length)
        return self.steps or self._length

    def peek(self) -> Batch:
        if not self._peeked:
            data = self._next()
            if data is _END:
                raise DataError(
                    f"{self.caller}: the {type(self._stream).__name__} given as x yields no batch.",
                    next="it may have been used up before; make a new one for each call.",
                )
            self._peeked.append(data)
            self._taken -= 1
        return as_batch(self._peeked[0], self._class_weight, self.caller)

    def get_state(self) -> dict:
        if hasattr(self._stream, "get_state"):
            return {"stream": self._stream.get_state()}
        return {"taken": self._taken}

    def set_state(self, state: dict) -> None:
        if "stream" in state:
            self._stream.set_state(state["stream"])
            self._iterator, self._peeked = None, []
            return
        # The stream is read again from its start, as far as it was read before.
        self.rewind()
        while self._taken < state["taken"] and self._next() is not _END:
            pass

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        if self.steps is None and not self._peeked and not start:
            self.rewind()
        done = start
        while self.steps is None or done < self.steps:
            data = self._next()
            if data is _END and self._restarts and done == 0:
                data = self._next()
            if data is _END:
                break
            yield as_batch(data, self._class_weight, self.caller)
            done += 1
        if self.steps and done < self.steps:
            self._warn_ran_out(done)
        if done < (self.steps or 1) and not self._restarts:
            self.exhausted = True
            if self.steps is None:
                self._warn_used_up(epoch)

    def rewind(self) -> None:
        if self._restarts:
            self._iterator, self._peeked, self._taken = None, [], 0

    def _next(self) -> Any:
        """The next batch as the user made it; `_END` once at the end, after which a restartable stream starts anew."""
        if self._peeked:
            self._taken += 1
            return self._peeked.pop()
        if self._iterator is None:
            self._iterator, self._taken = iter(self._stream), 0
        data = next(self._iterator, _END)
        self._taken += data is not _END
        if data is _END and self._restarts:
            self._iterator = None
        return data

    def _warn_used_up(self, epoch: int) -> None:
        warnings.warn(
            f"{self.caller}: the {type(self._stream).__name__} given as x had no batch left for epoch {epoch + 1}. "
            "A generator can be read once: pass an endless one with steps_per_epoch, or a PyDataset.",
            stacklevel=3,
        )


_END = object()
