"""Per-element mathematics of both devices: every function is a formula (see formula.py), written once.

Each works in the type it is given: float32 code has no float64 in it, both keep to about 2 units in the last place
(tests/kernels/test_scalars.py says how many), and inf, NaN, -0 and denormal numbers give what NumPy gives. The
polynomials are minimax fits of ours (Remez by reweighting, 60 digits); the reductions are the classical ones
(Cody and Waite 1980; fdlibm for log, log1p and pow). sin and cos lose accuracy beyond |x| of about 1e5 (float64: 1e9).
"""

from __future__ import annotations

import numpy as np

from nbkeras.kernels.formula import (
    bits,
    ceil_of,
    choice,
    constant,
    flag,
    floating,
    floor_of,
    formula,
    from_integer,
    is_double,
    is_integer,
    magnitude,
    nearest,
    polynomial,
    quotient,
    repeat,
    round_of,
    select,
    sign_bit,
    signed,
    sqrt_of,
    trunc_of,
)

LOG2E = 1.4426950408889634074
LN2 = 0.69314718055994530942
#: ln 2 in two parts, the first with trailing zeros enough that k * LN2_HIGH is exact without fused multiply-add.
LN2_HIGH = {False: 0.693359375, True: 6.93147180369123816490e-01}
LN2_LOW = {False: -2.12194440054690583e-4, True: 1.90821492927058770002e-10}
SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772

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
#: pi/2 in parts; each product with k < 2**13 (2**20) is exact for all but the last.
HALF_PI = {
    False: (1.5703125, 4.837512969970703125e-4, 7.54953362047672271729e-8, 2.56334406825708960298e-12),
    True: (1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624871116645580e-21, 8.47842766036889956997e-32),
}
#: erf(x) = x p(x**2), |x| <= 1
ERF_NEAR = {
    False: (
        1.1283791659117712576, -0.3761262712227006892, 0.11283600020835957441, -0.026854438094250715538,
        0.0051895230026446040056, -0.00080207329727201266763, 0.000078887621337616353179,
    ),
    True: (
        1.1283791670955125738, -0.37612638903183748173, 0.11283791670954884271, -0.026866170645077838797,
        0.00522397762482809114, -0.00085483269814067714207, 0.00012055331132296200758, -0.000014925595756886935899,
        1.6461008240773283821e-6, -1.6350393792227056636e-7, 1.4660312891667108519e-8, -1.1374896422004740518e-9,
        5.9605879925070169292e-11,
    ),
}  # fmt: skip
#: erf(x) = 1 - exp(-p(x)), 1 <= x <= 4 (6)
ERF_FAR = {
    False: (
        -0.00018807638177274430379, 1.1295785762979016014, 0.63321962876929296362, 0.10841882174888352928,
        -0.025208385390939279326, 0.0042046000151339353016, -0.00044134220308194852369, 0.000021687198566176380656,
    ),
    True: (
        1.5519932614305305901e-7, 1.1283775674489922599, 0.63662740608198470135, 0.10275030040853823405,
        -0.019084108395087396995, -0.00027192490015414544857, 0.0017595967910733967544, -0.00063311431423059798974,
        0.000039360266310952644003, 0.000073316885412018324866, -0.000046310068245297883561,
        0.000016951375260308213198, -4.445944845887073416e-6, 8.7578727217374999822e-7, -1.2978398834636888252e-7,
        1.4112536043724151393e-8, -1.0658178151203002935e-9, 5.0009876187244419596e-11, -1.0983784437011573332e-12,
    ),
}  # fmt: skip
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


def _mantissa_bits(x):
    return 52 if is_double(x) else 23


def _powers(i, x):
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


def _clamped(x, low, high):
    """x between two bounds; NaN stays NaN."""
    x = select(x < low, low, x)
    return select(x > high, high, x)


@formula
def negative(x):
    """-x"""
    return -x


@formula
def absolute(x):
    """|x|"""
    return magnitude(x)


@formula
def sign(x):
    """-1, 0 or 1; NaN for NaN."""
    result = flag(x > 0, x) - flag(x < 0, x)
    return result if is_integer(x) else select(x != x, x, result)


@formula
def exp(x):
    """e**x = 2**k exp(r)"""
    d = is_double(x)
    x = _clamped(x, -746.0 if d else -105.0, 710.0 if d else 89.0)
    _, i, r = _reduced(x)
    p = polynomial(r, (1.0, 1.0, *EXP[d]))
    a, b = _powers(i, x)
    return p * a * b


