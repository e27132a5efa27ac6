"""Exponentials, logarithms and what is made of them: the hyperbolic functions, sigmoid, softplus."""

from __future__ import annotations

import numpy as np

from nbkeras.kernels.arithmetic import clamped
from nbkeras.kernels.formula import (
    bits,
    constant,
    floating,
    formula,
    from_integer,
    is_double,
    magnitude,
    nearest,
    polynomial,
    select,
    sign_bit,
    signed,
    sqrt_of,
)

LOG2E = 1.4426950408889634074
LN2 = 0.69314718055994530942
#: ln 2 in two parts, the first with trailing zeros enough that k * LN2_HIGH is exact without fused multiply-add.
LN2_HIGH = {False: 0.693359375, True: 6.93147180369123816490e-01}
LN2_LOW = {False: -2.12194440054690583e-4, True: 1.90821492927058770002e-10}
#: exp(r) = 1 + r + r**2 q(r), |r| <= ln(2)/2
EXP = {
    False: (
        0.50000001114828808036, 0.16666507072838487121, 0.041666155151071979112, 0.008370276182448926676,
        0.0013953724289947888288,
    ),
    True: (
        0.49999999999999999957, 0.16666666666666687593, 0.041666666666666736962, 0.008333333333313897319,
        0.0013888888888853377461, 0.00019841269904078947054, 0.000024801587382484421521, 2.7557227250903966398e-6,
        2.7557226599110640156e-7, 2.5114662291176153603e-8, 2.0928873519503879693e-9,
    ),
}  # fmt: skip
#: exp(2 h) = 1 + 2 h + h**2 q(h), |h| <= ln(2)/4, in float32
EXP_OF_TWICE = tuple(c * 4.0 * 2.0**n for n, c in enumerate(EXP[False]))
#: log(1 + f) = f - f**2/2 + f**3 p(f), sqrt(1/2) <= 1 + f <= sqrt(2)
LOG_FLOAT = (
    0.33333308346102742326, -0.24999985174372573789, 0.20002382097600179818, -0.16669426743633522109,
    0.14215385108982613128, -0.12379267730543036605, 0.11893886297092705725, -0.11829635712947344665,
    0.069142058105051839068,
)  # fmt: skip
#: log(1 + f) = 2 s + s z g(z), s = f/(2 + f), z = s**2
LOG_DOUBLE = (
    0.66666666666666701961, 0.39999999999885274411, 0.28571428632296812824, 0.22222210121849007864,
    0.18182961692459897712, 0.15329346928898849488, 0.14645372927700623211,
)  # fmt: skip


def _mantissa_bits(x):
    return 52 if is_double(x) else 23


def powers(i, x):
    """(a, b) with a * b = 2**i for -2 * 2**(bits - 1) < i: two factors reach the denormal numbers and infinity."""
    twice = 2046 if is_double(x) else 254
    shift = _mantissa_bits(x)
    field = i + twice
    half = field >> 1
    return floating(half << shift), floating((field - half) << shift)


def _reduced(x):
    """(k, i, r): x = k ln 2 + r, |r| <= ln(2)/2; i is k as an integer."""
    k, i = nearest(x * LOG2E)
    r = x - k * LN2_HIGH[is_double(x)]
    return k, i, r - k * LN2_LOW[is_double(x)]


@formula
def exp(x):
    """e**x = 2**k exp(r)"""
    d = is_double(x)
    x = clamped(x, -746.0 if d else -105.0, 710.0 if d else 89.0)
    _, i, r = _reduced(x)
    p = polynomial(r, (1.0, 1.0, *EXP[d]))
    a, b = powers(i, x)
    return p * a * b


@formula
def expm1(x):
    """e**x - 1 = 2 (2**(k-1) p + (2**(k-1) - 1/2)), p = exp(r) - 1"""
    d = is_double(x)
    c = clamped(x, -60.0 if d else -30.0, 710.0 if d else 89.0)
    _, i, r = _reduced(c)
    p = polynomial(r, EXP[d]) * (r * r) + r
    half = floating((i + (1022 if d else 126)) << _mantissa_bits(x))
    result = (half * p + (half - 0.5)) * 2.0
    return select(magnitude(x) < (1e-17 if d else 1e-8), x, result)


def split(x):
    """(e, m): x = 2**e m, sqrt(1/2) <= m < sqrt(2); e as a float; x positive, denormal too."""
    d = is_double(x)
    shift = _mantissa_bits(x)
    root = 0x3FE6A09E667F3BCD if d else 0x3F3504F3
    tiny = x < (2.2250738585072014e-308 if d else 1.1754943508222875e-38)
    i = bits(select(tiny, x * (2.0**54 if d else 2.0**25), x))
    bias = 1023 if d else 127  # keeps the shifted number non-negative
    raised = ((i - root + (bias << shift)) >> shift) - bias
    m = floating(i - (raised << shift))
    return from_integer(raised) - select(tiny, constant(54 if d else 25, x), 0.0), m


