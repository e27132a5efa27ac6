"""Rewrites around pooling: what is known of a few pooled values is not computed from the many."""

from __future__ import annotations

import math

from nbkeras.graph.primitives import TABLE
from nbkeras.graph.rewriting import count_uses, needed, replace, unshaped
from nbkeras.graph.symbol import Node


def forget_places(nodes, graph):
    """A max_pool whose places nobody reads does not store them."""
    keeping = [n for n in nodes if n.primitive.name == "max_pool" and n.params["keep"]]
    uses = count_uses(nodes, graph) if keeping else {}
    made = {
        id(n): Node(n.primitive, n.inputs, {**n.params, "keep": False}, n.scope)
        for n in keeping
        if not uses[id(n.outputs[1])]
    }
    if not made:
        return nodes
    replacement = {id(n.outputs[0]): made[id(n)].outputs[0] for n in nodes if id(n) in made}
    kept = [made.get(id(n), n) for n in nodes]
    replace(kept, graph, replacement)
    return kept


#: Primitives that give each number of their first input to places of its channel, in parts that add up to it.
SPREADING = ("max_pool_gradient", "average_pool_gradient")


def sum_before_pooling(nodes, graph):
    """The sum over all pixels of what pooling's gradient spreads, which a bias gets, is the sum of what it is given."""
    producers = {id(s): n for n in nodes for s in n.outputs if n.primitive.name in ("reshape", *SPREADING)}
    if not any(n.primitive.name in SPREADING for n in producers.values()):
        return nodes
    made, before = {}, {}
    for node in nodes:
        if node.primitive.name != "reduce" or node.params["op"] != "sum":
            continue
        shape = node.inputs[0].shape
        spread = producers.get(id(unshaped(node.inputs[0], producers)))
        whole = tuple(node.params["axes"]) == tuple(range(len(shape) - 1))
        if spread is None or spread.primitive.name not in SPREADING or not whole:
            continue
        dy = spread.inputs[0]
        if shape[-1:] != dy.shape[-1:]:
            continue
        rows = Node(TABLE["reshape"], (dy,), {"shape": (math.prod(dy.shape[:-1]), dy.shape[-1])}, node.scope)
        before[id(node)] = (rows,)
        made[id(node)] = Node(node.primitive, rows.outputs, {**node.params, "axes": (0,)}, node.scope)
    if not made:
        return nodes
    kept = [n for node in nodes for n in (*before.get(id(node), ()), made.get(id(node), node))]
    replace(kept, graph, {id(n.outputs[0]): made[id(n)].outputs[0] for n in nodes if id(n) in made})
    return needed(kept, graph)
