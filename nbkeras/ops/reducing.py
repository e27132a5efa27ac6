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
    """The sum along axes; booleans are counted.

    Args:
        axis: an axis, several, or None for all.
        keepdims: keep them, with length 1.

    Example:
        >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
        array([4., 6.], dtype=float32)
        >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=1, keepdims=True)
        array([[3.],
               [7.]], dtype=float32)
    """
    return _reduce(_wide(tensor(x)), "sum", axis, keepdims)


@op
def prod(x, axis=None, keepdims=False, dtype=None):
    """The product along axes.   axis and keepdims as in `sum`

    Args:
        dtype: the dtype to multiply in; that of x by default, whole numbers of 32 bits or more.

    Example:
        >>> prod([[1.0, 2.0], [3.0, 4.0]], axis=1)
        array([ 2., 12.], dtype=float32)
    """
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
    """The variance along axes: the mean square distance from the mean.

    Example:
        >>> var([1.0, 3.0])
        array(1., dtype=float32)
    """
    x = floating(x)
    return mean(emit("square", emit("subtract", x, mean(x, axis, True))), axis, keepdims)


@op
def std(x, axis=None, keepdims=False):
    """The square root of the variance.

    Example:
        >>> std([1.0, 3.0])
        array(1., dtype=float32)
    """
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
    return choose(_reduce(x, operation, axes, keepdims), tensor(initial, dtype_name(x.dtype)))


@op
def max(x, axis=None, keepdims=False, initial=None):
    """The largest value along axes; NaN if there is one.

    Args:
        axis, keepdims: as in `sum`.
        initial: the least that the result may be; without it there must be values.

    Example:
        >>> max([[1.0, 5.0], [3.0, 2.0]], axis=1)
        array([5., 3.], dtype=float32)
        >>> max([1.0, 5.0], initial=7.0)
        array(7., dtype=float32)
    """
    return _extreme(x, "max", axis, keepdims, initial)


@op
def min(x, axis=None, keepdims=False, initial=None):
    """The smallest value along axes; NaN if there is one. Arguments as in `max`.

    Example:
        >>> min([[1.0, 5.0], [3.0, 2.0]], axis=0)
        array([1., 2.], dtype=float32)
    """
    return _extreme(x, "min", axis, keepdims, initial)


@op
def amax(x, axis=None, keepdims=False):
    """The same as `max`.

    Example:
        >>> amax([[1.0, 5.0], [3.0, 2.0]], axis=0)
        array([3., 5.], dtype=float32)
    """
    return max(x, axis, keepdims)


@op
def amin(x, axis=None, keepdims=False):
    """The same as `min`.

    Example:
        >>> amin([[1.0, 5.0], [3.0, 2.0]], axis=0)
        array([1., 2.], dtype=float32)
    """
    return min(x, axis, keepdims)


@op
def any(x, axis=None, keepdims=False):
    """True where one value along the axes is.

    Example:
        >>> any([[True, False], [False, False]], axis=1)
        array([ True, False])
    """
    return _reduce(tensor(x, "bool"), "max", axis, keepdims)


@op
def all(x, axis=None, keepdims=False):
    """True where all values along the axes are.

    Example:
        >>> all([[True, False], [True, True]], axis=1)
        array([False,  True])
    """
    return _reduce(tensor(x, "bool"), "min", axis, keepdims)


def _arg(x, operation, axis, keepdims, dtype="int32"):
    x = tensor(x)
    if dtype_name(x.dtype) == "bool":
        x = cast(x, "int32")
    shape = x.shape
    if axis is None:
        x, place = emit("reshape", x, shape=(math.prod(shape),)), 0
    else:
        place = axis_of(axis, len(shape), f"arg{operation}")
    y = cast(emit("arg_reduce", x, axis=place, op=operation), dtype)
    if keepdims:
        kept = (1,) * len(shape) if axis is None else tuple(1 if i == place else n for i, n in enumerate(shape))
        y = emit("reshape", y, shape=kept)
    return y


@op
def argmax(x, axis=None, keepdims=False):
    """Where the largest value is (the first of equals), int32.

    Args:
        axis: along which; None counts through all values in order.
        keepdims: keep the axis, with length 1.

    Example:
        >>> argmax([[1.0, 5.0], [3.0, 2.0]], axis=1)
        array([1, 0], dtype=int32)
    """
    return _arg(x, "max", axis, keepdims)


def likeliest(scores):
    """The number of the largest score along the last axis, as floatx.

    Class numbers are whole in float32 up to 2**24; compared as floats they need no integer twin of the elementwise
    kernel, which is two seconds of a cold start.
    """
    return _arg(scores, "max", -1, False, standardize_dtype(None))


