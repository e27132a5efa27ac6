"""The order of nodes: what must run before what, where variables are overwritten in place."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from nbkeras.graph.primitives import TABLE
from nbkeras.graph.symbol import Node


def root(symbol, producers):
    """Follow views and in-place updates back to the symbol that owns the memory."""
    while True:
        node = producers.get(id(symbol))
        if node is None:
            return symbol
        if node.primitive.view:
            symbol = node.inputs[0]
        elif symbol.index in node.primitive.inplace:
            symbol = node.inputs[node.primitive.inplace[symbol.index]]
        else:
            return symbol


def live(graph) -> list[Node]:
    """The nodes that outputs and writes need, in order of emission."""
    needed = {id(s) for s in (*graph.outputs, *graph.writes.values())}
    kept = []
    for node in reversed(graph.nodes):
        if any(id(s) in needed for s in node.outputs):
            kept.append(node)
            needed.update(id(s) for s in node.inputs)
    return kept[::-1]


def memory_roots(graph):
    """Source symbol -> key of the memory behind it: variables inside one arena share the arena's."""
    keys = {}
    for variable, symbol in graph.reads.items():
        keys[id(symbol)] = id(variable.arena if variable.arena is not None else variable)
    return keys


def after_readers(nodes, graph):
    """What overwriting memory in place demands of the order.

    Returns:
        For each node that overwrites memory the earlier nodes that read it, id(node) -> ids; and the values that are
        wanted after their memory was overwritten, id(symbol) -> (symbol, the node that overwrites it).
    """
    producers = {id(s): n for n in nodes for s in n.outputs}
    keys = memory_roots(graph)
    # A plan may place what goes into a pack inside the flat buffer: overwriting that overwrites both.
    for node in nodes:
        if node.primitive.name == "pack":
            for symbol in node.inputs:
                owner = root(symbol, producers)
                if id(owner) in producers:
                    keys.setdefault(id(owner), id(node.outputs[0]))
    known: dict[int, int] = {}

    def key(symbol):
        if id(symbol) not in known:
            owner = root(symbol, producers)
            known[id(symbol)] = keys.get(id(owner), id(owner))
        return known[id(symbol)]

    readers, values = defaultdict(list), defaultdict(list)
    for symbol in graph.reads.values():
        values[key(symbol)].append(symbol)
    extra, stale, snapshots = defaultdict(set), {}, {}
    for node in nodes:
        for symbol in node.inputs:
            if id(symbol) in stale:
                snapshots.setdefault(id(symbol), (symbol, stale[id(symbol)]))
            readers[key(symbol)].append(node)
        for source in node.primitive.inplace.values():
            place = key(node.inputs[source])
            extra[id(node)].update(id(r) for r in readers[place] if r is not node)
            for symbol in values.pop(place, ()):
                stale.setdefault(id(symbol), node)
        for symbol in node.outputs:
            values[key(symbol)].append(symbol)
    for symbol in (*graph.outputs, *graph.writes.values()):
        if id(symbol) in stale:
            snapshots.setdefault(id(symbol), (symbol, stale[id(symbol)]))
    return extra, snapshots


def sink(nodes):
    """Counters that nothing reads afterwards are counted up last, so that their old value needs no snapshot."""
    read = {id(s) for n in nodes for s in n.inputs}
    last = {id(n) for n in nodes if n.primitive.inplace and not any(id(s) in read for s in n.outputs)}
    return [n for n in nodes if id(n) not in last] + [n for n in nodes if id(n) in last]


def take_snapshots(nodes, graph):
    """Copy values that are read after their memory was overwritten; returns the nodes and their extra dependencies."""
    nodes = sink(nodes)
    extra, snapshots = after_readers(nodes, graph)
    if not snapshots:
        return nodes, extra
    nodes = list(nodes)
    for symbol, overwriter in snapshots.values():
        copy = Node(TABLE["broadcast_to"], [symbol], {"shape": symbol.shape}, "snapshot")
        at = next(i for i, n in enumerate(nodes) if n is overwriter)
        for node in nodes[at + 1 :]:
            node.inputs = tuple(copy.outputs[0] if s is symbol else s for s in node.inputs)
        graph.outputs = [copy.outputs[0] if s is symbol else s for s in graph.outputs]
        graph.values.update({v: copy.outputs[0] for v, s in graph.writes.items() if s is symbol})
        nodes.insert(at, copy)
    return nodes, after_readers(nodes, graph)[0]


def sort(nodes, extra):
    """A topological order that keeps close to the given one."""
    producers = {id(s): n for n in nodes for s in n.outputs}
    by_id = {id(n): n for n in nodes}
    done, ordered = set(), []
    for node in nodes:
        stack = [(node, False)]
        while stack:
            current, expanded = stack.pop()
            if id(current) in done:
                continue
            if expanded:
                done.add(id(current))
                ordered.append(current)
                continue
            stack.append((current, True))
            for other in extra.get(id(current), ()):
                if other in by_id and other not in done:
                    stack.append((by_id[other], False))
            for symbol in reversed(current.inputs):
                producer = producers.get(id(symbol))
                if producer is not None and id(producer) not in done:
                    stack.append((producer, False))
    return ordered


def is_constant(symbol, graph, value) -> bool:
    """True if the symbol is a constant all of whose elements equal the number."""
    found = graph.constants.get(symbol)
    return found is not None and bool(np.all(found == value))
