"""Transposes meet their inverses: elementwise work is done before a transpose instead of behind it.

Layers with channels first move the channels last, compute, and move them back. What stands between two such layers is
elementwise, so that the transpose of the one meets that of the next, and only the borders of a model keep theirs.
"""

from __future__ import annotations

from nbkeras.graph.primitives import TABLE
from nbkeras.graph.symbol import Node


def cancel_transposes(nodes):
    """Transposes are moved behind elementwise nodes; one that meets another becomes one with it, or none.

    Args:
        nodes: what a plan will run, in order.

    Returns:
        All nodes, of which some may be read by none any more, and what to read instead of a symbol: id -> symbol; None
        in place of both where there is nothing to do.
    """
    if not any(n.primitive.name == "transpose" for n in nodes):
        return None, None
    source, replacement, made = {}, {}, []

    def current(symbol):
        return replacement.get(id(symbol), symbol)

    def transposed(symbol, axes, scope):
        """A transpose of a symbol that is none itself, or the symbol where nothing moves."""
        if axes == tuple(range(len(axes))):
            return symbol
        node = Node(TABLE["transpose"], (symbol,), {"axes": axes}, scope)
        made.append(node)
        source[id(node.outputs[0])] = symbol, axes
        return node.outputs[0]

    for node in nodes:
        inputs = tuple(current(s) for s in node.inputs)
        if node.primitive.name == "transpose":
            axes = tuple(node.params["axes"])
            inner, before = source.get(id(inputs[0]), (inputs[0], tuple(range(len(axes)))))
            replacement[id(node.outputs[0])] = transposed(inner, tuple(before[a] for a in axes), node.scope)
            continue
        moved = _moved(node, inputs, source)
        if moved is None:
            node.inputs = inputs
            made.append(node)
            continue
        before, axes = moved
        made.append(Node(node.primitive, before, node.params, node.scope))
        replacement[id(node.outputs[0])] = transposed(made[-1].outputs[0], axes, node.scope)
    return made, replacement


def _moved(node, inputs, source):
    """What an elementwise node reads before the transposes, and their axes, if all that it reads is moved alike."""
    if node.primitive.opcode is None or node.primitive.name == "broadcast_to":  # whose shape names the axes' order
        return None
    found = {source[id(s)][1] for s in inputs if id(s) in source}
    alike = all(id(s) in source or s.shape == () for s in inputs)
    if len(found) != 1 or not alike or len({s.shape for s in inputs if s.shape}) != 1:
        return None
    return tuple(source[id(s)][0] if id(s) in source else s for s in inputs), found.pop()
