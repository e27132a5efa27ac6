"""The order of nodes: what must run before what, where variables are overwritten in place."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from nbkeras.graph.dtypes import ITEMSIZE
from nbkeras.graph.primitives import TABLE
from nbkeras.graph.symbol import Node
from nbkeras.graph.variable import Arena


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


def packed(nodes) -> dict[int, tuple]:
    """Values that may be computed where a `pack` wants them: id(symbol) -> (flat buffer, first element)."""
    producers = {id(s): n for n in nodes for s in n.outputs}
    found, often = {}, Counter()
    for node in nodes:
        if node.primitive.name == "pack":
            for symbol, offset in zip(node.inputs, node.params["offsets"], strict=True):
                owner = root(symbol, producers)
                often[id(owner)] += 1
                if id(owner) in producers and owner.size == symbol.size:
                    found[id(owner)] = (node.outputs[0], offset)
    return {key: place for key, place in found.items() if often[key] == 1}


class Memory:
    """Which bytes of which buffer each symbol is: `of(symbol)` gives `(buffer, first, end)`."""

    def __init__(self, nodes, graph):
        self.producers = {id(s): n for n in nodes for s in n.outputs}
        self._packed = packed(nodes)
        self._known: dict[int, tuple] = {}
        for variable, symbol in graph.reads.items():
            self._known[id(symbol)] = self.of_variable(variable)

    @staticmethod
    def of_variable(variable):
        """Variables inside one arena are parts of the arena's buffer."""
        width = ITEMSIZE[variable.dtype]
        owner = variable if variable.arena is None else variable.arena
        return id(owner), variable.offset * width, (variable.offset + variable.size) * width

    def of(self, symbol):
        found = self._known.get(id(symbol))
        if found is None:
            found = self._known[id(symbol)] = self._find(symbol)
        return found

    def _find(self, symbol):
        node = self.producers.get(id(symbol))
        base, shift = None, 0
        if node is None:
            return id(symbol), 0, symbol.nbytes
        if node.primitive.view:
            base, shift = node.inputs[0], node.params.get("offset", 0)
        elif symbol.index in node.primitive.inplace:
            base = node.inputs[node.primitive.inplace[symbol.index]]
        elif id(symbol) in self._packed:
            base, shift = self._packed[id(symbol)]
        if base is None:
            return id(symbol), 0, symbol.nbytes
        buffer, first, _ = self.of(base)
        first += shift * ITEMSIZE[symbol.dtype]
        return buffer, first, first + symbol.nbytes


def _meet(one, other) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def _copy(symbol) -> Node:
    return Node(TABLE["broadcast_to"], [symbol], {"shape": symbol.shape}, "snapshot")


def _protect(nodes, graph):
    """What in-place nodes must not overwrite they get a copy of: constants, inputs, variables that keep their value."""
    memory, writes = Memory(nodes, graph), graph.writes
    kept = [
        memory.of_variable(v)
        for v in graph.reads
        if v not in writes and v.arena not in writes and not isinstance(v, Arena)
    ]
    for arena in graph.reads:
        if isinstance(arena, Arena) and arena not in writes:
            kept += [memory.of_variable(v) for v in arena.variables if v not in writes]
    variables = {id(s) for s in graph.reads.values()}
    made = []
    for node in nodes:
        taken = []
        for source in node.primitive.inplace.values():
            symbol = node.inputs[source]
            place = memory.of(symbol)
            owner = root(symbol, memory.producers)
            free = id(owner) in memory.producers or id(owner) in variables
            if not free or any(_meet(place, other) for other in (*kept, *taken)):
                _give_copy(node, source, made)
            else:
                taken.append(place)
        if taken:
            others = set(range(len(node.inputs))) - set(node.primitive.inplace.values())
            for source in others:
                if any(_meet(memory.of(node.inputs[source]), place) for place in taken):
                    _give_copy(node, source, made)
        made.append(node)
    return made


