"""Cross-entropies fused with softmax, and their gradients; rows are done by a warp each."""

import numpy as np
from numba import cuda

from nbkeras.kernels import scalars
from nbkeras_cuda._jit import WARP, T, device, kernel
from nbkeras_cuda.block import SUM, block_reduce
from nbkeras_cuda.kernels.softmax import row_maximum, row_total


@device
def clipped_log(p, epsilon, real):
    """log of a probability held between ε and 1 - ε, as Keras does."""
    top = real(1) - epsilon
    if p < epsilon:
        p = epsilon
    if p > top:
        p = top
    return scalars.log(p)


@device
def inside(p, epsilon, real):
    """False where the clip of `clipped_log` cuts: there the gradient is 0. NaN is not cut; without ε nothing is."""
    return epsilon == real(0) or not (p < epsilon or p > real(1) - epsilon)


@kernel(launch="block", threads=WARP)
def softmax_crossentropy(loss: "T n", p: "T n*c", x: "T n*c", target: "i8 n", c: "i8", epsilon: "f8", lo, hi):
    """p = softmax(x);  ε = 0: loss = log Σ exp(x) - x[target];  else loss = -log(clip(p[target], ε, 1-ε)).

    A target outside [0, c) gives NaN. Items: rows.
    """
    scratch = cuda.shared.array(WARP, T)
    small = T(epsilon)
    row = lo + cuda.blockIdx.x
    while row < hi:
        first = row * c
        top = row_maximum(x, first, c, scratch)
        total = row_total(x, first, c, top, scratch, T)
        if cuda.threadIdx.x == 0:
            t = target[row]
            value = T(np.nan)
            if t >= 0 and t < c:
                if small == T(0):
                    value = scalars.log(total) - (x[first + t] - top)
                else:
                    value = -clipped_log(scalars.exp(x[first + t] - top) / total, small, T)
            loss[row] = value
        cuda.syncthreads()  # x is read; p may stand in its place
        j = cuda.threadIdx.x + 0
        while j < c:
            p[first + j] = scalars.exp(x[first + j] - top) / total
            j += cuda.blockDim.x
        row += cuda.gridDim.x


@kernel(launch="block", threads=WARP)
def softmax_crossentropy_gradient(
    dx: "T n*c", p: "T n*c", target: "i8 n", dloss: "T n", c: "i8", epsilon: "f8", lo, hi
):
    """dx = (p - onehot(target)) dloss;  0 where ε > 0 and p[target] is outside [ε, 1-ε].   In place is fine.

    A target outside [0, c) gives NaN. Items: rows.
    """
    small = T(epsilon)
    row = lo + cuda.blockIdx.x
    while row < hi:
        first = row * c
        t = target[row]
        factor = T(np.nan)
        if t >= 0 and t < c:
            factor = dloss[row]
            if not inside(p[first + t], small, T):
                factor = T(0)
        cuda.syncthreads()  # p[target] is read; dx may stand in the place of p
        j = cuda.threadIdx.x + 0
        while j < c:
            dx[first + j] = (p[first + j] - T(1 if j == t else 0)) * factor
            j += cuda.blockDim.x
        row += cuda.gridDim.x


@kernel(launch="block", threads=WARP)
def dense_softmax_crossentropy(loss: "T n", p: "T n*c", x: "T n*c", target: "T n*c", c: "i8", epsilon: "f8", lo, hi):
    """p = softmax(x);  loss = -Σ target log p, without ε from x itself, else of p clipped to [ε, 1-ε].

    Items: rows.
    """
    scratch = cuda.shared.array(WARP, T)
    small = T(epsilon)
    row = lo + cuda.blockIdx.x
    while row < hi:
        first = row * c
        top = row_maximum(x, first, c, scratch)
        total = row_total(x, first, c, top, scratch, T)
        shift = scalars.log(total)
        value = T(0)
        j = cuda.threadIdx.x + 0
        while j < c:
            logit = x[first + j] - top
            probability = scalars.exp(logit) / total
            p[first + j] = probability
            if small == T(0):
                value += target[first + j] * (shift - logit)
            else:
                value -= target[first + j] * clipped_log(probability, small, T)
            j += cuda.blockDim.x
        value = block_reduce(value, scratch, SUM)
        if cuda.threadIdx.x == 0:
            loss[row] = value
        row += cuda.gridDim.x


@kernel(launch="block", threads=WARP)
def dense_softmax_crossentropy_gradient(
    dx: "T n*c", p: "T n*c", target: "T n*c", dloss: "T n", c: "i8", epsilon: "f8", lo, hi
):
    """dx = (p Σ' target - target') dloss, where ' leaves out what the clip cuts.   Items: rows."""
    scratch = cuda.shared.array(WARP, T)
    small = T(epsilon)
    row = lo + cuda.blockIdx.x
    while row < hi:
        first = row * c
        total = T(0)
        j = cuda.threadIdx.x + 0
        while j < c:
            if inside(p[first + j], small, T):
                total += target[first + j]
            j += cuda.blockDim.x
        total = block_reduce(total, scratch, SUM)
        j = cuda.threadIdx.x + 0
        while j < c:
            kept = target[first + j] if inside(p[first + j], small, T) else T(0)
            dx[first + j] = (p[first + j] * total - kept) * dloss[row]
            j += cuda.blockDim.x
        row += cuda.gridDim.x
