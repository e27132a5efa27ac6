"""Running sums and products along an axis, and sorting along the last."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.graph.primitives.elementwise import divide, multiply, where
from nbkeras.graph.primitives.emit import cast, emit
from nbkeras.graph.primitives.table import primitive, same

_CODES = {"sum": 0, "prod": 3}
_REFERENCE = {"sum": np.cumsum, "prod": np.cumprod}


def _cumulative_reference(x, axis, op, reverse):
    turned = np.flip(x, axis) if reverse else x
    y = _REFERENCE[op](turned, axis=axis, dtype=x.dtype)
    return np.flip(y, axis) if reverse else y


def _cumulative_lower(node, low):
    x, y, axis = node.inputs[0], node.outputs[0], node.params["axis"]
    outer, mid, inner = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    args = [y, x, outer, mid, inner, _CODES[node.params["op"]], int(node.params["reverse"])]
    low.launch("cumulative", x.dtype, args, items=outer * inner, cost=1.0 * mid)


def _cumulative(x, like, op="sum", turn=False):
    """A running sum or product along the axis of a node, in its direction or the other."""
    reverse = bool(like.params["reverse"]) != turn
    return emit("cumulative", x, axis=like.params["axis"], op=op, reverse=reverse)


def _cumulative_grad(node, dy):
    x, y = node.inputs[0], node.outputs[0]
    if node.params["op"] == "sum":
        return [_cumulative(dy, node, turn=True)]
    # dx_i = sum over j >= i of dy_j * y_j / x_i. Up to the first zero no divisor is 0; at it, the product without it
    # stands for y_j / x_i; behind it every product holds that zero, so nothing depends on x_i.
    zero = emit("equal", x, np.asarray(0, x.dtype))
    zeros = _cumulative(cast(zero, x.dtype), node)
    nothing, one = np.asarray(0, x.dtype), np.asarray(1, x.dtype)
    first = emit("logical_and", zero, emit("equal", zeros, one))
    before = emit("equal", zeros, nothing)
    without = _cumulative(where(first, one, x), node, "prod")
    at_first = _cumulative(multiply(dy, without), node, turn=True)
    earlier = divide(_cumulative(multiply(dy, y), node, turn=True), where(zero, one, x))
    return [where(first, at_first, where(before, earlier, nothing))]


primitive("cumulative", infer=same, reference=_cumulative_reference, grad=_cumulative_grad, lower=_cumulative_lower)


# Two outputs: the values of each row in order (equals keep theirs, NaN come last), and where each came from.


def _sort_reference(x, descending):
    key = -x.astype(np.float64) if descending and x.dtype.kind == "f" else ~x if descending else x
    index = np.argsort(key, axis=-1, kind="stable")
    return np.take_along_axis(x, index, -1), index


def _sort_lower(node, low):
    x = node.inputs[0]
    outer, mid = math.prod(x.shape[:-1]), x.shape[-1]
    args = [*node.outputs, x, outer, mid, int(node.params["descending"])]
    low.launch("sort", x.dtype, args, items=outer, cost=4.0 * mid * max(1, mid.bit_length()))


def _sort_grad(node, dvalues, dindex):
    x, index = node.inputs[0], node.outputs[1]
    if dvalues is None:
        return [None]
    rows = (np.arange(math.prod(x.shape[:-1]), dtype=np.int64) * x.shape[-1]).reshape(*x.shape[:-1], 1)
    places = emit("reshape", emit("add", index, rows), shape=(x.size,))
    flat = emit("reshape", dvalues, shape=(x.size,))
    return [emit("reshape", emit("scatter_add", places, flat, axis=0, size=x.size), shape=x.shape)]


primitive(
    "sort",
    infer=lambda node: [(node.inputs[0].shape, node.inputs[0].dtype), (node.inputs[0].shape, "int64")],
    reference=_sort_reference,
    grad=_sort_grad,
    lower=_sort_lower,
)
