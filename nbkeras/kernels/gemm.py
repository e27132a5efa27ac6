"""Matrix products: every orientation of the operands, batches, and the work that follows a product.

A product is cut into tiles of c (see `tiling`), the items of a launch. A tile is summed over blocks of k; within a
block each sliver of rows of a stays in the first cache while the panels of x, as wide as the register tile, pass by:

              panels of x              The first sliver packs plain x as it reads it, so that the others find its
            [  ][  ][  ][  ]           panels side by side in the second cache; transposed x is packed before, by
    a       [  ][  ][  ][  ] k block   blocks turned in registers. Scalars of a are read where they lie, and
    [-----] ----------------           broadcast; if many panels pass, they are packed too, a group of slivers
    [-----]  c tile ->                 at a time.
    sliver

An element's sum runs over k in order in all cases, in blocks that depend on k alone: the same bits for any cut.
Where c is a single row or column the matrix passes by once, without tiles (`thin.py`).
"""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.epilogue import ACTIVATE, ADD_AFTER, ADD_BEFORE, BIAS, GATE
from nbkeras.kernels.geometry import VECTORS, panel_columns, sliver_rows, tile_rows
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.microkernel import EDGE, PACKING, WHOLE, multiply
from nbkeras.kernels.packing import copy_panel, copy_panels, copy_slivers, transpose_panel, transpose_sliver
from nbkeras.kernels.stack import offset, scratch_bytes
from nbkeras.kernels.thin import times_vector, vector_times

#: Largest tile of c, and the least width and height that tiles are cut down to in order to have several.
TILE_ROWS = 504
TILE_COLUMNS = 256
LEAST_COLUMNS = 32
LEAST_ROWS = 32

#: Steps of k in a block: as many as columns of a panel times this (a sliver of a then takes 21 KB with AVX-512, in
#: the first cache), but not fewer than LEAST_DEPTH.
DEPTH = 12
LEAST_DEPTH = 192

#: Rows of a that are packed together.
GROUP = 168

#: Steps of k that blocks are a multiple of.
LANES = 16

#: Rows of a are packed for tiles wider than this; columns of a that lie a page apart (FAR elements) for narrower ones.
PACK = 128
PACK_FAR = 32
FAR = 1000

#: Plain x is packed before for tiles of more rows than this, by the first sliver in passing for tiles of fewer; rows of
#: x that lie a page or more apart are packed before for tiles of more than FEW_FAR.
FEW = 168
FEW_FAR = 28
PAGE = 4096

#: Elements between packed slivers and between panels: they should not all begin at the same place in the first cache.
SKEW = 16

#: Multiply-adds: a tile is worth cutting above GRAIN, a launch worth several threads above SERIAL (THIN_SERIAL where c
#: is a single row or column: memory is waited for).
GRAIN = 400_000
SERIAL = 600_000
THIN_SERIAL = 250_000

#: Rows of a tile of a single column are a multiple of this: as many as `vector_times` sums at once with AVX-512.
THIN_ROWS = 256

#: Bytes of scratch: the panels of a tile, at most 384 steps of 4 bytes or 192 of 8, and the slivers of a group.
PANELS = 384 * TILE_COLUMNS * 4 + 32 * SKEW * 8
SLIVERS = 384 * (GROUP + 2 * 14) * 4 + 32 * SKEW * 8


