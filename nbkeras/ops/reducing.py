"""Reductions: sum, mean, variance, largest, smallest, where they are, any, all, norms."""

from __future__ import annotations

import builtins
import math

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.primitives.reduction import normalize_axes
from nbkeras.ops import elementwise as el
from nbkeras.ops import shaping
from nbkeras.ops.common import axis_of, cast, dtype_name, emit, filled, floating, op, standardize_dtype, tensor


def _reduce(x, operation, axis, keepdims):
    axes = normalize_axes(axis, len(x.shape))
    y = emit("reduce", x, axes=axes, op=operation) if axes else x
    if keepdims:
        y = emit("reshape", y, shape=tuple(1 if i in axes else n for i, n in enumerate(x.shape)))
    return y


def _count(x, axis) -> int:
    return math.prod(x.shape[a] for a in normalize_axes(axis, len(x.shape)))


#: Small whole numbers are added up in 32 bits, as in NumPy and JAX.
_WIDER = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}


def _wide(x):
    kind = dtype_name(x.dtype)
    return cast(x, _WIDER.get(kind, kind))


@op
def sum(x, axis=None, keepdims=False):
    """The sum along axes; booleans are counted."""
    return _reduce(_wide(tensor(x)), "sum", axis, keepdims)


@op
def prod(x, axis=None, keepdims=False, dtype=None):
    """The product along axes."""
    x = tensor(x) if dtype is None else tensor(x, standardize_dtype(dtype))
    return _reduce(x if dtype is not None else _wide(x), "prod", axis, keepdims)


@op
def mean(x, axis=None, keepdims=False):
    """The mean along axes, a float.

    Example:
        >>> import numpy as np
        >>> float(mean(np.array([1, 2, 6])))
        3.0
    """
    x = floating(x)
    total = _reduce(x, "sum", axis, keepdims)
    count = _count(x, axis)
    return emit("divide", total, np.asarray(count, dtype_name(x.dtype)))


@op
def var(x, axis=None, keepdims=False):
    """The variance along axes: the mean square distance from the mean."""
    x = floating(x)
    return mean(emit("square", emit("subtract", x, mean(x, axis, True))), axis, keepdims)


@op
def std(x, axis=None, keepdims=False):
    """The square root of the variance."""
    return emit("sqrt", var(x, axis, keepdims))


def _extreme(x, operation, axis, keepdims, initial):
    x = tensor(x)
    if initial is None:
        return _reduce(x, operation, axis, keepdims)
    choose = el.maximum if operation == "max" else el.minimum
    axes = normalize_axes(axis, len(x.shape))
    if math.prod(x.shape[a] for a in axes) == 0:
        kept = [1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes]
        return filled(kept, initial, dtype_name(x.dtype))
    return choose(_reduce(x, operation, axes, keepdims), initial)


@op
def max(x, axis=None, keepdims=False, initial=None):
    """The largest value along axes; NaN if there is one."""
    return _extreme(x, "max", axis, keepdims, initial)


@op
def min(x, axis=None, keepdims=False, initial=None):
    """The smallest value along axes; NaN if there is one."""
    return _extreme(x, "min", axis, keepdims, initial)


@op
def amax(x, axis=None, keepdims=False):
    """The same as `max`."""
    return max(x, axis, keepdims)


@op
def amin(x, axis=None, keepdims=False):
    """The same as `min`."""
    return min(x, axis, keepdims)


@op
def any(x, axis=None, keepdims=False):
    """True where one value along the axes is."""
    return _reduce(tensor(x, "bool"), "max", axis, keepdims)


@op
def all(x, axis=None, keepdims=False):
    """True where all values along the axes are."""
    return _reduce(tensor(x, "bool"), "min", axis, keepdims)


def _arg(x, operation, axis, keepdims, dtype="int32"):
    x = tensor(x)
    if dtype_name(x.dtype) == "bool":
        x = cast(x, "int32")
    shape = x.shape
    if axis is None:
        x, place = emit("reshape", x, shape=(math.prod(shape),)), 0
    else:
        place = normalize_axes(axis, len(shape))[0]
    y = cast(emit("arg_reduce", x, axis=place, op=operation), dtype)
    if keepdims:
        kept = (1,) * len(shape) if axis is None else tuple(1 if i == place else n for i, n in enumerate(shape))
        y = emit("reshape", y, shape=kept)
    return y


@op
def argmax(x, axis=None, keepdims=False):
    """Where the largest value is (the first of equals), int32."""
    return _arg(x, "max", axis, keepdims)


def likeliest(scores):
    """The number of the largest score along the last axis, as floatx.

    Class numbers are whole in float32 up to 2**24; compared as floats they need no integer twin of the elementwise
    kernel, which is two seconds of a cold start.
    """
    return _arg(scores, "max", -1, False, standardize_dtype(None))


@op
def argmin(x, axis=None, keepdims=False):
    """Where the smallest value is (the first of equals), int32."""
    return _arg(x, "min", axis, keepdims)


@op
def count_nonzero(x, axis=None):
    """How many values are not 0."""
    return sum(el.not_equal(tensor(x), 0), axis)


@op
def average(x, axis=None, weights=None):
    """The mean, weighted if weights are given."""
    if weights is None:
        return mean(x, axis)
    x = floating(x)
    weights = tensor(weights, dtype_name(x.dtype))
    if len(weights.shape) == 1 and len(x.shape) > 1:
        place = normalize_axes(axis, len(x.shape))[0]
        weights = shaping.reshape(weights, [-1 if i == place else 1 for i in range(len(x.shape))])
    return el.divide(sum(el.multiply(x, weights), axis), sum(shaping.broadcast_to(weights, x.shape), axis))