def _give_copy(node, source, made):
    copy = _copy(node.inputs[source])
    made.append(copy)
    node.inputs = (*node.inputs[:source], copy.outputs[0], *node.inputs[source + 1 :])


def _sink(nodes):
    """Counters that nothing reads afterwards are counted up last, so that their old value needs no snapshot."""
    read = {id(s) for n in nodes for s in n.inputs}
    last = {id(n) for n in nodes if n.primitive.inplace and not any(id(s) in read for s in n.outputs)}
    return [n for n in nodes if id(n) not in last] + [n for n in nodes if id(n) in last]


def _hazards(nodes, graph):
    """What overwriting memory in place demands of the order.

    Returns:
        For each node that overwrites memory the earlier nodes that read it, id(node) -> ids; and the values that are
        wanted after their memory was overwritten, id(symbol) -> (symbol, the node that overwrites it or None for the
        end of the step).
    """
    memory = Memory(nodes, graph)
    extra, stale, snapshots = defaultdict(set), {}, {}
    readers, values = defaultdict(list), defaultdict(list)
    for symbol in graph.reads.values():
        place = memory.of(symbol)
        values[place[0]].append((place, symbol))
    for node in nodes:
        for symbol in node.inputs:
            if id(symbol) in stale:
                snapshots.setdefault(id(symbol), (symbol, stale[id(symbol)]))
            place = memory.of(symbol)
            readers[place[0]].append((place, node))
        for source in node.primitive.inplace.values():
            place = memory.of(node.inputs[source])
            extra[id(node)].update(id(r) for where, r in readers[place[0]] if r is not node and _meet(where, place))
            still = []
            for entry in values[place[0]]:
                if _meet(entry[0], place):
                    stale.setdefault(id(entry[1]), node)
                else:
                    still.append(entry)
            values[place[0]] = still
        for symbol in node.outputs:
            place = memory.of(symbol)
            values[place[0]].append((place, symbol))
    for symbol in (*graph.outputs, *graph.writes.values()):
        if id(symbol) in stale:
            snapshots.setdefault(id(symbol), (symbol, stale[id(symbol)]))
    for variable, symbol in graph.writes.items():
        place = memory.of_variable(variable)
        if memory.of(symbol) != place:
            for output in graph.outputs:
                if _meet(memory.of(output), place):
                    snapshots.setdefault(id(output), (output, None))
    return extra, snapshots


def settle(nodes, graph):
    """Let nothing be read after its memory was overwritten: what would be is copied before.

    Returns:
        The nodes, and what must run before what besides the flow of values: id(node) -> ids.
    """
    nodes = _sink(_protect(nodes, graph))
    extra, snapshots = _hazards(nodes, graph)
    # A copy that goes into a `pack` may be overwritten there in turn.
    while snapshots:
        for symbol, overwriter in snapshots.values():
            _take_snapshot(nodes, graph, symbol, overwriter)
        extra, snapshots = _hazards(nodes, graph)
    return nodes, extra


def _take_snapshot(nodes, graph, symbol, overwriter):
    copy = _copy(symbol)
    new = copy.outputs[0]
    if overwriter is None:
        # As soon as it is there, so that its memory is free early; only the output is the copy.
        at = next((i + 1 for i, n in enumerate(nodes) if any(s is symbol for s in n.outputs)), 0)
    else:
        at = next(i for i, n in enumerate(nodes) if n is overwriter)
        for node in nodes[at + 1 :]:
            node.inputs = tuple(new if s is symbol else s for s in node.inputs)
        graph.values.update({v: new for v, s in graph.writes.items() if s is symbol})
    graph.outputs = [new if s is symbol else s for s in graph.outputs]
    nodes.insert(at, copy)


def sort(nodes, extra):
    """A topological order that keeps close to the given one."""
    producers = {id(s): n for n in nodes for s in n.outputs}
    by_id = {id(n): n for n in nodes}
    entered, done, ordered = set(), set(), []
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
            if id(current) in entered:
                continue  # a cycle: `verify` says where
            entered.add(id(current))
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
