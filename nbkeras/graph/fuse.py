"""Rewrites: fewer launches and fewer passes over memory, same numbers.

| rewrite | why | what it saves |
|---|---|---|
| equal nodes become one | differentiation repeats masks and reshapes | the repeats |
| softmax beside its cross-entropy | the loss kernel computes the softmax anyway | one pass over the predictions |
| affine, convolution + activation | the activation runs on registers or a hot tile | one pass over the layer's output |
| places of max pooling that no gradient reads | only training needs them | a pass over an eighth of the input |
| their gradients + relu's derivative | the mask is applied as the tile is stored | one pass over the layer's gradient |
| chains of elementwise nodes | one pass over memory for the whole chain (`groups.py`) | a pass a node |
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from nbkeras.graph import order
from nbkeras.graph.groups import group
from nbkeras.graph.primitives import TABLE
from nbkeras.graph.symbol import Node
from nbkeras.graph.verify import verify
from nbkeras.kernels.scalars import ACTIVATIONS


def fuse(graph) -> list[Node]:
    """The nodes that a plan runs, in order, after all rewrites; each pass is verified.

    A rewrite gives the very list that it was given if it finds nothing to do. The rewrites see values alone; what
    overwriting memory demands of the order is found once they are done.
    """
    nodes, checked = order.live(graph), set()
    verify(nodes, graph, "trace", checked)
    for rewrite in (merge_equal, share_softmax, forget_places, fuse_activation, fuse_gate):
        before, nodes = nodes, rewrite(nodes, graph)
        if nodes is not before:
            verify(nodes, graph, rewrite.__name__, checked)
    nodes, extra = order.settle(nodes, graph)
    nodes = group(nodes, graph, extra)
    verify(nodes, graph, "group", checked)
    return nodes


def _replace(nodes, graph, replacement):
    """Let every reader of a symbol read its replacement: id(symbol) -> symbol."""

    def final(symbol):
        while id(symbol) in replacement:
            symbol = replacement[id(symbol)]
        return symbol

    for node in nodes:
        node.inputs = tuple(final(s) for s in node.inputs)
    graph.outputs = [final(s) for s in graph.outputs]
    for variable, symbol in graph.values.items():
        graph.values[variable] = final(symbol)


def _frozen(value):
    if isinstance(value, np.ndarray):
        return value.tobytes(), value.shape
    return tuple(value) if isinstance(value, list) else value


def merge_equal(nodes, graph):
    """Nodes with equal primitive, inputs and parameters become one."""
    seen, replacement, kept = {}, {}, []
    for node in nodes:
        node.inputs = tuple(replacement.get(id(s), s) for s in node.inputs)
        params = tuple(sorted((k, _frozen(v)) for k, v in node.params.items()))
        key = (node.primitive.name, tuple(id(s) for s in node.inputs), params)
        first = seen.get(key)
        if first is None or node.primitive.inplace:
            seen[key] = node
            kept.append(node)
        else:
            replacement.update((id(s), t) for s, t in zip(node.outputs, first.outputs, strict=True))
    if not replacement:
        return nodes
    _replace(kept, graph, replacement)
    return kept


def share_softmax(nodes, graph):
    """A softmax whose input also goes into a fused cross-entropy is that node's second output."""
    fused = {id(n.inputs[0]): n for n in nodes if n.primitive.name.endswith("softmax_crossentropy")}
    if not fused:
        return nodes
    producers = {id(s): n for n in nodes for s in n.outputs}
    replacement, kept = {}, []
    for node in nodes:
        loss = fused.get(id(node.inputs[0])) if node.primitive.name == "softmax" and not node.params["log"] else None
        # A target made from the softmax itself, as in distillation, must have it before the loss.
        if loss is not None and not _depends(loss, node, producers, replacement):
            replacement[id(node.outputs[0])] = loss.outputs[1]
        else:
            kept.append(node)
    if not replacement:
        return nodes
    _replace(kept, graph, replacement)
    return order.sort(kept, {})  # the loss may come after what reads the softmax