@op
def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) along axes, without overflow."""
    x = floating(x)
    top = max(x, axis, True)
    top = emit("where", emit("isfinite", top), top, np.zeros((), dtype_name(x.dtype)))
    total = emit("log", sum(emit("exp", emit("subtract", x, top)), axis, True))
    y = emit("add", total, top)
    axes = normalize_axes(axis, len(x.shape))
    if keepdims:
        return y
    return emit("reshape", y, shape=tuple(n for i, n in enumerate(x.shape) if i not in axes))


@op
def norm(x, ord=None, axis=None, keepdims=False):
    """The norm of vectors (one axis) or matrices (two).

    Args:
        ord: None for the Euclidean norm. Vectors: a number p for sum(|x|**p)**(1/p), inf, -inf, 0 to count. Matrices:
            'fro', the sum of singular values, 'nuc', the largest (smallest) of them, 2 (-2), or the largest
            (smallest) sum of |x| over columns, 1 (-1), or rows, inf (-inf).
        axis: one axis, two, or None for all.
    """
    x = floating(x)
    rank = len(x.shape)
    if ord is None:
        return emit("sqrt", sum(emit("square", x), axis, keepdims))
    axes = tuple(range(rank)) if axis is None else tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
    axes = tuple(axis_of(a, rank, "norm") for a in axes)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    if len(axes) != 1 or isinstance(ord, str):
        raise ArgumentError(
            f"norm: ord={ord!r} along {len(axes)} axes.", next="give one axis, or two for a norm of matrices."
        )
    return _vector_norm(x, ord, axes, keepdims)


def _vector_norm(x, ord, axes, keepdims):
    size = emit("absolute", x)
    if ord == 0:
        return tensor(sum(el.not_equal(x, 0), axes, keepdims), dtype_name(x.dtype))
    if ord in (np.inf, -np.inf):
        return (max if ord > 0 else min)(size, axes, keepdims)
    if ord == 1:
        return sum(size, axes, keepdims)
    if ord == 2:
        return emit("sqrt", sum(emit("square", x), axes, keepdims))
    return el.power(sum(el.power(size, ord), axes, keepdims), 1.0 / ord)


def _matrix_norm(x, ord, axes, keepdims):
    if ord == "fro":
        return emit("sqrt", sum(emit("square", x), axes, keepdims))
    if ord in ("nuc", 2, -2):
        from nbkeras.ops import factoring

        values = factoring.svd(shaping.moveaxis(x, axes, (-2, -1)), compute_uv=False)
        y = {"nuc": sum, 2: max, -2: min}[ord](values, -1)
        return shaping.expand_dims(y, tuple(sorted(axes))) if keepdims else y
    if ord not in (1, -1, np.inf, -np.inf):
        raise ArgumentError(
            f"norm: ord={ord!r} of matrices is not known.", next="use 'fro', 'nuc', 1, -1, 2, -2, inf or -inf."
        )
    rows, columns = axes
    added, chosen = (rows, columns) if ord in (1, -1) else (columns, rows)
    y = (max if ord > 0 else min)(sum(emit("absolute", x), added, True), chosen, True)
    return y if keepdims else shaping.squeeze(y, axes)


@op
def moments(x, axes, keepdims=False, synchronized=False):
    """Mean and variance along axes."""
    return mean(x, axes, keepdims), var(x, axes, keepdims)


@op
def ptp(x, axis=None, keepdims=False):
    """The distance from the smallest to the largest value along axes."""
    return el.subtract(max(x, axis, keepdims), min(x, axis, keepdims))


def _ends(x, axis):
    """All slices along an axis but the first, and all but the last."""
    return (
        shaping.sliced(x, {axis: builtins.slice(1, None)}),
        shaping.sliced(x, {axis: builtins.slice(None, -1)}),
    )


@op
def diff(a, n=1, axis=-1):
    """The differences of neighbours along an axis, n times over."""
    x = tensor(a)
    axis = axis_of(axis, len(x.shape), "diff")
    for _ in range(n):
        x = (el.not_equal if dtype_name(x.dtype) == "bool" else el.subtract)(*_ends(x, axis))
    return x


@op
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral along an axis by the trapezoid rule; x are the places, or dx their distance."""
    y = floating(y)
    axis = axis_of(axis, len(y.shape), "trapezoid")
    if x is not None:
        x = tensor(x)
        dx = diff(x, axis=axis if len(x.shape) > 1 else 0)
        if len(x.shape) == 1:
            dx = shaping.reshape(dx, [-1 if i == axis else 1 for i in range(len(y.shape))])
    pairs = el.multiply(el.add(*_ends(y, axis)), dx)
    return el.multiply(sum(pairs, axis), 0.5)


@op
def corrcoef(x):
    """The correlations of the rows of a matrix."""
    x = floating(x)
    if len(x.shape) != 2:
        raise ShapeError(f"corrcoef: expected rank 2, got shape {tuple(x.shape)}.")
    x = el.subtract(x, mean(x, 1, True))
    rows, columns = (shaping.expand_dims(x, a) for a in (1, 0))
    products = sum(el.multiply(rows, columns), -1)
    sizes = emit("sqrt", sum(emit("square", x), 1))
    y = el.divide(el.divide(products, shaping.expand_dims(sizes, 1)), shaping.expand_dims(sizes, 0))
    return el.clip(y, -1, 1)
