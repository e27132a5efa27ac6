"""Random numbers that are a function of (seed, counter, element): the CPU's numbers, bit for bit where they are bits.

The layout (32 lanes of 4 words for 128 elements) is that of `nbkeras/kernels/random.py`. A thread makes one Philox
block, so the four elements of its lane: neighbouring threads store side by side.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.
"""

import math

import numpy as np
from numba import cuda

from nbkeras.kernels.scalars import OUTSIDE_TWO, half_normal
from nbkeras_cuda._jit import WARP, T, device, kernel

GROUP = 128
LANES = 32
HALF_WORD = np.uint64(32)


MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW_WORD = np.uint64(0xFFFFFFFF)


@device
def fill_words(words, first, step, state, block, part):
    """words[first + step*w] = word w of the Philox4x32-10 block with a number.

    Words are kept in 64 bits: the products need them, and the upper halves are masked away.
    """
    c0 = np.uint64(block) & LOW_WORD
    c1 = (np.uint64(block) >> HALF_WORD) | (np.uint64(part) << np.uint64(31))
    c2 = np.uint64(state[1]) & LOW_WORD
    c3 = np.uint64(state[1]) >> HALF_WORD
    k0 = np.uint64(state[0]) & LOW_WORD
    k1 = np.uint64(state[0]) >> HALF_WORD
    for _ in range(10):
        even = MULTIPLIER_0 * c0
        odd = MULTIPLIER_1 * c2
        c0 = (odd >> HALF_WORD) ^ c1 ^ k0
        c1 = odd & LOW_WORD
        c2 = (even >> HALF_WORD) ^ c3 ^ k1
        c3 = even & LOW_WORD
        k0 = (k0 + WEYL_0) & LOW_WORD
        k1 = (k1 + WEYL_1) & LOW_WORD
    words[first] = np.uint32(c0)
    words[first + step] = np.uint32(c1)
    words[first + 2 * step] = np.uint32(c2)
    words[first + 3 * step] = np.uint32(c3)


@device
def high_product(a, b):
    """The upper 64 bits of the product of two uint64: scales a random a to [0, b)."""
    a0 = a & LOW_WORD
    a1 = a >> HALF_WORD
    b0 = b & LOW_WORD
    b1 = b >> HALF_WORD
    middle = a1 * b0 + ((a0 * b0) >> HALF_WORD)
    other = a0 * b1 + (middle & LOW_WORD)
    return a1 * b1 + (middle >> HALF_WORD) + (other >> HALF_WORD)


@device
def threshold(probability):
    """The number that a random word is below with a probability (1 is one part in 2**32 short: callers look)."""
    bound = math.floor(probability * 4294967296.0 + 0.5)
    return np.uint32(np.int64(min(bound, 4294967295.0)))


@kernel
def random_uniform(out: "T n", state: "i8 2", low: "f8", high: "f8", lo, hi):
    """out = low + (high-low) u,   u in [0, 1) of 24 (float32) or 53 (float64) random bits; never high itself."""
    words = cuda.local.array(4, np.uint32)
    more = cuda.local.array(4, np.uint32)
    wide = T(1.0) + T(1e-12) != T(1.0)
    start = T(low)
    end = T(high)
    block = lo // GROUP * LANES + cuda.grid(1)
    while block // LANES * GROUP < hi:
        fill_words(words, 0, 1, state, block, 0)
        if wide:
            fill_words(more, 0, 1, state, block, 1)
        for w in range(4):
            i = block // LANES * GROUP + w * LANES + block % LANES
            if lo <= i and i < hi:
                u = T(np.int32(words[w] >> 8)) * T(2.0**-24)
                if wide:
                    u += T(np.int32(((words[w] & 255) << 21) | (more[w] >> 11))) * T(2.0**-53)
                value = start + (end - start) * u
                out[i] = value if value < end else start
        block += cuda.gridsize(1)


