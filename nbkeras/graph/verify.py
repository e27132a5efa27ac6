"""Checks a list of nodes against the table; run after every pass, so that a wrong pass is caught at the pass."""

from __future__ import annotations

from nbkeras.errors import GraphError


def verify(nodes, graph, after: str, checked: set) -> None:
    """Raise GraphError if a node uses a value before it exists, or its outputs disagree with its row of the table.

    Args:
        nodes: the nodes in the order in which they will run.
        graph: where sources, outputs and writes are.
        after: the name of the pass that made the list, for the message.
        checked: nodes whose outputs were compared with their row before; filled here.
    """
    known = {id(s) for s in (*graph.inputs, *graph.constants, *graph.reads.values())}
    for node in nodes:
        for symbol in node.inputs:
            if id(symbol) not in known:
                raise GraphError(f"after {after}: {node!r} reads {symbol!r} before it is computed.")
        if node not in checked:
            checked.add(node)
            inferred = [(tuple(shape), dtype) for shape, dtype in node.primitive.infer(node)]
            if inferred != [(s.shape, s.dtype) for s in node.outputs]:
                raise GraphError(f"after {after}: {node!r} should give {inferred}.")
        known.update(id(s) for s in node.outputs)
    for symbol in (*graph.outputs, *graph.writes.values()):
        if id(symbol) not in known:
            raise GraphError(f"after {after}: nothing computes {symbol!r}, which is asked for.")
