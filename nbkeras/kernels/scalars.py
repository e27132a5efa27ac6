"""Per-element mathematics of both devices, as one list: every function is a formula (see formula.py), written once.

This is what kernels of either device import; the files that it lists from stand below it and know nothing of it.

Each works in the type it is given: float32 code has no float64 in it, both keep to about 2 units in the last place
(tests/kernels/test_scalars.py says how many), and inf, NaN, -0 and denormal numbers give what NumPy gives. The
polynomials are minimax fits of ours (Remez by reweighting, 60 digits); the reductions are the classical ones
(Cody and Waite 1980; fdlibm for log, log1p and pow).
"""

# ruff: noqa: F401

from nbkeras.kernels.activations import ACTIVATIONS, RESIDUAL, activate, activation_slope
from nbkeras.kernels.arithmetic import (
    absolute,
    add,
    ceil,
    divide,
    equal,
    floor,
    floor_divide,
    greater,
    greater_equal,
    isfinite,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    mod,
    multiply,
    negative,
    not_equal,
    reciprocal,
    relu,
    round,
    rsqrt,
    sign,
    sqrt,
    square,
    subtract,
    where,
)
from nbkeras.kernels.binary import (
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    gcd,
    left_shift,
    nextafter,
    right_shift,
)
from nbkeras.kernels.exponential import (
    acosh,
    asinh,
    atanh,
    cosh,
    exp,
    expm1,
    log,
    log1p,
    log2,
    log10,
    sigmoid,
    sinh,
    softplus,
    tanh,
)
from nbkeras.kernels.normal import OUTSIDE_TWO, erf, erfc, erfinv, half_normal
from nbkeras.kernels.power import power
from nbkeras.kernels.trigonometry import acos, arctan2, asin, atan, cos, sin, tan
