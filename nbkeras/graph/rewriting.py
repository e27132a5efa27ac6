"""What rewrites are written with: who reads a value, who still needs it, one value in another's place."""

from __future__ import annotations

from collections import Counter

from nbkeras.errors import GraphError


def replace(nodes, graph, replacement):
    """Let every reader of a symbol read its replacement, of the same shape and dtype: id(symbol) -> symbol."""

    def final(symbol):
        found = symbol
        while id(found) in replacement:
            found = replacement[id(found)]
        if (found.shape, found.dtype) != (symbol.shape, symbol.dtype):
            raise GraphError(f"{found!r} cannot take the place of {symbol!r}.")
        return found

    for node in nodes:
        node.inputs = tuple(final(s) for s in node.inputs)
    graph.outputs = [final(s) for s in graph.outputs]
    for variable, symbol in graph.values.items():
        graph.values[variable] = final(symbol)


def needed(nodes, graph):
    """Those of which a node or the graph reads something."""
    wanted, kept = {id(s) for s in (*graph.outputs, *graph.writes.values())}, []
    for node in reversed(nodes):
        if any(id(s) in wanted for s in node.outputs):
            kept.append(node)
            wanted.update(id(s) for s in node.inputs)
    return kept[::-1]


def exchange(nodes, graph, made, gone=()):
    """The nodes with those of `made` (id -> node) in their places, without those gone and what then none needs.

    Their first outputs are read in place of those they stand for. The very list, if none is made.
    """
    if not made:
        return nodes
    kept = [made.get(id(n), n) for n in nodes if id(n) not in gone]
    replace(kept, graph, {id(n.outputs[0]): made[id(n)].outputs[0] for n in nodes if id(n) in made})
    return needed(kept, graph)


def count_uses(nodes, graph) -> Counter:
    """How often each symbol is read: by nodes, as an output, as a variable's new value."""
    count = Counter(id(s) for n in nodes for s in n.inputs)
    count.update(id(s) for s in (*graph.outputs, *graph.writes.values()))
    return count


def unshaped(symbol, producers):
    """The symbol that reshapes made this one of."""
    while id(symbol) in producers and producers[id(symbol)].primitive.name == "reshape":
        symbol = producers[id(symbol)].inputs[0]
    return symbol
