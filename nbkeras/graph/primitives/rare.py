"""Elementwise primitives that few models use: inverse and hyperbolic trigonometry, logarithms of other bases, erfinv,
erfc, and work on the bits of numbers.

Their opcodes live in a kernel of their own (`elementwise_rare`), so that only their users pay for compiling it.
"""

from __future__ import annotations

import math

import numpy as np

from nbkeras.graph.primitives.elementwise import (
    binary,
    divide,
    fill_like,
    multiply,
    negative,
    scale,
    shift,
    subtract,
    unary,
)
from nbkeras.graph.primitives.emit import emit


def _one_minus_square(x):
    return subtract(fill_like(x, 1), emit("square", x))


def _acosh_slope(x, y):
    # (x - 1) * (x + 1) keeps digits near 1 that x * x - 1 loses.
    return emit("rsqrt", multiply(shift(x, -1), shift(x, 1)))


unary("tan", np.tan, lambda x, y: shift(emit("square", y), 1))
unary("asin", np.arcsin, lambda x, y: emit("rsqrt", _one_minus_square(x)))
unary("acos", np.arccos, lambda x, y: negative(emit("rsqrt", _one_minus_square(x))))
unary("atan", np.arctan, lambda x, y: emit("reciprocal", shift(emit("square", x), 1)))
unary("sinh", np.sinh, lambda x, y: emit("cosh", x))
unary("cosh", np.cosh, lambda x, y: emit("sinh", x))
unary("asinh", np.arcsinh, lambda x, y: emit("rsqrt", shift(emit("square", x), 1)))
unary("acosh", np.arccosh, _acosh_slope)
unary("atanh", np.arctanh, lambda x, y: emit("reciprocal", _one_minus_square(x)))
unary("log2", np.log2, lambda x, y: divide(fill_like(x, 1 / math.log(2)), x))
unary("log10", np.log10, lambda x, y: divide(fill_like(x, 1 / math.log(10)), x))


def _erfinv(x: float) -> float:
    if not -1 < x < 1:
        return math.copysign(math.inf, x) if abs(x) == 1 else math.nan
    from statistics import NormalDist  # 6 ms that only the reference costs

    a = abs(x)
    z = -NormalDist().inv_cdf((1 - a) / 2) / math.sqrt(2) if a else 0.0
    for _ in range(2):  # Newton's steps, on what is not lost to rounding: x, or its distance from 1
        error = math.erf(z) - a if a < 0.5 else (1 - a) - math.erfc(z)
        z -= error * math.sqrt(math.pi) / 2 * math.exp(z * z)
    return math.copysign(z, x)


unary(
    "erfinv",
    lambda x: np.vectorize(_erfinv, otypes=[float])(x).astype(x.dtype),
    lambda x, y: scale(emit("exp", emit("square", y)), math.sqrt(math.pi) / 2),
)


def _bell(x, y):
    return scale(emit("exp", negative(emit("square", x))), -2 / math.sqrt(math.pi))


_erfc = np.vectorize(math.erfc, otypes=[float])
unary("erfc", lambda x: _erfc(x).astype(x.dtype), _bell)


def _left_shift(x, y):
    fits = (y >= 0) & (y < 64)
    return np.where(fits, x << np.where(fits, y, 0), 0).astype(x.dtype)


def _right_shift(x, y):
    return x >> np.where((y >= 0) & (y < 64), y, 63).astype(x.dtype)


binary("nextafter", np.nextafter, None)
for _name in ("bitwise_and", "bitwise_or", "bitwise_xor", "gcd"):
    binary(_name, getattr(np, _name), None)
binary("left_shift", _left_shift, None)
binary("right_shift", _right_shift, None)
