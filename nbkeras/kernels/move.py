"""Copies between strided layouts (transpose, slice, concat, pad, broadcast, flip) and constant fills.

`strided_copy` moves bits, so it is compiled by the element's size only (u1, i4, i8); `fill` by the real dtype.
"""

from nbkeras.kernels._jit import kernel

#: Rows shorter than this are copied column by column.
NARROW = 8


@kernel
def strided_copy(out: "T ?", x: "T ?", layout: "i8 3*d", d: "i8", out_start: "i8", x_start: "i8", lo, hi):
    """out[out_start + j·so] = x[x_start + j·sx] for every index j of the shape.

    Args:
        layout: shape, so and sx, each d numbers; strides in elements, of any sign, 0 allowed in sx (broadcast).
        lo, hi: rows, the indices of shape[:-1] in C order (one row where d is 1).
    """
    width = layout[d - 1]
    out_step = layout[2 * d - 1]
    x_step = layout[3 * d - 1]
    # The last axis but one, whose indices are consecutive rows: they are walked without dividing again.
    height = 1
    out_row = 0
    x_row = 0
    if d > 1:
        height = layout[d - 2]
        out_row = layout[2 * d - 2]
        x_row = layout[3 * d - 2]
    tile_height = height
    tile_width = width
    if x_step != 1 and x_step != 0 and abs(x_row) < abs(x_step):
        # Transposed: in square tiles each cache line of x is used for 16 rows of out before it is left.
        tile_height = 16
        tile_width = 16
    elif width < NARROW:
        tile_height = 256
    row = lo
    while row < hi:
        rest = row // height
        start = row - rest * height
        stop = min(start + tile_height, height, start + hi - row)
        row += stop - start
        target = out_start
        source = x_start
        for back in range(3, d + 1):
            axis = d - back
            index = rest % layout[axis]
            rest = rest // layout[axis]
            target += index * layout[d + axis]
            source += index * layout[2 * d + axis]
        if width < NARROW:
            # Down the columns: a loop of its own for each short row would take longer than the row.
            for c in range(width):
                to = target + c * out_step
                come = source + c * x_step
                for r in range(start, stop):
                    out[to + r * out_row] = x[come + r * x_row]
            continue
        left = 0
        while left < width:
            right = min(left + tile_width, width)
            for r in range(start, stop):
                to = target + r * out_row
                come = source + r * x_row
                if out_step == 1 and x_step == 1:
                    for c in range(left, right):
                        out[to + c] = x[come + c]
                else:
                    for c in range(left, right):
                        out[to + c * out_step] = x[come + c * x_step]
            left = right


@kernel
def fill(out: "T n", value: "T", lo, hi):
    """out[i] = value."""
    for i in range(lo, hi):
        out[i] = value
