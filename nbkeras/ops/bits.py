"""Whole numbers by their bits: bitwise logic, shifts, the greatest common divisor; floats as their neighbours."""

from __future__ import annotations

from nbkeras.errors import ArgumentTypeError
from nbkeras.graph.dtypes import ITEMSIZE
from nbkeras.ops.common import dtype_name, emit, floating, is_float, number, op, promote, standardize_dtype, tensor


def _whole(name, *xs):
    xs = promote(*xs)
    if is_float(xs[0].dtype):
        raise ArgumentTypeError(f"{name}: expected whole numbers or booleans, got {dtype_name(xs[0].dtype)}.")
    return xs


def _logic(name, logical, x, y):
    a, b = _whole(name, x, y)
    return emit(logical if dtype_name(a.dtype) == "bool" else name, a, b)


@op
def bitwise_and(x, y):
    """The bits that both have; of booleans their `logical_and`.

    Example:
        >>> import numpy as np
        >>> bitwise_and(np.array([6, 7]), 3)
        array([2, 3])
    """
    return _logic("bitwise_and", "logical_and", x, y)


@op
def bitwise_or(x, y):
    """The bits that one of the two has; of booleans their `logical_or`.

    Example:
        >>> bitwise_or([1, 4], 2)
        array([3, 6], dtype=int32)
    """
    return _logic("bitwise_or", "logical_or", x, y)


@op
def bitwise_xor(x, y):
    """The bits that just one of the two has; of booleans their `logical_xor`.

    Example:
        >>> bitwise_xor([3, 4], 2)
        array([1, 6], dtype=int32)
    """
    return _logic("bitwise_xor", "logical_xor", x, y)


@op
def bitwise_not(x):
    """Every bit turned; of booleans their `logical_not`.

    Example:
        >>> bitwise_not([0, 5])
        array([-1, -6], dtype=int32)
    """
    (x,) = _whole("bitwise_not", x)
    if dtype_name(x.dtype) == "bool":
        return emit("logical_not", x)
    return emit("bitwise_xor", x, number(x, -1 if dtype_name(x.dtype)[0] == "i" else 2 ** (8 * _bytes(x)) - 1))


def _bytes(x) -> int:
    return ITEMSIZE[dtype_name(x.dtype)]


@op
def bitwise_invert(x):
    """The same as `bitwise_not`.

    Example:
        >>> bitwise_invert([0, 5])
        array([-1, -6], dtype=int32)
    """
    return bitwise_not(x)


def _shifted(name, x, y):
    a, b = _whole(name, x, y)
    if dtype_name(a.dtype) == "bool":
        raise ArgumentTypeError(f"{name}: expected whole numbers, got bool.")
    return emit(name, a, b)


@op
def bitwise_left_shift(x, y):
    """x 2**y, without the bits that no longer fit the dtype.

    Example:
        >>> bitwise_left_shift([1, 3], 2)
        array([ 4, 12], dtype=int32)
    """
    return _shifted("left_shift", x, y)


@op
def bitwise_right_shift(x, y):
    """x / 2**y, rounded down.

    Example:
        >>> bitwise_right_shift([9, -9], 2)
        array([ 2, -3], dtype=int32)
    """
    return _shifted("right_shift", x, y)


@op
def left_shift(x, y):
    """The same as `bitwise_left_shift`.

    Example:
        >>> left_shift([1, 3], 2)
        array([ 4, 12], dtype=int32)
    """
    return bitwise_left_shift(x, y)


@op
def right_shift(x, y):
    """The same as `bitwise_right_shift`.

    Example:
        >>> right_shift([9, -9], 2)
        array([ 2, -3], dtype=int32)
    """
    return bitwise_right_shift(x, y)


@op
def gcd(x1, x2):
    """The greatest whole number that divides both; of 0 and a number, the number's size.

    Example:
        >>> import numpy as np
        >>> gcd(np.array([12, -8, 0]), 6)
        array([6, 2, 6])
    """
    return emit("gcd", *_whole("gcd", x1, x2))


@op
def lcm(x1, x2):
    """The least whole number that both divide; 0 where one is 0.

    Example:
        >>> lcm([4, 6], 10)
        array([20, 30], dtype=int32)
    """
    a, b = _whole("lcm", x1, x2)
    divisor = emit("maximum", emit("gcd", a, b), number(a, 1))
    return emit("absolute", emit("multiply", emit("floor_divide", a, divisor), b))


@op
def nextafter(x1, x2):
    """The float next to x1 on the way to x2.

    Example:
        >>> import numpy as np
        >>> x = np.array([1.0], "float32")
        >>> nextafter(x, 2.0) - x
        array([1.1920929e-07], dtype=float32)
    """
    return emit("nextafter", *promote(x1, x2, floating=True))


@op
def ldexp(x1, x2):
    """x1 2**x2, for whole x2.

    Example:
        >>> ldexp([1.5, 3.0], [2, -1])
        array([6. , 1.5], dtype=float32)
    """
    exponent = tensor(x2)
    if is_float(exponent.dtype):
        raise ArgumentTypeError(f"ldexp: expected whole numbers as exponents, got {dtype_name(exponent.dtype)}.")
    (x,) = promote(x1, floating=True)
    exponent = tensor(exponent, x.dtype)
    return emit("multiply", x, emit("power", number(x, 2), exponent))


@op
def view(x, dtype=None):
    """The same bytes read as another dtype; the last axis grows or shrinks where the sizes of the two differ.

    Example:
        >>> import numpy as np
        >>> view(np.array([1.0], "float32"), "int32")
        array([1065353216], dtype=int32)
    """
    x = tensor(x)
    dtype = dtype_name(x.dtype) if dtype is None else standardize_dtype(dtype)
    return x if dtype == dtype_name(x.dtype) else emit("view", x, dtype=dtype)


@op
def angle(x):
    """The angle of x in the complex plane: 0 for positive numbers, pi for negative ones.

    Example:
        >>> angle([2.0, -2.0]).round(4)
        array([0.    , 3.1416], dtype=float32)
    """
    x = floating(x)
    return emit("arctan2", number(x, 0), x)


@op
def imag(x):
    """0 everywhere: there are no complex tensors.

    Example:
        >>> imag([1.0, -2.0])
        array([0., 0.], dtype=float32)
    """
    x = tensor(x)
    return emit("broadcast_to", number(x, 0), shape=tuple(x.shape))
