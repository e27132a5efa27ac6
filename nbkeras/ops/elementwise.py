"""Elementwise: arithmetic, comparison, logic, mathematics. Shapes broadcast, dtypes are promoted as in Keras."""

from __future__ import annotations

import numpy as np

from nbkeras.ops.common import cast as _cast
from nbkeras.ops.common import (
    dtype_name,
    dtype_of,
    emit,
    floating,
    is_float,
    number,
    op,
    promote,
    result_type,
    standardize_dtype,
    tensor,
)


@op
def add(x1, x2):
    """x1 + x2."""
    a, b = promote(x1, x2)
    if dtype_name(a.dtype) == "bool":
        return emit("logical_or", a, b)
    return emit("add", a, b)


@op
def subtract(x1, x2):
    """x1 - x2."""
    return emit("subtract", *promote(x1, x2))


@op
def multiply(x1, x2):
    """x1 * x2."""
    a, b = promote(x1, x2)
    if dtype_name(a.dtype) == "bool":
        return emit("logical_and", a, b)
    return emit("multiply", a, b)


@op
def true_divide(x1, x2):
    """x1 / x2; integers give floats.

    Example:
        >>> import numpy as np
        >>> true_divide(np.array([1, 3]), 2)
        array([0.5, 1.5], dtype=float32)
    """
    return emit("divide", *promote(x1, x2, floating=True))


@op
def divide(x1, x2):
    """x1 / x2; the same as `true_divide`."""
    return true_divide(x1, x2)


@op
def divide_no_nan(x1, x2):
    """x1 / x2, and 0 where x2 is 0."""
    a, b = promote(x1, x2, floating=True)
    zero = emit("equal", b, number(b, 0))
    safe = emit("where", zero, number(b, 1), b)
    return emit("where", zero, number(b, 0), emit("divide", a, safe))


@op
def floor_divide(x1, x2):
    """The largest whole number not above x1 / x2."""
    return emit("floor_divide", *promote(x1, x2))


@op
def mod(x1, x2):
    """The rest of `floor_divide`, with the sign of x2."""
    return emit("mod", *promote(x1, x2))


@op
def power(x1, x2):
    """x1 to the power of x2."""
    if isinstance(x2, (int, float)) and not isinstance(x2, bool) and x2 in (1, 2, 0.5, -1):
        # The common powers have instructions of their own, with gradients that are exact at 0.
        x = promote(x1, x2)[0]
        if x2 == 1:
            return x
        if x2 == 2:
            return emit("square", x)
        if is_float(x.dtype):
            return emit("sqrt" if x2 == 0.5 else "reciprocal", x)
    return emit("power", *promote(x1, x2))


@op
def maximum(x1, x2):
    """The larger of the two; NaN if either is."""
    return emit("maximum", *promote(x1, x2))


@op
def minimum(x1, x2):
    """The smaller of the two; NaN if either is."""
    return emit("minimum", *promote(x1, x2))


@op
@op
def negative(x):
    """-x."""
    return emit("negative", tensor(x))


@op
def absolute(x):
    """|x|."""
    x = tensor(x)
    return x if dtype_name(x.dtype) == "bool" else emit("absolute", x)


@op
def abs(x):
    """|x|."""
    return absolute(x)


@op
def sign(x):
    """-1, 0 or 1."""
    return emit("sign", tensor(x))


@op
def square(x):
    """x * x."""
    x = tensor(x)
    return emit("square", _cast(x, "int32") if dtype_name(x.dtype) == "bool" else x)


def _float_unary(name, text, primitive=None):
    def function(x):
        return emit(primitive or name, floating(x))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return op(function)


sqrt = _float_unary("sqrt", "The square root; NaN below 0.")
rsqrt = _float_unary("rsqrt", "1 / sqrt(x).")
exp = _float_unary("exp", "e to the power of x.")
expm1 = _float_unary("expm1", "exp(x) - 1, exact for small x.")
log = _float_unary("log", "The natural logarithm.")
log1p = _float_unary("log1p", "log(1 + x), exact for small x.")
reciprocal = _float_unary("reciprocal", "1 / x.")
floor = _float_unary("floor", "The largest whole number not above x.")
ceil = _float_unary("ceil", "The smallest whole number not below x.")


log2 = _float_unary("log2", "The logarithm to base 2.")
log10 = _float_unary("log10", "The logarithm to base 10.")


@op
def exp2(x):
    """2 to the power of x."""
    x = floating(x)
    return emit("power", number(x, 2), x)


@op
def cbrt(x):
    """The cube root, of negative numbers too."""
    x = floating(x)
    return emit("multiply", emit("sign", x), emit("power", emit("absolute", x), number(x, 1 / 3)))


@op
def logaddexp2(x1, x2):
    """log2(2**x1 + 2**x2), without overflow."""
    a, b = promote(x1, x2, floating=True)
    scale = number(a, np.log(2.0))
    return emit("divide", logaddexp(emit("multiply", a, scale), emit("multiply", b, scale)), scale)


@op
def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)), without overflow."""
    a, b = promote(x1, x2, floating=True)
    gap = emit("negative", emit("absolute", emit("subtract", a, b)))
    return emit("add", emit("maximum", a, b), emit("log1p", emit("exp", gap)))


@op
def round(x, decimals=0):
    """Round to a number of decimals, halves to the even neighbour."""
    x = tensor(x)
    if not is_float(x.dtype):
        return x
    if decimals == 0:
        return emit("round", x)
    factor = number(x, 10.0**decimals)
    return emit("divide", emit("round", emit("multiply", x, factor)), factor)


@op
def clip(x, x_min, x_max):
    """x, but not below x_min nor above x_max."""
    x = tensor(x)
    dtype = result_type(dtype_of(x), dtype_of(x_min), dtype_of(x_max))
    x, low, high = (tensor(v, dtype) for v in (x, x_min, x_max))
    return emit("minimum", emit("maximum", x, low), high)


def _compare(name, text):
    def function(x1, x2):
        return emit(name, *promote(x1, x2))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return op(function)


equal = _compare("equal", "x1 == x2, elementwise.")
not_equal = _compare("not_equal", "x1 != x2, elementwise.")
less = _compare("less", "x1 < x2, elementwise.")
less_equal = _compare("less_equal", "x1 <= x2, elementwise.")
greater = _compare("greater", "x1 > x2, elementwise.")
greater_equal = _compare("greater_equal", "x1 >= x2, elementwise.")


def _logical(name, text):
    def function(x1, x2):
        return emit(name, tensor(x1, "bool"), tensor(x2, "bool"))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return op(function)


logical_and = _logical("logical_and", "True where both are.")
logical_or = _logical("logical_or", "True where either is.")
logical_xor = _logical("logical_xor", "True where exactly one is.")


@op
def logical_not(x):
    """True where x is not."""
    return emit("logical_not", tensor(x, "bool"))


@op
@op
@op
@op
def where(condition, x1=None, x2=None):
    """x1 where the condition holds, else x2."""
    a, b = promote(x1, x2)
    return emit("where", tensor(condition, "bool"), a, b)


@op
def cast(x, dtype):
    """The same values as another dtype; floats become integers by truncation."""
    return tensor(x, standardize_dtype(dtype))
