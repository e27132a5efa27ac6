"""Sorting along the last axis, values and positions at once: sort, argsort and top-k."""

from numba import cuda

from nbkeras_cuda._jit import device, kernel


@device
def comes_before(a, i, b, j, descending):
    """Whether the pair (value a, position i) stands before (b, j): NaN last, positions decide between equals."""
    if a != a or b != b:
        return (b != b and a == a) or (a != a and b != b and i < j)
    ahead = a > b if descending != 0 else a < b
    return ahead or (a == b and i < j)


@kernel(launch="block")
def sort(out: "T o*m", index: "i8 o*m", x: "T o*m", outer: "i8", mid: "i8", descending: "i8", lo, hi):
    """out[o] = x[o] in order, index[o] = where each came from; equals keep their order, NaN come last either way.

    Items: rows, a block of threads each. By counting: an element's place is the number of elements that stand before
    it. Its work grows with the square of the row, but no element waits for another. out is not x.
    """
    row = lo + cuda.blockIdx.x
    while row < hi:
        base = row * mid
        j = cuda.threadIdx.x + 0
        while j < mid:
            value = x[base + j]
            place = base
            for i in range(mid):
                if comes_before(x[base + i], i, value, j, descending):
                    place += 1
            out[place] = value
            index[place] = j
            j += cuda.blockDim.x
        row += cuda.gridDim.x
