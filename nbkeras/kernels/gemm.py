"""Matrix products: every orientation of the operands, batches, and the work that follows a product.

A product is cut into tiles of c (see `tiling`), the items of a launch. A tile is summed over blocks of k; within a
block, panels of x (as wide as the register tile) are packed to scratch that stays in the first cache while all slivers
of rows of a pass over it:

            k block        x panel                Plain x is packed by the microkernel itself as the first sliver reads
        a [--------]     x [ ]  <- scratch, L1    it; transposed x by blocks turned in registers. Scalars of a are read
    sliver [--------]      [ ]                    where they lie, and broadcast; they are packed, to slivers in scratch,
           [--------]                             if many panels pass over them.

An element's sum runs over k in order in all cases, in blocks that depend on k alone: the same bits for any cut.
"""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.epilogue import ACTIVATE, ADD_AFTER, ADD_BEFORE, BIAS, GATE
from nbkeras.kernels.geometry import VECTORS, panel_columns, sliver_rows, tile_rows
from nbkeras.kernels.microkernel import EDGE, PACKING, WHOLE, multiply
from nbkeras.kernels.packing import copy_panel, copy_slivers, transpose_panel, transpose_sliver
from nbkeras.kernels.stack import offset, scratch

#: Largest tile of c, and the least width and height that tiles are cut down to in order to have several.
TILE_ROWS = 168
TILE_COLUMNS = 256
LEAST_COLUMNS = 32
LEAST_ROWS = 32

#: Steps of k in a block: a panel of x takes 16 KB (32 with AVX-512) and rows of a tile 128 KB (256 in float64).
DEPTH = 256

#: Rows of a are packed for tiles wider than this; columns of a that lie a page apart (FAR elements) for narrower ones.
PACK = 128
PACK_FAR = 32
FAR = 1000

#: Elements between packed slivers, so that they don't all begin at the same place in the first cache.
SKEW = 16

#: Multiply-adds: a tile is worth cutting above GRAIN, a launch worth several threads above SERIAL.
GRAIN = 400_000
SERIAL = 600_000

