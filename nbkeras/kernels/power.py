"""x**y: the logarithm to half as many digits again as the type has, then the exponential of y times that."""

from __future__ import annotations

import numpy as np

from nbkeras.kernels.arithmetic import clamped
from nbkeras.kernels.exponential import LOG_DOUBLE, powers, split
from nbkeras.kernels.formula import (
    bits,
    constant,
    floating,
    floor_of,
    formula,
    is_double,
    is_integer,
    magnitude,
    nearest,
    polynomial,
    repeat,
    select,
    sign_bit,
    signed,
)


def _chopped(x):
    """x with the lower half of its mantissa cleared: products of two such numbers are exact."""
    return floating(bits(x) & (-0x8000000 if is_double(x) else -0x1000))


#: 2 / (3 ln 2): a short part, whose products with chopped numbers are exact, and the rest.
SCALE = 0.96179669392597560491
SCALE_HIGH = {False: 0.9619140625, True: 9.61796700954437255859e-01}
SCALE_LOW = {False: SCALE - 0.9619140625, True: -7.02846165095275826516e-09}
#: 2**r = 1 + r p(r), |r| <= 1/2
EXP2 = {
    False: (
        0.69314718053851905264, 0.24022651123710965972, 0.055504109751838812344, 0.0096180293147534639415,
        0.0013333419954893341584, 0.00015469679012498286823, 0.000015317516828261663611,
    ),
    True: (
        0.69314718055994530807, 0.24022650695910071204, 0.055504108664821724977, 0.0096181291076284965817,
        0.0013333558146383827085, 0.00015403530393338072402, 0.00001525273386287529795, 1.3215486835728862638e-6,
        1.0178048324819043227e-7, 7.0548872151511430151e-9, 4.457125283640571801e-10, 2.5743274996882287841e-11,
    ),
}  # fmt: skip


def _log2_parts(x):
    """(h, l): log2(x) = h + l to half as many digits again as x has; h has half the bits of a mantissa."""
    d = is_double(x)
    e, m = split(x)
    f, total = m - 1.0, m + 1.0
    s = f / total
    s_high, t_high = _chopped(s), _chopped(total)
    s_low = (f - s_high * t_high - s_high * (m - (t_high - 1.0))) / total
    # log2(m) = SCALE s (3 + z + r), the sum and both products in two parts
    z = s * s
    series = LOG_DOUBLE if d else LOG_DOUBLE[:5]
    r = z * (1.5 * series[0] - 1.0 + z * polynomial(z, [1.5 * c for c in series[1:]]))
    r = r + s_low * (s_high + s)
    z = s_high * s_high
    t_high = _chopped(z + 3.0 + r)
    t_low = r - ((t_high - 3.0) - z)
    u = s_high * t_high
    v = s_low * t_high + t_low * s
    p_high = _chopped(u + v)
    p_low = v - (p_high - u)
    z_high = p_high * SCALE_HIGH[d]
    z_low = p_high * SCALE_LOW[d] + p_low * SCALE
    high = _chopped(z_high + z_low + e)
    return high, z_low - ((high - e) - z_high)


def _whole_power(x, y):
    def step(result, factor, rest):
        return select((rest & 1) == 1, result * factor, result), factor * factor, rest >> 1

    result, _, _ = repeat(63, step, (constant(1, x), x, y & 0x7FFFFFFFFFFFFFFF))
    below = select((x == 1) | ((x == -1) & ((y & 1) == 0)), constant(1, x), select(x == -1, constant(-1, x), 0))
    return select(y < 0, below, result)


@formula
def power(x, y):
    """x**y = 2**(y log2|x|), the exponent carried in two parts; x < 0 takes whole y only, as C99's pow.

    Of integers by squaring, modulo 2**64, and 0 for negative y (except of 1 and -1).
    """
    if is_integer(x):
        return _whole_power(x, y)
    d = is_double(x)
    a = magnitude(x)
    high, low = _log2_parts(a)
    limit = 2.0**65 if d else 2.0**33
    n = clamped(y, -limit, limit)
    n_high = _chopped(n)
    p_high, p_low = n_high * high, (n - n_high) * high + n * low
    z = p_high + p_low
    ceiling = 1100.0 if d else 160.0
    within = magnitude(z) < ceiling
    k, i = nearest(clamped(select(z == z, z, 0.0), -ceiling, ceiling))
    r = select(within, (p_high - k) + p_low, 0.0)
    first, second = powers(i, x)
    result = (r * polynomial(r, EXP2[d]) + 1.0) * first * second
    edge = (a == 0) | (a == np.inf)
    result = select(edge, select((a == 0) ^ (y > 0), constant(np.inf, x), 0.0), result)
    whole = floor_of(y) == y
    odd = whole & (floor_of(y * 0.5) != y * 0.5)
    result = select(odd, signed(result, sign_bit(x)), result)
    result = select((x < 0) & (a < np.inf) & ~whole, np.nan, result)
    result = select((x != x) | (y != y), np.nan, result)
    return select((y == 0) | (x == 1.0), 1.0, result)
