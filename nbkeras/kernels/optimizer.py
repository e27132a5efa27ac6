"""Optimizer updates over flat arenas: one launch updates every weight, by Keras 3's formulas.

Items are elements, except where a segment table (`offsets`, one more entry than segments) tells the variables apart:
there items are segments. The learning rate and the step counter are one-element buffers, so that a schedule changes
them without a new plan. `type(w[0])(...)` casts a float64 setting to the arena's type: float32 work stays float32.
"""

import math

import numpy as np

from nbkeras.kernels._jit import kernel


@kernel
def sgd(w: "T n", m: "T n", g: "T n", lr: "T 1", momentum: "f8", nesterov: "i8", lo, hi):
    """m = momentum*m - lr*g;  w += m, or with Nesterov w += momentum*m - lr*g.   momentum 0: w -= lr*g, m unused."""
    rate = lr[0]
    keep = type(rate)(momentum)
    if momentum == 0.0:
        for i in range(lo, hi):
            w[i] -= rate * g[i]
    elif nesterov != 0:
        for i in range(lo, hi):
            change = rate * g[i]
            velocity = keep * m[i] - change
            m[i] = velocity
            w[i] += keep * velocity - change
    else:
        for i in range(lo, hi):
            velocity = keep * m[i] - rate * g[i]
            m[i] = velocity
            w[i] += velocity


@kernel
def adam(
    w: "T n", m: "T n", v: "T n", g: "T n", lr: "T 1", step: "i8 1", beta1: "f8", beta2: "f8", epsilon: "f8", lo, hi
):
    """m += (g-m)(1-β1);  v += (g²-v)(1-β2);  w -= α m / (√v + ε),   α = lr √(1-β2^t) / (1-β1^t),  t = step+1.

    Source: Kingma and Ba, 2014, in Keras's form. As in Keras, the powers are of the β that the dtype can hold.
    """
    real = type(lr[0])
    t = real(step[0] + 1)
    power1 = real(math.pow(real(beta1), t))
    power2 = real(math.pow(real(beta2), t))
    alpha = lr[0] * math.sqrt(real(1.0) - power2) / (real(1.0) - power1)
    rate1 = real(1.0 - beta1)
    rate2 = real(1.0 - beta2)
    small = real(epsilon)
    for i in range(lo, hi):
        gradient = g[i]
        first = m[i] + (gradient - m[i]) * rate1
        second = v[i] + (gradient * gradient - v[i]) * rate2
        m[i] = first
        v[i] = second
        w[i] -= alpha * first / (math.sqrt(second) + small)


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
    real = type(lr[0])
    t = real(step[0] + 1)
    power1 = real(math.pow(real(beta1), t))
    power2 = real(math.pow(real(beta2), t))
    alpha = lr[0] * math.sqrt(real(1.0) - power2) / (real(1.0) - power1)
    rate1 = real(1.0 - beta1)
    rate2 = real(1.0 - beta2)
    small = real(epsilon)
    # Two loops: LLVM checks at run time that pointers don't overlap, up to 8 pairs; five pointers would be 10.
    for i in range(lo, hi):
        gradient = g[i]
        m[i] += (gradient - m[i]) * rate1
        v[i] += (gradient * gradient - v[i]) * rate2
    for i in range(lo, hi):
        second = v[i]
        highest = top[i]
        highest = highest if highest > second else second  # a NaN in v shows
        top[i] = highest
        w[i] -= alpha * m[i] / (math.sqrt(highest) + small)


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
    rate = lr[0]
    real = type(rate)
    keep = real(rho)
    take = real(1.0 - rho)
    carry = real(momentum)
    small = real(epsilon)
    for i in range(lo, hi):
        v[i] = keep * v[i] + take * (g[i] * g[i])
    if centered != 0:
        for i in range(lo, hi):
            mean[i] = keep * mean[i] + take * g[i]
    if momentum > 0.0:
        if centered != 0:
            for i in range(lo, hi):
                mom[i] = carry * mom[i] + rate * g[i] / math.sqrt(v[i] - mean[i] * mean[i] + small)
        else:
            for i in range(lo, hi):
                mom[i] = carry * mom[i] + rate * g[i] / math.sqrt(v[i] + small)
        for i in range(lo, hi):
            w[i] -= mom[i]
    elif centered != 0:
        for i in range(lo, hi):
            w[i] -= rate * g[i] / math.sqrt(v[i] - mean[i] * mean[i] + small)
    else:
        for i in range(lo, hi):
            w[i] -= rate * g[i] / math.sqrt(v[i] + small)


@kernel(reassoc=True)
def segment_norms(norms: "T s", g: "T n", offsets: "i8 s+1", lo, hi):
    """norms[s] = √(Σ g²) over segment s, summed in float64: squares of large gradients do not overflow."""
    for s in range(lo, hi):
        total = 0.0
        for i in range(offsets[s], offsets[s + 1]):
            value = np.float64(g[i])
            total += value * value
        norms[s] = math.sqrt(total)


@kernel
def clip_segments(g: "T n", norms: "T s", offsets: "i8 s+1", limit: "f8", lo, hi):
    """g *= limit / norm in each segment whose norm is above the limit; a NaN norm makes its segment NaN."""
    for s in range(lo, hi):
        norm = norms[s]
        bound = type(norm)(limit)
        if not (norm <= bound):
            factor = bound / norm
            for i in range(offsets[s], offsets[s + 1]):
                g[i] *= factor


@kernel
def clip_global(g: "T n", norms: "T s", s: "i8", limit: "f8", lo, hi):
    """g *= limit / norm where norm = √(Σ norms²) is above the limit; NaN if the norm is not finite, as in Keras.

    Zeros stay zeros, unlike in Keras, even then: so do the gaps between the variables of an arena.
    """
    total = 0.0
    for j in range(s):
        total += np.float64(norms[j]) * np.float64(norms[j])
    norm = math.sqrt(total)
    if not (norm <= limit):
        factor = type(norms[0])(limit / norm + (norm - norm))
        for i in range(lo, hi):
            value = g[i]
            g[i] = value * factor if value != 0 else value


@kernel
def clip_values(g: "T n", limit: "f8", lo, hi):
    """g = min(max(g, -limit), limit), NaN kept."""
    high = type(g[0])(limit)
    low = -high
    for i in range(lo, hi):
        value = g[i]
        value = high if value > high else value
        g[i] = low if value < low else value


@kernel
def decay_segments(w: "T n", lr: "T 1", rate: "f8", offsets: "i8 s+1", mask: "i8 s", lo, hi):
    """w -= w*rate*lr in the segments whose mask is not 0 (decoupled weight decay)."""
    step = lr[0]
    decay = type(step)(rate)
    for s in range(lo, hi):
        if mask[s] != 0:
            for i in range(offsets[s], offsets[s + 1]):
                w[i] -= w[i] * decay * step


@kernel
def average_from_first(a: "T n", w: "T n", step: "i8 1", momentum: "f8", lo, hi):
    """a = momentum*a + (1-momentum)*w, or w while step is 0: Keras's average of weights starts at the first update."""
    keep = type(a[0])(momentum)
    if step[0] == 0:
        keep = type(a[0])(0.0)
    take = type(a[0])(1.0) - keep
    for i in range(lo, hi):
        a[i] = keep * a[i] + take * w[i]


@kernel
def increment(x: "i8 1", amount: "i8", lo, hi):
    """x += amount; one item."""
    if lo == 0:
        x[0] += amount
