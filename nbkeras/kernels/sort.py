"""Sorting along the last axis, values and positions at once: sort, argsort and top-k."""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.stack import scratch


@scalar
def comes_before(a, i, b, j, descending):
    """Whether the pair (value a, position i) stands before (b, j): positions decide between equals."""
    ahead = a > b if descending != 0 else a < b
    return ahead or (a == b and i < j)


@kernel
def sort(out: "T o*m", index: "i8 o*m", x: "T o*m", outer: "i8", mid: "i8", descending: "i8", lo, hi):
    """out[o] = x[o] in order, index[o] = where each came from; equals keep their order, NaN come last either way.

    Items: rows. Quicksort in place of (value, position) pairs: positions make all pairs different, so the order is
    stable without the second buffer of a merge sort. out is not x.
    """
    # Two numbers a pending segment; the shorter side is always taken first, so 64 segments are enough for any row.
    pending = scratch(index, 128)
    for row in range(lo, hi):
        base = row * mid
        valid = base
        for j in range(mid):
            value = x[base + j]
            if value == value:
                out[valid] = value
                index[valid] = j
                valid += 1
        last = valid
        if last < base + mid:
            for j in range(mid):
                value = x[base + j]
                if value != value:
                    out[last] = value
                    index[last] = j
                    last += 1
        left = base
        right = valid - 1
        depth = 0
        while left < right or depth > 0:
            if right - left < 16:
                # Short segments are left as they are: one insertion sort over the row puts them right.
                if depth == 0:
                    break
                depth -= 1
                left = pending[2 * depth]
                right = pending[2 * depth + 1]
                continue
            # A pivot from a place that no regular pattern of the data meets: a multiplicative hash of the segment.
            place = left + (((left + right) * 0x9E3779B1) & 0x7FFFFFFF) % (right - left + 1)
            pivot = out[place]
            origin = index[place]
            a = left
            b = right
            while a <= b:
                while comes_before(out[a], index[a], pivot, origin, descending):
                    a += 1
                while comes_before(pivot, origin, out[b], index[b], descending):
                    b -= 1
                if a <= b:
                    value = out[a]
                    out[a] = out[b]
                    out[b] = value
                    j = index[a]
                    index[a] = index[b]
                    index[b] = j
                    a += 1
                    b -= 1
            if b - left < right - a:
                pending[2 * depth] = a
                pending[2 * depth + 1] = right
                right = b
            else:
                pending[2 * depth] = left
                pending[2 * depth + 1] = b
                left = a
            depth += 1
        for j in range(base + 1, valid):
            value = out[j]
            origin = index[j]
            a = j
            while a > base and comes_before(value, origin, out[a - 1], index[a - 1], descending):
                out[a] = out[a - 1]
                index[a] = index[a - 1]
                a -= 1
            out[a] = value
            index[a] = origin
