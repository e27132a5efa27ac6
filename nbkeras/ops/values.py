"""Questions about single values, and repairs: NaN, infinities, signs, rounding towards 0, closeness, ranges."""

from __future__ import annotations

import numpy as np

from nbkeras.ops import reducing
from nbkeras.ops.common import (
    cast,
    dtype_name,
    emit,
    filled,
    floating,
    is_float,
    number,
    op,
    promote,
    standardize_dtype,
    tensor,
)


@op
def isnan(x):
    """True where x is NaN.

    Example:
        >>> isnan([1.0, float("nan")])
        array([False,  True])
    """
    return emit("isnan", floating(x))


@op
def isfinite(x):
    """True where x is neither NaN nor infinite.

    Example:
        >>> isfinite([1.0, float("nan"), float("inf")])
        array([ True, False, False])
    """
    return emit("isfinite", floating(x))


@op
def isinf(x):
    """True where x is infinite.

    Example:
        >>> isinf([1.0, float("nan"), float("-inf")])
        array([False, False,  True])
    """
    x = floating(x)
    return emit("equal", emit("absolute", x), number(x, np.inf))


@op
def isposinf(x):
    """True where x is +infinity.

    Example:
        >>> isposinf([float("inf"), float("-inf")])
        array([ True, False])
    """
    x = floating(x)
    return emit("equal", x, number(x, np.inf))


@op
def isneginf(x):
    """True where x is -infinity.

    Example:
        >>> isneginf([float("inf"), float("-inf")])
        array([False,  True])
    """
    x = floating(x)
    return emit("equal", x, number(x, -np.inf))


@op
def isreal(x):
    """True everywhere: there are no complex tensors.

    Example:
        >>> isreal([1.0, 2.0])
        array([ True,  True])
    """
    return filled(tensor(x).shape, True, "bool")


@op
def signbit(x):
    """True where the sign is negative, -0.0 included.

    Example:
        >>> signbit([1.0, 0.0, -0.0, -1.0])
        array([False, False,  True,  True])
    """
    x = tensor(x)
    if dtype_name(x.dtype) == "bool":
        return filled(x.shape, False, "bool")
    below = emit("less", x, number(x, 0))
    if not is_float(x.dtype):
        return below
    return emit("logical_or", below, emit("equal", emit("reciprocal", x), number(x, -np.inf)))


@op
def isclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """True where |x1 - x2| <= atol + rtol * |x2|; with `equal_nan` two NaN are close too.

    Example:
        >>> isclose([1.0, 1.0], [1.000001, 1.001])
        array([ True, False])
    """
    a, b = promote(x1, x2, floating=True)
    allowed = emit("add", emit("multiply", emit("absolute", b), number(b, rtol)), number(b, atol))
    near = emit("less_equal", emit("absolute", emit("subtract", a, b)), allowed)
    # An infinite x2 would allow any distance.
    near = emit("logical_and", near, emit("isfinite", b))
    near = emit("logical_or", near, emit("equal", a, b))
    return emit("logical_or", near, emit("logical_and", emit("isnan", a), emit("isnan", b))) if equal_nan else near


@op
def allclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """True if `isclose` holds everywhere; rtol, atol and equal_nan are its arguments.

    Example:
        >>> bool(allclose([1.0, 1.0], [1.000001, 1.001]))
        False
    """
    return reducing.all(isclose(x1, x2, rtol, atol, equal_nan))


@op
def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """NaN and the infinities replaced: by `nan`, and `posinf` and `neginf` or the greatest and least float.

    Example:
        >>> nan_to_num([1.0, float("nan"), float("inf")], posinf=9.0)
        array([1., 0., 9.], dtype=float32)
    """
    x = tensor(x)
    if not is_float(x.dtype):
        return x
    limits = np.finfo(dtype_name(x.dtype))
    high = number(x, limits.max if posinf is None else posinf)
    low = number(x, limits.min if neginf is None else neginf)
    y = emit("where", emit("equal", x, number(x, np.inf)), high, x)
    y = emit("where", emit("equal", x, number(x, -np.inf)), low, y)
    return emit("where", emit("isnan", x), number(x, nan), y)