#: Elements of scratch: the widest panel, and the slivers of a tile (200 KB, in float64 400 KB).
PANEL = DEPTH * 32
SLIVERS = (DEPTH * 14 + SKEW) * (TILE_ROWS // 14 + 2)


@scalar
def tiling(batch, m, n, k, height):
    """(rows, columns) of a tile: even shares of c, cut smaller while there are few and they are worth it."""
    row_tiles = max(1, (m + TILE_ROWS - 1) // TILE_ROWS)
    column_tiles = max(1, (n + TILE_COLUMNS - 1) // TILE_COLUMNS)
    while batch * row_tiles * column_tiles < 8 and m * n * k > GRAIN * row_tiles * column_tiles:
        if n > column_tiles * LEAST_COLUMNS:
            column_tiles *= 2
        elif m > row_tiles * LEAST_ROWS:
            row_tiles *= 2
        else:
            break
    rows = max(1, (m + row_tiles - 1) // row_tiles)
    if rows < m:
        rows = (rows + height - 1) // height * height  # whole slivers
    columns = max(1, (n + column_tiles - 1) // column_tiles)
    return rows, (columns + LEAST_COLUMNS - 1) // LEAST_COLUMNS * LEAST_COLUMNS


def schedule(batch, m, n, k, **_):
    """(items, items a chunk) of a product: a function of its shape alone, so that threads cannot change the bits."""
    rows, columns = tiling.py_func(batch, m, n, k, tile_rows())
    items = batch * -(-m // rows) * -(-n // columns)
    work = m * n * max(k, 1)
    if batch * work < SERIAL:
        return items, max(1, items)
    return items, max(1, GRAIN * items // (batch * work))


@kernel(schedule=schedule)
def matmul(
    c: "T b*m*n",
    a: "T b*m*k",
    x: "T b*k*n",
    bias: "T n",
    gate: "T b*m*n",
    batch: "i8",
    m: "i8",
    n: "i8",
    k: "i8",
    a_step: "i8",
    x_step: "i8",
    transpose_a: "i8",
    transpose_x: "i8",
    has_bias: "i8",
    activation: "i8",
    gate_code: "i8",
    accumulate: "i8",
    lo,
    hi,
):
    """c = activate(op(a) @ op(x) + bias) * slope(gate), batch times.   c: (m, n), op(a): (m, k), op(x): (k, n)

    A transposed operand is stored as (k, m) or (n, k); *_step is the distance of its matrices, 0 for a shared one.
    With `accumulate`, c += (the activation must then be linear). Items: tiles of c.
    """
    height = sliver_rows(c)
    width = panel_columns(c)
    panel = scratch(c, PANEL)
    slivers = scratch(c, SLIVERS)
    distance = DEPTH * height + SKEW
    tile_rows, tile_columns = tiling(batch, m, n, k, height)
    down = (m + tile_rows - 1) // tile_rows
    across = (n + tile_columns - 1) // tile_columns
    for item in range(lo, hi):
        b = item // (down * across)
        place = item - b * (down * across)
        column_tile = place // down
        row_lo = (place - column_tile * down) * tile_rows
        row_hi = min(m, row_lo + tile_rows)
        column_lo = column_tile * tile_columns
        column_hi = min(n, column_lo + tile_columns)
        pack_a = column_hi - column_lo > (PACK_FAR if transpose_a and m >= FAR else PACK)
        k_lo = 0
        while True:
            depth = min(DEPTH, k - k_lo)
            last = k_lo + depth >= k
            flags = ADD_BEFORE if k_lo > 0 else 0
            if accumulate:
                flags = ADD_AFTER
            if last:
                flags += (BIAS if has_bias else 0) + ACTIVATE * activation
            if last or accumulate:
                flags += GATE * gate_code
            if pack_a and transpose_a:
                a_from = offset(a, b * a_step + k_lo * m + row_lo)
                copy_slivers(slivers, a_from, m, depth, (row_hi - row_lo) // height, distance)
            for j in range(column_lo, column_hi, width):
                columns = min(width, column_hi - j)
                x_from = offset(x, b * x_step + (j * k + k_lo if transpose_x else k_lo * n + j))
                x_row = n
                form = WHOLE
                if transpose_x:
                    pack_transposed(panel, x_from, k, columns, depth, width)
                elif columns < width:
                    copy_panel(panel, x_from, n, depth, columns)
                elif row_hi - row_lo >= 2 * height:
                    form = PACKING
                if form == WHOLE and (transpose_x or columns < width):
                    x_from = panel
                    x_row = width
                if columns < width:
                    form = EDGE
                i = row_lo
                while i < row_hi:
                    rows = share(row_hi - i, height)
                    a_from = offset(a, b * a_step + (k_lo * m + i if transpose_a else i * k + k_lo))
                    a_row = 1 if transpose_a else k
                    a_column = m if transpose_a else 1
                    if pack_a:
                        sliver = offset(slivers, (i - row_lo + height - 1) // height * distance)
                        if j == column_lo and not (transpose_a and rows == height):
                            pack_sliver(sliver, a_from, a_row, a_column, rows, depth, height, width // VECTORS)
                        a_from = sliver
                        a_row = 1
                        a_column = rows
                    to = (b * m + i) * n + j
                    to_c = offset(c, to)
                    to_gate = offset(gate, to)
                    to_bias = offset(bias, j)
                    multiply(
                        rows, form, to_c, n, a_from, a_row, a_column, x_from, x_row, panel, depth, columns,
                        to_bias, to_gate, n, flags,
                    )  # fmt: skip
                    if form == PACKING:
                        form = WHOLE
                        x_from = panel
                        x_row = width
                    i += rows
            k_lo += depth
            if last:
                break


@scalar
def share(left, height):
    """Rows of the next sliver: whole ones, but the last two share evenly (a sliver of one row would wait, not work)."""
    if left >= 2 * height or left == height:
        return height
    return left if left < height else (left + 1) // 2


@scalar
def pack_transposed(panel, x, x_row, columns, depth, width):
    """panel[p, j] = x[j, p]; what stands beyond the columns is never used."""
    lanes = width // VECTORS
    blocks = depth // lanes
    transpose_panel(panel, x, x_row, blocks, columns)
    for p in range(blocks * lanes, depth):
        for j in range(columns):
            panel[p * width + j] = x[j * x_row + p]


@scalar
def pack_sliver(sliver, a, a_row, a_column, rows, depth, height, lanes):
    """sliver[p, r] = a[r, p]."""
    done = 0
    if rows == height and a_column == 1:
        transpose_sliver(sliver, a, a_row, depth // lanes)
        done = depth // lanes * lanes
    for p in range(done, depth):
        for r in range(rows):
            sliver[p * rows + r] = a[r * a_row + p * a_column]
