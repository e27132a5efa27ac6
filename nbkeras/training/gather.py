"""Feeding: the rows of a batch, copied from the user's arrays straight into the input buffers of a plan."""

from __future__ import annotations

import numpy as np

from nbkeras import device
from nbkeras.graph.launches import chunk_of
from nbkeras.kernels._jit import dtype_code
from nbkeras.training.columns import batch_dtype, take_rows
from nbkeras.training.source import Rows


class RowGather:
    """Copies rows of columns into buffers: by one launch a column where the column lies in the device's memory.

    Args:
        buffers: one device array a column, its first axis the rows of a batch.
        columns: arrays of all rows.
    """

    def __init__(self, buffers, columns):
        backend = device.backend()
        rows = buffers[0].shape[0]
        self.columns = columns
        self._copy = backend.from_host
        self._order = backend.empty((rows,), "int64")
        self._by_host, launches = [], []
        for buffer, column in zip(buffers, columns, strict=True):
            array = np.asarray(column)
            direct = isinstance(array, backend.array) and array.flags.c_contiguous
            if not direct or array.dtype != batch_dtype(column):
                self._by_host.append((buffer, column))
                continue
            inner = int(np.prod(buffer.shape[1:]))
            width = dtype_code({1: "uint8", 2: "int16", 4: "int32", 8: "int64"}[array.dtype.itemsize])
            arguments = [buffer, array, self._order, 1, rows, array.shape[0], inner]
            launches.append((backend.kernels["gather"], width, arguments, rows, chunk_of(rows, 0.2 * inner + 3)))
        self._program = backend.program(launches) if launches else None

    def run(self, rows: Rows) -> None:
        """Copy the rows of a batch."""
        for buffer, column in self._by_host:
            where = slice(rows.start, rows.stop) if rows.contiguous else rows.indices
            self._copy(buffer, take_rows(column, where))
        if self._program is not None:
            self._copy(self._order, rows.indices)
            self._program.run()
