"""Parts of tensors: by slices, by whole-number indices, and their transposes that put parts in place."""

from __future__ import annotations

import builtins
import math

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.symbol import Symbol
from nbkeras.ops import shaping
from nbkeras.ops.common import axis_of, dtype_name, emit, op, promote, tensor
from nbkeras.ops.shaping import sliced


@op
def getitem(x, key):
    """x[key]: numbers, slices, None, Ellipsis, and whole numbers in an array (or a mask) along one axis.

    Raises:
        ArgumentError: too many indices, one out of range, or arrays along two axes.

    Example:
        >>> import numpy as np
        >>> x = np.arange(6, dtype="float32").reshape(2, 3)
        >>> getitem(x, (..., -1))
        array([2., 5.], dtype=float32)
        >>> getitem(x, (1, np.array([2, 0])))
        array([5., 3.], dtype=float32)
    """
    x = tensor(x)
    keys = list(key) if isinstance(key, tuple) else [key]
    rank = len(x.shape)
    if sum(k is Ellipsis for k in keys) > 1:
        raise ArgumentError(f"getitem: expected one Ellipsis at most, got several in {key!r}.")
    given = sum(1 for k in keys if k is not None and k is not Ellipsis)
    if given > rank:
        raise ArgumentError(f"getitem: {given} indices for a tensor of rank {rank}.")
    place = next((i for i, k in enumerate(keys) if k is Ellipsis), None)
    if place is not None:
        keys[place : place + 1] = [builtins.slice(None)] * (rank - given)
    keys += [builtins.slice(None)] * (rank - sum(1 for k in keys if k is not None))
    slices, gathers, shape, axis = {}, [], [], 0
    for k in keys:
        if k is None:
            shape.append("new")
            continue
        shape.append("keep")
        if isinstance(k, builtins.slice):
            slices[axis] = k
        elif isinstance(k, (int, np.integer)) and not isinstance(k, (bool, np.bool_)):
            slices[axis] = _one(k, axis, x.shape)
            shape[-1] = "drop"
        else:
            gathers.append((axis, k))
        axis += 1
    if len(gathers) > 1:
        raise ArgumentError(
            "getitem: an index array along one axis only.", next="use ops.take twice, or ops.take_along_axis."
        )
    x = sliced(x, slices)
    extra = 0
    for axis, index in gathers:
        index = _whole_numbers(index, x.shape[axis])
        x = take(x, index, axis)
        extra = len(index.shape) - 1
        place = [i for i, what in enumerate(shape) if what != "new"][axis]
        shape[place : place + 1] = ["keep"] * (extra + 1)
    if "new" not in shape and "drop" not in shape:
        return x
    lengths = iter(x.shape)
    wanted = [(what, 1 if what == "new" else next(lengths)) for what in shape]
    return emit("reshape", x, shape=tuple(n for what, n in wanted if what != "drop"))


def _one(k, axis, shape):
    if not -shape[axis] <= k < shape[axis]:
        raise ArgumentError(f"getitem: index {k} is out of range for axis {axis} of {tuple(shape)}.")
    k = int(k) % shape[axis]
    return builtins.slice(k, k + 1)


def _whole_numbers(index, length):
    index = tensor(index)
    if dtype_name(index.dtype) != "bool":
        return index
    if isinstance(index, Symbol):
        raise ArgumentError(
            "getitem: a mask makes a shape that depends on values, which do not exist yet while a model is traced.",
            next="use ops.where.",
        )
    if index.shape != (length,):
        raise ShapeError(f"getitem: a mask of shape {tuple(index.shape)} for an axis of length {length}.")
    return np.flatnonzero(index)


@op
def get_item(x, key):
    """x[key]; the same as `getitem`.

    Example:
        >>> get_item([[1.0, 2.0], [3.0, 4.0]], 1)
        array([3., 4.], dtype=float32)
    """
    return getitem(x, key)


