"""Reductions along any axes: sum, max, min, product, and the index of the largest or smallest."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.graph.primitives.elementwise import divide, multiply, where
from nbkeras.graph.primitives.emit import cast, emit
from nbkeras.graph.primitives.moving import fill
from nbkeras.graph.primitives.table import primitive
from nbkeras.kernels.reduce import block_size

OPERATIONS = {"sum": 0, "max": 1, "min": 2, "prod": 3}
_REFERENCE = {"sum": np.sum, "max": np.max, "min": np.min, "prod": np.prod}
#: What no values give; for max and min of booleans, which are `any` and `all`, only.
_OF_NOTHING = {"sum": 0, "prod": 1, "max": 0, "min": 1}


def normalize_axes(axes, rank: int) -> tuple[int, ...]:
    """Sorted non-negative axes; None means all."""
    if axes is None:
        return tuple(range(rank))
    axes = (axes,) if isinstance(axes, (int, np.integer)) else tuple(axes)
    for axis in axes:
        if not isinstance(axis, (int, np.integer)):
            raise ArgumentTypeError(f"axis must be a whole number, several, or None, got {axis!r}.")
        if not -rank <= axis < rank:
            raise ArgumentError(f"axis {axis} is out of range for a tensor of rank {rank}.")
    found = {int(a) % rank for a in axes}
    if len(found) < len(axes):
        raise ArgumentError(f"axes {axes} name one axis of a tensor of rank {rank} more than once.")
    return tuple(sorted(found))


def _infer(node):
    x = node.inputs[0]
    kept = tuple(n for i, n in enumerate(x.shape) if i not in node.params["axes"])
    if node.params["op"] in ("max", "min") and x.dtype != "bool" and x.size == 0 and math.prod(kept) > 0:
        raise ArgumentError(f"{node.params['op']} of an empty tensor of shape {x.shape} has no value.")
    return [(kept, x.dtype)]


def _reference(x, axes, op):
    if x.size == 0:
        return np.full([n for i, n in enumerate(x.shape) if i not in axes], _OF_NOTHING[op], x.dtype)
    return _REFERENCE[op](x, axis=axes, **({"dtype": x.dtype} if op in ("sum", "prod") else {}))


def expand(x, shape, axes):
    """Put a reduced tensor back to the rank it came from, with 1 along the reduced axes."""
    return emit("reshape", x, shape=tuple(1 if i in axes else n for i, n in enumerate(shape)))


def _grad(node, dy):
    x, axes, op = node.inputs[0], node.params["axes"], node.params["op"]
    dy = expand(dy, x.shape, axes)
    if op == "sum":
        return [emit("broadcast_to", dy, shape=x.shape)]
    y = expand(node.outputs[0], x.shape, axes)
    if op == "prod":
        # Division is exact only without zeros: with one zero the product of the others is needed.
        zero = emit("equal", x, np.asarray(0, x.dtype))
        zeros = expand(emit("reduce", cast(zero, x.dtype), axes=axes, op="sum"), x.shape, axes)
        one = np.asarray(1, x.dtype)
        others = expand(emit("reduce", where(zero, one, x), axes=axes, op="prod"), x.shape, axes)
        none = np.asarray(0, x.dtype)
        at_zero = where(emit("equal", zeros, one), others, none)
        elsewhere = where(emit("equal", zeros, none), divide(others, where(zero, one, x)), none)
        return [multiply(dy, where(zero, at_zero, elsewhere))]
    # As Keras on JAX: equal largest elements share the gradient.
    hit = cast(emit("equal", x, y), x.dtype)
    count = expand(emit("reduce", hit, axes=axes, op="sum"), x.shape, axes)
    return [multiply(hit, divide(dy, count))]


def runs(shape, axes):
    """Cut a shape into (outer, mid, inner) reductions, one for each run of neighbouring axes, last run first."""
    groups = []
    for axis in sorted(axes, reverse=True):
        if groups and groups[-1][0] == axis + 1:
            groups[-1][0] = axis
        else:
            groups.append([axis, axis + 1])
    sizes = list(shape)
    for start, end in groups:
        yield math.prod(sizes[:start]), math.prod(sizes[start:end]), math.prod(sizes[end:])
        sizes = sizes[:start] + sizes[end:]


def _lower(node, low):
    reduce(low, node.outputs[0], node.inputs[0], node.params["axes"], node.params["op"])


def reduce(low, y, x, axes, op):
    """Launch y = the reduction of x over some axes."""
    operation, dtype = OPERATIONS[op], x.dtype
    if x.size == 0:
        fill(low, y, _OF_NOTHING[op])
        return
    steps = [step for step in runs(x.shape, axes) if step[1] != 1] or [(x.size, 1, 1)]
    source = x
    for number, (outer, mid, inner) in enumerate(steps):
        target = y if number == len(steps) - 1 else low.temp((outer * inner,), dtype)
        block = block_size(outer, mid, inner)
        if block < mid:  # one long sum uses all cores: its parts are put together in a second launch
            parts = -(-mid // block)
            partial = low.temp((outer * parts * inner,), dtype)
            low.launch("reduce", dtype, [partial, source, outer, mid, block, inner, operation])
            source, mid, block = partial, parts, parts
        low.launch("reduce", dtype, [target, source, outer, mid, block, inner, operation])
        source = target


primitive("reduce", infer=_infer, reference=_reference, grad=_grad, lower=_lower)


def _arg_infer(node):
    x, axis = node.inputs[0], node.params["axis"]
    return [(x.shape[:axis] + x.shape[axis + 1 :], "int64")]


def _arg_reference(x, axis, op):
    return (np.argmax if op == "max" else np.argmin)(x, axis=axis)


def _arg_lower(node, low):
    x, axis = node.inputs[0], node.params["axis"]
    outer, mid, inner = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    code = 0 if node.params["op"] == "max" else 1
    args = [node.outputs[0], x, outer, mid, inner, code]
    low.launch("arg_reduce", x.dtype, args, items=outer * inner, cost=float(mid))


primitive("arg_reduce", infer=_arg_infer, reference=_arg_reference, grad=lambda node, dy: [None], lower=_arg_lower)
