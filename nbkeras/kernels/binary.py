"""Work on the bits of numbers: bitwise logic, shifts, the next float, the greatest common divisor."""

from __future__ import annotations

from nbkeras.kernels.formula import (
    bits,
    constant,
    floating,
    formula,
    magnitude,
    quotient,
    repeat,
    select,
    sign_bit,
)

#: Steps that Euclid's algorithm takes at most for two numbers below 2**63: neighbours of Fibonacci's sequence.
EUCLID = 91


@formula
def bitwise_and(x, y):
    """The bits that both have."""
    return x & y


@formula
def bitwise_or(x, y):
    """The bits that one has."""
    return x | y


@formula
def bitwise_xor(x, y):
    """The bits that just one has."""
    return x ^ y


@formula
def left_shift(x, y):
    """x 2**y, without the bits that no longer fit; 0 unless 0 <= y < 64."""
    outside = (y < 0) | (y > 63)
    return select(outside, constant(0, x), x << select(outside, constant(0, y), y))


@formula
def right_shift(x, y):
    """floor(x / 2**y) of signed integers; a y outside 0 to 63 counts as 63."""
    y = select((y < 0) | (y > 63), constant(63, y), y)
    # `>>` shifts zeros in: of a negative number its complement is shifted.
    return select(x < 0, ~(~x >> y), x >> y)


@formula
def gcd(x, y):
    """The greatest number that divides both (Euclid); gcd(0, y) = |y|."""

    def step(a, b):
        return select(b == 0, a, b), select(b == 0, b, a - quotient(a, b) * b)

    return repeat(EUCLID, step, (magnitude(x), magnitude(y)))[0]


@formula
def nextafter(x, y):
    """The float next to x on the way to y."""
    i = bits(x)
    # The bits of floats of one sign are ordered as their sizes are.
    away = (x < y) == (x > 0)
    moved = floating(i + select(away, constant(1, i), constant(-1, i)))
    smallest = floating(sign_bit(y) | 1)
    result = select(x == y, y, select(x == 0, smallest, moved))
    return select((x != x) | (y != y), x + y, result)
