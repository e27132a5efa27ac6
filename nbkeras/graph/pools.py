"""Rewrites around pooling: what is known of a few pooled values is not computed from the many."""

from __future__ import annotations

import math

from nbkeras.graph.primitives import TABLE
from nbkeras.graph.primitives.pooling import with_depth
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


#: Primitives that can pool the pixels they make.
POOLED = ("convolution", "batch_norm", "channel_affine")


def fuse_pool(nodes, graph):
    """Max pooling of what a convolution or normalization makes, which nothing else reads, is done by that node."""
    if not any(n.primitive.name == "max_pool" for n in nodes):
        return nodes
    uses, producers = count_uses(nodes, graph), {id(s): n for n in nodes for s in n.outputs}
    made, pools = {}, {}
    for node in nodes:
        if node.primitive.name != "max_pool":
            continue
        symbol = node.inputs[0]
        alone = uses[id(symbol)] == 1
        while id(symbol) in producers and producers[id(symbol)].primitive.name == "reshape":
            symbol = producers[id(symbol)].inputs[0]
            alone = alone and uses[id(symbol)] == 1
        source = producers.get(id(symbol))
        fits = source is not None and source.primitive.name in POOLED and symbol is source.outputs[0]
        if not fits or not alone or "residual" in source.params or with_depth(symbol.shape) != node.inputs[0].shape:
            continue
        made[id(source)] = Node(source.primitive, source.inputs, {**source.params, "pool": node.params}, source.scope)
        pools[id(node)] = source
    if not made:
        return nodes
    replacement = {}
    for node in nodes:
        if id(node) in pools:
            fused = made[id(pools[id(node)])]
            ends = [fused.outputs[0], fused.outputs[-1]] if node.params["keep"] else fused.outputs[:1]
            replacement.update((id(s), t) for s, t in zip(node.outputs, ends, strict=True))
        if id(node) in made:
            pairs = zip(node.outputs[1:], made[id(node)].outputs[1:], strict=False)
            replacement.update((id(s), t) for s, t in pairs)
    kept = [made.get(id(n), n) for n in nodes if id(n) not in pools]
    replace(kept, graph, replacement)
    return needed(kept, graph)


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