@op
def slice(inputs, start_indices, shape):
    """The part of a shape that begins at the start indices; -1 in the shape takes all that is left.

    Starts that are symbols are taken while the step runs, and moved back where the part would not fit.

    Example:
        >>> import numpy as np
        >>> slice(np.arange(12, dtype="float32").reshape(3, 4), (1, 0), (-1, 2))
        array([[4., 5.],
               [8., 9.]], dtype=float32)
    """
    x = tensor(inputs)
    starts = _starts(start_indices, len(x.shape), "slice")
    sizes = [int(n) for n in shape]
    if len(sizes) != len(x.shape):
        raise ArgumentError(f"slice: a shape of {len(sizes)} axes for a tensor of rank {len(x.shape)}.")
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        if size == -1:
            sizes[axis] = x.shape[axis] - start
        if not 0 <= sizes[axis] <= x.shape[axis]:
            raise ShapeError(f"slice: {size} elements along axis {axis} of {tuple(x.shape)}.")
    fixed = {}
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        if isinstance(start, Symbol):
            start = emit("maximum", emit("minimum", start, np.int64(x.shape[axis] - size)), np.int64(0))
            x = take(x, emit("add", start, np.arange(size, dtype=np.int64)), axis)
        else:
            start = min(max(start, 0), x.shape[axis] - size)
            fixed[axis] = builtins.slice(start, start + size)
    return sliced(x, fixed)


def _starts(starts, rank, name):
    """Start indices, one an axis: numbers, or symbols where they depend on the step."""
    if isinstance(starts, Symbol):
        starts = [tensor(part, "int64") for part in shaping.unstack(starts)]
    starts = [tensor(s, "int64") if isinstance(s, Symbol) else int(s) for s in starts]
    if len(starts) != rank:
        raise ArgumentError(f"{name}: {len(starts)} start indices for a tensor of rank {rank}.")
    return starts


@op
def slice_update(inputs, start_indices, updates):
    """The input with a block replaced.

    Args:
        start_indices: where the block begins, one number an axis; it is moved back where it would not fit.
        updates: the block, of the rank of the input.

    Example:
        >>> slice_update([[0.0, 0.0, 0.0]] * 2, (0, 1), [[1.0, 2.0]])
        array([[0., 1., 2.],
               [0., 0., 0.]], dtype=float32)
    """
    x = tensor(inputs)
    block = tensor(updates, dtype_name(x.dtype))
    if len(block.shape) != len(x.shape) or any(b > n for b, n in zip(block.shape, x.shape, strict=True)):
        raise ShapeError(f"slice_update: a block of shape {tuple(block.shape)} in a tensor of {tuple(x.shape)}.")
    if math.prod(x.shape) == 0:
        return x
    starts = _starts(start_indices, len(x.shape), "slice_update")
    if not any(isinstance(s, Symbol) for s in starts):
        start = tuple(min(max(s, 0), n - b) for s, n, b in zip(starts, x.shape, block.shape, strict=True))
        place = emit("place", block, start=start, step=(1,) * len(start), shape=tuple(x.shape), value=0.0)
        mask = np.zeros(x.shape, bool)
        mask[tuple(builtins.slice(s, s + n) for s, n in zip(start, block.shape, strict=True))] = True
        return emit("where", mask, place, x)
    inside = None
    for axis, (start, size) in enumerate(zip(starts, block.shape, strict=True)):
        n = x.shape[axis]
        start = tensor(start, "int64")
        start = emit("maximum", emit("minimum", start, np.int64(n - size)), np.int64(0))
        offset = emit("subtract", np.arange(n, dtype=np.int64), start)
        here = emit("logical_and", emit("greater_equal", offset, np.int64(0)), emit("less", offset, np.int64(size)))
        here = shaping.reshape(here, [n if i == axis else 1 for i in range(len(x.shape))])
        inside = here if inside is None else emit("logical_and", inside, here)
        clipped = emit("minimum", emit("maximum", offset, np.int64(0)), np.int64(max(0, size - 1)))
        block = take(block, clipped, axis)
    return emit("where", inside, block, x)


