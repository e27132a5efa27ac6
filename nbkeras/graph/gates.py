"""Rewrites of relu's derivative, where(y > 0, gradient, 0): no pass over memory of its own."""

from __future__ import annotations

from nbkeras.graph import order
from nbkeras.graph.primitives import TABLE
from nbkeras.graph.rewriting import count_uses, exchange, needed, replace, unshaped
from nbkeras.graph.symbol import Node

#: Primitives that can multiply what they compute by relu's derivative -> those that do.
GATED = {"matmul": "gated_matmul", "convolution_input": "gated_convolution_input"}


def _gate_of(node, producers, graph):
    """y and g of where(y > 0, g, 0), or None."""
    condition, value, zero = node.inputs
    test = producers.get(id(condition))
    if test is None or test.primitive.name != "greater" or test.inputs[0].shape != node.outputs[0].shape:
        return None
    if not order.is_constant(zero, graph, 0) or not order.is_constant(test.inputs[1], graph, 0):
        return None
    return test.inputs[0], value


def gate_channels(nodes, graph):
    """where(y > 0, dy, 0) before the gradient of the normalization that made y: its kernels see that from x."""
    if not any(n.primitive.name == "batch_norm" and "relu" in n.params for n in nodes):
        return nodes
    producers = {id(s): n for n in nodes for s in n.outputs}
    readers: dict[int, list] = {}
    for node in nodes:
        for symbol in node.inputs:
            readers.setdefault(id(symbol), []).append(node)
    asked = {id(s) for s in (*graph.outputs, *graph.writes.values())}
    made = {}
    for node in nodes:
        gate = _gate_of(node, producers, graph) if node.primitive.name == "where" else None
        source = producers.get(id(gate[0])) if gate else None
        if source is None or source.primitive.name != "batch_norm" or "relu" not in source.params:
            continue
        masked, after = node.outputs[0], readers.get(id(node.outputs[0]), [])
        x, mean = source.inputs[0], source.outputs[1]
        if id(masked) in asked or not all(
            n.primitive.name in ("channel_sums", "channel_mix")
            and n.inputs[0] is masked
            and n.inputs[1] is x
            and n.inputs[2] is mean
            for n in after
        ):
            continue
        for reader in after:
            inputs = (gate[1], *reader.inputs[1:], source.outputs[3], source.inputs[2])
            made[id(reader)] = Node(reader.primitive, inputs, reader.params, reader.scope)
    if not made:
        return nodes
    pairs = ((n.outputs, made[id(n)].outputs) for n in nodes if id(n) in made)
    replacement = {id(s): t for old, new in pairs for s, t in zip(old, new, strict=True)}
    kept = [made.get(id(n), n) for n in nodes]
    replace(kept, graph, replacement)
    return needed(kept, graph)


def gate_pooled(nodes, graph):
    """where(y > 0, gradient of max pooling of y, 0): the gate is applied to the few pooled values instead.

    A gradient goes to a place whose value is the pooled one, so the one is above 0 where the other is.
    """
    if not any(n.primitive.name == "max_pool_gradient" for n in nodes):
        return nodes
    uses, producers = count_uses(nodes, graph), {id(s): n for n in nodes for s in n.outputs}
    made, before = {}, {}
    for node in nodes:
        found = _gate_of(node, producers, graph) if node.primitive.name == "where" else None
        spread = producers.get(id(unshaped(found[1], producers))) if found else None
        if spread is None or spread.primitive.name != "max_pool_gradient" or uses[id(spread.outputs[0])] != 1:
            continue
        dy, places = spread.inputs
        pool = producers.get(id(places))
        if pool is None or unshaped(pool.inputs[0], producers) is not unshaped(found[0], producers):
            continue
        test, zero = producers[id(node.inputs[0])], node.inputs[2]
        if test.inputs[1].shape or zero.shape:
            continue
        positive = Node(test.primitive, (pool.outputs[0], test.inputs[1]), {}, spread.scope)
        masked = Node(node.primitive, (positive.outputs[0], dy, zero), {}, spread.scope)
        again = Node(spread.primitive, (masked.outputs[0], places), spread.params, spread.scope)
        shaped = Node(TABLE["reshape"], again.outputs, {"shape": node.outputs[0].shape}, node.scope)
        made[id(node)], before[id(node)] = shaped, (positive, masked, again)
    if not made:
        return nodes
    kept = [n for node in nodes for n in (*before.get(id(node), ()), made.get(id(node), node))]
    replace(kept, graph, {id(n.outputs[0]): made[id(n)].outputs[0] for n in nodes if id(n) in made})
    return needed(kept, graph)


def fuse_gate(nodes, graph):
    """where(y > 0, product, 0), the gradient through relu, is applied as the product is stored."""
    uses, producers = count_uses(nodes, graph), {id(s): n for n in nodes for s in n.outputs}
    gone, made = set(), {}
    for node in nodes:
        if node.primitive.name != "where":
            continue
        found, chain = _gate_of(node, producers, graph), []
        if found is None:
            continue
        gate, value = found
        product = producers.get(id(value))
        while product is not None and product.primitive.name == "reshape" and uses[id(product.outputs[0])] == 1:
            chain.append(product)
            product = producers.get(id(product.inputs[0]))
        if product is None or product.primitive.name not in GATED or uses[id(product.outputs[0])] != 1:
            continue
        if product.outputs[0].size != node.outputs[0].size or gate.dtype != value.dtype:
            continue
        row = TABLE[GATED[product.primitive.name]]
        made[id(node)] = Node(row, (*product.inputs, gate), product.params, product.scope)
        gone.update(id(n) for n in (*chain, product))
    return exchange(nodes, graph, made, gone)