@formula
def expm1(x):
    """e**x - 1 = 2 (2**(k-1) p + (2**(k-1) - 1/2)), p = exp(r) - 1"""
    d = is_double(x)
    c = _clamped(x, -60.0 if d else -30.0, 710.0 if d else 89.0)
    _, i, r = _reduced(c)
    p = polynomial(r, EXP[d]) * (r * r) + r
    half = floating((i + (1022 if d else 126)) << _mantissa_bits(x))
    result = (half * p + (half - 0.5)) * 2.0
    return select(magnitude(x) < (1e-17 if d else 1e-8), x, result)


def _split(x):
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
    e, m = _split(x)
    result = _log_core(m - 1.0, e, 0.0)
    result = select(x < np.inf, result, x)  # inf and NaN
    result = select(x == 0, -np.inf, result)
    return select(x < 0, np.nan, result)


@formula
def log1p(x):
    """log(1 + x), with what 1 + x rounds away put back; f = x itself while no power of two is split off."""
    u = x + 1.0
    e, m = _split(u)
    lost = select(u >= 2.0, 1.0 - (u - x), x - (u - 1.0)) / u
    near = e == 0
    result = _log_core(select(near, x, m - 1.0), e, select(near, 0.0, lost))
    result = select(x < np.inf, result, x)
    result = select(x == -1.0, -np.inf, result)
    result = select(x < -1.0, np.nan, result)
    return select(magnitude(x) < (1e-17 if is_double(x) else 1e-8), x, result)


@formula
def sqrt(x):
    """The square root."""
    return sqrt_of(x)


@formula
def rsqrt(x):
    """1 / sqrt(x)"""
    return 1.0 / sqrt_of(x)


@formula
def square(x):
    """x**2"""
    return x * x


@formula
def reciprocal(x):
    """1 / x"""
    return 1.0 / x


def _sine_cosine(x):
    """(quadrant, sin(r), cos(r)): x = quadrant pi/2 + r, |r| <= pi/4."""
    d = is_double(x)
    k, i = nearest(x * 0.63661977236758134308)
    r = x
    for part in HALF_PI[d]:
        r = r - k * part
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
def tanh(x):
    """t / (t + 2), t = exp(2|x|) - 1, with the sign of x"""
    t = expm1.trace(_clamped(magnitude(x) * 2.0, 0.0, 80.0 if is_double(x) else 40.0))
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


@formula
def erf(x):
    """The error function: x p(x**2) to 1, then 1 - exp(-q(|x|))."""
    d = is_double(x)
    a = magnitude(x)
    b = _clamped(a, 0.0, 6.0 if d else 4.0)
    far = 1.0 - exp.trace(-polynomial(b, ERF_FAR[d]))
    near = a * polynomial(a * a, ERF_NEAR[d])
    return signed(select(a < 1.0, near, far), sign_bit(x))


@formula
def floor(x):
    """The greatest whole number not above x."""
    return x if is_integer(x) else floor_of(x)


@formula
def ceil(x):
    """The least whole number not below x."""
    return x if is_integer(x) else ceil_of(x)


@formula
def round(x):
    """The nearest whole number, halves to even."""
    return x if is_integer(x) else round_of(x)


@formula
def relu(x):
    """max(x, 0); NaN stays NaN."""
    return select(x < 0, 0, x)


@formula
def isnan(x):
    """1 for NaN, else 0."""
    return flag(x != x, x)


@formula
def isfinite(x):
    """1 for a finite number, else 0."""
    return flag(x == x, x) if is_integer(x) else flag(magnitude(x) < np.inf, x)


@formula
def logical_not(x):
    """1 for 0, else 0."""
    return flag(x == 0, x)


@formula
def add(x, y):
    """x + y"""
    return x + y


@formula
def subtract(x, y):
    """x - y"""
    return x - y


@formula
def multiply(x, y):
    """x * y"""
    return x * y


@formula
def divide(x, y):
    """x / y; of integers, rounded down and 0 for y = 0."""
    return floor_divide.trace(x, y) if is_integer(x) else x / y


@formula
def maximum(x, y):
    """The greater; NaN if either is NaN."""
    if is_integer(x):
        return select(x > y, x, y)
    return select(x != x, x, select(x > y, x, y))


