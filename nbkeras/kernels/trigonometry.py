"""Sine, cosine, tangent and their inverses.

sin, cos and tan are within 4 units of the last place for all finite float32 numbers, and for float64 up to 1e15;
beyond that they are some number from -1 to 1.
"""

from __future__ import annotations

import numpy as np

from nbkeras.kernels.formula import (
    bits,
    constant,
    flag,
    floated,
    floating,
    formula,
    is_double,
    magnitude,
    narrowed,
    nearest,
    polynomial,
    select,
    sign_bit,
    signed,
    sqrt_of,
    widened,
)

#: sin(r) = r + r z p(z), cos(r) = 1 - z/2 + z**2 q(z), z = r**2, |r| <= pi/4
SIN = {
    False: (-0.16666666663628556291, 0.0083333317868548676258, -0.00019840039566297933441, 2.7243854904470351803e-6),
    True: (
        -0.16666666666666666665, 0.0083333333333333312602, -0.0001984126984126456842, 2.755731921895647472e-6,
        -2.5052106100780830038e-8, 1.6058510949458500443e-10, -7.5854904126024775268e-13,
    ),
}  # fmt: skip
COS = {
    False: (0.041666666664131305208, -0.0013888887598498515955, 0.000024800560925998282935, -2.7295883383108912544e-7),
    True: (
        0.041666666666666666666, -0.0013888888888888887736, 0.000024801587301584370232, -2.7557319221189960954e-7,
        2.0876755717846984806e-9, -1.1470449391559141895e-11, 4.745200772090443857e-14,
    ),
}  # fmt: skip
#: pi/2 in parts; each product with k < 2**13 is exact for all but the last (float64: with half the digits of any k).
HALF_PI = {
    False: (1.5703125, 4.837512969970703125e-4, 7.54953362047672271729e-8, 2.56334406825708960298e-12),
    True: (
        1.5707963109016418, 1.5893254712295857e-08, 6.123233932053594e-17, 6.368317055225283e-25,
        1.082856673921914e-32,
    ),
}  # fmt: skip
#: 32 zero bits, then the first 224 of 2/pi.
TWO_OVER_PI = 0xA2F9836E_4E441529_FC2757D1_F534DDC0_DB629599_3C439041_FE5163AB
WORDS = 8
#: atan(t) = t + t z p(z), z = t**2, |t| <= tan(pi/8)
ATAN = {
    False: (
        -0.33333331719447702788, 0.19999525897531137993, -0.14263337386503856121, 0.1073620716469034014,
        -0.064249869300328790977,
    ),
    True: (
        -0.33333333333333333198, 0.19999999999999774619, -0.14285714285652107614, 0.11111111104387044291,
        -0.090909087146405785462, 0.076922952373957272555, -0.066664042586883820169, 0.058786901530231952791,
        -0.052286862423716851688, 0.04543500770516950595, -0.034362018705474582851, 0.016054445893391389562,
    ),
}  # fmt: skip


def _words(index, start, like):
    """Words index + start and the next of 2/pi (index 0 to 4) as one integer of the type of `like`."""
    chosen = None
    for place in range(5):
        word = TWO_OVER_PI >> 32 * (WORDS - 2 - start - place) & 0xFFFFFFFFFFFFFFFF
        word = constant(word - (word >> 63 << 64), like)
        chosen = word if chosen is None else select(index >= place, word, chosen)
    return chosen


def _reduced_far(a):
    """(quadrant, r) for a float32 a of at least 8192: a 2/pi modulo 4, in integers.

    a = m 2**e: of 2/pi only bits from e - 2 on matter, the others give multiples of 4; 96 of them are enough, as no
    float32 comes closer to a multiple of pi/2 than 2**-30. Source: Payne and Hanek, 1983.
    """
    place = (bits(a) >> 23) - 120
    m = widened((bits(a) & 0x7FFFFF) | 0x800000)
    index, shift = place >> 5, widened(place & 31)
    first, second, third = [((_words(index, start, m) << shift) >> 32) & 0xFFFFFFFF for start in range(3)]
    # In units of 2**-62; sums and products wrap modulo 4.
    product = ((m * first) << 32) + m * second + ((m * third) >> 32) + (1 << 61)
    i = narrowed((product >> 62) & 3)
    rest = (product & ((1 << 62) - 1)) - (1 << 61)
    size = magnitude(rest)
    low = floated(narrowed(size & 0x3FFF)) * 2.0**-62 + floated(narrowed((size >> 14) & 0xFFFFFF)) * 2.0**-48
    high = floated(narrowed(size >> 38)) * 2.0**-24
    r = high * 1.57079637050628662109375 + (high * -4.37113882867379e-8 + low * 1.5707963267948966)
    return i, select(narrowed(rest >> 32) < 0, -r, r)


