"""clone_model: a model like another, with layers and weights of its own."""

from __future__ import annotations

import math

from nbkeras import tree
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.graph.keras_tensor import Function, KerasTensor
from nbkeras.layers.input_layer import Input
from nbkeras.models.functional import Functional, made_from_tensors
from nbkeras.models.sequential import Sequential
from nbkeras.saving import budget


def clone_model(model, input_tensors=None, clone_function=None, call_function=None, recursive=False):
    """A model with the same graph of new layers, compiled alike; the weights are new too, not copied.

    Args:
        model: functional, Sequential, or a subclass with `get_config`.
        input_tensors: Keras tensors to build on, in the structure of the model's inputs; new ones by default.
        clone_function: `layer -> new layer`; makes it from its configuration by default. A layer that is used several
            times is cloned once.
        call_function: `(new layer, *args, **kwargs) -> outputs`; calls it by default. For functional models only.
        recursive: clone the layers of models inside with the same functions.

    Raises:
        ArgumentError: an argument does not suit this kind of model; ArgumentTypeError: it is no model.
        FileError: a configuration asks for more memory than the machine has.

    Example:
        >>> import nbkeras as keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> clone = clone_model(model)
        >>> clone.output_shape, clone.layers[0] is model.layers[0]
        ((None, 2), False)
    """
    if not hasattr(model, "get_config"):
        raise ArgumentTypeError(f"clone_model: expected a model, got {model!r}.")
    with budget.limited_by_machine(calls=math.inf):
        return _Cloner(clone_function, call_function, recursive).model(model, input_tensors)


class _Cloner:
    """Clones layers, each once.

    Args:
        clone_function, call_function, recursive: see `clone_model`.
    """

    def __init__(self, clone_function, call_function, recursive):
        self.clone_function, self.call_function, self.recursive = clone_function, call_function, recursive
        self._known = {}

    def model(self, model, input_tensors=None):
        if isinstance(model, Sequential):
            return self._sequential(model, input_tensors)
        if isinstance(model, Functional):
            return self._functional(model, input_tensors)
        if self.clone_function or self.call_function or input_tensors is not None:
            raise ArgumentError(
                f"clone_model: {model!r} is a subclass of Model whose graph is not known; it takes no clone_function, "
                "call_function or input_tensors.",
                next="call clone_model(model) alone, or write type(model).from_config(model.get_config()).",
            )
        return type(model).from_config(model.get_config())

    def layer(self, layer):
        """The clone of a layer, the same for each of its calls."""
        if id(layer) not in self._known:
            if self.recursive and isinstance(layer, (Sequential, Functional)):
                clone = self.model(layer)
            elif self.clone_function is not None:
                clone = self.clone_function(layer)
            else:
                clone = type(layer).from_config(layer.get_config())
            # The original is kept, so that its id stays taken.
            self._known[id(layer)] = (layer, clone)
        return self._known[id(layer)][1]

    def _sequential(self, model, input_tensors):
        if self.call_function is not None and not self.recursive:
            raise ArgumentError(
                "clone_model: call_function is for functional models; a Sequential only lists its layers."
            )
        layers = [self.layer(layer) for layer in model.layers]
        entry = model._untracked_stack[0] if len(model._untracked_stack) > len(layers) else None
        name = entry.name if entry is not None else None
        if input_tensors is not None:
            given = tree.flatten(input_tensors)
            if len(given) != 1 or not isinstance(given[0], KerasTensor):
                raise ArgumentError(f"clone_model: a Sequential takes one Keras tensor, got {input_tensors!r}.")
            layers.insert(0, Input(batch_shape=given[0].shape, dtype=given[0].dtype, name=name))
        elif entry is not None:
            layers.insert(0, Input(batch_shape=entry.batch_shape, dtype=entry.dtype, name=name))
        return _compiled_as(model, Sequential(layers, name=model.name, trainable=model.trainable))

    def _functional(self, model, input_tensors):
        if input_tensors is None:
            inputs = tree.map_structure(lambda t: Input(batch_shape=t.shape, dtype=t.dtype, name=t.name), model.input)
        else:
            inputs = _checked(input_tensors, model.input)
        outputs = model._untracked_network.run(tree.flatten(inputs), call=self._call)
        kind = type(model) if made_from_tensors(type(model)) else Functional
        return _compiled_as(model, kind(inputs, tree.pack_sequence_as(model.output, outputs), name=model.name))

    def _call(self, operation, args, kwargs):
        new = Function(operation.function) if isinstance(operation, Function) else self.layer(operation)
        if self.call_function is not None:
            return self.call_function(new, *args, **kwargs)
        return new(*args, **kwargs)


def _checked(given, expected):
    if not all(isinstance(t, KerasTensor) for t in tree.flatten(given)):
        raise ArgumentTypeError(f"clone_model: input_tensors must be Keras tensors, got {given!r}.")
    try:
        tree.assert_same_structure(given, expected)
    except ValueError as error:
        raise ArgumentError(
            f"clone_model: input_tensors must have the structure of the model's inputs; {error}."
        ) from None
    return given


def _compiled_as(model, clone):
    """The clone, compiled like the model."""
    if model.compiled:
        clone.compile_from_config(model.get_compile_config())
    return clone
