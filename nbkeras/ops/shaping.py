"""Functions that change shapes and places: reshape, transpose, concatenate, slice, pad, gather."""

from __future__ import annotations

import builtins
import math

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.ops.common import (
    emit,
    is_float,
    op,
    promote,
    standardize_dtype,
    tensor,
)


def _axis(axis: int, rank: int, name: str) -> int:
    if not -rank <= axis < rank:
        raise ArgumentError(f"{name}: axis {axis} is out of range for a tensor of rank {rank}.")
    return int(axis) % rank


@op
def reshape(x, newshape):
    """The same values in another shape; one axis may be -1.

    Example:
        >>> import numpy as np
        >>> reshape(np.arange(6), (2, -1)).shape
        (2, 3)
    """
    x = tensor(x)
    shape = [newshape] if isinstance(newshape, (int, np.integer)) else list(newshape)
    shape = [-1 if n is None else int(n) for n in shape]
    if shape.count(-1) > 1:
        raise ShapeError(f"reshape: only one axis may be -1, got {tuple(newshape)}.")
    if -1 in shape:
        rest = math.prod(n for n in shape if n != -1)
        size = math.prod(x.shape)
        if rest == 0 or size % rest:
            raise ShapeError(f"reshape: {tuple(x.shape)} with {size} elements does not fit {tuple(newshape)}.")
        shape[shape.index(-1)] = size // rest
    return emit("reshape", x, shape=tuple(shape))


@op
def ravel(x):
    """All values in one axis."""
    return reshape(x, (-1,))


@op
def transpose(x, axes=None):
    """Axes in another order; reversed by default."""
    x = tensor(x)
    rank = len(x.shape)
    axes = range(rank)[::-1] if axes is None else [_axis(a, rank, "transpose") for a in axes]
    if sorted(axes) != list(range(rank)):
        raise ArgumentError(f"transpose: axes {tuple(axes)} are no permutation of the {rank} axes.")
    if list(axes) == list(range(rank)):
        return x
    return emit("transpose", x, axes=tuple(axes))


@op
def swapaxes(x, axis1, axis2):
    """Two axes exchanged."""
    x = tensor(x)
    order = list(range(len(x.shape)))
    a, b = _axis(axis1, len(order), "swapaxes"), _axis(axis2, len(order), "swapaxes")
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


@op
def moveaxis(x, source, destination):
    """Axes moved to other places, the rest in their order."""
    x = tensor(x)
    rank = len(x.shape)
    sources = [_axis(a, rank, "moveaxis") for a in np.atleast_1d(source)]
    targets = [_axis(a, rank, "moveaxis") for a in np.atleast_1d(destination)]
    order = [i for i in range(rank) if i not in sources]
    for target, source_axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source_axis)
    return transpose(x, order)


@op
def expand_dims(x, axis):
    """New axes of length 1 at the given places."""
    x = tensor(x)
    places = [axis] if isinstance(axis, (int, np.integer)) else list(axis)
    rank = len(x.shape) + len(places)
    places = sorted(_axis(a, rank, "expand_dims") for a in places)
    shape = list(x.shape)
    for place in places:
        shape.insert(place, 1)
    return emit("reshape", x, shape=tuple(shape))


@op
def squeeze(x, axis=None):
    """Without its axes of length 1."""
    x = tensor(x)
    rank = len(x.shape)
    if axis is None:
        gone = [i for i, n in enumerate(x.shape) if n == 1]
    else:
        gone = [_axis(a, rank, "squeeze") for a in np.atleast_1d(axis)]
    for i in gone:
        if x.shape[i] != 1:
            raise ShapeError(f"squeeze: axis {i} of {tuple(x.shape)} has length {x.shape[i]}, not 1.")
    return emit("reshape", x, shape=tuple(n for i, n in enumerate(x.shape) if i not in gone))


@op
def broadcast_to(x, shape):
    """Repeated along axes of length 1 to the shape."""
    x = tensor(x)
    return x if tuple(x.shape) == tuple(shape) else emit("broadcast_to", x, shape=tuple(int(n) for n in shape))


