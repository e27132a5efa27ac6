"""Running sums, products, maxima and minima along one axis."""

from numba import cuda

from nbkeras_cuda._jit import kernel
from nbkeras_cuda.block import combine


@kernel
def cumulative(
    out: "T o*m*i",
    x: "T o*m*i",
    outer: "i8",
    mid: "i8",
    inner: "i8",
    op: "i8",
    reverse: "i8",
    lo,
    hi,
):
    """out[o, j, i] = x[o, 0, i] op ... op x[o, j, i], in that order; reverse: x[o, mid-1, i] op ... op x[o, j, i].

    Items: the outer*inner lanes, a thread each. out may be x.
    """
    lane = lo + cuda.grid(1)
    while lane < hi and mid > 0:
        part = lane // inner
        step = -inner if reverse != 0 else inner
        here = part * mid * inner + lane - part * inner
        if reverse != 0:
            here += (mid - 1) * inner
        total = x[here]
        out[here] = total
        for _ in range(1, mid):
            here += step
            total = combine(total, x[here], op)
            out[here] = total
        lane += cuda.gridsize(1)
