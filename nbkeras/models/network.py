"""The graph of calls behind a functional model: which calls lead from its inputs to its outputs, in which order."""

from __future__ import annotations

from nbkeras import tree
from nbkeras.errors import GraphError
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.layers.layer import Layer


class Network:
    """Calls between inputs and outputs.

    Args:
        inputs, outputs: structures of Keras tensors.
        name: of the model, for messages.

    Attributes:
        calls: in an order in which they can run.
        operations: every layer and function once, by depth: those furthest from the outputs first, as Keras lists
            them.
        layers: the layers among them.
    """

    def __init__(self, inputs, outputs, name: str):
        self.inputs = tree.flatten(inputs)
        self.outputs = tree.flatten(outputs)
        self._check_tensors(name)
        given = {id(t) for t in self.inputs}
        self.calls, states = [], {}
        for output in self.outputs:
            self._visit(output, given, states, name)
        self.operations = self._ordered_operations()
        self.layers = [operation for operation in self.operations if isinstance(operation, Layer)]

    def _check_tensors(self, name):
        for kind, tensors in (("input", self.inputs), ("output", self.outputs)):
            if not tensors:
                raise GraphError(f"model {name!r}: it has no {kind}s.")
            for t in tensors:
                if not isinstance(t, KerasTensor):
                    raise GraphError(
                        f"model {name!r}: each {kind} must be a Keras tensor, got {type(t).__name__}.",
                        next="start from Input(...) and call layers on it.",
                    )
        if len({id(t) for t in self.inputs}) < len(self.inputs):
            raise GraphError(f"model {name!r}: an input is given twice.", next="list each input once.")

    def _visit(self, tensor, given, states, name):
        """Depth first, without recursion: deep models are long."""
        stack = [(tensor, False)]
        while stack:
            current, leaving = stack.pop()
            if id(current) in given and not leaving:
                continue
            if current.history is None:
                raise GraphError(f"model {name!r}: {current!r} was made by no layer and is no input.")
            call = current.history[0]
            if leaving:
                if states[id(call)] != "done":
                    states[id(call)] = "done"
                    self.calls.append(call)
                continue
            state = states.get(id(call))
            if state == "done":
                continue
            if state == "open":
                raise GraphError(f"model {name!r}: the graph has a cycle through {call.operation.name!r}.")
            if not call.inputs:
                known = ", ".join(repr(t.name) for t in self.inputs)
                raise GraphError(
                    f"model {name!r}: the graph is disconnected: the outputs depend on {current.name!r}, which is "
                    f"not among the inputs ({known}).",
                    next=f"add {current.name!r} to the model's inputs.",
                )
            states[id(call)] = "open"
            stack.append((current, True))
            stack.extend((source, False) for source in reversed(call.inputs) if self._pending(source, given, states))

    @staticmethod
    def _pending(source, given, states):
        if id(source) in given:
            return False
        return source.history is None or states.get(id(source.history[0])) != "done"

    def _ordered_operations(self):
        depth: dict[int, int] = {}
        produced = {id(t): call for call in self.calls for t in tree.flatten(call.outputs)}
        order, operations = [], {}
        for call in self.calls:
            if id(call.operation) not in operations:
                operations[id(call.operation)] = call.operation
                order.append(call.operation)
        for call in reversed(self.calls):
            own = depth.setdefault(id(call.operation), 0)
            for source in call.inputs:
                maker = produced.get(id(source))
                owner = maker.operation if maker is not None else _input_layer(source)
                if owner is not None:
                    depth[id(owner)] = max(depth.get(id(owner), 0), own + 1)
        inputs = [layer for t in self.inputs if (layer := _input_layer(t)) is not None]
        entries = [*inputs, *order]
        position = {id(op): i for i, op in enumerate(entries)}
        return sorted(entries, key=lambda op: (-depth.get(id(op), 0), position[id(op)]))

    def run(self, values, training=None, mask=None):
        """The outputs for values of the inputs, both flat lists."""
        known = {id(t): v for t, v in zip(self.inputs, values, strict=True)}

        def substitute(leaf):
            return known[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

        for call in self.calls:
            args = tuple(tree.map_structure(substitute, a) for a in call.args)
            kwargs = {k: tree.map_structure(substitute, v) for k, v in call.kwargs.items()}
            takes_flag = isinstance(call.operation, Layer) and "training" in call.operation._call_parameters
            if takes_flag and kwargs.get("training") is None:
                kwargs["training"] = training
            results = call.operation(*args, **kwargs)
            for made, value in zip(tree.flatten(call.outputs), tree.flatten(results), strict=True):
                known[id(made)] = value
        return [known[id(t)] for t in self.outputs]


def _input_layer(tensor):
    """The InputLayer that made a tensor, or None."""
    if tensor.history is not None and not tensor.history[0].inputs:
        return tensor.history[0].operation
    return None
