"""Rows by index, and its adjoint: embeddings, take, one batch out of a data set.

An index is made safe the same way in both: a negative one counts from the end, and what is still outside is clamped,
so no index can read or write outside the array. Where `size` is 0 nothing is read or written.
"""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.cumulative import combine

#: Additions that a part should do, so that it is worth a thread.
PART_WORK = 32768


@scalar
def safe_index(index, size):
    """The row that an index means: negative counts from the end, then clamped to [0, size)."""
    row = index + size if index < 0 else index
    row = row if row < size else size - 1
    return row if row > 0 else 0


@kernel
def gather(out: "T o*k*i", x: "T o*m*i", index: "i8 k", outer: "i8", count: "i8", size: "i8", inner: "i8", lo, hi):
    """out[o, k, :] = x[o, index[k], :].   Items: the outer*count rows of out. T: any type of the element's size."""
    if size > 0 and lo < hi:
        part = lo // count
        k = lo - part * count
        for item in range(lo, hi):
            source = (part * size + safe_index(index[k], size)) * inner
            target = item * inner
            for i in range(inner):
                out[target + i] = x[source + i]
            k += 1
            if k == count:
                k = 0
                part += 1


def _divide(outer, count, size, inner):
    """How one outer slice is cut: (columns, groups, shift), a function of the shape only; at most 16 parts.

    Columns are cut first, in blocks of 64 or more: every part then has the same work, whatever the indices are. Rows
    are dealt in blocks of 2**shift (at least 64 elements, so that parts share no cache lines) to 1, 2, 4 ... groups,
    which spreads the small, frequent indices of a vocabulary.
    """
    wanted = outer * count * inner // 32768
    wanted = 16 if wanted > 16 else wanted
    wanted = (wanted + outer - 1) // outer if outer > 0 else 1
    columns = inner // 64
    columns = wanted if columns > wanted else columns
    columns = columns if columns > 1 else 1
    shift = 0
    while inner << shift < 64 and shift < 6:
        shift += 1
    groups = 1
    while 2 * groups * columns <= wanted and 2 * groups << shift <= size:
        groups *= 2
    return columns, groups, shift


_divide_scalar = scalar(_divide)


def schedule(outer: int, count: int, size: int, inner: int) -> tuple[int, int]:
    """(items, chunk) of scatter_add: a part is (outer, row group, column block)."""
    columns, groups, _ = _divide(outer, count, size, inner)
    items = outer * columns * groups
    serial = outer * count * inner < 2 * PART_WORK
    return items, items if serial else 1


@kernel(schedule=schedule)
def scatter_add(out: "T o*m*i", index: "i8 k", x: "T o*k*i", outer: "i8", count: "i8", size: "i8", inner: "i8", lo, hi):
    """out[o, index[k], :] += x[o, k, :], for k in order: the same bits for any number of threads.

    Items: parts by `schedule`, each the only writer of its rows and columns.
    """
    if size > 0:
        columns, groups, shift = _divide_scalar(outer, count, size, inner)
        for item in range(lo, hi):
            column = item % columns
            group = item // columns % groups
            part = item // (columns * groups)
            first = inner * column // columns
            width = inner * (column + 1) // columns - first
            for k in range(count):
                row = safe_index(index[k], size)
                if (row >> shift) & (groups - 1) == group:
                    source = (part * count + k) * inner + first
                    target = (part * size + row) * inner + first
                    for i in range(width):
                        out[target + i] += x[source + i]


@kernel
def scatter_reduce(out: "T m*i", index: "i8 k", x: "T k*i", count: "i8", size: "i8", inner: "i8", op: "i8", lo, hi):
    """out[index[k], :] = out[index[k], :] op x[k, :], for k in order.   Items: the inner columns."""
    if size > 0:
        for k in range(count):
            target = safe_index(index[k], size) * inner
            source = k * inner
            for i in range(lo, hi):
                out[target + i] = combine(op, out[target + i], x[source + i])
