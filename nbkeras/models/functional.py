"""Functional models: any graph of layers between inputs and outputs."""

from __future__ import annotations

import inspect
import warnings

import numpy as np

from nbkeras import tree
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.keras_tensor import KerasTensor, any_keras_tensor
from nbkeras.models.graph_config import graph_to_config
from nbkeras.models.model import Model
from nbkeras.models.network import Network, from_inputs
from nbkeras.ops import elementwise, shaping
from nbkeras.ops.common import is_tensor


class Functional(Model):
    """A model from Keras tensors; `Model(inputs, outputs)` makes one.

    Args:
        inputs: a Keras tensor, or a list, tuple or dict of them.
        outputs: likewise, made by calling layers on the inputs.
        name: of the model.
        trainable: whether training changes the weights; None leaves each layer as it is.

    The inputs may be any tensors between those of `Input` and the outputs: the model is then the part from there on,
    with inputs of its own and the same layers.

    Example:
        >>> import nbkeras as keras
        >>> x = keras.Input((3,))
        >>> hidden = keras.layers.Dense(4, activation="relu", name="hidden")(x)
        >>> model = Functional(x, {"one": keras.layers.Dense(1)(hidden), "two": keras.layers.Dense(2)(hidden)})
        >>> {name: tensor.shape for name, tensor in model.output.items()}
        {'one': (None, 1), 'two': (None, 2)}
        >>> Functional(x, model.get_layer("hidden").output).output_shape
        (None, 4)
    """

    #: Where Keras has this class.
    KERAS_MODULE = "keras.src.models.functional"

    def __init__(self, inputs, outputs, name=None, **kwargs):
        trainable = kwargs.pop("trainable", None)
        super().__init__(name=name, **kwargs)
        inputs, outputs = from_inputs(inputs, outputs, self.name)
        self._untracked_inputs, self._untracked_outputs = inputs, outputs
        self._untracked_network = Network(inputs, outputs, self.name)
        # From this rank on, inputs may have other lengths than those of `Input`. In Keras a Sequential takes any that
        # its layers take; here one with an Input refuses another number of features.
        self._untracked_any_length = np.inf
        for layer in self._untracked_network.layers:
            self._track(layer)
        self.built = True
        if trainable is not None:
            self.trainable = trainable

    def __call__(self, *args, **kwargs):
        # Here and not in `call`, which trial runs for shapes go through too.
        if args and tree.is_nested(args[0]) and not any_keras_tensor(args, {}):
            self._check_structure(args[0])
        return super().__call__(*args, **kwargs)

    def call(self, inputs, training=None, mask=None):
        values = self._arrange(inputs)
        outputs = self._untracked_network.run(values, training=training)
        return _alone(tree.pack_sequence_as(self._untracked_outputs, outputs))

    def add_loss(self, loss):
        """Not for functional models, as in Keras: call `add_loss` in a layer."""
        raise NotImplementedError(f"model {self.name!r}: add_loss in the call() of a layer, or write compute_loss.")

    def _arrange(self, inputs):
        """The values in the order of the model's inputs: by name from a dict, else by place."""
        expected = self._untracked_network.inputs
        if isinstance(inputs, dict) and not isinstance(self._untracked_inputs, dict):
            names = [t.name for t in expected]
            missing = [n for n in names if n not in inputs]
            if missing:
                raise ArgumentError(
                    f"model {self.name!r}: no value for input {missing[0]!r}; the dict has {sorted(inputs)}.",
                    next=f"use the names of the inputs as keys: {names}.",
                )
            values = [inputs[n] for n in names]
        elif isinstance(inputs, dict):
            missing = [k for k in self._untracked_inputs if k not in inputs]
            if missing:
                raise ArgumentError(f"model {self.name!r}: no value for input {missing[0]!r}.")
            values = tree.flatten({key: inputs[key] for key in self._untracked_inputs})
        else:
            values = tree.flatten(inputs)
        if len(values) != len(expected):
            raise ArgumentError(
                f"model {self.name!r} takes {len(expected)} inputs, got {len(values)}.",
                next=f"pass values for {[t.name for t in expected]}.",
            )
        return [self._fit(value, tensor) for value, tensor in zip(values, expected, strict=True)]

    def _check_structure(self, inputs):
        """Warn where the inputs nest in another way than the model's, as Keras does; lists count as tuples.

        Raises:
            ArgumentError: the inputs come by place, and it is unclear which is which.
        """
        own = self._untracked_inputs
        if isinstance(inputs, dict) and not isinstance(own, dict):
            return  # By name: what is missing is an error in `call`.
        if not isinstance(inputs, dict) and len(tree.flatten(inputs)) != len(self.inputs):
            return  # An error in `call` too.
        try:
            tree.assert_same_structure(tree.lists_to_tuples(inputs), tree.lists_to_tuples(own))
        except ValueError:
            if isinstance(own, dict) and not isinstance(inputs, dict) and list(own) != sorted(own):
                # By place means in the order of sorted names, which is not the order that the model was made with.
                raise ArgumentError(self._unlike(inputs), next="pass a dict by the names of the inputs.") from None
            warnings.warn(self._unlike(inputs), stacklevel=2)

    def _unlike(self, inputs) -> str:
        names = tree.map_structure(lambda t: t.name, self._untracked_inputs)
        shapes = tree.map_structure(lambda v: None if v is None else tuple(np.shape(v)), inputs)
        # It begins as in Keras: filters of warnings in users' scripts go by it.
        return (
            f"The structure of `inputs` doesn't match the expected structure of model {self.name!r}: "
            f"expected {names!r}, got shapes {shapes!r}."
        )

    def _fit(self, value, tensor):
        """Bring a value to an input's rank and dtype; Keras takes any batch, and one axis of length 1 more or less."""
        if value is None:
            return self._absent(tensor)
        if not is_tensor(value):
            value = np.asarray(value)
        rank, wanted = len(value.shape), len(tensor.shape)
        if rank == wanted - 1 and tensor.shape[-1] == 1:
            value = shaping.expand_dims(value, -1)
        elif rank == wanted + 1 and value.shape[-1] == 1:
            value = shaping.squeeze(value, -1)
        fits = len(value.shape) == wanted and (
            wanted >= self._untracked_any_length
            or all(n is None or m is None or n == m for n, m in zip(tensor.shape[1:], value.shape[1:], strict=True))
        )
        if not fits:
            raise ShapeError(
                f"model {self.name!r}: input {tensor.name!r} expects shape {tensor.shape}, got {tuple(value.shape)}.",
                next="reshape the data, or build the model for its shape. See model.summary().",
            )
        if isinstance(value, KerasTensor) and value.dtype == tensor.dtype:
            return value
        return elementwise.cast(value, tensor.dtype)

    def _absent(self, tensor):
        """None, where an input may be left out."""
        layer = tensor.history[0].operation
        if not layer.optional:
            raise ArgumentError(
                f"model {self.name!r}: the input {tensor.name!r} is not optional, but got None.",
                next="pass a value, or make it with Input(..., optional=True).",
            )

    def _convert(self, value):
        # Each input is cast to its own dtype in `_fit`.
        return value

    def _build_for(self, args, kwargs):
        """Nothing to build: the layers were, as the graph was made."""

    @property
    def layers(self):
        return list(self._untracked_network.layers)

    @layers.setter
    def layers(self, value):
        Model.layers.fset(self, value)

    @property
    def inputs(self):
        """The inputs, Keras tensors, in order."""
        return list(self._untracked_network.inputs)

    @property
    def outputs(self):
        """The outputs, Keras tensors, in order."""
        return list(self._untracked_network.outputs)

    @property
    def input(self):
        return self._untracked_inputs

    @property
    def output(self):
        return self._untracked_outputs

    @property
    def input_shape(self):
        """The shapes of the inputs, None where they are open, in the inputs' structure."""
        return _alone(tree.map_structure(lambda t: t.shape, self._untracked_inputs))

    @property
    def output_shape(self):
        """The shapes of the outputs, None where they are open, in the outputs' structure."""
        return _alone(tree.map_structure(lambda t: t.shape, self._untracked_outputs))

    @property
    def output_names(self):
        """The names of the layers that give the outputs; of a dict its keys, sorted."""
        if isinstance(self._untracked_outputs, dict):
            return sorted(self._untracked_outputs)
        return [t.history[0].operation.name if t.history else t.name for t in self.outputs]

    @property
    def input_names(self):
        """The names of the inputs."""
        return [t.name for t in self.inputs]

    @property
    def operations(self):
        """The layers and the functions between them, inputs first."""
        return list(self._untracked_network.operations)

    def get_config(self):
        if not made_from_tensors(type(self)):
            return super().get_config()
        return {"name": self.name, "trainable": self.trainable, **graph_to_config(self)}


def made_from_tensors(cls) -> bool:
    """True if a class's constructor takes inputs and outputs as `Functional` does, or hands on all that it gets."""
    spec = inspect.getfullargspec(cls.__init__)
    plain = spec.args[1:] == inspect.getfullargspec(Functional.__init__).args[1:]
    return plain or (spec.varargs is not None and spec.varkw is not None)


def _alone(structure):
    """The only item of a list or tuple of one, as Keras has it; all else as it is."""
    return structure[0] if isinstance(structure, (list, tuple)) and len(structure) == 1 else structure
