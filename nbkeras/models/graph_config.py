"""The graph of a functional model as a configuration, in the form that Keras 3 writes and reads."""

from __future__ import annotations

import builtins

import numpy as np

from nbkeras import tree
from nbkeras.errors import ArgumentError, GraphError
from nbkeras.graph.keras_tensor import Function, KerasTensor
from nbkeras.layers import lookup
from nbkeras.models import operations
from nbkeras.saving import registry


def graph_to_config(model) -> dict:
    """The layers of a functional model, what each was called on, and which tensors are inputs and outputs."""
    network = model._untracked_network
    places = _Places(network)
    layers = []
    for operation in network.operations:
        calls = [call for call in places.calls_of(operation) if call.inputs]
        if isinstance(operation, Function):
            args, kwargs, settings = operations.split(operation.function, calls[0].args, calls[0].kwargs)
            entry, calls = operations.serialize(operation, settings), [(args, kwargs)]
        else:
            entry = registry.serialize_keras_object(operation)
            calls = [(call.args, call.kwargs) for call in calls]
        entry["name"] = operation.name
        entry["inbound_nodes"] = [
            {"args": _encode(list(args), places), "kwargs": _encode(kwargs, places)} for args, kwargs in calls
        ]
        layers.append(entry)
    return {
        "layers": layers,
        "input_layers": tree.map_structure(places.outer, model.input),
        "output_layers": tree.map_structure(places.outer, model.output),
    }


class _Places:
    """Where each tensor comes from: the name of the operation, which of its calls, which output of it."""

    def __init__(self, network):
        used = {id(call) for call in network.calls}
        used |= {id(t.history[0]) for t in network.inputs}
        self._calls, self._numbers = {}, {}
        for operation in network.operations:
            made = getattr(operation, "_untracked_calls", None)
            if made is None:
                made = [call for call in network.calls if call.operation is operation]
            calls = self._calls[id(operation)] = [call for call in made if id(call) in used]
            for number, call in enumerate(calls):
                self._numbers[id(call)] = number

    def calls_of(self, operation):
        return self._calls[id(operation)]

    def of(self, tensor) -> list:
        call, index = tensor.history
        return [call.operation.name, self._numbers[id(call)], index]

    def outer(self, tensor) -> list:
        """The same for the model's own inputs and outputs, of which Keras counts calls of models from 1."""
        name, number, index = self.of(tensor)
        return [name, number + _first_node(tensor.history[0].operation), index]


def _first_node(operation) -> int:
    """1 for functional models: Keras once gave them a node of their own, and its files still count from there."""
    return int(hasattr(operation, "_untracked_network"))


def _encode(value, places):
    """Arguments of a call as plain values."""
    if isinstance(value, KerasTensor):
        config = {"shape": value.shape, "dtype": value.dtype, "keras_history": places.of(value)}
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(value, dict):
        return {key: _encode(part, places) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(part, places) for part in value]
    if isinstance(value, builtins.slice):
        ends = {"start": value.start, "stop": value.stop, "step": value.step}
        return {"class_name": "__slice__", "config": _encode(ends, places)}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if hasattr(value, "assign"):
        value = value.numpy()
    if isinstance(value, np.ndarray) and value.ndim:
        return {"class_name": "__numpy__", "config": {"value": value.tolist(), "dtype": str(value.dtype)}}
    return registry.serialize_keras_object(value)


def graph_from_config(config: dict, custom_objects=None):
    """The inputs and outputs of a functional model: its layers are made and called as the configuration says.

    Raises:
        GraphError: calls wait for each other, or for a layer that is not there.
    """
    made = _Made(config["layers"], custom_objects)
    waiting = {entry["name"]: list(entry.get("inbound_nodes") or []) for entry in config["layers"]}
    while any(waiting.values()):
        progress = False
        for name, nodes in waiting.items():
            while nodes and made.call(name, nodes[0]):
                del nodes[0]
                progress = True
        if not progress:
            stuck = ", ".join(repr(name) for name, nodes in waiting.items() if nodes)
            raise GraphError(
                f"model {config.get('name')!r}: the configuration has a cycle or a missing layer: the calls of {stuck} "
                "wait for each other."
            )
    return made.structure(config["input_layers"]), made.structure(config["output_layers"])


