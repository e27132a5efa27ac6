"""Rows by index, and its adjoint: embeddings, take, one batch out of a data set.

An index is made safe the same way in both: a negative one counts from the end, and what is still outside is clamped,
so no index can read or write outside the array. Where `size` is 0 nothing is read or written.
"""

from nbkeras.kernels._jit import kernel, scalar

#: Elements of an output row below which splitting it over threads makes them share cache lines (bytes: 4 * 64).
COLUMN_BLOCK = 64

#: Elements that a part should add, so that a launch is worth its threads, and the most parts that are made.
PART_WORK = 32768
MOST_PARTS = 16


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
    """Parts that one outer slice is cut into, as (columns, row groups, rows a block): a function of the shape only.

    Columns are cut first (every part has the same work whatever the indices are); then rows are dealt to the groups
    in blocks, which spreads frequent small indices (word 0, 1, 2, ...) over the groups.
    """
    wanted = outer * count * inner // 32768
    wanted = 16 if wanted > 16 else wanted
    wanted = (wanted + outer - 1) // outer if outer > 0 else 1
    columns = inner // 64
    columns = wanted if columns > wanted else columns
    columns = columns if columns > 1 else 1
    block = (63 + inner) // inner if inner > 0 else 1
    groups = wanted // columns
    most = (size + block - 1) // block
    groups = most if groups > most else groups
    groups = groups if groups > 1 else 1
    return columns, groups, block


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
        columns, groups, block = _divide_scalar(outer, count, size, inner)
        for item in range(lo, hi):
            column = item % columns
            group = item // columns % groups
            part = item // (columns * groups)
            first = inner * column // columns
            width = inner * (column + 1) // columns - first
            for k in range(count):
                row = safe_index(index[k], size)
                if groups == 1 or row // block % groups == group:
                    source = (part * count + k) * inner + first
                    target = (part * size + row) * inner + first
                    for i in range(width):
                        out[target + i] += x[source + i]
