"""Random numbers of distributions that take a number of attempts that is not known before: gamma and binomial.

Each element has attempts of its own, so the numbers do not depend on how work is cut.
"""

import numpy as np

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.scalars import exp, half_normal, log, sqrt

HALF_WORD = np.uint64(32)
LOW_WORD = np.uint64(0xFFFFFFFF)
MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
#: Attempts at a number of a gamma distribution, of which more than 95 of 100 succeed at once.
ATTEMPTS = 64


@scalar
def four_words(state, element, attempt):
    """Four random words of an element at one of its attempts: Philox4x32-10, as in `random.py`."""
    c0 = np.uint64(element) & LOW_WORD
    c1 = (np.uint64(element) >> HALF_WORD) ^ (np.uint64(attempt) << np.uint64(12))
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
    return np.int64(c0), np.int64(c1), np.int64(c2), np.int64(c3)


@scalar
def gamma_number(real, state, element, attempt, alpha):
    """(number, attempt after it): of the gamma distribution with a shape alpha.   Source: Marsaglia and Tsang, 2000."""
    one = real(1.0)
    third = real(1.0 / 3.0)
    shape = alpha if alpha >= one else alpha + one
    d = shape - third
    c = third / sqrt(d)
    number = d
    accepted = False
    stop = attempt + ATTEMPTS
    while not accepted and attempt < stop:
        a, b, e, _ = four_words(state, element, attempt)
        attempt += 1
        z = half_normal((real(a >> 1) + real(0.5)) * real(2.0**-31))
        z = z if a & 1 == 1 else -z
        v = one + c * z
        v = v * v * v
        if v > real(0.0):
            u = (real(b) + real(0.5)) * real(2.0**-32)
            accepted = log(u) < real(0.5) * z * z + d - d * v + d * log(v)
            number = d * v
            if alpha < one:
                number *= exp(log((real(e) + real(0.5)) * real(2.0**-32)) / alpha)
    return number, attempt


@kernel
def random_gamma(out: "T n", state: "i8 2", alpha: "T n", lo, hi):
    """out = numbers of the gamma distributions with these shapes and scale 1.   Items: elements."""
    real = type(out[0])
    for i in range(lo, hi):
        number, _ = gamma_number(real, state, i, 0, alpha[i])
        out[i] = number if alpha[i] > 0 else real(np.nan)


@kernel
def random_binomial(out: "T n", state: "i8 2", counts: "T n", probabilities: "T n", lo, hi):
    """out = how many of so many trials succeed, each with this probability.   Items: elements.

    Of many trials the middle one in order of their uniform numbers is drawn (of a beta distribution): on one side of it
    all succeed or none does, the other side is left.   Source: Relles, 1972.
    """
    real = type(out[0])
    for i in range(lo, hi):
        one = real(1.0)
        p = probabilities[i]
        left = np.int64(counts[i]) if counts[i] > 0 else 0
        total = 0
        attempt = 0
        while left > 16:
            first = 1 + left // 2
            second = left + 1 - first
            x, attempt = gamma_number(real, state, i, attempt, real(first))
            y, attempt = gamma_number(real, state, i, attempt, real(second))
            middle = x / (x + y)
            if middle >= p:
                left = first - 1
                p = p / middle
            else:
                total += first
                left = second - 1
                p = (p - middle) / (one - middle)
        while left > 0:
            a, _, _, _ = four_words(state, i, attempt)
            attempt += 1
            left -= 1
            if (real(a) + real(0.5)) * real(2.0**-32) < p:
                total += 1
        out[i] = real(total)
