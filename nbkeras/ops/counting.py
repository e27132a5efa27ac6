"""Which values there are, how many of each, and where: what depends on values, for the most part."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.ops import reducing, shaping
from nbkeras.ops.common import cast, dtype_name, emit, floating, number, on_host, op, tensor
from nbkeras.ops.ordering import searchsorted


@op
def histogram(x, bins=10, range=None):
    """How many values lie in each of some bins of equal width, and the edges of the bins.

    Args:
        bins: how many.
        range: (lowest, highest) edge; what lies outside is not counted. The extremes of x by default.

    Returns:
        Counts (bins,), floats as Keras has them, and edges (bins + 1,). The last bin includes its upper edge.

    Example:
        >>> counts, edges = histogram([0.0, 1.0, 1.5, 4.0], bins=2)
        >>> counts, edges
        (array([3., 1.], dtype=float32), array([0., 2., 4.], dtype=float32))
    """
    if isinstance(bins, bool) or not isinstance(bins, (int, np.integer)) or bins < 1:
        raise ArgumentError(f"histogram: bins must be a whole number from 1 on, got {bins!r}.")
    if range is not None and (len(range) != 2 or range[0] >= range[1]):
        raise ArgumentError(f"histogram: range must be (lowest, highest), got {range!r}.")
    x = floating(x)
    if len(x.shape) != 1:
        raise ShapeError(f"histogram: expected a vector, got shape {tuple(x.shape)}.", next="use ops.ravel.")
    if range is None:
        low, high = (reducing.min(x), reducing.max(x)) if x.shape[0] else (number(x, 0), number(x, 1))
        same = emit("equal", low, high)
        low = emit("where", same, emit("subtract", low, number(x, 0.5)), low)
        high = emit("where", same, emit("add", high, number(x, 0.5)), high)
    else:
        low, high = number(x, range[0]), number(x, range[1])
    part = (np.arange(bins + 1) / bins).astype(dtype_name(x.dtype))
    edges = emit("add", emit("multiply", low, number(x, 1) - part), emit("multiply", high, part))
    place = tensor(searchsorted(edges, x, side="right"), "int64")
    place = emit("where", emit("equal", x, high), np.int64(bins), place)
    ones = np.ones(x.shape, dtype_name(x.dtype))
    counts = emit("scatter_add", place, ones, axis=0, size=bins + 2)
    return shaping.sliced(counts, {0: slice(1, bins + 1)}), edges


@op
def unique(
    x, sorted=True, return_index=False, return_inverse=False, return_counts=False, axis=None, size=None, fill_value=None
):
    """The different values, ascending. Works on arrays only, because the number of them depends on values.

    Args:
        sorted: accepted as Keras has it; they always are.
        return_index: also where each comes first.
        return_inverse: also the number of each value among the different ones.
        return_counts: also how often each occurs.
        axis: compare slices along this axis instead of single values.
        size: give so many: the first of them, or the rest filled up.
        fill_value: what with; the smallest value by default.

    Example:
        >>> unique([3, 1, 3])
        array([1, 3], dtype=int32)
        >>> values, counts = unique([3, 1, 3], return_counts=True)
        >>> counts
        array([1, 2], dtype=int32)
    """
    host = on_host(tensor(x), "unique")
    values, index, inverse, counts = np.unique(
        host, return_index=True, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    along = 0 if axis is None else axis
    if size is not None:
        missing = size - values.shape[along]
        if missing > 0:
            first = np.take(values, [0], along) if values.size else np.zeros(1, host.dtype)
            filler = first if fill_value is None else np.full_like(first, fill_value)
            values = np.concatenate([values, np.repeat(filler, missing, along)], along)
            index = np.concatenate([index, np.full(missing, index[0] if index.size else 0)])
            counts = np.concatenate([counts, np.zeros(missing, counts.dtype)])
        values = np.take(values, np.arange(size), along)
        index, counts = index[:size], counts[:size]
    inverse = inverse.reshape(host.shape if axis is None else -1)
    wanted = [(index, return_index), (inverse, return_inverse), (counts, return_counts)]
    results = [values, *(part.astype(np.int32) for part, yes in wanted if yes)]
    return results[0] if len(results) == 1 else tuple(results)


@op
def unravel_index(indices, shape):
    """Places in a flattened tensor as places along each axis of its shape, a tensor an axis.

    Example:
        >>> import numpy as np
        >>> unravel_index(np.array([5], "int32"), (2, 3))
        (array([1], dtype=int32), array([2], dtype=int32))
    """
    index = tensor(indices)
    kind = dtype_name(index.dtype)
    rest, places = cast(index, "int64"), []
    size = int(np.prod(shape, dtype=np.int64))
    rest = emit("where", emit("less", rest, np.int64(0)), emit("add", rest, np.int64(size)), rest)
    rest = emit("minimum", emit("maximum", rest, np.int64(0)), np.int64(max(0, size - 1)))
    for n in reversed(shape):
        places.append(cast(emit("mod", rest, np.int64(n)), kind))
        rest = emit("floor_divide", rest, np.int64(n))
    return tuple(reversed(places))
