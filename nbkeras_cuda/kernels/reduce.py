"""Sums, extremes, products along the middle axis of (outer, mid, inner), and the place of an extreme."""

import numpy as np
from numba import cuda

from nbkeras_cuda._jit import SIMULATED, THREADS, WARP, T, device, kernel
from nbkeras_cuda.block import MAX, MIN, PRODUCT, block_reduce, combine

#: Elements of the inner axis from which neighbouring threads do neighbouring outputs, and elements to be reduced up
#: to which one thread does it alone.
NARROW = 2 if SIMULATED else 32


def _alone(block, inner):
    """True if each output has one thread of its own, else a block of threads does one output together."""
    return inner >= NARROW or block <= NARROW


_alone_device = device(_alone)


def schedule(outer: int, mid: int, block: int, inner: int, **_) -> tuple[int, int]:
    """(items, chunk): items are blocks of threads."""
    outputs = outer * (-(-mid // block)) * inner
    items = -(-outputs // THREADS) if _alone(block, inner) else outputs
    return items, items


@device
def partial(x, first, start, stop, step, inner, op, real):
    """The reduction of x[first + j*inner] for j from start in steps; the operation's neutral element if there is none.

    `first` is the place of j = 0. An extreme starts from the range's first element, which counts twice for nothing.
    """
    total = real(1) if op == PRODUCT else real(0)
    if op == MAX or op == MIN:  # noqa: SIM109  (a tuple is slower to compile)
        total = x[first]
    j = start
    while j < stop:
        total = real(combine(total, x[first + j * inner], op))
        j += step
    return total


@kernel(launch="block", schedule=schedule)
def reduce(out: "T o*b*i", x: "T o*m*i", outer: "i8", mid: "i8", block: "i8", inner: "i8", op: "i8", lo, hi):
    """out[o, j, i] = op over x[o, j*block : (j+1)*block, i];   op: 0 sum, 1 max, 2 min, 3 product.

    The order of the sum depends on the shape only. NaN wins max and min, as in NumPy. Items: `schedule`.
    """
    scratch = cuda.shared.array(THREADS, T)
    parts = (mid + block - 1) // block
    outputs = outer * parts * inner
    alone = _alone_device(block, inner)
    item = lo + cuda.blockIdx.x
    while item < hi:
        output = item
        if alone:
            output = item * cuda.blockDim.x + cuda.threadIdx.x
        row = output // inner
        slab = row // parts
        part = row - slab * parts
        count = min(block, mid - part * block)
        first = (slab * mid + part * block) * inner + output - row * inner
        if alone:
            if output < outputs:
                out[output] = partial(x, first, 0, count, 1, inner, op, T)
        else:
            total = partial(x, first, cuda.threadIdx.x, count, cuda.blockDim.x, inner, op, T)
            total = block_reduce(total, scratch, op)
            if cuda.threadIdx.x == 0:
                out[output] = total
        item += cuda.gridDim.x


@device
def beats(value, index, best, place, op):
    """True if (value, index) comes before (best, place): a NaN first, then the extreme, then the lower index."""
    if place < 0:
        return index >= 0
    if index < 0:
        return False
    if value != value or best != best:
        return value != value and (best == best or index < place)
    if value == best:
        return index < place
    return value < best if op == 1 else value > best


@kernel(launch="block", threads=WARP)
def arg_reduce(out: "i8 o*i", x: "T o*m*i", outer: "i8", mid: "i8", inner: "i8", op: "i8", lo, hi):
    """out[o, i] = argmax (op 0) or argmin (op 1) of x[o, :, i]: the first of equals; a NaN wins, as in NumPy."""
    values = cuda.shared.array(WARP, T)
    places = cuda.shared.array(WARP, np.int64)
    thread = cuda.threadIdx.x
    item = lo + cuda.blockIdx.x
    while item < hi:
        slab = item // inner
        first = slab * mid * inner + item - slab * inner
        best = x[first]
        place = -1
        j = cuda.threadIdx.x + 0
        while j < mid:
            value = x[first + j * inner]
            if beats(value, j, best, place, op):
                best = value
                place = j
            j += cuda.blockDim.x
        values[thread] = best
        places[thread] = place
        cuda.syncthreads()
        half = cuda.blockDim.x >> 1
        while half > 0:
            other = thread + half
            if thread < half and beats(values[other], places[other], values[thread], places[thread], op):
                values[thread] = values[other]
                places[thread] = places[other]
            cuda.syncthreads()
            half >>= 1
        if thread == 0:
            out[item] = places[0]
        cuda.syncthreads()
        item += cuda.gridDim.x
