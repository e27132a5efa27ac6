"""Arithmetic, comparisons, logic, rounding: the formulas that need no series."""

from __future__ import annotations

import numpy as np

from nbkeras.kernels.formula import (
    ceil_of,
    constant,
    flag,
    floor_of,
    formula,
    is_integer,
    magnitude,
    quotient,
    round_of,
    select,
    sign_bit,
    signed,
    sqrt_of,
    trunc_of,
)


def clamped(x, low, high):
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
def square(x):
    """x**2"""
    return x * x


@formula
def reciprocal(x):
    """1 / x"""
    return 1.0 / x


@formula
def sqrt(x):
    """The square root."""
    return sqrt_of(x)


@formula
def rsqrt(x):
    """1 / sqrt(x)"""
    return 1.0 / sqrt_of(x)


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
