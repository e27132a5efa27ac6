"""Order: running sums, sorting, the largest few, quantiles, places in a sorted sequence, counts."""

from __future__ import annotations

import builtins

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.symbol import Symbol
from nbkeras.ops import indexing, reducing, shaping
from nbkeras.ops.common import (
    axis_of,
    cast,
    dtype_name,
    emit,
    floating,
    number,
    on_host,
    op,
    promote,
    standardize_dtype,
    tensor,
)


def _running(x, axis, dtype, operation):
    x = tensor(x)
    if dtype is not None:
        x = cast(x, standardize_dtype(dtype))
    elif dtype_name(x.dtype) == "bool":
        x = cast(x, "int32")
    if axis is None:
        x, axis = shaping.reshape(x, (-1,)), 0
    axis = axis_of(axis, len(x.shape), f"cum{operation}")
    return emit("cumulative", x, axis=axis, op=operation, reverse=False)


@op
def cumsum(x, axis=None, dtype=None):
    """The sums of all values up to each, along an axis; of all values in one axis without it.

    Example:
        >>> import numpy as np
        >>> cumsum(np.array([1, 2, 3], "int32"))
        array([1, 3, 6], dtype=int32)
    """
    return _running(x, axis, dtype, "sum")


@op
def cumprod(x, axis=None, dtype=None):
    """The products of all values up to each, along an axis.

    Example:
        >>> cumprod([1.0, 2.0, 3.0])
        array([1., 2., 6.], dtype=float32)
    """
    return _running(x, axis, dtype, "prod")


def _sorted(x, axis, descending=False):
    """Values and positions in order along an axis, which is the last of the results, and the axis."""
    if axis is None:
        x, axis = shaping.reshape(x, (-1,)), 0
    axis = axis_of(axis, len(x.shape), "sort")
    kind = dtype_name(x.dtype)
    x = cast(shaping.moveaxis(x, axis, -1), "int32" if kind == "bool" else kind)
    values, index = emit("sort", x, descending=descending)
    return cast(values, kind), index, axis


@op
def sort(x, axis=-1):
    """In ascending order along an axis; NaN come last.

    Example:
        >>> sort([[3.0, 1.0, 2.0]])
        array([[1., 2., 3.]], dtype=float32)
    """
    values, _, axis = _sorted(tensor(x), axis)
    return shaping.moveaxis(values, -1, axis)


@op
def argsort(x, axis=-1):
    """The positions that sort an axis, int32; equals keep their order.

    Example:
        >>> argsort([3.0, 1.0, 2.0])
        array([1, 2, 0], dtype=int32)
    """
    x = tensor(x)
    _, index, axis = _sorted(x, axis if x.shape else None)
    return cast(shaping.moveaxis(index, -1, axis), "int32")


@op
def argpartition(x, kth, axis=-1):
    """Positions such that the one at `kth` is right and smaller values come before it: here, those of `argsort`.

    Example:
        >>> int(argpartition([3.0, 1.0, 2.0], 1)[1])
        2
    """
    if not isinstance(kth, (int, np.integer)):
        raise ArgumentError(f"argpartition: kth must be a whole number, got {kth!r}.")
    return argsort(x, axis)


@op
def top_k(x, k, sorted=True):
    """The k largest values of the last axis, and their positions (int32), largest first.

    Example:
        >>> import numpy as np
        >>> top_k(np.array([5., 9., 7.], "float32"), 2)
        (array([9., 7.], dtype=float32), array([1, 2], dtype=int32))
    """
    x = tensor(x)
    if not x.shape or not 0 <= k <= x.shape[-1]:
        raise ArgumentError(f"top_k: k must lie between 0 and the last axis's length of {tuple(x.shape)}, got {k}.")
    values, index, axis = _sorted(x, -1, descending=True)
    first = {axis: builtins.slice(0, int(k))}
    return shaping.sliced(values, first), cast(shaping.sliced(index, first), "int32")


@op
def in_top_k(targets, predictions, k):
    """True where the class of the target is among the k largest predictions.   targets (N,), predictions (N, C) -> (N,)

    Ties count as inside; a prediction for the target that is not finite does not.

    Example:
        >>> in_top_k([0, 1], [[0.1, 0.7, 0.2], [0.3, 0.4, 0.3]], k=1)
        array([False,  True])
    """
    targets, predictions = tensor(targets, "int64"), floating(predictions)
    if len(predictions.shape) != 2 or tuple(targets.shape) != tuple(predictions.shape[:1]):
        raise ShapeError(
            f"in_top_k: expected targets (N,) and predictions (N, C), got {tuple(targets.shape)} and "
            f"{tuple(predictions.shape)}."
        )
    own = indexing.take_along_axis(predictions, emit("reshape", targets, shape=(*targets.shape, 1)), 1)
    larger = reducing.sum(emit("greater", predictions, own), axis=1)
    inside = emit("less", larger, number(larger, k))
    return emit("logical_and", inside, emit("isfinite", shaping.squeeze(own, 1)))


