"""Gather along an axis by whole numbers, and its transpose, the sum of updates into places; their extremes too."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.graph.primitives.elementwise import divide, multiply, where
from nbkeras.graph.primitives.emit import cast, emit
from nbkeras.graph.primitives.moving import fill
from nbkeras.graph.primitives.table import primitive


def _sizes(shape, axis):
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def _gather_infer(node):
    x, index = node.inputs
    axis = node.params["axis"]
    return [(x.shape[:axis] + index.shape + x.shape[axis + 1 :], x.dtype)]


def _wrap(index, size):
    index = np.where(index < 0, index + size, index)
    return np.clip(index, 0, size - 1)


def _gather_lower(node, low):
    x, index = node.inputs
    outer, size, inner = _sizes(x.shape, node.params["axis"])
    width = {1: "uint8", 2: "int16", 4: "int32", 8: "int64"}[np.dtype(x.dtype).itemsize]
    args = [node.outputs[0], x, index, outer, index.size, size, inner]
    low.launch("gather", width, args, items=outer * index.size, cost=0.2 * inner + 3)


def _gather_grad(node, dy):
    x, index = node.inputs
    return [emit("scatter_add", index, dy, axis=node.params["axis"], size=x.shape[node.params["axis"]]), None]


primitive(
    "gather",
    infer=_gather_infer,
    reference=lambda x, index, axis: np.take(x, _wrap(index, x.shape[axis]), axis),
    grad=_gather_grad,
    lower=_gather_lower,
)


def _scatter_infer(node):
    index, updates = node.inputs
    axis = node.params["axis"]
    rest = updates.shape[axis + len(index.shape) :]
    return [(updates.shape[:axis] + (node.params["size"],) + rest, updates.dtype)]


def _scatter_reference(index, updates, axis, size):
    rest = updates.shape[axis + index.ndim :]
    outer = math.prod(updates.shape[:axis])
    out = np.zeros((outer, size, math.prod(rest)), updates.dtype)
    np.add.at(out, (slice(None), _wrap(index.ravel(), size)), updates.reshape(outer, index.size, out.shape[2]))
    return out.reshape(updates.shape[:axis] + (size,) + rest)


def _scatter_lower(node, low):
    index, updates = node.inputs
    y = node.outputs[0]
    fill(low, y, 0)
    outer, size, inner = _sizes(y.shape, node.params["axis"])
    low.launch("scatter_add", y.dtype, [y, index, updates, outer, index.size, size, inner])


primitive(
    "scatter_add",
    infer=_scatter_infer,
    reference=_scatter_reference,
    grad=lambda node, dy: [None, emit("gather", dy, node.inputs[0], axis=node.params["axis"])],
    lower=_scatter_lower,
)

# Rows (k, ...) brought together in `size` rows by max, min or product; a row that gets none has the neutral value.

_CODES = {"max": 1, "min": 2, "prod": 3}
_UFUNCS = {"max": np.maximum, "min": np.minimum, "prod": np.multiply}


def _neutral(op, dtype):
    if op == "prod":
        return 1
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return -np.inf if op == "max" else np.inf
    limits = np.iinfo(dtype)
    return limits.min if op == "max" else limits.max


def _scatter_reduce_reference(index, x, size, op):
    out = np.full((size, *x.shape[1:]), _neutral(op, x.dtype), x.dtype)
    _UFUNCS[op].at(out, _wrap(index, size), x)
    return out


def _scatter_reduce_lower(node, low):
    (index, x), y, op = node.inputs, node.outputs[0], node.params["op"]
    fill(low, y, _neutral(op, y.dtype))
    inner = math.prod(x.shape[1:])
    args = [y, index, x, index.size, node.params["size"], inner, _CODES[op]]
    low.launch("scatter_reduce", y.dtype, args, items=inner, cost=2.0 * index.size)


def _scatter_reduce_grad(node, dy):
    (index, x), y, size = node.inputs, node.outputs[0], node.params["size"]

    def spread(rows):
        return emit("gather", rows, index, axis=0)

    def collect(rows):
        return emit("scatter_add", index, rows, axis=0, size=size)

    nothing, one = np.asarray(0, x.dtype), np.asarray(1, x.dtype)
    if node.params["op"] != "prod":
        # Equal extremes share the gradient.
        hit = cast(emit("equal", x, spread(y)), x.dtype)
        return [None, multiply(hit, spread(divide(dy, emit("maximum", collect(hit), one))))]
    # Of a product without zeros y / x is left; with one zero its own gradient is the product of the others.
    zero = emit("equal", x, nothing)
    zeros = spread(collect(cast(zero, x.dtype)))
    without = where(zero, one, x)
    others = spread(emit("scatter_reduce", index, without, size=size, op="prod"))
    alone = emit("logical_and", zero, emit("equal", zeros, one))
    slope = where(emit("equal", zeros, nothing), divide(others, without), where(alone, others, nothing))
    return [None, multiply(slope, spread(dy))]


primitive(
    "scatter_reduce",
    infer=lambda node: [((node.params["size"], *node.inputs[1].shape[1:]), node.inputs[1].dtype)],
    reference=_scatter_reduce_reference,
    grad=_scatter_reduce_grad,
    lower=_scatter_reduce_lower,
)