@kernel
def random_normal(out: "T n", state: "i8 2", mean: "f8", deviation: "f8", truncated: "i8", lo, hi):
    """out = mean + deviation*z, z standard normal by the inverse distribution function; truncated: |z| <= 2."""
    words = cuda.local.array(4, np.uint32)
    more = cuda.local.array(4, np.uint32)
    wide = T(1.0) + T(1e-12) != T(1.0)
    centre = T(mean)
    scale = T(deviation)
    outside = T(OUTSIDE_TWO) if truncated != 0 else T(0.0)
    inside = T(1.0) - outside
    block = lo // GROUP * LANES + cuda.grid(1)
    while block // LANES * GROUP < hi:
        fill_words(words, 0, 1, state, block, 0)
        if wide:
            fill_words(more, 0, 1, state, block, 1)
        for w in range(4):
            i = block // LANES * GROUP + w * LANES + block % LANES
            if lo <= i and i < hi:
                # The lowest bit is the sign; the others and a half, so never 0, are the probability of a larger |z|.
                p = T(np.int32(words[w] >> 1)) + T(0.5)
                if wide:
                    p += T(np.int32(more[w] >> 1)) * T(2.0**-31) - T(0.5)
                    p += T(2.0**-32)
                z = half_normal(outside + inside * (p * T(2.0**-31)))
                out[i] = centre + scale * (z if words[w] & 1 else -z)
        block += cuda.gridsize(1)


@kernel
def random_bernoulli(out: "T n", state: "i8 2", probability: "f8", value: "f8", lo, hi):
    """out = value with the probability, else 0."""
    words = cuda.local.array(4, np.uint32)
    bound = threshold(probability)
    hit = T(value)
    miss = hit if probability >= 1.0 else T(0.0)
    block = lo // GROUP * LANES + cuda.grid(1)
    while block // LANES * GROUP < hi:
        fill_words(words, 0, 1, state, block, 0)
        for w in range(4):
            i = block // LANES * GROUP + w * LANES + block % LANES
            if lo <= i and i < hi:
                out[i] = hit if words[w] < bound else miss
        block += cuda.gridsize(1)


@kernel
def dropout(y: "T n", x: "T n", state: "i8 2", rate: "f8", lo, hi):
    """y = x/(1-rate) where u >= rate, else 0.   Its gradient is itself, with the same state."""
    words = cuda.local.array(4, np.uint32)
    bound = threshold(rate)
    scale = T(1.0 / (1.0 - rate)) if rate < 1.0 else T(0.0)
    block = lo // GROUP * LANES + cuda.grid(1)
    while block // LANES * GROUP < hi:
        fill_words(words, 0, 1, state, block, 0)
        for w in range(4):
            i = block // LANES * GROUP + w * LANES + block % LANES
            if lo <= i and i < hi:
                y[i] = x[i] * scale if words[w] >= bound else T(0.0)
        block += cuda.gridsize(1)


@kernel
def random_integers(out: "i8 n", state: "i8 2", low: "i8", high: "i8", lo, hi):
    """out = low + floor(u (high-low)), u of 64 random bits: in [low, high), and low where the range is empty."""
    words = cuda.local.array(4, np.uint32)
    more = cuda.local.array(4, np.uint32)
    span = np.uint64(high - low if high > low else 1)
    block = lo // GROUP * LANES + cuda.grid(1)
    while block // LANES * GROUP < hi:
        fill_words(words, 0, 1, state, block, 0)
        fill_words(more, 0, 1, state, block, 1)
        for w in range(4):
            i = block // LANES * GROUP + w * LANES + block % LANES
            if lo <= i and i < hi:
                u = (np.uint64(words[w]) << HALF_WORD) | np.uint64(more[w])
                out[i] = low + np.int64(high_product(u, span))
        block += cuda.gridsize(1)


@kernel(launch="block", threads=WARP)
def random_permutation(out: "i8 n", state: "i8 2", n: "i8", lo, hi):
    """out = a permutation of 0 ... n-1, each with the same probability (Fisher and Yates).   One item.

    A warp makes the random words; its first thread swaps, in the CPU's order.
    """
    words = cuda.shared.array(256, np.uint32)
    thread = cuda.threadIdx.x
    if lo == 0 and cuda.blockIdx.x == 0:
        i = cuda.threadIdx.x + 0
        while i < n:
            out[i] = i
            i += cuda.blockDim.x
        group = (n + GROUP - 1) // GROUP - 1
        while group >= 0:
            lane = cuda.threadIdx.x + 0
            while lane < LANES:
                fill_words(words, lane, LANES, state, group * LANES + lane, 0)
                fill_words(words, GROUP + lane, LANES, state, group * LANES + lane, 1)
                lane += cuda.blockDim.x
            cuda.syncthreads()
            if thread == 0:
                i = min(n, GROUP * group + GROUP) - 1
                while i >= GROUP * group:
                    j = i - GROUP * group
                    u = (np.uint64(words[j]) << HALF_WORD) | np.uint64(words[GROUP + j])
                    other = np.int64(high_product(u, np.uint64(i + 1)))
                    held = out[i]
                    out[i] = out[other]
                    out[other] = held
                    i -= 1
            cuda.syncthreads()
            group -= 1
