"""Optimizer updates over flat arenas: one launch updates every weight, by Keras 3's formulas.

Settings are float64; what follows from them is worked out by one thread of each block and shared, so that no thread
pays for float64 arithmetic per element.
"""

import math

import numpy as np
from numba import cuda

from nbkeras_cuda._jit import THREADS, T, device, kernel
from nbkeras_cuda.block import SUM, block_reduce, power


@kernel
def sgd(w: "T n", m: "T n", g: "T n", lr: "T 1", momentum: "f8", nesterov: "i8", lo, hi):
    """m = momentum*m - lr*g;  w += m, or with Nesterov w += momentum*m - lr*g.   momentum 0: w -= lr*g, m unused."""
    rate = lr[0]
    keep = T(momentum)
    i = lo + cuda.grid(1)
    while i < hi:
        change = rate * g[i]
        if keep == T(0):
            w[i] -= change
        else:
            velocity = keep * m[i] - change
            m[i] = velocity
            if nesterov != 0:
                velocity = keep * velocity - change
            w[i] += velocity
        i += cuda.gridsize(1)


@device
def adam_rates(rates, lr, step, beta1, beta2, real):
    """rates = α, 1-β1, 1-β2, where the powers are of the β that the dtype can hold, as in Keras."""
    if cuda.threadIdx.x == 0:
        one = real(1)
        power1 = real(power(real(beta1), step + 1))
        power2 = real(power(real(beta2), step + 1))
        rates[0] = lr * real(math.sqrt(one - power2)) / (one - power1)
        rates[1] = real(1.0 - beta1)
        rates[2] = real(1.0 - beta2)
    cuda.syncthreads()


@kernel
def adam(
    w: "T n", m: "T n", v: "T n", g: "T n", lr: "T 1", step: "i8 1", beta1: "f8", beta2: "f8", epsilon: "f8", lo, hi
):
    """m += (g-m)(1-β1);  v += (g²-v)(1-β2);  w -= α m / (√v + ε),   α = lr √(1-β2^t) / (1-β1^t),  t = step+1.

    Source: Kingma and Ba, 2014, in Keras's form.
    """
    rates = cuda.shared.array(3, T)
    adam_rates(rates, lr[0], step[0], beta1, beta2, T)
    small = T(epsilon)
    i = lo + cuda.grid(1)
    while i < hi:
        gradient = g[i]
        first = m[i] + (gradient - m[i]) * rates[1]
        second = v[i] + (gradient * gradient - v[i]) * rates[2]
        m[i] = first
        v[i] = second
        w[i] -= rates[0] * first / (T(math.sqrt(second)) + small)
        i += cuda.gridsize(1)


@kernel
def adam_amsgrad(
    w: "T n",
    m: "T n",
    v: "T n",
    top: "T n",
    g: "T n",
    lr: "T 1",
    step: "i8 1",
    beta1: "f8",
    beta2: "f8",
    epsilon: "f8",
    lo,
    hi,
):
    """As `adam`, with top = max(top, v) in the place of v below the root.   Source: Reddi et al., 2018."""
    rates = cuda.shared.array(3, T)
    adam_rates(rates, lr[0], step[0], beta1, beta2, T)
    small = T(epsilon)
    i = lo + cuda.grid(1)
    while i < hi:
        gradient = g[i]
        first = m[i] + (gradient - m[i]) * rates[1]
        second = v[i] + (gradient * gradient - v[i]) * rates[2]
        highest = top[i]
        if not highest > second:
            highest = second  # a NaN in v shows
        m[i] = first
        v[i] = second
        top[i] = highest
        w[i] -= rates[0] * first / (T(math.sqrt(highest)) + small)
        i += cuda.gridsize(1)


@kernel
def rmsprop(
    w: "T n",
    v: "T n",
    mean: "T n",
    mom: "T n",
    g: "T n",
    lr: "T 1",
    rho: "f8",
    momentum: "f8",
    epsilon: "f8",
    centered: "i8",
    lo,
    hi,
):
    """v = ρv + (1-ρ)g²;  d = lr g / √(v + ε);  momentum > 0: mom = momentum*mom + d, w -= mom;  else w -= d.

    Centered: mean = ρ mean + (1-ρ)g, and √(v - mean² + ε). `mean` and `mom` are only touched when they are in use.
    Source: Hinton, 2012 (lecture 6e); Graves, 2013.
    """
    rates = cuda.shared.array(1, T)
    if cuda.threadIdx.x == 0:
        rates[0] = T(1.0 - rho)
    cuda.syncthreads()
    take = rates[0]
    keep = T(rho)
    carry = T(momentum)
    small = T(epsilon)
    i = lo + cuda.grid(1)
    while i < hi:
        gradient = g[i]
        square = keep * v[i] + take * (gradient * gradient)
        v[i] = square
        if centered != 0:
            average = keep * mean[i] + take * gradient
            mean[i] = average
            square -= average * average
        change = lr[0] * gradient / T(math.sqrt(square + small))
        if carry > T(0):
            change += carry * mom[i]
            mom[i] = change
        w[i] -= change
        i += cuda.gridsize(1)