@op
def trunc(x):
    """The whole part: rounded towards 0.

    Example:
        >>> trunc([1.7, -1.7])
        array([ 1., -1.], dtype=float32)
    """
    x = tensor(x)
    if not is_float(x.dtype):
        return x
    return emit("where", emit("less", x, number(x, 0)), emit("ceil", x), emit("floor", x))


@op
def fmod(x1, x2):
    """The rest of a division that rounds towards 0: it has the sign of x1.

    Example:
        >>> fmod([5.0, -5.0], 3.0)
        array([ 2., -2.], dtype=float32)
    """
    a, b = promote(x1, x2)
    if dtype_name(a.dtype) == "bool":
        a, b = cast(a, "int32"), cast(b, "int32")
    rest = emit("mod", emit("absolute", a), emit("absolute", b))
    return emit("where", emit("less", a, number(a, 0)), emit("negative", rest), rest)


@op
def fmax(x1, x2):
    """The larger of the two; a NaN counts for nothing beside a number.

    Example:
        >>> fmax([1.0, float("nan")], [0.5, 2.0])
        array([1., 2.], dtype=float32)
    """
    a, b = promote(x1, x2)
    if not is_float(a.dtype):
        return emit("maximum", a, b)
    larger = emit("where", emit("isnan", b), a, emit("maximum", a, b))
    return emit("where", emit("isnan", a), b, larger)


@op
def fmin(x1, x2):
    """The smaller of the two; a NaN counts for nothing beside a number.

    Example:
        >>> fmin([1.0, float("nan")], [0.5, 2.0])
        array([0.5, 2. ], dtype=float32)
    """
    a, b = promote(x1, x2)
    if not is_float(a.dtype):
        return emit("minimum", a, b)
    smaller = emit("where", emit("isnan", b), a, emit("minimum", a, b))
    return emit("where", emit("isnan", a), b, smaller)


@op
def fabs(x):
    """|x|, a float.

    Example:
        >>> fabs([-1, 2])
        array([1., 2.], dtype=float32)
    """
    return emit("absolute", floating(x))


@op
def heaviside(x1, x2):
    """0 where x1 is negative, x2 where it is 0, 1 where it is positive.

    Example:
        >>> heaviside([-2.0, 0.0, 3.0], 0.5)
        array([0. , 0.5, 1. ], dtype=float32)
    """
    a, b = promote(x1, x2, floating=True)
    step = emit("where", emit("less", a, number(a, 0)), number(a, 0), number(a, 1))
    step = emit("where", emit("equal", a, number(a, 0)), b, step)
    return emit("where", emit("isnan", a), a, step)


@op
def real(x):
    """x: there are no complex tensors.

    Example:
        >>> real([1.0, -2.0])
        array([ 1., -2.], dtype=float32)
    """
    return tensor(x)


@op
def conjugate(x):
    """x: there are no complex tensors.

    Example:
        >>> conjugate([1.0, -2.0])
        array([ 1., -2.], dtype=float32)
    """
    return tensor(x)


@op
def conj(x):
    """x: there are no complex tensors.

    Example:
        >>> conj([1.0, -2.0])
        array([ 1., -2.], dtype=float32)
    """
    return tensor(x)


@op
def saturate_cast(x, dtype):
    """The same values as another dtype; those outside its range become its limits.

    Example:
        >>> saturate_cast([-7.5, 3.9, 300.0], "uint8")
        array([  0,   3, 255], dtype=uint8)
    """
    x, dtype = tensor(x), standardize_dtype(dtype)
    source = dtype_name(x.dtype)
    if dtype == "bool" or is_float(dtype) or source == "bool":
        return cast(x, dtype)
    limits = np.iinfo(dtype)
    if is_float(source):
        # A conversion of floats to integers stops at the target's limits, but only at 64 bits in the register.
        low, high = float(limits.min), float(limits.max)
        return cast(cast(emit("minimum", emit("maximum", x, number(x, low)), number(x, high)), "float64"), dtype)
    own = np.iinfo(source)
    low, high = number(x, max(limits.min, own.min)), number(x, min(limits.max, own.max))
    return cast(emit("minimum", emit("maximum", x, low), high), dtype)
