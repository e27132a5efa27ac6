"""Copies between strided layouts (transpose, slice, concat, pad, broadcast, flip) and constant fills."""

from numba import cuda

from nbkeras_cuda._jit import kernel


@kernel(cover=True)
def strided_copy(out: "T ?", x: "T ?", layout: "i8 3*d", d: "i8", out_start: "i8", x_start: "i8", lo, hi):
    """out[out_start + j·so] = x[x_start + j·sx] for every index j of the shape.

    Args:
        layout: shape, so and sx, each d numbers; strides in elements, of any sign, 0 allowed in sx (broadcast).
        lo, hi: rows, the indices of shape[:-1] in C order (one row where d is 1).
    """
    width = layout[d - 1]
    element = lo * width + cuda.grid(1)
    while element < hi * width:
        rest = element
        target = out_start
        source = x_start
        axis = d - 1
        while axis >= 0:
            quotient = rest // layout[axis]
            index = rest - quotient * layout[axis]
            rest = quotient
            target += index * layout[d + axis]
            source += index * layout[2 * d + axis]
            axis -= 1
        out[target] = x[source]
        element += cuda.gridsize(1)


@kernel
def fill(out: "T n", value: "T", lo, hi):
    """out[i] = value."""
    i = lo + cuda.grid(1)
    while i < hi:
        out[i] = value
        i += cuda.gridsize(1)