def _log_core(f, e, correction):
    """log(1 + f) + e ln 2 + correction, for 1 + f between sqrt(1/2) and sqrt(2)."""
    d = is_double(f)
    square = f * f * 0.5
    low = e * LN2_LOW[d] + correction
    if d:
        s = f / (f + 2.0)
        z = s * s
        low = low + s * (square + polynomial(z, LOG_DOUBLE) * z)
    else:
        low = low + polynomial(f, LOG_FLOAT) * f * (f * f)
    return e * LN2_HIGH[d] + (f - (square - low))


@formula
def log(x):
    """The natural logarithm: e ln 2 + log(m); -inf for 0, NaN below."""
    e, m = split(x)
    result = _log_core(m - 1.0, e, 0.0)
    result = select(x < np.inf, result, x)  # inf and NaN
    result = select(x == 0, -np.inf, result)
    return select(x < 0, np.nan, result)


@formula
def log1p(x):
    """log(1 + x), with what 1 + x rounds away put back; f = x itself while no power of two is split off."""
    u = x + 1.0
    e, m = split(u)
    lost = select(u >= 2.0, 1.0 - (u - x), x - (u - 1.0)) / u
    near = e == 0
    result = _log_core(select(near, x, m - 1.0), e, select(near, 0.0, lost))
    result = select(x < np.inf, result, x)
    result = select(x == -1.0, -np.inf, result)
    result = select(x < -1.0, np.nan, result)
    return select(magnitude(x) < (1e-17 if is_double(x) else 1e-8), x, result)


def _logarithm(x, high, low, scale):
    e, m = split(x)
    result = e * high + (e * low + _log_core(m - 1.0, constant(0, x), 0.0) * scale)
    result = select(x < np.inf, result, x)
    return select(x < 0, np.nan, select(x == 0, -np.inf, result))


@formula
def log2(x):
    """The logarithm to base 2; exact for powers of 2."""
    return _logarithm(x, 1.0, 0.0, LOG2E)


@formula
def log10(x):
    """The logarithm to base 10."""
    return _logarithm(x, 0.301025390625, 4.60503898119521373889e-06, 0.43429448190325182765)


@formula
def tanh(x):
    """t / (t + 2), t = exp(2|x|) - 1, with the sign of x"""
    a = magnitude(x)
    if is_double(x):
        t = expm1.trace(select(a > 40.0, 40.0, a) * 2.0)
    else:
        # Half of what `expm1` does, for what it may leave out here: one part of ln 2 is enough, because where k is
        # large the quotient hardly depends on t, and 2**k is one factor.
        a = select(a > 20.0, 20.0, a)
        k, i = nearest(a * (2.0 * LOG2E))
        h = a - k * (0.5 * LN2)
        p = polynomial(h, EXP_OF_TWICE) * (h * h) + (h + h)
        s = floating((i + 127) << 23)
        t = s * p + (s - 1.0)
    return signed(t / (t + 2.0), sign_bit(x))


@formula
def sigmoid(x):
    """1 / (1 + exp(-x)), as exp(x) / (1 + exp(x)) below 0 so that it never overflows"""
    e = exp.trace(-magnitude(x))
    return select(x < 0, e, 1.0) / (e + 1.0)


@formula
def softplus(x):
    """log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))"""
    return select(x < 0, 0.0, x) + log1p.trace(exp.trace(-magnitude(x)))


def _half_exponential(a):
    """exp(a)/2 where exp(a) itself may overflow."""
    h = exp.trace(a * 0.5)
    return h * 0.5 * h


@formula
def sinh(x):
    """(e**x - e**-x) / 2, as (t + t/(t + 1)) / 2 with t = exp(|x|) - 1"""
    a = magnitude(x)
    t = expm1.trace(clamped(a, 0.0, 40.0))
    return signed(select(a > 30.0, _half_exponential(a), (t + t / (t + 1.0)) * 0.5), sign_bit(x))


@formula
def cosh(x):
    """(e**x + e**-x) / 2"""
    a = magnitude(x)
    e = exp.trace(clamped(a, 0.0, 40.0))
    return select(a > 30.0, _half_exponential(a), (e + 1.0 / e) * 0.5)


@formula
def asinh(x):
    """log(x + sqrt(x**2 + 1)), as log1p(a + a**2 / (1 + sqrt(1 + a**2))), a = |x|"""
    a = magnitude(x)
    near = log1p.trace(a + a * a / (sqrt_of(a * a + 1.0) + 1.0))
    return signed(select(a > (1e9 if is_double(x) else 1e5), log.trace(a) + LN2, near), sign_bit(x))


@formula
def acosh(x):
    """log(x + sqrt(x**2 - 1)), as log1p(t + sqrt(t (t + 2))), t = x - 1; NaN below 1"""
    t = x - 1.0
    near = log1p.trace(t + sqrt_of(t * (t + 2.0)))
    return select(x < 1.0, np.nan, select(x > (1e9 if is_double(x) else 1e5), log.trace(x) + LN2, near))


@formula
def atanh(x):
    """log((1 + x) / (1 - x)) / 2, as log1p(2a / (1 - a)) / 2, a = |x|; NaN outside -1 to 1"""
    a = magnitude(x)
    return signed(log1p.trace(a * 2.0 / (1.0 - a)) * 0.5, sign_bit(x))
