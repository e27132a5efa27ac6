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


def group(nodes, graph, extra):
    """Put elementwise nodes into groups, without making a cycle; returns nodes with groups in their place."""
    producers = {id(s): n for n in nodes for s in n.outputs}
    before = {id(n): [id(producers[id(s)]) for s in n.inputs if id(s) in producers] for n in nodes}
    for late, early in extra.items():
        before[late].extend(early)
    units = _Units(before)
    for number, node in enumerate(nodes):
        target = None
        if node.primitive.opcode is not None:
            target = _home(node, units, producers)
        units.place(node, number if target is None else target)
    return _emit(nodes, graph, extra, units.of, units.members)


class _Units:
    """What will be launched as one, nodes and growing groups, by the number of the first member's place in the order.

    Args:
        before: for the id of each node the ids of those that it waits for.
    """

    def __init__(self, before):
        self._before = before
        self.of: dict[int, int] = {}
        self.members: dict[int, list] = {}
        #: Units by what a member must share, those that still have room, in their order.
        self.open: dict[tuple, dict[int, None]] = {}
        # `reach[u]` has a bit for each unit that u depends on, through any path; `next[u]` are those that wait for u.
        self._reach: dict[int, int] = {}
        self._next: dict[int, set[int]] = {}

    def waited_for(self, node) -> set[int]:
        """The units that hold what a node waits for."""
        return {self.of[other] for other in self._before[id(node)] if other in self.of}

    def closure(self, units) -> int:
        """Bits of the units and of all that they depend on."""
        mask = 0
        for u in units:
            mask |= 1 << u | self._reach[u]
        return mask

    def place(self, node, u: int) -> None:
        """Make a node a member of unit u, which is new or one that `closure` allows."""
        self.of[id(node)] = u
        if u not in self.members:
            self.members[u], self._reach[u], self._next[u] = [], 0, set()
            if node.primitive.opcode is not None:
                self.open.setdefault(_key(node), {})[u] = None
        self.members[u].append(node)
        if len(self.members[u]) == MEMBERS:
            del self.open[_key(node)][u]
        early = self.waited_for(node) - {u}
        for other in early:
            self._next[other].add(u)
        # Only those behind u learn of something new: a full pass over all units made planning quadratic.
        gained, behind = self.closure(early), [u]
        while behind:
            other = behind.pop()
            if gained & ~self._reach[other]:
                self._reach[other] |= gained
                behind += self._next[other]


def _key(node) -> tuple:
    """What the members of a group share."""
    return domain(node), node.outputs[0].shape


def _home(node, units, producers):
    """The group that a node may join, or None."""
    there = units.open.get(_key(node), {})
    homes = {id(s): units.of[id(producers[id(s)])] for s in node.inputs if id(s) in producers}
    candidates = list(homes.values())
    if node.outputs[0].size <= SIDE_BY_SIDE:
        candidates += there
    # A register holds the group's dtype or a boolean; the node reads others from memory.
    kept_out = {homes[id(s)] for s in node.inputs if id(s) in homes and s.dtype not in (domain(node), "bool")}
    waited_for = units.waited_for(node)
    everything = units.closure(waited_for)
    for target in candidates:
        if target not in there or target in kept_out:
            continue
        others = units.closure(waited_for - {target}) if target in waited_for else everything
        if not others >> target & 1:
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
