"""Trigonometry, hyperbolic functions and their inverses, and functions made of them. Integers become floatx."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.ops.common import emit, floating, number, op, promote


def _unary(name, text, primitive):
    def function(x):
        return emit(primitive, floating(x))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return op(function)


sin = _unary("sin", "The sine of x in radians.", "sin")
cos = _unary("cos", "The cosine of x in radians.", "cos")
tan = _unary("tan", "The tangent of x in radians.", "tan")
arcsin = _unary("arcsin", "The angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1].", "asin")
arccos = _unary("arccos", "The angle in [0, pi] whose cosine is x; NaN outside [-1, 1].", "acos")
arctan = _unary("arctan", "The angle in [-pi/2, pi/2] whose tangent is x.", "atan")
sinh = _unary("sinh", "The hyperbolic sine.", "sinh")
cosh = _unary("cosh", "The hyperbolic cosine.", "cosh")
tanh = _unary("tanh", "The hyperbolic tangent.", "tanh")
arcsinh = _unary("arcsinh", "The inverse of `sinh`.", "asinh")
arccosh = _unary("arccosh", "The inverse of `cosh`; NaN below 1.", "acosh")
arctanh = _unary("arctanh", "The inverse of `tanh`; NaN outside [-1, 1].", "atanh")
erf = _unary("erf", "The error function 2/sqrt(pi) * integral of exp(-t*t) from 0 to x.", "erf")
erfc = _unary("erfc", "1 - erf(x), to full relative precision where that is small.", "erfc")
erfinv = _unary("erfinv", "The inverse of `erf`; NaN outside [-1, 1].", "erfinv")


@op
def arctan2(x1, x2):
    """The angle of the point (x2, x1), in radians."""
    return emit("arctan2", *promote(x1, x2, floating=True))


@op
def sinc(x):
    """sin(pi * x) / (pi * x), and 1 at 0."""
    x = floating(x)
    angle = emit("multiply", x, number(x, math.pi))
    zero = emit("equal", angle, number(x, 0))
    safe = emit("where", zero, number(x, 1), angle)
    return emit("where", zero, number(x, 1), emit("divide", emit("sin", safe), safe))


@op
def hypot(x1, x2):
    """sqrt(x1**2 + x2**2), without overflow."""
    a, b = (emit("absolute", v) for v in promote(x1, x2, floating=True))
    large, small = emit("maximum", a, b), emit("minimum", a, b)
    # At (0, 0) and where the larger side is infinite, it is the answer itself.
    plain = emit("logical_or", emit("equal", large, number(a, 0)), emit("equal", large, number(a, np.inf)))
    ratio = emit("divide", small, emit("where", plain, number(a, 1), large))
    length = emit("multiply", large, emit("sqrt", emit("add", emit("square", ratio), number(a, 1))))
    return emit("where", plain, large, length)


@op
def deg2rad(x):
    """Degrees as radians."""
    x = floating(x)
    return emit("multiply", x, number(x, math.pi / 180))


@op
def rad2deg(x):
    """Radians as degrees."""
    x = floating(x)
    return emit("multiply", x, number(x, 180 / math.pi))
