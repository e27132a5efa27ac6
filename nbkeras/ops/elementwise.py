"""Elementwise: arithmetic, comparison, logic, mathematics. Shapes broadcast, dtypes are promoted as in Keras."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.ops.common import cast as _cast
from nbkeras.ops.common import (
    dtype_name,
    dtype_of,
    emit,
    floating,
    is_float,
    number,
    on_host,
    op,
    promote,
    result_type,
    standardize_dtype,
    tensor,
)


@op
def add(x1, x2):
    """The sum x1 + x2; shapes broadcast, and the dtype is the one that mixing the two gives. Of booleans: either.

    Example:
        >>> add([1.0, 2.0], 3)
        array([4., 5.], dtype=float32)
    """
    a, b = promote(x1, x2)
    if dtype_name(a.dtype) == "bool":
        return emit("logical_or", a, b)
    return emit("add", a, b)


@op
def subtract(x1, x2):
    """x1 - x2.

    Example:
        >>> subtract([[1.0], [2.0]], [1.0, 2.0])
        array([[ 0., -1.],
               [ 1.,  0.]], dtype=float32)
    """
    return emit("subtract", *promote(x1, x2))


@op
def multiply(x1, x2):
    """x1 * x2; of booleans: both.

    Example:
        >>> multiply([1.0, 2.0], 3)
        array([3., 6.], dtype=float32)
    """
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
    """x1 / x2; the same as `true_divide`.

    Example:
        >>> divide([1.0, 3.0], 2.0)
        array([0.5, 1.5], dtype=float32)
    """
    return true_divide(x1, x2)


@op
def divide_no_nan(x1, x2):
    """x1 / x2, and 0 where x2 is 0.

    Example:
        >>> divide_no_nan([1.0, 3.0], [0.0, 2.0])
        array([0. , 1.5], dtype=float32)
    """
    a, b = promote(x1, x2, floating=True)
    zero = emit("equal", b, number(b, 0))
    safe = emit("where", zero, number(b, 1), b)
    return emit("where", zero, number(b, 0), emit("divide", a, safe))


@op
def floor_divide(x1, x2):
    """The largest whole number not above x1 / x2.

    Example:
        >>> floor_divide([7.0, -7.0], 2.0)
        array([ 3., -4.], dtype=float32)
    """
    return emit("floor_divide", *promote(x1, x2))


@op
def mod(x1, x2):
    """The rest of `floor_divide`, with the sign of x2.

    Example:
        >>> mod([7.0, -7.0], 3.0)
        array([1., 2.], dtype=float32)
    """
    return emit("mod", *promote(x1, x2))


@op
def power(x1, x2):
    """x1 to the power of x2.

    Example:
        >>> power([1.0, 2.0, 3.0], 3).round(4)
        array([ 1.,  8., 27.], dtype=float32)
    """
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
    """The larger of the two; NaN if either is.

    Example:
        >>> maximum([1.0, 5.0], [3.0, 2.0])
        array([3., 5.], dtype=float32)
    """
    return emit("maximum", *promote(x1, x2))


@op
def minimum(x1, x2):
    """The smaller of the two; NaN if either is.

    Example:
        >>> minimum([1.0, 5.0], [3.0, 2.0])
        array([1., 2.], dtype=float32)
    """
    return emit("minimum", *promote(x1, x2))


@op
def negative(x):
    """-x.

    Example:
        >>> negative([1.0, -2.0])
        array([-1.,  2.], dtype=float32)
    """
    return emit("negative", tensor(x))


@op
def absolute(x):
    """|x|.

    Example:
        >>> absolute([1.0, -2.0])
        array([1., 2.], dtype=float32)
    """
    x = tensor(x)
    return x if dtype_name(x.dtype) == "bool" else emit("absolute", x)


@op
def abs(x):
    """|x|; the same as `absolute`.

    Example:
        >>> abs([1.0, -2.0])
        array([1., 2.], dtype=float32)
    """
    return absolute(x)


@op
def sign(x):
    """-1, 0 or 1; NaN stays.

    Example:
        >>> sign([-3.0, 0.0, 2.0])
        array([-1.,  0.,  1.], dtype=float32)
    """
    return emit("sign", tensor(x))


@op
def square(x):
    """x * x.

    Example:
        >>> square([-3.0, 2.0])
        array([9., 4.], dtype=float32)
    """
    x = tensor(x)
    return emit("square", _cast(x, "int32") if dtype_name(x.dtype) == "bool" else x)


def _float_unary(name, text, at, result):
    def function(x):
        return emit(name, floating(x))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{text}\n\nExample:\n    >>> {name}({at}).round(4)\n    array({result}, dtype=float32)"
    return op(function)


sqrt = _float_unary("sqrt", "The square root; NaN below 0.", [4.0, 9.0], "[2., 3.]")
rsqrt = _float_unary("rsqrt", "1 / sqrt(x).", [1.0, 4.0], "[1. , 0.5]")
exp = _float_unary("exp", "e to the power of x.", [0.0, 1.0], "[1.    , 2.7183]")
expm1 = _float_unary("expm1", "exp(x) - 1, exact for small x.", [0.0, 1.0], "[0.    , 1.7183]")
log = _float_unary("log", "The natural logarithm.", [1.0, 2.0], "[0.    , 0.6931]")
log1p = _float_unary("log1p", "log(1 + x), exact for small x.", [0.0, 1.0], "[0.    , 0.6931]")
reciprocal = _float_unary("reciprocal", "1 / x.", [2.0, -4.0], "[ 0.5 , -0.25]")
floor = _float_unary("floor", "The largest whole number not above x.", [1.5, -1.5], "[ 1., -2.]")
ceil = _float_unary("ceil", "The smallest whole number not below x.", [1.5, -1.5], "[ 2., -1.]")


log2 = _float_unary("log2", "The logarithm to base 2.", [1.0, 8.0], "[0., 3.]")
log10 = _float_unary("log10", "The logarithm to base 10.", [1.0, 1000.0], "[0., 3.]")


@op
def exp2(x):
    """2 to the power of x.

    Example:
        >>> exp2([3.0, -1.0]).round(4)
        array([8. , 0.5], dtype=float32)
    """
    x = floating(x)
    return emit("power", number(x, 2), x)


@op
def cbrt(x):
    """The cube root, of negative numbers too.

    Example:
        >>> cbrt([8.0, -27.0]).round(4)
        array([ 2., -3.], dtype=float32)
    """
    x = floating(x)
    return emit("multiply", emit("sign", x), emit("power", emit("absolute", x), number(x, 1 / 3)))


@op
def logaddexp2(x1, x2):
    """log2(2**x1 + 2**x2), without overflow.

    Example:
        >>> logaddexp2([0.0, 500.0], [0.0, 500.0]).round(4)
        array([  1., 501.], dtype=float32)
    """
    a, b = promote(x1, x2, floating=True)
    scale = number(a, np.log(2.0))
    return emit("divide", logaddexp(emit("multiply", a, scale), emit("multiply", b, scale)), scale)


@op
def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)), without overflow.

    Example:
        >>> logaddexp([0.0, 500.0], [0.0, 500.0]).round(4)
        array([  0.6931, 500.6932], dtype=float32)
    """
    a, b = promote(x1, x2, floating=True)
    gap = emit("negative", emit("absolute", emit("subtract", a, b)))
    return emit("add", emit("maximum", a, b), emit("log1p", emit("exp", gap)))