@op
def concatenate(xs, axis=0):
    """Joined along an axis."""
    xs = promote(*xs)
    if len(xs) == 1:
        return xs[0]
    return emit("concatenate", *xs, axis=_axis(axis, len(xs[0].shape), "concatenate"))


@op
def stack(x, axis=0):
    """Joined along a new axis."""
    xs = promote(*x)
    axis = _axis(axis, len(xs[0].shape) + 1, "stack")
    return concatenate([expand_dims(v, axis) for v in xs], axis)


@op
def unstack(x, num=None, axis=0):
    """The list of slices along an axis."""
    x = tensor(x)
    axis = _axis(axis, len(x.shape), "unstack")
    return [squeeze(part, axis) for part in split(x, num or x.shape[axis], axis)]


@op
def split(x, indices_or_sections, axis=0):
    """Cut along an axis: into equal parts (a number) or at places (a list)."""
    x = tensor(x)
    axis = _axis(axis, len(x.shape), "split")
    n = x.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        if n % indices_or_sections:
            raise ShapeError(f"split: axis {axis} of length {n} is not divisible by {indices_or_sections}.")
        places = list(range(0, n + 1, n // indices_or_sections))
    else:
        places = [0, *(int(i) for i in indices_or_sections), n]
    return [
        _take(x, {axis: builtins.slice(a, max(a, b))}) for a, b in zip(places[:-1], places[1:], strict=True)
    ]


def _take(x, slices):
    """Slices along some axes (start, stop, step all set), the others whole."""
    start, step, shape = [], [], []
    for axis, n in enumerate(x.shape):
        first, stop, stride = slices.get(axis, builtins.slice(None)).indices(n)
        start.append(first)
        step.append(stride)
        shape.append(len(range(first, stop, stride)))
    if tuple(shape) == tuple(x.shape) and all(s == 1 for s in step):
        return x
    return emit("take", x, start=tuple(start), step=tuple(step), shape=tuple(shape))


@op
def getitem(x, key):
    """x[key]: numbers, slices, None, Ellipsis, and whole-number arrays along one axis."""
    x = tensor(x)
    keys = list(key) if isinstance(key, tuple) else [key]
    given = sum(1 for k in keys if k is not None and k is not Ellipsis)
    rank = len(x.shape)
    if given > rank:
        raise ArgumentError(f"getitem: {given} indices for a tensor of rank {rank}.")
    position = next((i for i, k in enumerate(keys) if k is Ellipsis), None)
    if position is not None:
        keys[position : position + 1] = [builtins.slice(None)] * (rank - given)
    keys += [builtins.slice(None)] * (rank - sum(1 for k in keys if k is not None))
    slices, shape_keys, gathers, axis = {}, [], [], 0
    for k in keys:
        if k is None:
            shape_keys.append("new")
            continue
        if isinstance(k, builtins.slice):
            slices[axis] = k
            shape_keys.append("keep")
        elif isinstance(k, (int, np.integer)):
            if not -x.shape[axis] <= k < x.shape[axis]:
                raise ArgumentError(f"getitem: index {k} is out of range for axis {axis} of {tuple(x.shape)}.")
            k = int(k) % x.shape[axis]
            slices[axis] = builtins.slice(k, k + 1)
            shape_keys.append("drop")
        else:
            gathers.append((axis, k))
            shape_keys.append("keep")
        axis += 1
    if len(gathers) > 1:
        raise ArgumentError("getitem: an index array along one axis only; use ops.take twice or ops.take_along_axis.")
    x = _take(x, slices)
    for gather_axis, index in gathers:
        x = take(x, index, gather_axis)
    if "new" in shape_keys or "drop" in shape_keys:
        lengths, shape = iter(x.shape), []
        for what in shape_keys:
            n = 1 if what == "new" else next(lengths)
            if what != "drop":
                shape.append(n)
        shape += list(lengths)
        x = emit("reshape", x, shape=tuple(shape))
    return x


@op
def slice(inputs, start_indices, shape):
    """The part of a shape that begins at the start indices."""
    x = tensor(inputs)
    pairs = zip(start_indices, shape, strict=True)
    return _take(x, {i: builtins.slice(int(s), int(s) + int(n)) for i, (s, n) in enumerate(pairs)})


@op
def flip(x, axis=None):
    """Reversed along axes; along all by default."""
    x = tensor(x)
    axes = range(len(x.shape)) if axis is None else [_axis(a, len(x.shape), "flip") for a in np.atleast_1d(axis)]
    return _take(x, {a: builtins.slice(None, None, -1) for a in axes})


@op
def pad(x, pad_width, mode="constant", constant_values=None):
    """More values around: a number (`constant`), or the values mirrored (`reflect`, `symmetric`)."""
    x = tensor(x)
    rank = len(x.shape)
    widths = np.broadcast_to(np.asarray(pad_width, int), (rank, 2)).tolist()
    if mode == "constant":
        shape = tuple(n + a + b for n, (a, b) in zip(x.shape, widths, strict=True))
        value = float(constant_values or 0)
        return emit("place", x, start=tuple(a for a, _ in widths), step=(1,) * rank, shape=shape, value=value)
    if mode not in ("reflect", "symmetric"):
        raise ArgumentError(f"pad: mode must be constant, reflect or symmetric, got {mode!r}.")
    for axis, (before, after) in enumerate(widths):
        if before or after:
            index = np.pad(np.arange(x.shape[axis]), (before, after), mode=mode)
            x = take(x, index, axis)
    return x


@op
def take(x, indices, axis=None):
    """The slices along an axis at whole-number indices; negative ones count from the end."""
    x = tensor(x)
    indices = tensor(indices, "int64")
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    return emit("gather", x, indices, axis=_axis(axis, len(x.shape), "take"))


@op
def take_along_axis(x, indices, axis=None):
    """For each place of `indices`, the value of x at that index along the axis."""
    x, indices = tensor(x), tensor(indices, "int64")
    if axis is None:
        return take(reshape(x, (-1,)), reshape(indices, (-1,)), 0)
    rank = len(x.shape)
    axis = _axis(axis, rank, "take_along_axis")
    outer = np.broadcast_shapes(x.shape[:axis] + x.shape[axis + 1 :], indices.shape[:axis] + indices.shape[axis + 1 :])
    x = broadcast_to(x, outer[:axis] + (x.shape[axis],) + outer[axis:])
    indices = broadcast_to(indices, outer[:axis] + (indices.shape[axis],) + outer[axis:])
    # Flat position = index * stride of the axis + position along the others.
    strides = np.cumprod([1, *x.shape[::-1]])[::-1][1:]
    others = np.zeros(indices.shape, np.int64)
    for i, n in enumerate(indices.shape):
        if i != axis:
            others += (np.arange(n) * strides[i]).reshape([-1 if j == i else 1 for j in range(rank)])
    size = np.int64(x.shape[axis])
    wrapped = emit("where", emit("less", indices, np.int64(0)), emit("add", indices, size), indices)
    flat = emit("add", emit("multiply", wrapped, np.int64(strides[axis])), others)
    return emit("gather", reshape(x, (-1,)), flat, axis=0)


@op
def repeat(x, repeats, axis=None):
    """Each value (or slice along an axis) several times."""
    x = tensor(x)
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    index = np.repeat(np.arange(x.shape[axis]), np.asarray(repeats))
    return take(x, index, axis)


@op
def tile(x, repeats):
    """The whole tensor several times along each axis."""
    x = tensor(x)
    repeats = [int(r) for r in np.atleast_1d(repeats)]
    rank = max(len(repeats), len(x.shape))
    repeats = [1] * (rank - len(repeats)) + repeats
    shape = (1,) * (rank - len(x.shape)) + tuple(x.shape)
    spread = [n for pair in zip([1] * rank, shape, strict=True) for n in pair]
    wide = [n for pair in zip(repeats, shape, strict=True) for n in pair]
    y = broadcast_to(reshape(x, spread), wide)
    return reshape(y, [r * n for r, n in zip(repeats, shape, strict=True)])


@op
def roll(x, shift, axis=None):
    """Shifted along an axis; what leaves at one end enters at the other."""
    x = tensor(x)
    if axis is None:
        return reshape(roll(reshape(x, (-1,)), shift, 0), x.shape)
    n = x.shape[axis]
    return take(x, (np.arange(n) - shift) % max(1, n), axis)


def _host(x, dtype):
    return np.asarray(x, standardize_dtype(dtype))


def zeros(shape, dtype=None):
    """All 0."""
    return np.zeros(shape, standardize_dtype(dtype))


def ones(shape, dtype=None):
    """All 1."""
    return np.ones(shape, standardize_dtype(dtype))


def full(shape, fill_value, dtype=None):
    """All one number."""
    return np.full(shape, fill_value, standardize_dtype(dtype))


@op
def zeros_like(x, dtype=None):
    """All 0, in the shape and dtype of x."""
    x = tensor(x)
    return np.zeros(x.shape, str(dtype or x.dtype))


@op
def ones_like(x, dtype=None):
    """All 1, in the shape and dtype of x."""
    x = tensor(x)
    return np.ones(x.shape, str(dtype or x.dtype))


@op
def full_like(x, fill_value, dtype=None):
    """All one number, in the shape and dtype of x."""
    x = tensor(x)
    return np.full(x.shape, fill_value, str(dtype or x.dtype))


def arange(start, stop=None, step=1, dtype=None):
    """start, start + step, ... below stop; whole numbers are int32."""
    values = np.arange(start, step=step) if stop is None else np.arange(start, stop, step)
    if dtype is None:
        dtype = standardize_dtype(None) if is_float(values.dtype) else "int32"
    return values.astype(standardize_dtype(dtype))


def linspace(start, stop, num=50, endpoint=True, dtype=None):
    """Evenly spaced numbers from start to stop."""
    return np.linspace(start, stop, num, endpoint=endpoint).astype(standardize_dtype(dtype))


def eye(N, M=None, k=0, dtype=None):
    """1 on a diagonal, else 0."""
    return np.eye(N, M, k, dtype=standardize_dtype(dtype))


def identity(n, dtype=None):
    """The unit matrix."""
    return np.eye(n, dtype=standardize_dtype(dtype))


@op
def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """1 at the class number along a new axis, else 0; numbers outside give all 0.

    Example:
        >>> import numpy as np
        >>> one_hot(np.array([1, 0]), 3)
        array([[0., 1., 0.],
               [1., 0., 0.]], dtype=float32)
    """
    if sparse:
        raise ArgumentError("one_hot: sparse=True is not supported.", next="leave it out.")
    x = tensor(x, "int64")
    classes = np.arange(num_classes, dtype=np.int64)
    hot = emit("cast", emit("equal", expand_dims(x, -1), classes), dtype=standardize_dtype(dtype))
    return hot if axis in (-1, len(x.shape)) else moveaxis(hot, -1, axis)


@op
def ndim(x):
    """The number of axes."""
    return len(tensor(x).shape)


@op
def copy(x):
    """A copy."""
    x = tensor(x)
    return emit("broadcast_to", x, shape=tuple(x.shape))


@op
def tril(x, k=0):
    """The lower triangle of the last two axes, 0 above diagonal k."""
    x = tensor(x)
    mask = np.tril(np.ones(x.shape[-2:], bool), k)
    return emit("where", mask, x, np.zeros((), str(x.dtype)))


@op
def triu(x, k=0):
    """The upper triangle of the last two axes, 0 below diagonal k."""
    x = tensor(x)
    mask = np.triu(np.ones(x.shape[-2:], bool), k)
    return emit("where", mask, x, np.zeros((), str(x.dtype)))


