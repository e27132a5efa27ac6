"""Functions with gradients of their own, and derivatives along a direction."""

from __future__ import annotations

import functools

import numpy as np

from nbkeras import tree
from nbkeras.graph import keras_tensor, trace
from nbkeras.graph.dtypes import is_float
from nbkeras.graph.gradient import gradient
from nbkeras.graph.primitives import lift
from nbkeras.graph.traced import Traced
from nbkeras.ops.common import emit, is_tensor, tensor


def custom_gradient(f):
    """Decorator: a function whose gradient is what it says.

    Args:
        f: takes tensors (or structures of them) and returns its output and a function that takes the gradient that
            flows into the output and returns those of the arguments, in order.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> @custom_gradient
        ... def clipped(x):
        ...     return x * 2, lambda upstream: keras.ops.clip(upstream * 2, -1, 1)
        >>> clipped(np.array([1.0, 2.0]))
        array([2., 4.])
    """

    @functools.wraps(f)
    def call(*args):
        if keras_tensor.any_keras_tensor(args, {}):
            return keras_tensor.record(call, args, {})
        if trace.current() is None:
            return f(*args)[0]
        inputs = [tensor(leaf) for leaf in tree.flatten(list(args)) if is_tensor(leaf)]
        inputs = [lift(x) for x in inputs]
        remaining = iter(inputs)

        def apart(leaf):
            return emit("stop_gradient", next(remaining)) if is_tensor(leaf) else leaf

        output, rule = f(*(tree.map_structure(apart, a) for a in args))
        leaves = [tensor(leaf) for leaf in tree.flatten(output)]

        def gradients(*upstream):
            found = rule(tree.pack_sequence_as(output, upstream))
            return [g for g in tree.flatten(found if isinstance(found, (list, tuple)) else [found]) if is_tensor(g)]

        made = emit("own_gradient", *leaves, *inputs, outputs=len(leaves), rule=gradients)
        return tree.pack_sequence_as(output, made if isinstance(made, tuple) else [made])

    return call


def jvp(fun, primals, tangents, has_aux=False):
    """What a function gives, and its derivative along a direction.

    Args:
        fun: takes tensors and returns one, or a structure of them.
        primals: where, a list or tuple of arguments.
        tangents: in which direction, a tensor for each argument.
        has_aux: `fun` returns a pair, whose second part is only handed through.

    Returns:
        The function's output and the derivative, of the same structure; with `has_aux` the second part, too.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> jvp(keras.ops.square, (np.array([3.0]),), (np.array([1.0]),))
        (array([9.]), array([6.]))
    """

    def run(primals, tangents):
        points = [lift(tensor(p)) for p in tree.flatten(primals)]
        ways = [lift(tensor(t)) for t in tree.flatten(tangents)]
        result = fun(*tree.pack_sequence_as(primals, points))
        output, aux = result if has_aux else (result, None)
        leaves = [lift(tensor(leaf)) for leaf in tree.flatten(output)]
        # The gradient is linear in what flows in, so its own gradient by that is the derivative forwards.
        flows = [emit("broadcast_to", np.zeros((), leaf.dtype), shape=leaf.shape) for leaf in leaves]
        back = gradient(_inner(leaves, flows), points)
        pairs = [(g, t) for g, t in zip(back, ways, strict=True) if g is not None]
        forth = gradient(_inner(*zip(*pairs, strict=True)), flows) if pairs else [None] * len(flows)
        zeros = [emit("multiply", leaf, np.zeros((), leaf.dtype)) for leaf in leaves]
        slopes = [z if d is None else d for d, z in zip(forth, zeros, strict=True)]
        together = tree.pack_sequence_as(output, leaves), tree.pack_sequence_as(output, slopes)
        return (*together, aux) if has_aux else together

    if keras_tensor.any_keras_tensor((primals, tangents), {}):
        return keras_tensor.record(lambda p, t: run(p, t), (primals, tangents), {})
    if trace.current() is not None:
        return run(list(primals), list(tangents))
    return Traced(run)(list(primals), list(tangents))


def _inner(xs, ys):
    """The sum of products of all values, of those that are floats."""
    total = None
    for x, y in zip(xs, ys, strict=True):
        if not is_float(x.dtype):
            continue
        part = emit("multiply", x, y)
        part = emit("reduce", part, axes=tuple(range(len(part.shape))), op="sum") if part.shape else part
        total = part if total is None else emit("add", total, part)
    return total