def _reduced(x):
    """(quadrant, r): x = quadrant pi/2 + r, |r| <= pi/4."""
    k, i = nearest(x * 0.63661977236758134308)
    if not is_double(x):
        r = x
        for part in HALF_PI[False]:
            r = r - k * part
        a = magnitude(x)
        far_i, far_r = _reduced_far(a)
        near, right = a < 8192.0, x > 0
        i = select(near, i, select(right, far_i, -far_i))
        return i, select(near, r, select(right, far_r, -far_r) + (x - x))  # of inf and NaN: NaN
    # r is a sum of two numbers: what rounding takes from the first is added to the second.
    r, lost = x, x * 0.0
    high = floating(bits(k) & -0x8000000)
    for part in HALF_PI[True]:
        for factor in (high, k - high):
            product = factor * part
            less = r - product
            back = less - r
            lost = lost + ((r - (less - back)) - (product + back))
            r = less
    r = r + lost
    return i, select(magnitude(r) < 1.0, r, r * 0.0)


def _sine_cosine(x):
    """(quadrant, sin(r), cos(r)): x = quadrant pi/2 + r, |r| <= pi/4."""
    d = is_double(x)
    i, r = _reduced(x)
    z = r * r
    return i, r + r * z * polynomial(z, SIN[d]), 1.0 - z * 0.5 + z * z * polynomial(z, COS[d])


@formula
def sin(x):
    """The sine."""
    i, s, c = _sine_cosine(x)
    result = select((i & 1) == 0, s, c)
    result = floating(bits(result) ^ ((i & 2) << (62 if is_double(x) else 30)))
    return select(magnitude(x) < (1e-9 if is_double(x) else 1e-4), x, result)  # keeps -0


@formula
def cos(x):
    """The cosine."""
    i, s, c = _sine_cosine(x)
    result = select((i & 1) == 0, c, s)
    return floating(bits(result) ^ (((i + 1) & 2) << (62 if is_double(x) else 30)))


@formula
def tan(x):
    """The tangent."""
    i, s, c = _sine_cosine(x)
    odd = (i & 1) == 1
    result = select(odd, -c, s) / select(odd, s, c)
    return select(magnitude(x) < (1e-9 if is_double(x) else 1e-4), x, result)


def _arctangent(t):
    """atan(t) for t >= 0: reduced to |t| <= tan(pi/8) by atan(t) = pi/2 - atan(1/t), pi/4 + atan((t-1)/(t+1))."""
    d = is_double(t)
    large, middle = t > 2.414213562373095, t > 0.4142135623730950
    top = select(large, -1.0, select(middle, t - 1.0, t))
    bottom = select(large, t, select(middle, t + 1.0, 1.0))
    u = top / bottom
    z = u * u
    high = select(large, 1.5707963267948966, select(middle, constant(0.78539816339744831, z), 0.0))
    return high, u + u * z * polynomial(z, ATAN[d])


@formula
def arctan2(y, x):
    """The angle of the point (x, y), from -pi to pi."""
    a, b = magnitude(y), magnitude(x)
    both = (a == np.inf) & (b == np.inf)
    t = select(both, 1.0, select((a == 0) & (b == 0), 0.0, a / b))
    t = select(t > 1e30, 1e30, t)
    high, low = _arctangent(t)
    left = flag(sign_bit(x) != 0, x) != 0
    pi = 3.14159265358979323846
    rest = -8.742277657347586e-08 if not is_double(x) else 1.2246467991473532e-16
    high, low = select(left, pi - high, high), select(left, rest - low, low)
    angle = select((x != x) | (y != y), np.nan, high + low)
    return signed(magnitude(angle), sign_bit(y))


@formula
def atan(x):
    """The arctangent."""
    a = magnitude(x)
    high, low = _arctangent(select(a > 1e30, 1e30, a))
    return signed(high + low, sign_bit(x))


@formula
def asin(x):
    """The arcsine: the angle of the point (sqrt(1 - x**2), x); NaN outside -1 to 1."""
    return arctan2.trace(x, sqrt_of((1.0 - x) * (x + 1.0)))


@formula
def acos(x):
    """The arccosine: the angle of the point (x, sqrt(1 - x**2)); NaN outside -1 to 1."""
    return arctan2.trace(sqrt_of((1.0 - x) * (x + 1.0)), x)
