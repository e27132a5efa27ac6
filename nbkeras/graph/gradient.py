"""Reverse-mode differentiation: gradients are nodes of the same graph, so gradients of gradients work."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import GraphError
from nbkeras.graph import trace
from nbkeras.graph.primitives import emit
from nbkeras.graph.symbol import Symbol


def is_floating(dtype) -> bool:
    return np.dtype(dtype).kind == "f"


def gradient(target: Symbol, sources: list[Symbol], seed: Symbol | None = None) -> list[Symbol | None]:
    """The derivative of a target with respect to sources, inside the active graph.

    Args:
        target: a symbol; a scalar, unless `seed` is given.
        sources: symbols of float dtype.
        seed: the gradient that flows into the target, of its shape; 1 by default.

    Returns:
        One symbol a source, of its shape; None where the target does not depend on it.
    """
    graph = trace.current()
    if seed is None:
        if target.size != 1:
            raise GraphError(
                f"gradient: the loss must be one number, got shape {target.shape}.",
                next="reduce it with ops.sum or ops.mean.",
            )
        seed = graph.constant(np.ones(target.shape, target.dtype))
    reached = {id(s) for s in sources}
    relevant = []
    for node in graph.nodes:
        if any(id(s) in reached for s in node.inputs):
            relevant.append(node)
            reached.update(id(s) for s in node.outputs)
    gradients = {id(target): seed}
    for node in reversed(relevant):
        incoming = [gradients.get(id(s)) for s in node.outputs]
        if all(g is None for g in incoming):
            continue
        if node.primitive.grad is None:
            raise GraphError(
                f"gradient: {node.primitive.name!r} (in {node.scope or 'the step'}) has no derivative.",
                next="wrap its input in ops.stop_gradient, or compute it outside the loss.",
            )
        with graph.scope(f"grad {node.scope}"):
            outgoing = node.primitive.grad(node, *incoming)
        for source, part in zip(node.inputs, outgoing, strict=True):
            if part is None or id(source) not in reached or not is_floating(source.dtype):
                continue
            assert part.shape == source.shape and part.dtype == source.dtype, (node, part, source)
            before = gradients.get(id(source))
            gradients[id(source)] = part if before is None else emit("add", before, part)
    return [gradients.get(id(s)) for s in sources]
