"""Batches of arrays that lie in memory or in a memory-mapped file."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from nbkeras import tree
from nbkeras.training.columns import check_rows, take_rows
from nbkeras.training.source import Batch, Rows, Source, permutation, window
from nbkeras.training.structure import map_leaves

DEFAULT_BATCH_SIZE = 32


class ArraySource(Source):
    """A source over columns; it yields row numbers, never copies of the data.

    Args:
        columns: `(x, y, sample_weight)`, nested NumPy arrays with one row per sample, or None.
        batch_size: rows a batch; without it, the rows divided by `steps`, or 32.
        steps: batches per epoch, or None for all.
        shuffle: True for a new order of the rows each epoch; `"batch"` for a new order of whole batches, whose rows
            stay adjacent (kind to files); False for the order given.
        seed: an integer; the order of an epoch depends on it and the epoch only.
        caller: the method the user called, for messages.

    Example:
        >>> source = ArraySource((np.arange(5), None, None), 2, None, False, 0, "fit")
        >>> [rows.indices.tolist() for rows in source.batches(epoch=0)]
        [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self, columns: tuple, batch_size: int | None, steps: int | None, shuffle: bool | str, seed: int, caller: str
    ):
        super().__init__(steps, caller)
        self.columns = columns
        self.num_samples = check_rows(columns, caller)
        self.batch_size = batch_size or (math.ceil(self.num_samples / steps) if steps else DEFAULT_BATCH_SIZE)
        self.shuffle = shuffle
        self.seed = seed
        self._size = math.ceil(self.num_samples / self.batch_size)
        self._order: tuple[int, np.ndarray] | None = None

    @property
    def num_batches(self) -> int:
        return min(self.steps or self._size, self._size)

    def order(self, epoch: int) -> np.ndarray:
        """Row numbers of a pass over the data, (num_samples,) int64; without `steps`, pass `e` is epoch `e`."""
        if not self.shuffle:
            epoch = 0
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, self._new_order(epoch))
        return self._order[1]

    def _new_order(self, epoch: int) -> np.ndarray:
        if not self.shuffle:
            return np.arange(self.num_samples, dtype=np.int64)
        if self.shuffle != "batch":
            return permutation(self.seed, epoch, self.num_samples)
        # Only full blocks change places: a short one in the middle would shift every batch border after it.
        rows = np.arange(self.num_samples, dtype=np.int64)
        full = self.num_samples // self.batch_size
        blocks = rows[: full * self.batch_size].reshape(full, self.batch_size)
        return np.concatenate([blocks[permutation(self.seed, epoch, full)].ravel(), rows[full * self.batch_size :]])

    def get_state(self) -> dict:
        return {"seed": self.seed}

    def set_state(self, state: dict) -> None:
        self.seed, self._order = state["seed"], None

    def describe(self) -> list:
        return [*super().describe(), str(self.shuffle), zlib.crc32(repr(self._sample()).encode())]

    def _sample(self) -> list:
        """Shapes, dtypes, and the first and last row: enough to see that other data were given by mistake."""
        rows = [0, -1] if self.num_samples else []
        found = []
        for column in tree.flatten(self.columns):
            if column is not None:
                found.append([column.shape, str(column.dtype), *(np.asarray(column[row]).tobytes() for row in rows)])
        return found

    def batches(self, epoch: int, start: int = 0) -> Iterator[Rows]:
        number, first, last = window(epoch, self.steps, self._size)
        order = self.order(number)
        for batch in range(first + start, last):
            begin = batch * self.batch_size
            stop = min(begin + self.batch_size, self.num_samples)
            yield Rows(order[begin:stop], begin, stop, not self.shuffle)
        if self.steps and last - first < self.steps:
            self._warn_ran_out(last - first)

    def take(self, rows: Rows) -> Batch:
        """Copies of the rows, as a batch of new arrays."""
        where: Any = slice(rows.start, rows.stop) if rows.contiguous else rows.indices
        return Batch(*map_leaves(lambda column: take_rows(column, where), self.columns))

    def peek(self) -> Batch:
        stop = min(self.batch_size, self.num_samples)
        return self.take(Rows(np.arange(stop), 0, stop, True))
