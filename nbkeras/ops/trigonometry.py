"""Trigonometry, hyperbolic functions and their inverses, and functions made of them. Integers become floatx."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.ops.common import emit, floating, number, op, promote


def _unary(name, text, primitive, at, result):
    def function(x):
        return emit(primitive, floating(x))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{text}\n\nExample:\n    >>> {name}({at}).round(4)\n    array({result}, dtype=float32)"
    return op(function)


sin = _unary("sin", "The sine of x in radians.", "sin", [0.5, -0.5], "[ 0.4794, -0.4794]")
cos = _unary("cos", "The cosine of x in radians.", "cos", [0.5, -0.5], "[0.8776, 0.8776]")
tan = _unary("tan", "The tangent of x in radians.", "tan", [0.5, -0.5], "[ 0.5463, -0.5463]")
arcsin = _unary(
    "arcsin",
    "The angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1].",
    "asin",
    [0.5, -0.5],
    "[ 0.5236, -0.5236]",
)
arccos = _unary(
    "arccos", "The angle in [0, pi] whose cosine is x; NaN outside [-1, 1].", "acos", [0.5, -0.5], "[1.0472, 2.0944]"
)
arctan = _unary("arctan", "The angle in [-pi/2, pi/2] whose tangent is x.", "atan", [1.0, -1.0], "[ 0.7854, -0.7854]")
sinh = _unary("sinh", "The hyperbolic sine.", "sinh", [1.0, -1.0], "[ 1.1752, -1.1752]")
cosh = _unary("cosh", "The hyperbolic cosine.", "cosh", [1.0, -1.0], "[1.5431, 1.5431]")
tanh = _unary("tanh", "The hyperbolic tangent.", "tanh", [1.0, -1.0], "[ 0.7616, -0.7616]")
arcsinh = _unary("arcsinh", "The inverse of `sinh`.", "asinh", [1.0, -1.0], "[ 0.8814, -0.8814]")
arccosh = _unary("arccosh", "The inverse of `cosh`; NaN below 1.", "acosh", [1.0, 2.0], "[0.   , 1.317]")
arctanh = _unary("arctanh", "The inverse of `tanh`; NaN outside [-1, 1].", "atanh", [0.5, -0.5], "[ 0.5493, -0.5493]")
erf = _unary(
    "erf",
    "The error function 2/sqrt(pi) * integral of exp(-t*t) from 0 to x.",
    "erf",
    [0.5, -0.5],
    "[ 0.5205, -0.5205]",
)
erfc = _unary(
    "erfc", "1 - erf(x), to full relative precision where that is small.", "erfc", [0.5, -0.5], "[0.4795, 1.5205]"
)
erfinv = _unary("erfinv", "The inverse of `erf`; NaN outside [-1, 1].", "erfinv", [0.5, -0.5], "[ 0.4769, -0.4769]")


@op
def arctan2(x1, x2):
    """The angle of the point (x2, x1), in radians.

    Example:
        >>> arctan2([1.0, -1.0], [0.0, -1.0]).round(4)
        array([ 1.5708, -2.3562], dtype=float32)
    """
    return emit("arctan2", *promote(x1, x2, floating=True))


@op
def sinc(x):
    """sin(pi * x) / (pi * x), and 1 at 0.

    Example:
        >>> sinc([0.0, 0.5]).round(4)
        array([1.    , 0.6366], dtype=float32)
    """
    x = floating(x)
    angle = emit("multiply", x, number(x, math.pi))
    zero = emit("equal", angle, number(x, 0))
    safe = emit("where", zero, number(x, 1), angle)
    return emit("where", zero, number(x, 1), emit("divide", emit("sin", safe), safe))


@op
def hypot(x1, x2):
    """sqrt(x1**2 + x2**2), without overflow.

    Example:
        >>> hypot([3.0, 1e30], [4.0, 0.0])
        array([5.e+00, 1.e+30], dtype=float32)
    """
    a, b = (emit("absolute", v) for v in promote(x1, x2, floating=True))
    large, small = emit("maximum", a, b), emit("minimum", a, b)
    # At (0, 0) and where the larger side is infinite, it is the answer itself.
    plain = emit("logical_or", emit("equal", large, number(a, 0)), emit("equal", large, number(a, np.inf)))
    ratio = emit("divide", small, emit("where", plain, number(a, 1), large))
    length = emit("multiply", large, emit("sqrt", emit("add", emit("square", ratio), number(a, 1))))
    return emit("where", plain, large, length)


@op
def deg2rad(x):
    """Degrees as radians.

    Example:
        >>> deg2rad([180.0, 90.0]).round(4)
        array([3.1416, 1.5708], dtype=float32)
    """
    x = floating(x)
    return emit("multiply", x, number(x, math.pi / 180))


@op
def rad2deg(x):
    """Radians as degrees.

    Example:
        >>> rad2deg([0.0, 3.1415927])
        array([  0., 180.], dtype=float32)
    """
    x = floating(x)
    return emit("multiply", x, number(x, 180 / math.pi))
