"""Reductions over one dimension of three: sum, maximum, minimum, product, and the places of maximum and minimum."""

from nbkeras.kernels._jit import kernel
from nbkeras.kernels.folds import FOLDS, fold_columns, fold_row
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.places import column_places, row_place
from nbkeras.kernels.stack import offset

__all__ = ["FOLDS", "arg_reduce", "block_size", "reduce", "schedule"]

#: Columns of one item, where the reduced dimension is not the last.
TILE = 256
#: Elements that are worth a thread: about 20 us of one core.
GRAIN = 100_000
#: Rows of a block at most, where one block is not all.
LONGEST = 8192


def block_size(outer: int, mid: int, inner: int) -> int:
    """A good `block`: all of mid where it is short and there is enough beside it, else parts that keep several cores
    busy and of which no sum runs long, because each addition rounds.

    Example:
        >>> block_size(1, 1_000_000, 1), block_size(64, 1000, 1), block_size(1, 128, 10), block_size(1, 15488, 64)
        (8192, 1000, 128, 781)
    """
    items = outer * -(-inner // TILE)
    if mid <= 2 * LONGEST and (items >= 16 or outer * mid * inner <= 2 * GRAIN):
        return max(1, mid)
    return max(1, min(mid, LONGEST, max(64, GRAIN // (2 * min(inner, TILE)))))


def schedule(outer: int, mid: int, block: int, inner: int, **_) -> tuple[int, int]:
    """(items, items a chunk): an item is one block of up to 256 columns."""
    items = outer * -(-mid // block) * -(-inner // TILE) if mid else 0
    chunk = max(1, GRAIN // max(1, block * min(inner, TILE)))
    return items, items if outer * mid * inner <= 2 * GRAIN else chunk


@kernel(schedule=schedule)
def reduce(out: "T o*b*i", x: "T o*m*i", outer: "i8", mid: "i8", block: "i8", inner: "i8", op: "i8", lo, hi):
    """out[o, j, i] = fold of x[o, j*block : min((j + 1)*block, mid), i]

    op: 0 sum, 1 max, 2 min, 3 product (see FOLDS); NaN wins in max and min. Items: see `schedule`.
    """
    blocks = (mid + block - 1) // block
    tiles = (inner + TILE - 1) // TILE
    for item in range(lo, hi):
        row = item // tiles
        column = (item - row * tiles) * TILE
        o = row // blocks
        first = (row - o * blocks) * block
        rows = min(block, mid - first)
        start = (o * mid + first) * inner + column
        if inner == 1:
            out[row] = fold_row(x, op, address_of(offset(x, start)), rows)
        else:
            target = address_of(offset(out, row * inner + column))
            fold_columns(x, op, target, address_of(offset(x, start)), rows, inner, min(TILE, inner - column))


@kernel
def arg_reduce(out: "i8 o*i", x: "T o*m*i", outer: "i8", mid: "i8", inner: "i8", op: "i8", lo, hi):
    """out[o, i] = the first j with the greatest (op 0) or least (op 1) x[o, j, i]; the first NaN wins over all.

    Items: elements of out.
    """
    if inner == 1:
        for item in range(lo, hi):
            out[item] = row_place(x, op, address_of(offset(x, item * mid)), mid)
    else:
        item = lo
        while item < hi:
            o = item // inner
            column = item - o * inner
            width = min(hi - item, inner - column)
            start = address_of(offset(x, o * mid * inner + column))
            column_places(x, op, address_of(offset(out, item)), start, mid, inner, width)
            item += width
