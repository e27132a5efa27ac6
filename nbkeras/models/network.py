"""The graph of calls behind a functional model: which calls lead from its inputs to its outputs, in which order."""

from __future__ import annotations

import collections

from nbkeras import tree
from nbkeras.errors import GraphError
from nbkeras.graph.keras_tensor import KerasTensor, OperationCall
from nbkeras.graph.masks import get_mask, with_mask
from nbkeras.layers.input_layer import Input
from nbkeras.layers.layer import Layer
from nbkeras.saving import budget


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
        self.name = name
        self._check_tensors(name)
        given = {id(t) for t in self.inputs}
        self.calls, states = [], {}
        # Operations in the order in which a walk from the outputs first meets them.
        self._met: dict[int, tuple] = {}
        for output in self.outputs:
            self._visit(output, given, states, name)
        self.operations = self._ordered_operations()
        self._check_names(name)
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
            if current.history is None:
                raise GraphError(f"model {name!r}: {current!r} was made by no layer and is no input.")
            call = current.history[0]
            if id(current) in given and not leaving:
                self._meet(call.operation)
                continue
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
            self._meet(call.operation)
            stack.append((current, True))
            stack.extend((source, False) for source in reversed(call.inputs) if self._pending(source, given, states))

    def _meet(self, operation):
        self._met.setdefault(id(operation), (len(self._met), operation))

    @staticmethod
    def _pending(source, given, states):
        if id(source) in given or source.history is None:
            return True
        return states.get(id(source.history[0])) != "done"

    def _ordered_operations(self):
        """By depth, those furthest from the outputs first; Keras counts a call's depth from what was deeper before."""
        depth_of_call: dict[int, int] = {}
        depth: dict[int, int] = {}
        for call in reversed(self.calls):
            own = max(depth_of_call.get(id(call), 0), depth.get(id(call.operation), 0))
            depth[id(call.operation)] = own
            for source in call.inputs:
                maker = source.history[0]
                depth_of_call[id(maker)] = max(depth_of_call.get(id(maker), 0), own + 1)
        for tensor in self.inputs:
            call = tensor.history[0]
            depth[id(call.operation)] = depth_of_call.get(id(call), 0)
            self._met.setdefault(id(call.operation), (-1, call.operation))
        entries = [operation for _, operation in sorted(self._met.values(), key=lambda entry: entry[0])]
        return sorted(entries, key=lambda operation: -depth[id(operation)])

    def _check_names(self, name):
        counts = collections.Counter(operation.name for operation in self.operations)
        twice = next((n for n, count in counts.items() if count > 1), None)
        if twice is not None:
            raise GraphError(
                f"model {name!r}: the name {twice!r} is used {counts[twice]} times.",
                next="give each layer a name of its own.",
            )

    def run(self, values, training=None, call=None):
        """The outputs for values of the inputs, both flat lists.

        Args:
            values: of the inputs, in order.
            training: the flag for layers that were not called with one of their own.
            call: `(operation, args, kwargs) -> outputs`, instead of calling the operation.
        """
        budget.spend_calls(len(self.calls), self.name)
        known = {id(t): v for t, v in zip(self.inputs, values, strict=True)}

        def substitute(leaf):
            return known[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

        for node in self.calls:
            args = tuple(tree.map_structure(substitute, a) for a in node.args)
            kwargs = {k: tree.map_structure(substitute, v) for k, v in node.kwargs.items()}
            takes_flag = isinstance(node.operation, Layer) and "training" in node.operation._call_parameters
            if training is not None and takes_flag and kwargs.get("training") is None:
                kwargs["training"] = training
            results = node.operation(*args, **kwargs) if call is None else call(node.operation, args, kwargs)
            for made, value in zip(tree.flatten(node.outputs), tree.flatten(results), strict=True):
                known[id(made)] = value
        return [known[id(t)] for t in self.outputs]


def from_inputs(inputs, outputs, name: str):
    """Inputs that come from `Input`, and outputs that depend on them.

    Where an input is a tensor inside a graph, an Input takes its place, and the calls from there on are entered a
    second time, without computing anything, as calls on what follows from the new Input.
    """
    flat = tree.flatten(inputs)
    if not all(isinstance(t, KerasTensor) for t in flat) or all(_input_layer(t) is not None for t in flat):
        return inputs, outputs
    network = Network(inputs, outputs, name)
    known = {}
    for tensor in flat:
        taken = tensor if _input_layer(tensor) is not None else _input_like(tensor)
        known[id(tensor)] = with_mask(taken, get_mask(tensor))

    def copied(leaf):
        if not isinstance(leaf, KerasTensor):
            return leaf
        if id(leaf) not in known:
            known[id(leaf)] = with_mask(KerasTensor(leaf.shape, leaf.dtype, name=f"{leaf.name}_clone"), get_mask(leaf))
        return known[id(leaf)]

    for call in network.calls:
        args, kwargs, results = tree.map_structure(copied, [list(call.args), call.kwargs, call.outputs])
        again = OperationCall(call.operation, tuple(args), kwargs, results)
        if isinstance(call.operation, Layer):
            call.operation._untracked_calls.append(again)
    return tree.map_structure(copied, inputs), tree.map_structure(copied, outputs)


def _input_like(tensor):
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=f"{tensor.name}CLONE")


def _input_layer(tensor):
    """The InputLayer that made a tensor, or None."""
    if tensor.history is not None and not tensor.history[0].inputs:
        return tensor.history[0].operation
    return None
