"""The normal distribution: the error function, its complement and inverse, and quantiles for random numbers."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.kernels.arithmetic import clamped
from nbkeras.kernels.exponential import exp, log
from nbkeras.kernels.formula import (
    bits,
    floating,
    formula,
    is_double,
    magnitude,
    polynomial,
    select,
    sign_bit,
    signed,
    sqrt_of,
)

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
#: (1 + 2x) exp(x**2) erfc(x) = p(u), u = (x - 3.75) / (x + 3.75), x >= 0: Shepherd and Laframboise's variable (1981)
ERFC = {
    False: (
        1.237512619, -0.1402406661, 0.00358629077, 0.08227855354, -0.1088144517, 0.09229011533, -0.05864631243,
        0.02841057755, -0.009845152321, 0.001674724758, 0.0003965809952, -0.0002237261437,
    ),
    True: (
        1.2375126308378279, -0.14024059858559937, 0.0035854154849291053, 0.082276738492259555,
        -0.10880393012318147, 0.092304321126913141, -0.058693398843901089, 0.028362277685980927,
        -0.0097465777376884236, 0.0017556246442163134, 0.0002937059916567307, -0.0002901508050058991,
        5.1669290426651826e-05, 2.2378910208563165e-05, -1.1478006265525819e-05, -9.6875409655087939e-07,
        1.7873024328711782e-06, -5.8722446362106510e-08, -2.8064033433851386e-07, 2.2113703302754689e-08,
        4.4855599449608360e-08, -2.5583782467333255e-09, -4.8637459953697091e-09,
    ),
}  # fmt: skip
#: P(|z| > 2), what a normal number truncated at two deviations leaves out.
OUTSIDE_TWO = math.erfc(math.sqrt(2.0))
# Wichura's coefficients: (numerator, denominator), lowest power first.
CENTRAL_7 = (
    (3.3871327179, 50.434271938, 159.29113202, 59.10937472),
    (1.0, 17.895169469, 78.757757664, 67.1875636),
)  # fmt: skip
MIDDLE_7 = (
    (1.4234372777, 2.75681539, 1.3067284816, 0.17023821103),
    (1.0, 0.7370016425, 0.12021132975),
)  # fmt: skip
CENTRAL_16 = (
    (
        3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
        67265.7709270087, 33430.57558358813, 2509.0809287301227,
    ),
    (
        1.0, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
        28729.085735721943, 5226.495278852854,
    ),
)  # fmt: skip
MIDDLE_16 = (
    (
        1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
        0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
    ),
    (
        1.0, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
        0.0005475938084995345, 1.0507500716444169e-09,
    ),
)  # fmt: skip
FAR_16 = (
    (
        6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
        0.0012426609473880784, 2.7115555687434876e-05, 2.0103343992922881e-07,
    ),
    (
        1.0, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
        1.8463183175100548e-05, 1.421511758316446e-07, 2.0442631033899397e-15,
    ),
)  # fmt: skip


@formula
def erf(x):
    """The error function: x p(x**2) to 1, then 1 - exp(-q(|x|))."""
    d = is_double(x)
    a = magnitude(x)
    b = clamped(a, 0.0, 6.0 if d else 4.0)
    far = 1.0 - exp.trace(-polynomial(b, ERF_FAR[d]))
    near = a * polynomial(a * a, ERF_NEAR[d])
    return signed(select(a < 1.0, near, far), sign_bit(x))


@formula
def erfc(x):
    """1 - erf(x), to full relative precision for large x too."""
    d = is_double(x)
    a = clamped(magnitude(x), 0.0, 27.5 if d else 10.5)
    # exp(-a**2) of a = high + low, whose first part has an exact square.
    high = floating(bits(a) & (-0x8000000 if d else -0x1000))
    bell = exp.trace(-(high * high)) * exp.trace((high - a) * (high + a))
    tail = bell * polynomial((a - 3.75) / (a + 3.75), ERFC[d]) / (a + a + 1.0)
    return select(x != x, x, select(x < 0, 2.0 - tail, tail))


@formula
def erfinv(x):
    """The inverse of erf: |Z| exceeds sqrt(2) erfinv(x) with probability 1 - x."""
    a = magnitude(x)
    y = _quantile(0.5 * a, 0.5 * (1.0 - a)) * 0.70710678118654752440
    y = select(a == 1.0, np.inf, y)
    return signed(select(a > 1.0, np.nan, y), sign_bit(x))


@formula
def half_normal(p):
    """z >= 0 with P(|Z| > z) = p for a standard normal Z and p in (0, 1]."""
    return _quantile(0.5 - 0.5 * p, 0.5 * p)


def _quantile(h, q):
    """z >= 0 with P(Z > z) = q = 1/2 - h, each given for what the other lost to rounding.

    Source: Wichura, "Algorithm AS241", 1988: PPND7 (relative error 1e-7) and PPND16 (1e-16). PPND7 stops at q = 5e-12,
    below what 32 random bits reach.
    """
    central = q >= 0.075
    s = 0.180625 - h * h
    r = sqrt_of(0.0 - log.trace(select(central, 0.5, q)))  # NVVM knows no fneg
    if is_double(q):
        far = r > 5.0
        middle_r = r - 1.6
        far_r = r - 5.0
        top = select(far, polynomial(far_r, FAR_16[0]), polynomial(middle_r, MIDDLE_16[0]))
        bottom = select(far, polynomial(far_r, FAR_16[1]), polynomial(middle_r, MIDDLE_16[1]))
        near = CENTRAL_16
    else:
        top = polynomial(r - 1.6, MIDDLE_7[0])
        bottom = polynomial(r - 1.6, MIDDLE_7[1])
        near = CENTRAL_7
    top = select(central, h * polynomial(s, near[0]), top)
    return top / select(central, polynomial(s, near[1]), bottom)