@formula
def minimum(x, y):
    """The lesser; NaN if either is NaN."""
    if is_integer(x):
        return select(x < y, x, y)
    return select(x != x, x, select(x < y, x, y))


@formula
def equal(x, y):
    """1 where x == y, else 0."""
    return flag(x == y, x)


@formula
def not_equal(x, y):
    """1 where x != y, else 0."""
    return flag(x != y, x)


@formula
def less(x, y):
    """1 where x < y, else 0."""
    return flag(x < y, x)


@formula
def less_equal(x, y):
    """1 where x <= y, else 0."""
    return flag(x <= y, x)


@formula
def greater(x, y):
    """1 where x > y, else 0."""
    return flag(x > y, x)


@formula
def greater_equal(x, y):
    """1 where x >= y, else 0."""
    return flag(x >= y, x)


@formula
def logical_and(x, y):
    """1 where both are not 0, else 0."""
    return flag((x != 0) & (y != 0), x)


@formula
def logical_or(x, y):
    """1 where one is not 0, else 0."""
    return flag((x != 0) | (y != 0), x)


@formula
def logical_xor(x, y):
    """1 where just one is not 0, else 0."""
    return flag((x != 0) ^ (y != 0), x)


def _divided(x, y):
    """(q, r): x = q y + r with q whole, r = 0 or of y's sign: exact while |x / y| is below 2**24 (2**53)."""
    q = trunc_of(x / y)
    r = select(magnitude(y) == np.inf, x, x - q * y)
    # x / y may have been rounded up to a whole number: then r has the sign opposite to x
    over = (r != 0) & ((r < 0) != (x < 0)) & (r == r)
    q = select(over, q - select((x < 0) != (y < 0), constant(-1, x), 1.0), q)
    r = select(over, r + select(x < 0, -magnitude(y), magnitude(y)), r)
    below = (r != 0) & ((r < 0) != (y < 0)) & (r == r)
    return select(below, q - 1.0, q), select(below, r + y, r)


@formula
def floor_divide(x, y):
    """floor(x / y); x / 0 is an infinity or NaN, of integers 0."""
    if is_integer(x):
        q = quotient(x, y)
        return select((y != 0) & (q * y != x) & ((x < 0) ^ (y < 0)), q - 1, q)
    q, _ = _divided(x, y)
    return select((y == 0) | (magnitude(x) == np.inf), select(y == 0, x / y, np.nan), q)


@formula
def mod(x, y):
    """x - floor(x / y) y: has the sign of y, as in Python; NaN for y = 0, of integers 0."""
    if is_integer(x):
        return select(y == 0, 0, x - floor_divide.trace(x, y) * y)
    _, r = _divided(x, y)
    r = signed(magnitude(r), select(r == 0, sign_bit(y), sign_bit(r)))
    return select((y == 0) | (magnitude(x) == np.inf), np.nan, r)


@formula
def where(condition, a, b):
    """a where the condition is not 0, else b."""
    return select(condition != 0, a, b)


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


def _is_whole(y):
    return floor_of(y) == y


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
    e, m = _split(x)
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
    n = _clamped(y, -limit, limit)
    n_high = _chopped(n)
    p_high, p_low = n_high * high, (n - n_high) * high + n * low
    z = p_high + p_low
    ceiling = 1100.0 if d else 160.0
    within = magnitude(z) < ceiling
    k, i = nearest(_clamped(select(z == z, z, 0.0), -ceiling, ceiling))
    r = select(within, (p_high - k) + p_low, 0.0)
    first, second = _powers(i, x)
    result = (r * polynomial(r, EXP2[d]) + 1.0) * first * second
    edge = (a == 0) | (a == np.inf)
    result = select(edge, select((a == 0) ^ (y > 0), constant(np.inf, x), 0.0), result)
    whole = floor_of(y) == y
    odd = whole & (floor_of(y * 0.5) != y * 0.5)
    result = select(odd, signed(result, sign_bit(x)), result)
    result = select((x < 0) & (a < np.inf) & ~whole, np.nan, result)
    result = select((x != x) | (y != y), np.nan, result)
    return select((y == 0) | (x == 1.0), 1.0, result)


@formula
def tan(x):
    """The tangent."""
    i, s, c = _sine_cosine(x)
    odd = (i & 1) == 1
    result = select(odd, -c, s) / select(odd, s, c)
    return select(magnitude(x) < (1e-9 if is_double(x) else 1e-4), x, result)


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


