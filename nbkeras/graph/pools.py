"""Rewrites of max pooling: it is done where its pixels are made, and keeps no more than is read."""

from __future__ import annotations

from nbkeras.graph.primitives.pooling import with_depth
from nbkeras.graph.rewriting import count_uses, exchange, needed, replace
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
    return exchange(nodes, graph, made)


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
        symbol, alone = _unshaped_alone(node.inputs[0], producers, uses)
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


def spread_in_kernel(nodes, graph):
    """The gradient to a kernel that alone reads the gradient of a max pooling is given that to the pooled values."""
    if not any(n.primitive.name == "convolution_kernel" for n in nodes):
        return nodes
    uses, producers = count_uses(nodes, graph), {id(s): n for n in nodes for s in n.outputs}
    made = {}
    for node in nodes:
        if node.primitive.name != "convolution_kernel":
            continue
        source, alone = _unshaped_alone(node.inputs[1], producers, uses)
        spread = producers.get(id(source))
        fits = spread is not None and spread.primitive.name == "max_pool_gradient"
        if not fits or not alone or with_depth(node.inputs[1].shape) != source.shape:
            continue
        pool = {name: numbers for name, numbers in spread.params.items() if name != "shape"}
        params = {**node.params, "spread": {**pool, "pixels": node.inputs[1].shape}}
        made[id(node)] = Node(node.primitive, (node.inputs[0], *spread.inputs), params, node.scope)
    return exchange(nodes, graph, made)


def _unshaped_alone(symbol, producers, uses):
    """The symbol that reshapes made one of, and whether nothing else reads any of them."""
    alone = uses[id(symbol)] == 1
    while id(symbol) in producers and producers[id(symbol)].primitive.name == "reshape":
        symbol = producers[id(symbol)].inputs[0]
        alone = alone and uses[id(symbol)] == 1
    return symbol, alone
