"""Tensors with a gradient that the user gives."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.primitives.emit import cast, emit
from nbkeras.graph.primitives.moving import copy, strides_of
from nbkeras.graph.primitives.table import primitive

# The first `outputs` inputs come out as they are; the others are what the gradient is for.


def _own_lower(node, low):
    for x, y in zip(node.inputs, node.outputs, strict=False):
        strides = strides_of(x.shape)
        copy(low, y, x, x.shape, strides, strides)


def _own_grad(node, *upstream):
    count = node.params["outputs"]
    pairs = zip(upstream, node.outputs, strict=True)
    zeros = [emit("broadcast_to", np.zeros((), y.dtype), shape=y.shape) if g is None else g for g, y in pairs]
    inputs, given = node.inputs[count:], node.params["rule"](*zeros)
    if len(given) != len(inputs):
        raise ArgumentError(f"custom_gradient: expected {len(inputs)} gradients, got {len(given)}.")
    gradients = []
    for x, g in zip(inputs, given, strict=True):
        if np.dtype(x.dtype).kind != "f":
            gradients.append(None)
            continue
        if tuple(g.shape) != tuple(x.shape):
            raise ShapeError(f"custom_gradient: a gradient of shape {tuple(g.shape)} for a tensor of {tuple(x.shape)}.")
        gradients.append(cast(g, x.dtype))
    return [None] * count + gradients


primitive(
    "own_gradient",
    infer=lambda node: [(x.shape, x.dtype) for x in node.inputs[: node.params["outputs"]]],
    reference=lambda *xs, outputs, rule: xs[:outputs],
    grad=_own_grad,
    lower=_own_lower,
)
