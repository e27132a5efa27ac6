"""Running sums, products, maxima and minima along one axis."""

from nbkeras.kernels._jit import kernel, scalar


@scalar
def combine(op, a, b):
    """a and b by the codes of `reduce`: 0 sum, 1 maximum, 2 minimum, 3 product; NaN wins."""
    if op == 0:
        result = a + b
    elif op == 3:
        result = a * b
    else:
        first = a >= b if op == 1 else a <= b
        result = a if first or a != a else b
    return result


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

    Items: the outer*inner lanes. out may be x.
    """
    start = mid - 1 if reverse != 0 else 0
    step = -1 if reverse != 0 else 1
    lane = lo
    while lane < hi:
        part = lane // inner
        first = lane - part * inner
        width = min(inner - first, hi - lane)
        lane += width
        here = (part * mid + start) * inner + first
        if width == 1 and mid > 0:
            total = x[here]
            out[here] = total
            for _ in range(1, mid):
                here += step * inner
                total = combine(op, total, x[here])
                out[here] = total
        elif mid > 0:
            for i in range(width):
                out[here + i] = x[here + i]
            for _ in range(1, mid):
                before = here
                here += step * inner
                for i in range(width):
                    out[here + i] = combine(op, out[before + i], x[here + i])
