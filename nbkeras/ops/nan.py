"""Reductions and quantiles that leave NaN out."""

from __future__ import annotations

import numpy as np

from nbkeras.ops import elementwise as el
from nbkeras.ops import ordering, reducing
from nbkeras.ops.common import emit, floating, is_float, number, op, tensor


def _filled(x, value):
    x = tensor(x)
    return emit("where", emit("isnan", x), number(x, value), x) if is_float(x.dtype) else x


def _count(x, axis, keepdims):
    """How many values along the axes are not NaN, in x's dtype."""
    there = emit("logical_not", emit("isnan", x))
    return reducing.sum(tensor(there, x.dtype), axis, keepdims)


@op
def nansum(x, axis=None, keepdims=False):
    """The sum along axes; NaN count as 0.

    Example:
        >>> nansum([1.0, float("nan"), 2.0])
        array(3., dtype=float32)
    """
    return reducing.sum(_filled(x, 0), axis, keepdims)


@op
def nanprod(x, axis=None, keepdims=False):
    """The product along axes; NaN count as 1.

    Example:
        >>> nanprod([3.0, float("nan"), 2.0])
        array(6., dtype=float32)
    """
    return reducing.prod(_filled(x, 1), axis, keepdims)


@op
def nancumsum(x, axis=None, dtype=None):
    """`cumsum`; NaN count as 0.

    Example:
        >>> nancumsum([1.0, float("nan"), 2.0])
        array([1., 1., 3.], dtype=float32)
    """
    return ordering.cumsum(_filled(x, 0), axis, dtype)


@op
def nancumprod(x, axis=None, dtype=None):
    """`cumprod`; NaN count as 1.

    Example:
        >>> nancumprod([3.0, float("nan"), 2.0])
        array([3., 3., 6.], dtype=float32)
    """
    return ordering.cumprod(_filled(x, 1), axis, dtype)


@op
def nanmean(x, axis=None, keepdims=False):
    """The mean along axes of what is not NaN; NaN if all are.

    Example:
        >>> nanmean([[1.0, float("nan")], [2.0, 4.0]], axis=1)
        array([1., 3.], dtype=float32)
    """
    x = floating(x)
    return el.divide(nansum(x, axis, keepdims), _count(x, axis, keepdims))


@op
def nanvar(x, axis=None, keepdims=False):
    """The variance along axes of what is not NaN; NaN if all are.

    Example:
        >>> nanvar([1.0, float("nan"), 3.0])
        array(1., dtype=float32)
    """
    x = floating(x)
    distance = emit("square", emit("subtract", x, nanmean(x, axis, True)))
    return nanmean(distance, axis, keepdims)


@op
def nanstd(x, axis=None, keepdims=False):
    """The square root of `nanvar`.

    Example:
        >>> nanstd([1.0, float("nan"), 5.0])
        array(2., dtype=float32)
    """
    return emit("sqrt", nanvar(x, axis, keepdims))


def _extreme(x, axis, keepdims, reduce, worst):
    x = tensor(x)
    if not is_float(x.dtype):
        return reduce(x, axis, keepdims)
    y = reduce(_filled(x, worst), axis, keepdims)
    empty = emit("equal", _count(x, axis, keepdims), number(x, 0))
    return emit("where", empty, number(x, np.nan), y)


@op
def nanmax(x, axis=None, keepdims=False):
    """The largest value along axes that is not NaN; NaN if all are.

    Example:
        >>> nanmax([1.0, float("nan"), 3.0])
        array(3., dtype=float32)
    """
    return _extreme(x, axis, keepdims, reducing.max, -np.inf)


@op
def nanmin(x, axis=None, keepdims=False):
    """The smallest value along axes that is not NaN; NaN if all are.

    Example:
        >>> nanmin([1.0, float("nan"), 3.0])
        array(1., dtype=float32)
    """
    return _extreme(x, axis, keepdims, reducing.min, np.inf)


def _where_extreme(x, axis, keepdims, find, worst):
    x = tensor(x)
    y = find(_filled(x, worst), axis, keepdims)
    if not is_float(x.dtype):
        return y
    return emit("where", emit("equal", _count(x, axis, keepdims), number(x, 0)), number(y, -1), y)


@op
def nanargmax(x, axis=None, keepdims=False):
    """Where the largest value is that is not NaN, int32; -1 if all are.

    Example:
        >>> nanargmax([1.0, float("nan"), 3.0])
        array(2, dtype=int32)
    """
    return _where_extreme(x, axis, keepdims, reducing.argmax, -np.inf)


@op
def nanargmin(x, axis=None, keepdims=False):
    """Where the smallest value is that is not NaN, int32; -1 if all are.

    Example:
        >>> nanargmin([float("nan"), 2.0, 3.0])
        array(1, dtype=int32)
    """
    return _where_extreme(x, axis, keepdims, reducing.argmin, np.inf)


@op
def nanquantile(x, q, axis=None, method="linear", keepdims=False):
    """`quantile` of what is not NaN, with its arguments; NaN if all are.

    Example:
        >>> nanquantile([1.0, float("nan"), 3.0], 0.25)
        array(1.5, dtype=float32)
    """
    return ordering.quantile_of(x, q, axis, method, keepdims, skip_nan=True)


@op
def nanpercentile(x, q, axis=None, method="linear", keepdims=False):
    """`nanquantile` with q between 0 and 100; arguments as in `quantile`.

    Example:
        >>> nanpercentile([1.0, float("nan"), 3.0], 50)
        array(2., dtype=float32)
    """
    return nanquantile(x, ordering.parts_of(q, 100.0), axis, method, keepdims)


@op
def nanmedian(x, axis=None, keepdims=False):
    """The middle value along axes of what is not NaN; NaN if all are.

    Example:
        >>> nanmedian([1.0, float("nan"), 3.0, 7.0])
        array(3., dtype=float32)
    """
    return nanquantile(x, 0.5, axis, "linear", keepdims)
