"""Copies between strided layouts (transpose, slice, concat, pad, broadcast, flip) and constant fills.

`strided_copy` moves bits, so it is compiled by the element's size only (u1, i4, i8); `fill` by the real dtype.
"""

from nbkeras.kernels._jit import kernel

#: Edge of the square tiles of a transposition: 16 rows of out share the cache lines of x that they read.
TILE = 16


@kernel
def strided_copy(
    out: "T ?", x: "T ?", layout: "i8 3*d", d: "i8", out_start: "i8", x_start: "i8", lo, hi
):
    """out[out_start + j·so] = x[x_start + j·sx] for every index j of the shape.

    Args:
        layout: shape, so and sx, each d numbers; strides in elements, of any sign, 0 allowed in sx (broadcast).
        lo, hi: rows, the indices of shape[:-1] in C order (one row where d is 1).
    """
    if lo < hi:
        width = layout[d - 1]
        out_step = layout[2 * d - 1]
        x_step = layout[3 * d - 1]
        # The last but one axis, whose indices are consecutive rows: they are walked without dividing again.
        height = 1
        out_row = 0
        x_row = 0
        if d > 1:
            height = layout[d - 2]
            out_row = layout[2 * d - 2]
            x_row = layout[3 * d - 2]
        transposed = x_step != 1 and x_step != 0 and abs(x_row) < abs(x_step)
        row = lo
        while row < hi:
            rest = row // height
            start = row - rest * height
            stop = min(height, start + hi - row)
            row += stop - start
            target = out_start
            source = x_start
            for back in range(3, d + 1):
                axis = d - back
                index = rest % layout[axis]
                rest = rest // layout[axis]
                target += index * layout[d + axis]
                source += index * layout[2 * d + axis]
            if transposed:
                # Tiles: each cache line of x is used for TILE rows of out before it is left.
                for top in range(start, stop, 16):
                    bottom = min(top + 16, stop)
                    for left in range(0, width, 16):
                        right = min(left + 16, width)
                        for r in range(top, bottom):
                            for c in range(left, right):
                                out[target + r * out_row + c * out_step] = x[source + r * x_row + c * x_step]
            elif out_step == 1 and x_step == 1:
                for r in range(start, stop):
                    to = target + r * out_row
                    come = source + r * x_row
                    for c in range(width):
                        out[to + c] = x[come + c]
            else:
                for r in range(start, stop):
                    to = target + r * out_row
                    come = source + r * x_row
                    for c in range(width):
                        out[to + c * out_step] = x[come + c * x_step]


@kernel
def fill(out: "T n", value: "T", lo, hi):
    """out[i] = value."""
    for i in range(lo, hi):
        out[i] = value