@op
def searchsorted(sorted_sequence, values, side="left"):
    """Where values would be inserted into a sorted vector so that it stays sorted, int32.

    Args:
        sorted_sequence: the vector, ascending.
        values: of any shape, which is the result's.
        side: 'left' before values that are equal, 'right' behind them.

    Example:
        >>> searchsorted([1.0, 3.0, 5.0], [3.0, 4.0])
        array([1, 2], dtype=int32)
        >>> searchsorted([1.0, 3.0, 5.0], [3.0, 4.0], side="right")
        array([2, 2], dtype=int32)
    """
    sequence, values = promote(sorted_sequence, values)
    if side not in ("left", "right"):
        raise ArgumentError(f"searchsorted: side must be 'left' or 'right', got {side!r}.")
    if len(sequence.shape) != 1:
        raise ShapeError(f"searchsorted: the sorted sequence must have rank 1, got shape {tuple(sequence.shape)}.")
    n = sequence.shape[0]
    low = shaping.broadcast_to(np.zeros((), np.int64), values.shape)
    if n == 0:
        return cast(low, "int32")
    high = shaping.broadcast_to(np.full((), n, np.int64), values.shape)
    for _ in range(n.bit_length()):
        middle = emit("floor_divide", emit("add", low, high), np.int64(2))
        found = emit("gather", sequence, middle, axis=0)
        after = emit("less" if side == "left" else "less_equal", found, values)
        after = emit("logical_and", after, emit("less", low, high))
        low = emit("where", after, emit("add", middle, np.int64(1)), low)
        high = emit("where", after, high, middle)
    return cast(low, "int32")


@op
def digitize(x, bins):
    """The number of the bin of each value: how many of the ascending bins are not above it, int32.

    Example:
        >>> digitize([0.5, 1.0, 9.0], [1.0, 5.0])
        array([0, 1, 2], dtype=int32)
    """
    return searchsorted(bins, x, side="right")


@op
def isin(x1, x2, assume_unique=False, invert=False):
    """True where a value of x1 is among those of x2.

    Args:
        assume_unique: accepted as Keras has it.
        invert: True where it is not.

    Example:
        >>> isin([1, 2, 3], [3, 1])
        array([ True, False,  True])
    """
    a, b = promote(x1, x2)
    n = int(np.prod(b.shape))
    if n == 0:
        found = emit("not_equal", a, a) if dtype_name(a.dtype) not in ("float32", "float64") else emit("less", a, a)
    else:
        values = sort(shaping.ravel(b))
        place = emit("minimum", tensor(searchsorted(values, a), "int64"), np.int64(n - 1))
        found = emit("equal", emit("gather", values, place, axis=0), a)
    return emit("logical_not", found) if invert else found


@op
def bincount(x, weights=None, minlength=0, sparse=False):
    """How often each whole number from 0 on occurs, or the sum of the weights where it does.   (N,) or (B, N)

    The result is as long as the largest number asks for, or `minlength`, so this works on arrays only.

    Example:
        >>> bincount([0, 2, 2])
        array([1, 0, 2], dtype=int32)
        >>> bincount([0, 2, 2], weights=[1.0, 0.5, 0.25], minlength=4)
        array([1.  , 0.  , 0.75, 0.  ], dtype=float32)
    """
    if sparse:
        raise ArgumentError("bincount: sparse=True is not supported.", next="leave it out.")
    host = on_host(x, "bincount")
    if host.ndim not in (1, 2) or (host.size and host.min() < 0):
        raise ArgumentError("bincount: expected whole numbers from 0 on, of rank 1 or 2.")
    size = builtins.max(int(host.max()) + 1 if host.size else 0, int(minlength))
    amounts = tensor(weights) if weights is not None else np.ones(host.shape, np.int32)
    rows = np.atleast_2d(host).astype(np.int64)
    places = rows + size * np.arange(len(rows))[:, None]
    flat = emit("reshape", amounts, shape=(host.size,))
    counts = emit("scatter_add", places.reshape(-1), flat, axis=0, size=size * len(rows))
    return emit("reshape", counts, shape=(*host.shape[:-1], size))


@op
def nonzero(x):
    """The indices of the values that are not 0, an int32 tensor an axis. Works on arrays only.

    Example:
        >>> nonzero([[0.0, 1.0], [2.0, 0.0]])
        (array([0, 1], dtype=int32), array([1, 0], dtype=int32))
    """
    return tuple(np.asarray(part, np.int32) for part in np.nonzero(on_host(x, "nonzero")))


