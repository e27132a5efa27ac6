"""Softmax and log-softmax of rows."""

from numba import cuda

from nbkeras.kernels import scalars
from nbkeras_cuda._jit import WARP, T, device, kernel
from nbkeras_cuda.block import MAX, SUM, block_reduce, combine


@device
def row_maximum(x, first, c, scratch):
    """max x[first : first + c], by a block; NaN wins."""
    top = x[first]
    j = cuda.threadIdx.x + 0
    while j < c:
        top = combine(top, x[first + j], MAX)
        j += cuda.blockDim.x
    return block_reduce(top, scratch, MAX)


@device
def row_total(x, first, c, top, scratch, real):
    """Σ exp(x[first : first + c] - top), by a block."""
    total = real(0)
    j = cuda.threadIdx.x + 0
    while j < c:
        total += scalars.exp(x[first + j] - top)
        j += cuda.blockDim.x
    return block_reduce(total, scratch, SUM)


@kernel(launch="block", threads=WARP)
def softmax(y: "T n*c", x: "T n*c", n: "i8", c: "i8", log: "i8", lo, hi):
    """y = exp(x - max x) / Σ exp(x - max x) of each row; with log: y = x - max x - log Σ exp(x - max x).

    Items: rows, a warp each.
    """
    scratch = cuda.shared.array(WARP, T)
    row = lo + cuda.blockIdx.x
    while row < hi:
        top = row_maximum(x, row * c, c, scratch)
        total = row_total(x, row * c, c, top, scratch, T)
        shift = scalars.log(total)
        j = cuda.threadIdx.x + 0
        while j < c:
            value = x[row * c + j] - top
            if log != 0:
                y[row * c + j] = value - shift
            else:
                y[row * c + j] = scalars.exp(value) / total
            j += cuda.blockDim.x
        row += cuda.gridDim.x
