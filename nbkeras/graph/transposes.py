"""Transposes that need not be done: those that meet their inverses, and those of what a matrix product reads.

Elementwise work is done before a transpose instead of behind it.

Layers with channels first move the channels last, compute, and move them back. What stands between two such layers is
elementwise, so that the transpose of the one meets that of the next, and only the borders of a model keep theirs.
"""

from __future__ import annotations

import math

from nbkeras.graph.primitives import TABLE
from nbkeras.graph.rewriting import needed, replace, unshaped
from nbkeras.graph.symbol import Node

#: Primitives that read matrices in either orientation.
PRODUCTS = ("matmul", "affine")


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


def read_transposed(nodes, graph):
    """A matrix product reads transposed matrices where they lie."""
    if not any(n.primitive.name == "transpose" for n in nodes):
        return nodes
    producers = {id(s): n for n in nodes for s in n.outputs}
    kept, replacement = [], {}
    for node in nodes:
        steps = _turned(node, producers) if node.primitive.name in PRODUCTS else None
        kept += steps or [node]
        if steps:
            replacement[id(node.outputs[0])] = steps[-1].outputs[0]
    if not replacement:
        return nodes
    replace(kept, graph, replacement)
    return needed(kept, graph)


def _turned(node, producers):
    """The nodes that compute a product without the transposes of what it reads; None if it reads none."""
    matrices = node.primitive.name == "affine"
    steps, inputs, params = [], list(node.inputs), dict(node.params)
    for place, flag in enumerate(("ta", "tb")):
        symbol = node.inputs[place]
        batch, rows, columns = (1, math.prod(symbol.shape[:-1]), symbol.shape[-1]) if matrices else symbol.shape
        before = _before(unshaped(symbol, producers), producers, batch, rows, columns)
        if before is not None:
            shape = (columns, rows) if matrices else (batch, columns, rows)
            steps.append(Node(TABLE["reshape"], (before,), {"shape": shape}, node.scope))
            inputs[place] = steps[-1].outputs[0]
            params[flag] = not params.get(flag, False)
    if not steps:
        return None
    steps.append(Node(node.primitive, tuple(inputs), params, node.scope))
    if steps[-1].outputs[0].shape != node.outputs[0].shape:
        steps.append(Node(TABLE["reshape"], steps[-1].outputs, {"shape": node.outputs[0].shape}, node.scope))
    return steps


def _before(symbol, producers, batch, rows, columns):
    """What a transpose made a batch of rows x columns of by swapping nothing but the two; None if it is no such one."""
    node = producers.get(id(symbol))
    if node is None or node.primitive.name != "transpose":
        return None
    axes, shape = tuple(node.params["axes"]), node.inputs[0].shape
    for lead in range(len(axes)):
        for cut in range(lead + 1, len(axes)):
            swapped = (*range(lead), *range(cut, len(axes)), *range(lead, cut))
            sizes = math.prod(shape[:lead]), math.prod(shape[cut:]), math.prod(shape[lead:cut])
            if axes == swapped and sizes == (batch, rows, columns):
                return node.inputs[0]
    return None
