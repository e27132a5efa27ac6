"""Primitives that move values without changing them: reshape, transpose, slice, place, concatenate."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.primitives.emit import emit
from nbkeras.graph.primitives.table import primitive


def strides_of(shape) -> list[int]:
    """Element strides of a C-contiguous array."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return strides[::-1]


def fold(shape, *strides):
    """Drop axes of length 1 and merge neighbours that every operand walks as one; returns shape and strides."""
    folded, walked = [], [[] for _ in strides]
    for axis, n in enumerate(shape):
        if n == 1:
            continue
        here = [s[axis] for s in strides]
        if folded and all(w[-1] == h * n for w, h in zip(walked, here, strict=True)):
            folded[-1] *= n
            for w, h in zip(walked, here, strict=True):
                w[-1] = h
        else:
            folded.append(n)
            for w, h in zip(walked, here, strict=True):
                w.append(h)
    if not folded:
        return [1], *([1] for _ in strides)
    return folded, *walked


def copy(low, target, source, shape, target_strides, source_strides, target_start=0, source_start=0):
    """Launch a strided copy of `shape` elements."""
    if math.prod(shape) == 0:
        return
    shape, target_strides, source_strides = fold(shape, target_strides, source_strides)
    if len(shape) == 1 and shape[0] > 2 * COPY_RUN and shape[0] % COPY_RUN == 0:
        # A long run as rows, so that several threads can share it.
        target_strides = [target_strides[0] * COPY_RUN, target_strides[0]]
        source_strides = [source_strides[0] * COPY_RUN, source_strides[0]]
        shape = [shape[0] // COPY_RUN, COPY_RUN]
    layout = np.array([*shape, *target_strides, *source_strides], np.int64)
    width = {1: "uint8", 4: "int32", 8: "int64", 2: "int16"}[np.dtype(target.dtype).itemsize]
    args = [target, source, layout, len(shape), target_start, source_start]
    low.launch("strided_copy", width, args, items=math.prod(shape[:-1]), cost=0.3 * shape[-1] + 5)


COPY_RUN = 16384


def _reshape_infer(node):
    x, shape = node.inputs[0], node.params["shape"]
    if math.prod(shape) != x.size:
        raise ShapeError(f"reshape: {x.shape} has {x.size} elements, {tuple(shape)} has {math.prod(shape)}.")
    return [(shape, x.dtype)]


primitive(
    "reshape",
    infer=_reshape_infer,
    reference=lambda x, shape: np.reshape(x, shape),
    grad=lambda node, dy: [emit("reshape", dy, shape=node.inputs[0].shape)],
    view=True,
)


def _transpose_lower(node, low):
    x, y, axes = node.inputs[0], node.outputs[0], node.params["axes"]
    strides = strides_of(x.shape)
    copy(low, y, x, y.shape, strides_of(y.shape), [strides[a] for a in axes])


primitive(
    "transpose",
    infer=lambda node: [([node.inputs[0].shape[a] for a in node.params["axes"]], node.inputs[0].dtype)],
    reference=lambda x, axes: np.transpose(x, axes),
    grad=lambda node, dy: [emit("transpose", dy, axes=tuple(int(i) for i in np.argsort(node.params["axes"])))],
    lower=_transpose_lower,
)

# take(x)[i] = x[start + step * i]; place is its transpose: out[start + step * i] = x[i], `value` elsewhere.


def _take_reference(x, start, step, shape):
    index = np.ix_(*(s + d * np.arange(n) for s, d, n in zip(start, step, shape, strict=True)))
    return x[index] if x.ndim else x


def _take_lower(node, low):
    x, y = node.inputs[0], node.outputs[0]
    strides = strides_of(x.shape)
    first = sum(s * t for s, t in zip(node.params["start"], strides, strict=True))
    stepped = [d * t for d, t in zip(node.params["step"], strides, strict=True)]
    copy(low, y, x, y.shape, strides_of(y.shape), stepped, source_start=first)


def _take_grad(node, dy):
    start, step = node.params["start"], node.params["step"]
    return [emit("place", dy, start=start, step=step, shape=node.inputs[0].shape, value=0.0)]


primitive(
    "take",
    infer=lambda node: [(node.params["shape"], node.inputs[0].dtype)],
    reference=_take_reference,
    grad=_take_grad,
    lower=_take_lower,
)


def _place_reference(x, start, step, shape, value):
    out = np.full(shape, value, x.dtype)
    out[np.ix_(*(s + d * np.arange(n) for s, d, n in zip(start, step, x.shape, strict=True)))] = x
    return out


def _place_lower(node, low):
    x, y = node.inputs[0], node.outputs[0]
    fill(low, y, node.params["value"])
    strides = strides_of(y.shape)
    first = sum(s * t for s, t in zip(node.params["start"], strides, strict=True))
    stepped = [d * t for d, t in zip(node.params["step"], strides, strict=True)]
    copy(low, y, x, x.shape, stepped, strides_of(x.shape), target_start=first)


def fill(low, y, value):
    """Launch a fill of all elements with one number."""
    kind = float if np.dtype(y.dtype).kind == "f" else int
    low.launch("fill", y.dtype, [y, kind(value)], items=y.size, cost=0.1)


def _place_grad(node, dy):
    start, step = node.params["start"], node.params["step"]
    return [emit("take", dy, start=start, step=step, shape=node.inputs[0].shape)]


primitive(
    "place",
    infer=lambda node: [(node.params["shape"], node.inputs[0].dtype)],
    reference=_place_reference,
    grad=_place_grad,
    lower=_place_lower,
)


def _concatenate_infer(node):
    axis, first = node.params["axis"], node.inputs[0]
    for other in node.inputs[1:]:
        rest = [s[:axis] + s[axis + 1 :] for s in (first.shape, other.shape)]
        if rest[0] != rest[1] or other.dtype != first.dtype:
            shapes = ", ".join(str(s.shape) for s in node.inputs)
            raise ShapeError(f"concatenate: shapes {shapes} differ in an axis other than {axis}.")
    total = sum(s.shape[axis] for s in node.inputs)
    return [(first.shape[:axis] + (total,) + first.shape[axis + 1 :], first.dtype)]


def _concatenate_grad(node, dy):
    axis, at, gradients = node.params["axis"], 0, []
    for x in node.inputs:
        start = tuple(at if i == axis else 0 for i in range(len(x.shape)))
        gradients.append(emit("take", dy, start=start, step=(1,) * len(x.shape), shape=x.shape))
        at += x.shape[axis]
    return gradients


def _concatenate_lower(node, low):
    y, axis, at = node.outputs[0], node.params["axis"], 0
    strides = strides_of(y.shape)
    for x in node.inputs:
        copy(low, y, x, x.shape, strides, strides_of(x.shape), target_start=at * strides[axis])
        at += x.shape[axis]


primitive(
    "concatenate",
    infer=_concatenate_infer,
    reference=lambda *xs, axis: np.concatenate(xs, axis),
    grad=_concatenate_grad,
    lower=_concatenate_lower,
)


def _pack_infer(node):
    sizes = [s.size for s in node.inputs]
    for size, offset in zip(sizes, node.params["offsets"], strict=True):
        if offset + size > node.params["size"]:
            raise ArgumentError("pack: an input does not fit the flat buffer.")
    return [((node.params["size"],), node.inputs[0].dtype)]


def _pack_reference(*xs, offsets, size):
    out = np.zeros(size, xs[0].dtype)
    for x, offset in zip(xs, offsets, strict=True):
        out[offset : offset + x.size] = x.ravel()
    return out


# One flat buffer from many tensors, gaps 0: the gradient arena. The plan places the inputs in it where it can, so that
# nothing is copied (see plan.py).
primitive("pack", infer=_pack_infer, reference=_pack_reference)


def _unpack_reference(flat, offset, shape):
    return flat[offset : offset + math.prod(shape)].reshape(shape)


# A variable's part of a flat buffer: a view.
primitive(
    "unpack",
    infer=lambda node: [(node.params["shape"], node.inputs[0].dtype)],
    reference=_unpack_reference,
    view=True,
)


def _view_infer(node):
    x, dtype = node.inputs[0], node.params["dtype"]
    before, after = (np.dtype(d).itemsize for d in (x.dtype, dtype))
    if before == after:
        return [(x.shape, dtype)]
    if not x.shape or x.shape[-1] * before % after:
        raise ShapeError(f"view: {x.dtype} of shape {x.shape} cannot be read as {dtype}.")
    return [((*x.shape[:-1], x.shape[-1] * before // after), dtype)]


# The same bytes as another dtype.
primitive(
    "view",
    infer=_view_infer,
    reference=lambda x, dtype: np.ascontiguousarray(x).view(dtype),
    grad=lambda node, dy: [None],
    view=True,
)