@kernel(launch="block")
def segment_norms(norms: "T s", g: "T n", offsets: "i8 s+1", lo, hi):
    """norms[s] = √(Σ g²) over segment s, summed in float64: squares of large gradients do not overflow."""
    scratch = cuda.shared.array(THREADS, np.float64)
    s = lo + cuda.blockIdx.x
    while s < hi:
        total = 0.0
        i = offsets[s] + cuda.threadIdx.x
        while i < offsets[s + 1]:
            value = np.float64(g[i])
            total += value * value
            i += cuda.blockDim.x
        total = block_reduce(total, scratch, SUM)
        if cuda.threadIdx.x == 0:
            norms[s] = math.sqrt(total)
        s += cuda.gridDim.x


@kernel(launch="block")
def clip_segments(g: "T n", norms: "T s", offsets: "i8 s+1", limit: "f8", lo, hi):
    """g *= limit / norm in each segment whose norm is above the limit; a NaN norm makes its segment NaN."""
    bound = T(limit)
    s = lo + cuda.blockIdx.x
    while s < hi:
        norm = norms[s]
        if not norm <= bound:
            factor = bound / norm
            i = offsets[s] + cuda.threadIdx.x
            while i < offsets[s + 1]:
                g[i] *= factor
                i += cuda.blockDim.x
        s += cuda.gridDim.x


@kernel
def clip_global(g: "T n", norms: "T s", s: "i8", limit: "f8", lo, hi):
    """g *= limit / norm where norm = √(Σ norms²) is above the limit; NaN if the norm is not finite, as in Keras.

    Zeros stay zeros, unlike in Keras, even then: so do the gaps between the variables of an arena.
    """
    factors = cuda.shared.array(1, T)
    if cuda.threadIdx.x == 0:
        total = 0.0
        for j in range(s):
            total += np.float64(norms[j]) * np.float64(norms[j])
        norm = math.sqrt(total)
        factors[0] = T(1)
        if not norm <= limit:
            factors[0] = T(limit / norm + (norm - norm))
    cuda.syncthreads()
    factor = factors[0]
    if factor != T(1):
        i = lo + cuda.grid(1)
        while i < hi:
            if g[i] != T(0):
                g[i] *= factor
            i += cuda.gridsize(1)


@kernel
def clip_values(g: "T n", limit: "f8", lo, hi):
    """g = min(max(g, -limit), limit), NaN kept."""
    high = T(limit)
    low = -high
    i = lo + cuda.grid(1)
    while i < hi:
        value = g[i]
        if value > high:
            g[i] = high
        elif value < low:
            g[i] = low
        i += cuda.gridsize(1)


@kernel(launch="block")
def decay_segments(w: "T n", lr: "T 1", rate: "f8", offsets: "i8 s+1", mask: "i8 s", lo, hi):
    """w -= w*rate*lr in the segments whose mask is not 0 (decoupled weight decay)."""
    decay = T(rate)
    s = lo + cuda.blockIdx.x
    while s < hi:
        if mask[s] != 0:
            i = offsets[s] + cuda.threadIdx.x
            while i < offsets[s + 1]:
                w[i] -= w[i] * decay * lr[0]
                i += cuda.blockDim.x
        s += cuda.gridDim.x


@kernel
def average_from_first(a: "T n", w: "T n", step: "i8 1", momentum: "f8", lo, hi):
    """a = momentum*a + (1-momentum)*w, or w while step is 0: Keras's average of weights starts at the first update."""
    keep = T(momentum)
    if step[0] == 0:
        keep = T(0)
    take = T(1) - keep
    i = lo + cuda.grid(1)
    while i < hi:
        a[i] = keep * a[i] + take * w[i]
        i += cuda.gridsize(1)


@kernel
def increment(x: "i8 1", amount: "i8", lo, hi):
    """x += amount; one item."""
    if cuda.grid(1) == 0 and lo == 0:
        x[0] += amount
