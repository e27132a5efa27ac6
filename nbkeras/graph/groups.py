"""Groups of elementwise nodes: each becomes one launch that keeps intermediate values in registers."""

from __future__ import annotations

import numpy as np

from nbkeras.graph import order
from nbkeras.graph.primitives import TABLE, primitive
from nbkeras.graph.symbol import Node

#: A group never has more members than this; long chains are cut.
MEMBERS = 48

#: Independent nodes share a launch only when they are this small: it saves the launch, not memory traffic.
SIDE_BY_SIDE = 1024


def _group_reference(*inputs, members, sources, results, constants):
    values = {id(s): a for s, a in zip(sources, inputs, strict=True)}
    for node in members:
        arrays = [values[id(s)] if id(s) in values else constants[id(s)] for s in node.inputs]
        out = np.asarray(node.primitive.reference(*arrays, **node.params))
        values[id(node.outputs[0])] = out.astype(node.outputs[0].dtype).reshape(node.outputs[0].shape)
    return tuple(values[id(s)] for s in results)


GROUP = primitive(
    "elementwise",
    infer=lambda node: [(s.shape, s.dtype) for s in node.params["results"]],
    reference=_group_reference,
)


def domain(node) -> str:
    """The dtype in which a node computes: 'float32', 'float64', or 'int64' for integers and booleans."""
    involved = [s.dtype for s in (*node.inputs, *node.outputs)]
    for candidate in ("float64", "float32"):
        if candidate in involved:
            return candidate
    return "int64"


def _joins(node, kind, inside) -> bool:
    """Can the node read from registers what the group computes? A register holds the domain's dtype or a boolean."""
    return all(s.dtype in (kind, "bool") for s in node.inputs if id(s) in inside)


def group(nodes, graph, extra):
    """Put elementwise nodes into groups, without making a cycle; returns nodes with groups in their place."""
    bit = {id(n): 1 << i for i, n in enumerate(nodes)}
    producers = {id(s): n for n in nodes for s in n.outputs}
    # `reach[u]`: the units (nodes or groups, by bit) that unit u depends on, through any path.
    unit, reach, members = {}, {}, {}
    before = {id(n): [id(producers[id(s)]) for s in n.inputs if id(s) in producers] for n in nodes}
    for late, early in extra.items():
        before[late].extend(early)

    def closure(node, home=None):
        mask = 0
        for other in before[id(node)]:
            u = unit.get(other)
            if u is not None and u != home:
                mask |= u | reach[u]
        return mask

    for node in nodes:
        own = bit[id(node)]
        target = None
        if node.primitive.opcode is not None:
            target = _home(node, unit, reach, members, producers, closure)
        if target is None:
            unit[id(node)] = own
            reach[own] = closure(node)
            members[own] = [node]
            continue
        unit[id(node)] = target
        members[target].append(node)
        grown = closure(node, target)
        reach[target] |= grown
        for u in reach:
            if reach[u] & target:
                reach[u] |= reach[target]
    return _emit(nodes, graph, extra, unit, members)


def _home(node, unit, reach, members, producers, closure):
    """The group that a node may join, or None."""
    kind, shape = domain(node), node.outputs[0].shape
    candidates = [unit.get(id(producers[id(s)])) for s in node.inputs if id(s) in producers]
    if node.outputs[0].size <= SIDE_BY_SIDE:
        candidates += list(members)
    for target in candidates:
        if target is None:
            continue
        group_nodes = members[target]
        first = group_nodes[0]
        if first.primitive.opcode is None or len(group_nodes) >= MEMBERS:
            continue
        if first.outputs[0].shape != shape or domain(first) != kind:
            continue
        inside = {id(n.outputs[0]) for n in group_nodes}
        if _joins(node, kind, inside) and not closure(node, target) & target:
            return target
    return None


def _emit(nodes, graph, extra, unit, members):
    """Replace members by group nodes and sort again."""
    asked = {id(s) for s in (*graph.outputs, *graph.writes.values())}
    readers: dict[int, set] = {}
    for node in nodes:
        for symbol in node.inputs:
            readers.setdefault(id(symbol), set()).add(unit[id(node)])
    made, aliases = [], {}
    for node in nodes:
        if members[unit[id(node)]][0] is not node:
            continue
        if node.primitive.opcode is None:
            made.append(node)
            continue
        group_nodes = members[unit[id(node)]]
        inside = {id(n.outputs[0]) for n in group_nodes}
        sources, constants = {}, {}
        for member in group_nodes:
            for symbol in member.inputs:
                if id(symbol) in inside:
                    continue
                if symbol in graph.constants and symbol.size == 1:
                    constants[id(symbol)] = graph.constants[symbol]
                else:
                    sources[id(symbol)] = symbol
        results = [
            n.outputs[0]
            for n in group_nodes
            if id(n.outputs[0]) in asked or readers.get(id(n.outputs[0]), set()) - {unit[id(n)]}
        ]
        fused = Node.__new__(Node)
        fused.primitive, fused.scope = GROUP, group_nodes[-1].scope
        fused.inputs, fused.outputs = tuple(sources.values()), tuple(results)
        fused.params = {
            "members": group_nodes,
            "sources": tuple(sources.values()),
            "results": tuple(results),
            "constants": constants,
        }
        for member in group_nodes:
            aliases[id(member)] = fused
        made.append(fused)
    moved = {}
    for node_id, before in extra.items():
        key = id(aliases.get(node_id)) if node_id in aliases else node_id
        moved.setdefault(key, set()).update(id(aliases[b]) if b in aliases else b for b in before)
    return order.sort(made, moved)


def is_group(node) -> bool:
    return node.primitive is TABLE["elementwise"]