class _Missing(Exception):
    """A call's input has not been made yet."""


class _Made:
    """The operations of a configuration and the outputs of their calls so far."""

    def __init__(self, entries, custom_objects):
        self._operations, self._settings, self._outputs = {}, {}, {}
        self._custom_objects = custom_objects
        for entry in entries:
            name = entry["name"]
            if operations.is_operation(entry):
                self._operations[name], settings = operations.deserialize(entry)
                self._settings[name] = {key: self._own_function(value) for key, value in settings.items()}
                self._outputs[name] = []
            else:
                layer = self._operations[name] = lookup.deserialize(entry, custom_objects)
                self._outputs[name] = [call.outputs for call in layer._untracked_calls] if _is_input(layer) else []

    def call(self, name, node) -> bool:
        """Call an operation as a node says; False if an input is not there yet."""
        try:
            args, kwargs = self._arguments(node)
        except _Missing:
            return False
        operation = self._operations[name]
        if isinstance(operation, Function):
            args, kwargs = operations.arguments(operation.function, args, kwargs, self._settings[name])
            if isinstance(kwargs.get("key"), list):
                kwargs["key"] = tuple(kwargs["key"])
        self._outputs[name].append(operation(*args, **kwargs))
        return True

    def _arguments(self, node):
        if isinstance(node, dict):
            return self._decode(node["args"]), self._decode(node["kwargs"])
        # Keras 2: a list of [layer, node, tensor, keyword arguments].
        inputs = [self._outer(*place[:3]) for place in node]
        kwargs = next((place[3] for place in node if len(place) > 3), {})
        return [inputs[0] if len(inputs) == 1 else inputs], self._decode(kwargs)

    def _tensor(self, name, node, index):
        if name not in self._operations:
            raise GraphError(f"the configuration of a functional model has no layer {name!r}, which a call needs.")
        outputs = self._outputs[name]
        if not 0 <= node < len(outputs):
            raise _Missing
        leaves = tree.flatten(outputs[node])
        if not 0 <= index < len(leaves):
            raise GraphError(f"layer {name!r} has {len(leaves)} outputs; the configuration asks for number {index}.")
        return leaves[index]

    def _outer(self, name, node, index):
        return self._tensor(name, node - _first_node(self._operations.get(name)), index)

    def _own_function(self, value):
        """The user's function that a value names, such as that of `map`; other values as they are."""
        if not isinstance(value, dict) or value.get("class_name") != "function":
            return value
        return registry.deserialize(value, {}, "function", self._custom_objects)

    def _decode(self, value):
        if isinstance(value, (list, tuple)):
            return [self._decode(part) for part in value]
        if not isinstance(value, dict):
            return value
        kind, config = value.get("class_name"), value.get("config")
        if kind is None or config is None:
            return {key: self._decode(part) for key, part in value.items()}
        if kind == "__keras_tensor__":
            return self._tensor(*config["keras_history"])
        if kind == "function":
            return self._own_function(value)
        if kind == "__slice__":
            return builtins.slice(*(self._decode(config[end]) for end in ("start", "stop", "step")))
        if kind == "__ellipsis__":
            return Ellipsis
        if kind in ("__numpy__", "__tensor__"):
            return np.asarray(config["value"], config["dtype"])
        raise ArgumentError(f"the configuration of a functional model has an argument of unknown kind {kind!r}.")

    def structure(self, places):
        """Tensors for a structure of places."""
        if isinstance(places, dict):
            return {key: self.structure(part) for key, part in places.items()}
        if len(places) == 3 and isinstance(places[0], str):
            try:
                return self._outer(*places)
            except _Missing:
                raise GraphError(f"the configuration of a functional model has no call {places}.") from None
        return tree.rebuild(places, [self.structure(part) for part in places])


def _is_input(layer) -> bool:
    calls = layer._untracked_calls
    return bool(calls) and not calls[0].inputs