def _depends(node, other, producers, replacement) -> bool:
    """Does a node need what the other computes, once replacements are made?"""
    seen, waiting = {id(node)}, [node]
    while waiting:
        for symbol in waiting.pop().inputs:
            producer = producers.get(id(replacement.get(id(symbol), symbol)))
            if producer is other:
                return True
            if producer is not None and id(producer) not in seen:
                seen.add(id(producer))
                waiting.append(producer)
    return False


def _uses(nodes, graph) -> Counter:
    """How often each symbol is read: by nodes, as an output, as a variable's new value."""
    count = Counter(id(s) for n in nodes for s in n.inputs)
    count.update(id(s) for s in (*graph.outputs, *graph.writes.values()))
    return count


#: Primitives that can apply an activation to what they compute.
ACTIVATED = ("affine", "convolution")

#: Primitives that can multiply what they compute by relu's derivative -> those that do.
GATED = {"matmul": "gated_matmul", "convolution_input": "gated_convolution_input"}


def forget_places(nodes, graph):
    """A max_pool whose places nobody reads does not store them."""
    keeping = [n for n in nodes if n.primitive.name == "max_pool" and n.params["keep"]]
    uses = _uses(nodes, graph) if keeping else {}
    made = {
        id(n): Node(n.primitive, n.inputs, {**n.params, "keep": False}, n.scope)
        for n in keeping
        if not uses[id(n.outputs[1])]
    }
    if not made:
        return nodes
    replacement = {id(n.outputs[0]): made[id(n)].outputs[0] for n in nodes if id(n) in made}
    kept = [made.get(id(n), n) for n in nodes]
    _replace(kept, graph, replacement)
    return kept


def fuse_activation(nodes, graph):
    """affine or convolution, then an activation whose derivative needs only its output, becomes one node."""
    uses, producers = _uses(nodes, graph), {id(s): n for n in nodes for s in n.outputs}
    gone, made = set(), {}
    for node in nodes:
        code = ACTIVATIONS.get(node.primitive.name)
        source = producers.get(id(node.inputs[0])) if code and len(node.inputs) == 1 else None
        if source is None or source.primitive.name not in ACTIVATED or uses[id(node.inputs[0])] != 1:
            continue
        if source.params.get("activation", 0):
            continue
        fused = Node(source.primitive, source.inputs, {**source.params, "activation": code}, source.scope)
        gone.add(id(source))
        made[id(node)] = fused
    if not made:
        return nodes
    replacement = {id(n.outputs[0]): made[id(n)].outputs[0] for n in nodes if id(n) in made}
    kept = [made.get(id(n), n) for n in nodes if id(n) not in gone]
    _replace(kept, graph, replacement)
    return kept


def fuse_gate(nodes, graph):
    """where(y > 0, product, 0), the gradient through relu, is applied as the product is stored."""
    uses, producers = _uses(nodes, graph), {id(s): n for n in nodes for s in n.outputs}
    gone, made = set(), {}
    for node in nodes:
        if node.primitive.name != "where":
            continue
        condition, value, zero = node.inputs
        test, chain = producers.get(id(condition)), []
        if test is None or test.primitive.name != "greater" or test.inputs[0].shape != node.outputs[0].shape:
            continue
        if not order.is_constant(zero, graph, 0) or not order.is_constant(test.inputs[1], graph, 0):
            continue
        product = producers.get(id(value))
        while product is not None and product.primitive.name == "reshape" and uses[id(product.outputs[0])] == 1:
            chain.append(product)
            product = producers.get(id(product.inputs[0]))
        if product is None or product.primitive.name not in GATED or uses[id(product.outputs[0])] != 1:
            continue
        if product.outputs[0].size != node.outputs[0].size:
            continue
        gate = test.inputs[0]
        row = TABLE[GATED[product.primitive.name]]
        made[id(node)] = Node(row, (*product.inputs, gate), product.params, product.scope)
        gone.update(id(n) for n in (*chain, product))
    if not made:
        return nodes
    replacement = {id(n.outputs[0]): made[id(n)].outputs[0] for n in nodes if id(n) in made}
    kept = [made.get(id(n), n) for n in nodes if id(n) not in gone]
    _replace(kept, graph, replacement)
    needed = {id(s) for n in kept for s in n.inputs} | {id(s) for s in (*graph.outputs, *graph.writes.values())}
    return [n for n in kept if any(id(s) in needed for s in n.outputs)]
