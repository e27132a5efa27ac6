"""The modified Bessel function of the first kind and order 0, as Chebyshev series found when first asked for."""

from __future__ import annotations

import functools

import numpy as np

from nbkeras.ops.common import dtype_name, emit, floating, number, op

#: Below, the series is one in x; above, one in 1 / x.
BORDER = 8.0

#: Terms of the two series: all that double precision sees.
DEGREES = (30, 25)


def _scaled(x):
    """exp(-x) I0(x): the mean of exp(x (cos a - 1)) over a circle, which so many steps give to all digits."""
    angles = np.linspace(0.0, np.pi, 4001)
    heights = np.exp(x[:, None] * (np.cos(angles) - 1.0))
    return (heights.sum(1) - 0.5 * (heights[:, 0] + heights[:, -1])) / 4000


@functools.cache
def _coefficients(dtype):
    """Chebyshev coefficients of exp(-x) I0(x) over [0, BORDER], and of that times sqrt(x) beyond; what dtype sees."""
    near = np.polynomial.chebyshev.chebinterpolate(lambda t: _scaled((t + 1) * BORDER / 2), DEGREES[0])

    def beyond(t):
        x = 2 * BORDER / (t + 1)
        return np.sqrt(x) * _scaled(x)

    far = np.polynomial.chebyshev.chebinterpolate(beyond, DEGREES[1])
    smallest = np.finfo(dtype).eps / 16
    return [c[: np.flatnonzero(np.abs(c) > smallest)[-1] + 1] for c in (near, far)]


def _series(t, coefficients):
    """The sum of coefficients times Chebyshev polynomials of t, by Clenshaw's recurrence."""
    twice = emit("multiply", t, number(t, 2))
    last = before = number(t, 0)
    for c in coefficients[:0:-1]:
        turned = emit("add", emit("subtract", emit("multiply", twice, last), before), number(t, c))
        last, before = turned, last
    return emit("add", emit("subtract", emit("multiply", t, last), before), number(t, coefficients[0]))


@op
def i0(x):
    """The modified Bessel function of the first kind and order 0.

    Example:
        >>> i0([0.0, 1.0, -2.0]).round(4)
        array([1.    , 1.2661, 2.2796], dtype=float32)
    """
    x = emit("absolute", floating(x))
    near, far = _coefficients(dtype_name(x.dtype))
    border = number(x, BORDER)
    small, large = emit("minimum", x, border), emit("maximum", x, border)
    low = _series(emit("subtract", emit("multiply", small, number(x, 2 / BORDER)), number(x, 1)), near)
    high = _series(emit("subtract", emit("divide", number(x, 2 * BORDER), large), number(x, 1)), far)
    high = emit("multiply", high, emit("rsqrt", large))
    # In two steps, or exp(x) would overflow before the result does.
    half = emit("exp", emit("multiply", x, number(x, 0.5)))
    y = emit("where", emit("less", x, border), low, high)
    return emit("multiply", emit("multiply", y, half), half)
