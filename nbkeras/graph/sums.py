"""Rewrites of sums over all pixels, the gradients to biases: no pass over memory of their own."""

from __future__ import annotations

import math

from nbkeras.graph import order
from nbkeras.graph.primitives import TABLE
from nbkeras.graph.rewriting import needed, replace, unshaped
from nbkeras.graph.symbol import Node


def _summed(node, producers):
    """What a node sums over all axes but the last, before it was reshaped with that axis kept; or None."""
    if node.primitive.name != "reduce" or node.params["op"] != "sum":
        return None
    shape = node.inputs[0].shape
    if tuple(node.params["axes"]) != tuple(range(len(shape) - 1)):
        return None
    source = unshaped(node.inputs[0], producers)
    return source if source.shape[-1:] == shape[-1:] else None


#: Primitives that give each number of their first input to places of its channel, in parts that add up to it.
SPREADING = ("max_pool_gradient", "average_pool_gradient")


def sum_before_pooling(nodes, graph):
    """The sum over all pixels of what pooling's gradient spreads is the sum of what it is given."""
    producers = {id(s): n for n in nodes for s in n.outputs if n.primitive.name in ("reshape", *SPREADING)}
    if not any(n.primitive.name in SPREADING for n in producers.values()):
        return nodes
    made, before = {}, {}
    for node in nodes:
        spread = producers.get(id(_summed(node, producers)))
        if spread is None:
            continue
        dy = spread.inputs[0]
        rows = Node(TABLE["reshape"], (dy,), {"shape": (math.prod(dy.shape[:-1]), dy.shape[-1])}, node.scope)
        before[id(node)] = (rows,)
        made[id(node)] = Node(node.primitive, rows.outputs, {**node.params, "axes": (0,)}, node.scope)
    if not made:
        return nodes
    kept = [n for node in nodes for n in (*before.get(id(node), ()), made.get(id(node), node))]
    replace(kept, graph, {id(n.outputs[0]): made[id(n)].outputs[0] for n in nodes if id(n) in made})
    return needed(kept, graph)


def sum_beside_kernel(nodes, graph):
    """The sum over all pixels of an output gradient is taken as the gradient to the kernel reads it.

    Gradients to kernels that need such a sum, as in gradients of gradients, are left alone: no circle closes.
    """
    producers = {id(s): n for n in nodes for s in n.outputs if n.primitive.name == "reshape"}
    pixels_of = lambda symbol: (id(unshaped(symbol, producers)), symbol.shape[-1])  # noqa: E731
    read = {pixels_of(n.inputs[1]) for n in nodes if n.primitive.name == "convolution_kernel"}
    sums = {id(n) for n in nodes if _summed(n, producers) is not None and pixels_of(n.inputs[0]) in read}
    kernels, late = {}, set()
    for node in nodes:
        if id(node) in sums or any(id(s) in late for s in node.inputs):
            late.update(id(s) for s in node.outputs)
        elif node.primitive.name == "convolution_kernel":
            kernels.setdefault(pixels_of(node.inputs[1]), node)
    made, chosen = {}, {}
    for node in nodes:
        kernel = kernels.get(pixels_of(node.inputs[0])) if id(node) in sums else None
        if kernel is not None:
            params = {**kernel.params, "bias": True}
            made[id(kernel)] = Node(kernel.primitive, kernel.inputs, params, kernel.scope)
            chosen[id(node)] = kernel
    if not made:
        return nodes
    replacement = {id(n.outputs[0]): made[id(n)].outputs[0] for n in nodes if id(n) in made}
    replacement.update((id(n.outputs[0]), made[id(chosen[id(n)])].outputs[1]) for n in nodes if id(n) in chosen)
    kept = [made.get(id(n), n) for n in nodes if id(n) not in chosen]
    replace(kept, graph, replacement)
    return order.sort(needed(kept, graph), {})  # the gradient to the kernel may come after what reads the sum
