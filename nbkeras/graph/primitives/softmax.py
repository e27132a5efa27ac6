"""Softmax along the last axis, and cross-entropy fused with it."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.errors import ShapeError
from nbkeras.graph.primitives.elementwise import add, multiply, subtract, where
from nbkeras.graph.primitives.emit import cast, emit
from nbkeras.graph.primitives.table import primitive, same


def _rows(x):
    return math.prod(x.shape[:-1]), x.shape[-1]


def _softmax_reference(x, log):
    shifted = x - np.max(x, axis=-1, keepdims=True, initial=-np.inf)
    total = np.sum(np.exp(shifted), axis=-1, keepdims=True)
    return shifted - np.log(total) if log else np.exp(shifted) / total


def sum_last(x):
    """Sum over the last axis, which stays with length 1."""
    total = emit("reduce", x, axes=(len(x.shape) - 1,), op="sum")
    return emit("reshape", total, shape=(*x.shape[:-1], 1))


def _softmax_grad(node, dy):
    y = node.outputs[0]
    if node.params["log"]:
        return [subtract(dy, multiply(emit("exp", y), sum_last(dy)))]
    return [multiply(y, subtract(dy, sum_last(multiply(dy, y))))]


def _softmax_lower(node, low):
    x, y = node.inputs[0], node.outputs[0]
    n, c = _rows(x)
    low.launch("softmax", x.dtype, [y, x, n, c, int(node.params["log"])], items=n, cost=2.0 * c)


primitive("softmax", infer=same, reference=_softmax_reference, grad=_softmax_grad, lower=_softmax_lower)


# Cross-entropy between softmax(x) and a target: rows of class numbers, or of probabilities. Outputs: loss a row, and
# the softmax. epsilon > 0 is Keras's formula for probabilities: -log(clip(p, epsilon, 1 - epsilon)).


def _crossentropy_infer(node):
    x, target = node.inputs
    expected = x.shape if _is_dense(node) else x.shape[:-1]
    if target.shape != expected:
        raise ShapeError(f"crossentropy: predictions {x.shape} need a target of shape {expected}, got {target.shape}.")
    return [(x.shape[:-1], x.dtype), (x.shape, x.dtype)]


def _is_dense(node):
    return node.primitive.name.startswith("dense_")


def _one_hot(target, classes, dtype):
    return (target[..., None] == np.arange(classes)).astype(dtype)


def _dense_reference(x, target, epsilon):
    p = _softmax_reference(x, False)
    log_p = np.log(np.clip(p, epsilon, 1 - epsilon)) if epsilon > 0 else _softmax_reference(x, True)
    return -np.sum(np.where(target == 0, 0, target * log_p), axis=-1), p


def _sparse_reference(x, target, epsilon):
    return _dense_reference(x, _one_hot(target, x.shape[-1], x.dtype), epsilon)


def _crossentropy_grad(node, dloss, dp):
    target = node.inputs[1]
    p = node.outputs[1]
    name = node.primitive.name + "_gradient"
    dx = emit(name, p, target, dloss, epsilon=node.params["epsilon"]) if dloss is not None else None
    if dp is not None:
        through = multiply(p, subtract(dp, sum_last(multiply(dp, p))))
        dx = through if dx is None else add(dx, through)
    return [dx, None]


def _crossentropy_lower(node, low):
    x, target = node.inputs
    n, c = _rows(x)
    args = [node.outputs[0], node.outputs[1], x, target, c, float(node.params["epsilon"])]
    low.launch(node.primitive.name, x.dtype, args, items=n, cost=3.0 * c)


def _inside(p, epsilon):
    return (p >= epsilon) & (p <= 1 - epsilon)


def _dense_gradient_reference(p, target, dloss, epsilon):
    t = target if epsilon == 0 else target * _inside(p, epsilon)
    return (p * np.sum(t, axis=-1, keepdims=True) - t) * dloss[..., None]


def _sparse_gradient_reference(p, target, dloss, epsilon):
    return _dense_gradient_reference(p, _one_hot(target, p.shape[-1], p.dtype), dloss, epsilon)


def _gradient_grad(node, g):
    # dx = (p * sum(t) - t) * dloss, t = target where p is inside the clip: the rule once more, in primitives.
    p, target, dloss = node.inputs
    epsilon = node.params["epsilon"]
    t = target
    if not node.primitive.name.startswith("dense_"):
        classes = np.arange(p.shape[-1])
        t = cast(emit("equal", emit("reshape", target, shape=(*target.shape, 1)), classes), p.dtype)
    if epsilon > 0:
        low, high = np.asarray(epsilon, p.dtype), np.asarray(1 - epsilon, p.dtype)
        inside = emit("logical_and", emit("greater_equal", p, low), emit("less_equal", p, high))
        t = where(inside, t, np.asarray(0, p.dtype))
    total = sum_last(t)
    dloss = emit("reshape", dloss, shape=(*dloss.shape, 1))
    to_p = multiply(multiply(g, total), dloss)
    to_dloss = emit("reduce", multiply(g, subtract(multiply(p, total), t)), axes=(len(p.shape) - 1,), op="sum")
    return [to_p, None, to_dloss]


def _gradient_lower(node, low):
    p, target, dloss = node.inputs
    n, c = _rows(p)
    args = [node.outputs[0], p, target, dloss, c, float(node.params["epsilon"])]
    low.launch(node.primitive.name, p.dtype, args, items=n, cost=1.0 * c)


for _prefix, _reference, _gradient_reference in (
    ("", _sparse_reference, _sparse_gradient_reference),
    ("dense_", _dense_reference, _dense_gradient_reference),
):
    primitive(
        f"{_prefix}softmax_crossentropy",
        infer=_crossentropy_infer,
        reference=_reference,
        grad=_crossentropy_grad,
        lower=_crossentropy_lower,
    )
    primitive(
        f"{_prefix}softmax_crossentropy_gradient",
        infer=same,
        reference=_gradient_reference,
        grad=_gradient_grad,
        lower=_gradient_lower,
    )