@scalar
def tiling(batch, m, n, k, height):
    """(rows, columns) of a tile: even shares of c, cut smaller while there are few and they are worth it."""
    row_tiles = max(1, (m + TILE_ROWS - 1) // TILE_ROWS)
    column_tiles = max(1, (n + TILE_COLUMNS - 1) // TILE_COLUMNS)
    while batch * row_tiles * column_tiles < 8 and m * n * k > GRAIN * row_tiles * column_tiles:
        rows, columns = m // row_tiles, n // column_tiles
        if columns > LEAST_COLUMNS and (columns >= rows or rows <= LEAST_ROWS):
            column_tiles *= 2
        elif rows > LEAST_ROWS:
            row_tiles *= 2
        else:
            break
    rows = max(1, (m + row_tiles - 1) // row_tiles)
    if rows < m:
        unit = height if n > 1 else THIN_ROWS
        rows = (rows + unit - 1) // unit * unit  # whole slivers
    columns = max(1, (n + column_tiles - 1) // column_tiles)
    return rows, (columns + LEAST_COLUMNS - 1) // LEAST_COLUMNS * LEAST_COLUMNS


def schedule(batch, m, n, k, **_):
    """(items, items a chunk) of a product: a function of its shape alone, so that threads cannot change the bits."""
    rows, columns = tiling.py_func(batch, m, n, k, tile_rows())
    items = batch * -(-m // rows) * -(-n // columns)
    work = m * n * max(k, 1)
    if batch * work < (SERIAL if min(m, n) > 1 else THIN_SERIAL):
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
    """c = activate((op(a) @ op(x) + bias) * slope(gate)), batch times.   c: (m, n), op(a): (m, k), op(x): (k, n)

    A transposed operand is stored as (k, m) or (n, k); *_step is the distance of its matrices, 0 for a shared one.
    With `accumulate`, c += (the activation must then be linear). Items: tiles of c.
    """
    height = sliver_rows(c)
    width = panel_columns(c)
    panels = scratch_bytes(c, PANELS)
    slivers = scratch_bytes(c, SLIVERS)
    most = even(k, max(LEAST_DEPTH, DEPTH * width), LANES)
    distance = most * height + SKEW
    apart = most * width + SKEW
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
        if (n == 1 or m == 1) and not accumulate:
            a_from, x_from = offset(a, b * a_step), offset(x, b * x_step)
            to = b * m * n
            if n == 1:
                multiply_thin(offset(c, to), a_from, transpose_a, m, x_from, k, most, row_lo, row_hi)
            else:
                multiply_thin(offset(c, to), x_from, not transpose_x, n, a_from, k, most, column_lo, column_hi)
            flags = ADD_BEFORE + (BIAS if has_bias else 0) + ACTIVATE * activation + GATE * gate_code
            if flags > ADD_BEFORE:
                for i in range(row_lo, row_hi, height):
                    for j in range(column_lo, column_hi, width):
                        rows, columns = min(height, row_hi - i), min(width, column_hi - j)
                        at = to + i * n + j
                        multiply(
                            rows, WHOLE if columns == width else EDGE, offset(c, at), n, a, 0, 0, x, 0, panels, 0,
                            columns, offset(bias, j), offset(gate, at), n, flags,
                        )  # fmt: skip
            continue
        far = m >= FAR if transpose_a else k >= FAR and k % 512 == 0
        pack_a = column_hi - column_lo > (PACK_FAR if far else PACK)
        group = even(row_hi - row_lo, GROUP, height)
        k_lo = 0
        while True:
            depth = min(most, k - k_lo)
            last = k_lo + depth >= k
            flags = ADD_BEFORE if k_lo > 0 else 0
            if accumulate:
                flags = ADD_AFTER
            if last:
                flags += (BIAS if has_bias else 0) + ACTIVATE * activation
            if last or accumulate:
                flags += GATE * gate_code
            x_from = offset(x, b * x_step + (column_lo * k + k_lo if transpose_x else k_lo * n + column_lo))
            packed = True
            whole = (column_hi - column_lo) // width
            edge = column_hi - column_lo - whole * width
            if transpose_x:
                for q in range(whole + (edge > 0)):
                    columns = width if q < whole else edge
                    to_panel = offset(panels, q * apart)
                    pack_transposed(to_panel, offset(x_from, q * width * k), k, columns, depth, width)
            else:
                if edge:
                    copy_panel(offset(panels, whole * apart), offset(x_from, whole * width), n, depth, edge)
                x_row_bytes = address_of(offset(x, n)) - address_of(x)
                packed = row_hi - row_lo > (FEW if x_row_bytes < PAGE else FEW_FAR)
                if packed:
                    copy_panels(panels, x_from, n, depth, whole, apart)
            i = row_lo
            while i < row_hi:
                in_group = (i - row_lo) % group
                rows = share(min(group - in_group, row_hi - i), height)
                a_from = offset(a, b * a_step + (k_lo * m + i if transpose_a else i * k + k_lo))
                a_row = 1 if transpose_a else k
                a_column = m if transpose_a else 1
                if pack_a:
                    if transpose_a and in_group == 0:
                        copy_slivers(slivers, a_from, m, depth, min(group, row_hi - i) // height, distance)
                    sliver = offset(slivers, (in_group + height - 1) // height * distance)
                    if not (transpose_a and rows == height):
                        pack_sliver(sliver, a_from, a_row, a_column, rows, depth, height, width // VECTORS)
                    a_from = sliver
                    a_row = 1
                    a_column = rows
                packing = not packed and rows == height and row_hi - i > rows
                for j in range(column_lo, column_hi, width):
                    columns = min(width, column_hi - j)
                    panel = offset(panels, (j - column_lo) // width * apart)
                    to = (b * m + i) * n + j
                    form = WHOLE
                    from_panel = packed
                    if columns < width:
                        form = EDGE
                        from_panel = True
                    elif packing:
                        form = PACKING
                    multiply(
                        rows, form, offset(c, to), n, a_from, a_row, a_column,
                        panel if from_panel else offset(x_from, j - column_lo), width if from_panel else n,
                        panel, depth, columns, offset(bias, j), offset(gate, to), n, flags,
                    )  # fmt: skip
                packed = packed or packing
                i += rows
            k_lo += depth
            if last:
                break


@scalar
def multiply_thin(c, matrix, down, stride, factors, k, most, lo, hi):
    """c[lo:hi] of a matrix times a vector: rows of k elements, or `down` the columns of rows of `stride` elements."""
    if down:
        for k_lo in range(0, max(k, 1), max(most, 1)):
            depth = min(most, k - k_lo)
            from_matrix = offset(matrix, k_lo * stride + lo)
            vector_times(offset(c, lo), from_matrix, stride, offset(factors, k_lo), depth, hi - lo, k_lo)
    else:
        times_vector(offset(c, lo), offset(matrix, lo * k), k, factors, k, hi - lo)


@scalar
def even(total, most, unit):
    """The size of parts, each at most `most` (a multiple of the unit), that share a total evenly in whole units."""
    parts = max(1, (total + most - 1) // most)
    return min(most, ((total + parts - 1) // parts + unit - 1) // unit * unit)


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
    if rows == height and a_column == 1 and depth >= lanes:
        # Blocks that overlap: the first, those that begin with a cache line (if rows begin alike), the last.
        transpose_sliver(sliver, a, a_row, 1)
        first = (-address_of(a) // (address_of(offset(a, 1)) - address_of(a))) % lanes
        blocks = (depth - first) // lanes
        transpose_sliver(offset(sliver, first * height), offset(a, first), a_row, blocks)
        if first + blocks * lanes < depth:
            transpose_sliver(offset(sliver, (depth - lanes) * height), offset(a, depth - lanes), a_row, 1)
    else:
        for p in range(depth):
            for r in range(rows):
                sliver[p * rows + r] = a[r * a_row + p * a_column]