@op
def argmin(x, axis=None, keepdims=False):
    """Where the smallest value is (the first of equals), int32. Arguments as in `argmax`.

    Example:
        >>> argmin([[1.0, 5.0], [3.0, 2.0]], axis=1)
        array([0, 1], dtype=int32)
    """
    return _arg(x, "min", axis, keepdims)


@op
def count_nonzero(x, axis=None):
    """How many values are not 0.

    Example:
        >>> count_nonzero([[0.0, 2.0], [3.0, 4.0]], axis=1)
        array([1, 2], dtype=int32)
    """
    return sum(el.not_equal(tensor(x), 0), axis)


@op
def average(x, axis=None, weights=None):
    """The mean, weighted if weights are given: sum(x * weights) / sum(weights).

    Args:
        weights: of the shape of x, or a vector along the one axis.

    Example:
        >>> average([1.0, 2.0, 6.0], weights=[2.0, 1.0, 1.0])
        array(2.5, dtype=float32)
    """
    if weights is None:
        return mean(x, axis)
    x = floating(x)
    weights = tensor(weights, dtype_name(x.dtype))
    if len(weights.shape) == 1 and len(x.shape) > 1:
        if axis is None:
            shapes = f"weights of shape {tuple(weights.shape)} for values of shape {tuple(x.shape)}"
            raise ArgumentError(f"average: {shapes} need an axis.", next="give the axis along which they lie.")
        place = axis_of(axis, len(x.shape), "average")
        weights = shaping.reshape(weights, [-1 if i == place else 1 for i in range(len(x.shape))])
    return el.divide(sum(el.multiply(x, weights), axis), sum(shaping.broadcast_to(weights, x.shape), axis))


@op
def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) along axes, without overflow.

    Example:
        >>> logsumexp([1000.0, 1000.0]).round(3)
        np.float32(1000.693)
    """
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

    Example:
        >>> norm([3.0, 4.0])
        array(5., dtype=float32)
        >>> norm([[3.0, 4.0], [6.0, 8.0]], ord=1, axis=1)
        array([ 7., 14.], dtype=float32)
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
    """Mean and variance along axes.

    Args:
        axes: one or several.
        synchronized: accepted as Keras has it: there is one process.

    Example:
        >>> mean_, variance = moments([[1.0, 2.0], [3.0, 6.0]], axes=0)
        >>> mean_, variance
        (array([2., 4.], dtype=float32), array([1., 4.], dtype=float32))
    """
    return mean(x, axes, keepdims), var(x, axes, keepdims)


@op
def ptp(x, axis=None, keepdims=False):
    """The distance from the smallest to the largest value along axes.

    Example:
        >>> ptp([[1.0, 5.0], [3.0, 2.0]], axis=1)
        array([4., 1.], dtype=float32)
    """
    return el.subtract(max(x, axis, keepdims), min(x, axis, keepdims))


def _ends(x, axis):
    """All slices along an axis but the first, and all but the last."""
    return (
        shaping.sliced(x, {axis: builtins.slice(1, None)}),
        shaping.sliced(x, {axis: builtins.slice(None, -1)}),
    )


@op
def diff(a, n=1, axis=-1):
    """The differences of neighbours along an axis, n times over.

    Example:
        >>> diff([1.0, 4.0, 9.0, 16.0])
        array([3., 5., 7.], dtype=float32)
        >>> diff([1.0, 4.0, 9.0, 16.0], n=2)
        array([2., 2.], dtype=float32)
    """
    x = tensor(a)
    axis = axis_of(axis, len(x.shape), "diff")
    for _ in range(n):
        x = (el.not_equal if dtype_name(x.dtype) == "bool" else el.subtract)(*_ends(x, axis))
    return x


@op
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral along an axis by the trapezoid rule; x are the places, or dx their distance.

    Example:
        >>> trapezoid([0.0, 1.0, 2.0])
        array(2., dtype=float32)
        >>> trapezoid([0.0, 1.0, 2.0], x=[0.0, 2.0, 4.0])
        array(4., dtype=float32)
    """
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
    """The correlations of the rows of a matrix.

    Example:
        >>> corrcoef([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]).round(3)
        array([[ 1., -1.],
               [-1.,  1.]], dtype=float32)
    """
    x = floating(x)
    if len(x.shape) != 2:
        raise ShapeError(f"corrcoef: expected rank 2, got shape {tuple(x.shape)}.")
    x = el.subtract(x, mean(x, 1, True))
    rows, columns = (shaping.expand_dims(x, a) for a in (1, 0))
    products = sum(el.multiply(rows, columns), -1)
    sizes = emit("sqrt", sum(emit("square", x), 1))
    y = el.divide(el.divide(products, shaping.expand_dims(sizes, 1)), shaping.expand_dims(sizes, 0))
    return el.clip(y, -1, 1)