def _half_exponential(a):
    """exp(a)/2 where exp(a) itself may overflow."""
    h = exp.trace(a * 0.5)
    return h * 0.5 * h


@formula
def sinh(x):
    """(e**x - e**-x) / 2, as (t + t/(t + 1)) / 2 with t = exp(|x|) - 1"""
    a = magnitude(x)
    t = expm1.trace(_clamped(a, 0.0, 40.0))
    return signed(select(a > 30.0, _half_exponential(a), (t + t / (t + 1.0)) * 0.5), sign_bit(x))


@formula
def cosh(x):
    """(e**x + e**-x) / 2"""
    a = magnitude(x)
    e = exp.trace(_clamped(a, 0.0, 40.0))
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


def _logarithm(x, high, low, scale):
    e, m = _split(x)
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
def erfinv(x):
    """The inverse of erf: Winitzki's estimate (2008), then two steps of Halley's method, on erfc beyond 1."""
    d = is_double(x)
    a = magnitude(x)
    rest = 1.0 - a
    q = -log.trace(rest * (a + 1.0))
    t = 4.3307467508 - q * 0.5
    y = sqrt_of(q * 6.8027210884 / (sqrt_of(t * t + q * 6.8027210884) + t))
    for _ in range(2):
        y = _clamped(y, 0.0, 6.0 if d else 4.0)
        far = rest - exp.trace(-polynomial(y, ERF_FAR[d]))
        near = y * polynomial(y * y, ERF_NEAR[d]) - a
        u = select(y < 1.0, near, far) * exp.trace(y * y) * 0.88622692545275801365
        y = y - u / (y * u + 1.0)
    y = select(a == 1.0, np.inf, y)
    return signed(select(a > 1.0, np.nan, y), sign_bit(x))


def _elu(x):
    return select(x > 0, x, expm1.trace(x))


def _leaky_relu(x):
    return select(x < 0, x * 0.2, x)


#: Activation -> code. Just those whose derivative is a function of the output y, so that nothing else is saved.
ACTIVATIONS = {
    "linear": 0,
    "relu": 1,
    "sigmoid": 2,
    "tanh": 3,
    "relu6": 4,
    "elu": 5,
    "selu": 6,
    "softplus": 7,
    "softsign": 8,
    "exponential": 9,
    "hard_sigmoid": 10,
    "leaky_relu": 11,
}

_ACTIVATE = {
    "linear": lambda x: x,
    "relu": relu.trace,
    "sigmoid": sigmoid.trace,
    "tanh": tanh.trace,
    "relu6": lambda x: _clamped(x, 0.0, 6.0),
    "elu": _elu,
    "selu": lambda x: select(x > 0, x, expm1.trace(x) * SELU_ALPHA) * SELU_SCALE,
    "softplus": softplus.trace,
    "softsign": lambda x: x / (magnitude(x) + 1.0),
    "exponential": exp.trace,
    "hard_sigmoid": lambda x: _clamped(x * (1.0 / 6.0) + 0.5, 0.0, 1.0),
    "leaky_relu": _leaky_relu,
}

_SLOPE = {
    "linear": lambda y: constant(1, y),
    "relu": lambda y: flag(y > 0, y),
    "sigmoid": lambda y: y * (1.0 - y),
    "tanh": lambda y: 1.0 - y * y,
    "relu6": lambda y: flag((y > 0) & (y < 6.0), y),
    "elu": lambda y: select(y > 0, 1.0, y + 1.0),
    "selu": lambda y: select(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    "softplus": lambda y: -expm1.trace(-y),
    "softsign": lambda y: (1.0 - magnitude(y)) * (1.0 - magnitude(y)),
    "exponential": lambda y: y,
    "hard_sigmoid": lambda y: select((y > 0) & (y < 1.0), constant(1.0 / 6.0, y), 0.0),
    "leaky_relu": lambda y: select(y < 0, constant(0.2, y), 1.0),
}

#: activate(code, x): the activation with a code, chosen at run time.
activate = choice("activate", {code: _ACTIVATE[name] for name, code in ACTIVATIONS.items()})
#: activation_slope(code, y): dy/dx as a function of y = activate(code, x).
activation_slope = choice("activation_slope", {code: _SLOPE[name] for name, code in ACTIVATIONS.items()})
