"""Gather along an axis by whole numbers, and its transpose, the sum of updates into places."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.graph.primitives.emit import emit
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
    np.add.at(out, (slice(None), _wrap(index.ravel(), size)), updates.reshape(outer, index.size, -1))
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
