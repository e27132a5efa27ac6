"""Which layer feeds which: a model as nodes and links, for pictures of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nbkeras import tree


@dataclass
class Node:
    """A layer or function in a model.

    Attributes:
        operation: the layer or function.
        inputs, outputs: Keras tensors of its first call; empty where nothing is known.
        sources: the nodes that feed it, in the order of its inputs, each once.
    """

    operation: Any
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    sources: list[Node] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The operation's name, the same for no other node of a model."""
        return self.operation.name

    @property
    def kind(self) -> str:
        """The class of a layer, the name of a function."""
        return type(self.operation).__name__


def nodes_of(model) -> list[Node]:
    """The nodes of a model, sources before what they feed.

    A model that is no graph of calls, such as a subclass of `Model`, has nodes without links; one that is not built
    has none.

    Example:
        >>> import nbkeras as keras
        >>> x = keras.Input((2,), name="x")
        >>> model = keras.Model(x, keras.layers.Add(name="twice")([x, x]))
        >>> [(node.name, [source.name for source in node.sources]) for node in nodes_of(model)]
        [('x', []), ('twice', ['x'])]
    """
    outputs = _outputs(model)
    if outputs is None:
        return [Node(layer) for layer in getattr(model, "layers", ())]
    given = {id(tensor) for tensor in model.inputs}
    nodes: dict[int, Node] = {}
    for call in _calls(outputs, given):
        node = nodes.setdefault(id(call.operation), Node(call.operation))
        node.inputs = node.inputs or list(call.inputs)
        node.outputs = node.outputs or tree.flatten(call.outputs)
        for tensor in call.inputs:
            source = nodes.get(id(tensor.history[0].operation)) if tensor.history else None
            if source is not None and source is not node and source not in node.sources:
                node.sources.append(source)
    return list(nodes.values())


def _outputs(model) -> list | None:
    try:
        return model.outputs
    except (AttributeError, ValueError):
        return None


def _calls(outputs: list, given: set[int]) -> list:
    """All calls behind some tensors, in an order in which they can run; depth first, without recursion."""
    order, done = [], set()
    stack = [(tensor, False) for tensor in reversed(outputs)]
    while stack:
        tensor, leaving = stack.pop()
        call = tensor.history[0] if tensor.history else None
        if call is None or (id(call) in done):
            continue
        if leaving or not call.inputs or id(tensor) in given:
            done.add(id(call))
            order.append(call)
            continue
        stack.append((tensor, True))
        stack.extend((source, False) for source in reversed(call.inputs))
    return order


def get_source_inputs(tensor) -> list:
    """The inputs from which a Keras tensor was computed, each once.

    Args:
        tensor: a Keras tensor; anything else stands for itself.

    Example:
        >>> import nbkeras as keras
        >>> a, b = keras.Input((1,), name="a"), keras.Input((1,), name="b")
        >>> [source.name for source in get_source_inputs(a + b * a)]
        ['a', 'b']
    """
    if not getattr(tensor, "history", None):
        return [tensor]
    found = [output for call in _calls([tensor], set()) if not call.inputs for output in tree.flatten(call.outputs)]
    return list({id(source): source for source in found}.values())
