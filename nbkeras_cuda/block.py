"""What the threads of one block do together: reductions in a fixed order, so the bits never change.

All threads of the block must call these, at the same point. `scratch` is shared memory, one element a thread, and may
be used again as soon as the call returns.
"""

from __future__ import annotations

from numba import cuda

from nbkeras_cuda._jit import device

SUM, MAX, MIN, PRODUCT = 0, 1, 2, 3


@device
def combine(a, b, op):
    """a + b, max, min or a * b; a NaN on either side wins max and min, as in NumPy."""
    if op == SUM:
        a = a + b
    elif op == MAX:
        if b > a or b != b:
            a = b if a == a else a
    elif op == MIN:
        if b < a or b != b:
            a = b if a == a else a
    else:
        a = a * b
    return a


@device
def block_reduce(value, scratch, op):
    """Combine one value of each thread; every thread gets the result."""
    thread = cuda.threadIdx.x
    scratch[thread] = value
    cuda.syncthreads()
    half = cuda.blockDim.x >> 1
    while half > 0:
        if thread < half:
            scratch[thread] = combine(scratch[thread], scratch[thread + half], op)
        cuda.syncthreads()
        half >>= 1
    result = scratch[0]
    cuda.syncthreads()
    return result


@device
def power(base, exponent):
    """base**exponent for a whole exponent, in float64 products: a handful of them, where pow would be hundreds."""
    result = 1.0
    square = float(base)
    while exponent > 0:
        if exponent & 1:
            result *= square
        square *= square
        exponent >>= 1
    return result