@op
def take(x, indices, axis=None):
    """The slices along an axis at whole-number indices; negative ones count from the end.

    Without an axis, values in order. The result has the axes of `indices` in place of the axis.

    Example:
        >>> take([[1.0, 2.0], [3.0, 4.0]], [1, 0, 1], axis=0)
        array([[3., 4.],
               [1., 2.],
               [3., 4.]], dtype=float32)
    """
    x = tensor(x)
    indices = tensor(indices, "int64")
    if axis is None:
        x, axis = shaping.reshape(x, (-1,)), 0
    axis = axis_of(axis, len(x.shape), "take")
    if x.shape[axis] == 0 and math.prod(indices.shape):
        raise ShapeError(f"take: axis {axis} of {tuple(x.shape)} is empty.")
    return emit("gather", x, indices, axis=axis)


@op
def take_along_axis(x, indices, axis=None):
    """For each place of `indices`, the value of x at that index along the axis.

    Args:
        indices: whole numbers, with as many axes as x.
        axis: None takes both as vectors.

    Example:
        >>> import numpy as np
        >>> x = np.array([[3.0, 1.0], [2.0, 4.0]], "float32")
        >>> take_along_axis(x, np.argsort(x, axis=1), axis=1)
        array([[1., 3.],
               [2., 4.]], dtype=float32)
    """
    x, indices = tensor(x), tensor(indices, "int64")
    if axis is None:
        return take(shaping.reshape(x, (-1,)), shaping.reshape(indices, (-1,)), 0)
    rank = len(x.shape)
    if len(indices.shape) != rank:
        raise ShapeError(f"take_along_axis: indices of rank {len(indices.shape)} for a tensor of rank {rank}.")
    axis = axis_of(axis, rank, "take_along_axis")
    try:
        outer = np.broadcast_shapes(*((*s[:axis], *s[axis + 1 :]) for s in (x.shape, indices.shape)))
    except ValueError:
        raise ShapeError(
            f"take_along_axis: {tuple(x.shape)} and {tuple(indices.shape)} do not broadcast but for axis {axis}."
        ) from None
    x = shaping.broadcast_to(x, outer[:axis] + (x.shape[axis],) + outer[axis:])
    indices = shaping.broadcast_to(indices, outer[:axis] + (indices.shape[axis],) + outer[axis:])
    # Flat position = index * stride of the axis + position along the others.
    strides = np.cumprod([1, *x.shape[::-1]])[::-1][1:]
    others = np.zeros(indices.shape, np.int64)
    for i, n in enumerate(indices.shape):
        if i != axis:
            others += (np.arange(n) * strides[i]).reshape([-1 if j == i else 1 for j in range(rank)])
    size = np.int64(x.shape[axis])
    wrapped = emit("where", emit("less", indices, np.int64(0)), emit("add", indices, size), indices)
    flat = emit("add", emit("multiply", wrapped, np.int64(strides[axis])), others)
    return emit("gather", shaping.reshape(x, (-1,)), flat, axis=0)


def _places(indices, shape):
    """Flat positions of rows of indices over the leading axes of a shape; negative indices count from the end."""
    depth = indices.shape[-1]
    if depth > len(shape):
        raise ShapeError(f"scatter: {depth} indices a row for a tensor of rank {len(shape)}.")
    lengths = np.array(shape[:depth], np.int64)
    strides = np.cumprod([1, *shape[:depth][::-1]])[::-1][1:].astype(np.int64)
    indices = emit("where", emit("less", indices, np.int64(0)), emit("add", indices, lengths), indices)
    places = emit("reduce", emit("multiply", indices, strides), axes=(len(indices.shape) - 1,), op="sum")
    return emit("reshape", places, shape=(math.prod(places.shape),)), math.prod(shape[:depth])