_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@op
def quantile(x, q, axis=None, method="linear", keepdims=False):
    """The value below which a part q of the values lies, along axes; NaN if one of them is.

    Args:
        q: a number or tensor between 0 and 1; the axes of a tensor come first in the result.
        method: what to take between two values: 'linear', 'lower', 'higher', 'midpoint' or 'nearest'.

    Example:
        >>> quantile([1.0, 2.0, 3.0, 4.0], [0.0, 0.5])
        array([1. , 2.5], dtype=float32)
    """
    return quantile_of(x, q, axis, method, keepdims, skip_nan=False)


def quantile_of(x, q, axis, method, keepdims, skip_nan):
    """The quantile of all values, or of those that are not NaN: in order these come first."""
    if method not in _METHODS:
        raise ArgumentError(f"quantile: method must be one of {', '.join(_METHODS)}, got {method!r}.")
    x, q = floating(x), parts_of(q)
    rank = len(x.shape)
    axes = reducing.normalize_axes(axis, rank)
    kept = [i for i in range(rank) if i not in axes]
    lead = [x.shape[i] for i in kept]
    values, _ = emit("sort", shaping.reshape(shaping.transpose(x, [*kept, *axes]), (*lead, -1)), descending=False)
    if values.shape[-1] == 0:
        raise ArgumentError(f"quantile: no values along axes {axes} of {tuple(x.shape)}.")
    if isinstance(q, Symbol) or skip_nan:
        y = _among_some(values, shaping.reshape(q, (-1,)), method)
    else:
        y = _among_all(values, q.reshape(-1), method)
    if not skip_nan:
        last = shaping.sliced(values, {len(lead): builtins.slice(values.shape[-1] - 1, None)})
        y = emit("where", emit("isnan", last), last, y)
    y = shaping.moveaxis(y, -1, 0)
    shape = [1 if i in axes else m for i, m in enumerate(x.shape)] if keepdims else lead
    return shaping.reshape(y, (*q.shape, *shape))


def parts_of(q, whole=1.0):
    """What part of a whole q is; in double precision if it is known now."""
    if isinstance(q, Symbol):
        q = floating(q)
        return emit("divide", q, number(q, whole))
    return np.asarray(on_host(q, "quantile"), np.float64) / whole


def _between(values, low, high, share):
    y = emit("add", emit("multiply", low, emit("subtract", number(values, 1), share)), emit("multiply", high, share))
    return emit("where", emit("equal", low, high), low, y)


def _among_all(values, q, method):
    """Quantiles (..., Q) of rows in order: places are known now."""
    n, axis = values.shape[-1], len(values.shape) - 1
    place = q * (n - 1)
    below, above = np.floor(place).astype(np.int64), np.ceil(place).astype(np.int64)
    share = {"lower": 0 * place, "higher": 0 * place + 1, "midpoint": 0 * place + 0.5}.get(method, place - below)
    if method == "nearest":
        share = 1.0 * (place - below > 0.5)
    share = np.where(above == below, 0.0, share).astype(dtype_name(values.dtype))
    return _between(values, *(emit("gather", values, i, axis=axis) for i in (below, above)), share)


def _among_some(values, q, method):
    """Quantiles (..., Q) of rows in order whose NaN at the end do not count: places depend on how many there are."""
    there = cast(emit("logical_not", emit("isnan", values)), values.dtype)
    count = reducing.sum(there, -1, True)
    last = emit("maximum", emit("subtract", count, number(values, 1)), number(values, 0))
    place = emit("multiply", last, tensor(q, dtype_name(values.dtype)))
    below, above = emit("floor", place), emit("ceil", place)
    rest = emit("subtract", place, below)
    fixed = {"lower": 0.0, "higher": 1.0, "midpoint": 0.5}
    if method in fixed:
        share = number(values, fixed[method])
    elif method == "nearest":
        share = cast(emit("greater", rest, number(values, 0.5)), values.dtype)
    else:
        share = rest
    low, high = (indexing.take_along_axis(values, cast(i, "int64"), -1) for i in (below, above))
    return _between(values, low, high, share)


@op
def percentile(x, q, axis=None, method="linear", keepdims=False):
    """`quantile` with q between 0 and 100; the other arguments are its own.

    Example:
        >>> percentile([1.0, 2.0, 3.0], 75)
        array(2.5, dtype=float32)
    """
    return quantile(x, parts_of(q, 100.0), axis, method, keepdims)


@op
def median(x, axis=None, keepdims=False):
    """The middle value along axes; the mean of the two middle ones of an even number.

    Example:
        >>> median([[1.0, 9.0, 2.0], [3.0, 4.0, 8.0]], axis=1)
        array([2., 4.], dtype=float32)
    """
    return quantile(x, 0.5, axis, "linear", keepdims)