@op
def round(x, decimals=0):
    """Round to a number of decimals, halves to the even neighbour.

    Example:
        >>> round([0.5, 1.5, -2.7])
        array([ 0.,  2., -3.], dtype=float32)
        >>> round([3.14159], decimals=2)
        array([3.14], dtype=float32)
    """
    x = tensor(x)
    if not is_float(x.dtype):
        return x if decimals >= 0 else tensor(round(tensor(x, "float64"), decimals), dtype_name(x.dtype))
    if decimals == 0:
        return emit("round", x)
    if decimals < 0:
        factor = number(x, 10.0**-decimals)
        return emit("multiply", emit("round", emit("divide", x, factor)), factor)
    factor = number(x, 10.0**decimals)
    return emit("divide", emit("round", emit("multiply", x, factor)), factor)


@op
def clip(x, x_min, x_max):
    """x, but not below x_min nor above x_max.

    Example:
        >>> clip([-1.0, 0.5, 9.0], 0.0, 1.0)
        array([0. , 0.5, 1. ], dtype=float32)
    """
    x = tensor(x)
    dtype = result_type(dtype_of(x), dtype_of(x_min), dtype_of(x_max))
    x, low, high = (tensor(v, dtype) for v in (x, x_min, x_max))
    return emit("minimum", emit("maximum", x, low), high)


def _example(name, first, second, result):
    return f"\n\nExample:\n    >>> {name}({first}, {second})\n    array({result})"


def _compare(name, sign, result):
    def function(x1, x2):
        return emit(name, *promote(x1, x2))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"x1 {sign} x2, elementwise." + _example(name, [1.0, 2.0, 3.0], 2.0, result)
    return op(function)


equal = _compare("equal", "==", "[False,  True, False]")
not_equal = _compare("not_equal", "!=", "[ True, False,  True]")
less = _compare("less", "<", "[ True, False, False]")
less_equal = _compare("less_equal", "<=", "[ True,  True, False]")
greater = _compare("greater", ">", "[False, False,  True]")
greater_equal = _compare("greater_equal", ">=", "[False,  True,  True]")


def _logical(name, text, result):
    def function(x1, x2):
        return emit(name, tensor(x1, "bool"), tensor(x2, "bool"))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = text + _example(name, [True, True, False], [True, False, False], result)
    return op(function)


logical_and = _logical("logical_and", "True where both are.", "[ True, False, False]")
logical_or = _logical("logical_or", "True where either is.", "[ True,  True, False]")
logical_xor = _logical("logical_xor", "True where exactly one is.", "[False,  True, False]")


@op
def logical_not(x):
    """True where x is not.

    Example:
        >>> logical_not([True, False])
        array([False,  True])
    """
    return emit("logical_not", tensor(x, "bool"))


@op
def where(condition, x1=None, x2=None):
    """x1 where the condition holds, else x2. All three broadcast. Without x1 and x2: the places where it holds.

    Example:
        >>> where([True, False], [1.0, 2.0], 0.0)
        array([1., 0.], dtype=float32)
    """
    if x1 is None and x2 is None:
        return tuple(np.asarray(part, np.int32) for part in np.nonzero(on_host(condition, "where")))
    if x1 is None or x2 is None:
        raise ArgumentError(
            "where: expected both x1 and x2, or neither, got one.", next="pass both, or the condition alone."
        )
    a, b = promote(x1, x2)
    return emit("where", tensor(condition, "bool"), a, b)


@op
def cast(x, dtype):
    """The same values as another dtype; floats become integers by truncation.

    Example:
        >>> cast([1.7, -1.7], "int32")
        array([ 1, -1], dtype=int32)
    """
    return tensor(x, standardize_dtype(dtype))