@op
def scatter(indices, values, shape):
    """Zeros of a shape with values added at the places that the rows of indices name.

    Args:
        indices: (..., D) whole numbers: places along the first D axes.
        values: (..., *shape[D:]).

    Example:
        >>> scatter([[0], [2], [0]], [1.0, 2.0, 5.0], (4,))
        array([6., 0., 2., 0.], dtype=float32)
    """
    indices, values = tensor(indices, "int64"), tensor(values)
    shape = tuple(int(n) for n in shape)
    flat, size = _places(indices, shape)
    rest = shape[indices.shape[-1] :]
    rows = emit("reshape", values, shape=(flat.shape[0], math.prod(rest)))
    return emit("reshape", emit("scatter_add", flat, rows, axis=0, size=size), shape=shape)


#: Reductions of `scatter_update` -> what brings updates together, and those with the input.
REDUCTIONS = {"mul": ("prod", "multiply"), "max": ("max", "maximum"), "min": ("min", "minimum")}


@op
def scatter_update(inputs, indices, updates, reduction=None):
    """The input with the places that rows of indices name replaced, or brought together with the updates.

    Args:
        indices: (..., D) whole numbers: places along the first D axes; the last of equal ones writes.
        updates: (..., *inputs.shape[D:]).
        reduction: None replaces; 'add', 'mul', 'max' and 'min' bring old and new values together.

    Example:
        >>> scatter_update([1.0, 2.0, 3.0], [[0], [2]], [7.0, 9.0])
        array([7., 2., 9.], dtype=float32)
        >>> scatter_update([1.0, 2.0, 3.0], [[0], [0]], [7.0, 9.0], reduction="add")
        array([17.,  2.,  3.], dtype=float32)
    """
    x, indices = tensor(inputs), tensor(indices, "int64")
    updates = tensor(updates, dtype_name(x.dtype))
    if reduction == "add":
        return emit("add", x, scatter(indices, updates, x.shape))
    if reduction not in (None, *REDUCTIONS):
        raise ArgumentError(
            f"scatter_update: reduction must be None, 'add', 'mul', 'max' or 'min', got {reduction!r}."
        )
    # Rows sorted by place: the last of equals writes. Its number, 1 more so that 0 means none, then its values by it.
    flat, size = _places(indices, x.shape)
    count, shape = flat.shape[0], tuple(x.shape)
    if count == 0:
        return x
    rest = shape[indices.shape[-1] :]
    if reduction is not None:
        rows = emit("reshape", updates, shape=(count, *rest))
        within, together = REDUCTIONS[reduction]
        return emit(together, x, emit("reshape", emit("scatter_reduce", flat, rows, size=size, op=within), shape=shape))
    places, number = emit("sort", flat, descending=False)
    following = emit("concatenate", sliced(places, {0: builtins.slice(1, None)}), np.full(1, -1, np.int64), axis=0)
    last = emit("not_equal", places, following)
    number = emit("where", last, emit("add", number, np.int64(1)), np.int64(0))
    writer = emit("scatter_add", places, number, axis=0, size=size)
    rows = emit("reshape", updates, shape=(count, math.prod(rest)))
    rows = emit("concatenate", np.zeros((1, math.prod(rest)), dtype_name(x.dtype)), rows, axis=0)
    chosen = emit("gather", rows, writer, axis=0)
    written = emit("reshape", emit("greater", writer, np.int64(0)), shape=(size, 1))
    old = emit("reshape", x, shape=(size, math.prod(rest)))
    return emit("reshape", emit("where", written, chosen, old), shape=shape)


@op
def select(condlist, choicelist, default=0):
    """For each place the choice of the first condition that holds, else the default.

    Example:
        >>> import numpy as np
        >>> x = np.array([1.0, 5.0, 9.0], "float32")
        >>> select([x < 2, x < 6], [x, 10 * x], default=-1.0)
        array([ 1., 50., -1.], dtype=float32)
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ArgumentError(f"select: {len(condlist)} conditions for {len(choicelist)} choices.")
    *choices, result = promote(*choicelist, default)
    for condition, choice in zip(condlist[::-1], choices[::-1], strict=True):
        result = emit("where", tensor(condition, "bool"), choice, result)
    return result
