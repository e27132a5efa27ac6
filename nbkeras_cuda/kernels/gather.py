"""Rows by index, and its adjoint: embeddings, take, one batch out of a data set.

An index is made safe the same way in both: a negative one counts from the end, and what is still outside is clamped,
so no index can read or write outside the array. Where `size` is 0 nothing is read or written.
"""

from numba import cuda

from nbkeras_cuda._jit import device, kernel
from nbkeras_cuda.block import combine

#: Threads that a scatter_add should have, if the array has so many rows and columns.
SCATTER_THREADS = 1 << 16


@device
def safe_index(index, size):
    """The row that an index means: negative counts from the end, then clamped to [0, size)."""
    row = index + size if index < 0 else index
    row = row if row < size else size - 1
    return row if row > 0 else 0


@kernel(cover=True)
def gather(out: "T o*k*i", x: "T o*m*i", index: "i8 k", outer: "i8", count: "i8", size: "i8", inner: "i8", lo, hi):
    """out[o, k, :] = x[o, index[k], :].   Items: the outer*count rows of out. T: any type of the element's size."""
    if size > 0:
        element = lo * inner + cuda.grid(1)
        while element < hi * inner:
            row = element // inner
            part = row // count
            source = part * size + safe_index(index[row - part * count], size)
            out[element] = x[source * inner + element - row * inner]
            element += cuda.gridsize(1)


def _row_groups(outer, size, inner):
    """Groups that rows are dealt to, so that there are enough threads: a function of the shape only."""
    columns = outer * inner
    groups = (SCATTER_THREADS + columns - 1) // columns if columns > 0 else 1
    groups = groups if groups < size else size
    return groups if groups > 1 else 1


_row_groups_device = device(_row_groups)


def schedule(outer: int, count: int, size: int, inner: int) -> tuple[int, int]:
    """(items, chunk) of scatter_add: an item is one column of one group of rows."""
    items = outer * _row_groups(outer, size, inner) * inner
    return items, items


@kernel(schedule=schedule)
def scatter_add(out: "T o*m*i", index: "i8 k", x: "T o*k*i", outer: "i8", count: "i8", size: "i8", inner: "i8", lo, hi):
    """out[o, index[k], :] += x[o, k, :], for k in order: the same bits in every run.

    Items: parts by `schedule`, each one thread, the only writer of its rows and column. No atomics: their order is
    chance.
    """
    if size > 0:
        groups = _row_groups_device(outer, size, inner)
        item = lo + cuda.grid(1)
        while item < hi:
            column = item % inner
            group = item // inner % groups
            part = item // (inner * groups)
            for k in range(count):
                row = safe_index(index[k], size)
                if row % groups == group:
                    out[(part * size + row) * inner + column] += x[(part * count + k) * inner + column]
            item += cuda.gridsize(1)


@kernel
def scatter_reduce(out: "T m*i", index: "i8 k", x: "T k*i", count: "i8", size: "i8", inner: "i8", op: "i8", lo, hi):
    """out[index[k], :] = out[index[k], :] op x[k, :], for k in order.   Items: the inner columns, a thread each."""
    if size > 0:
        column = lo + cuda.grid(1)
        while column < hi:
            for k in range(count):
                target = safe_index(index[k], size) * inner + column
                out[target] = combine(out[target], x[k * inner + column], op)
            column += cuda.gridsize(1)
