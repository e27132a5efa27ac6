"""Sequential: a stack of layers, each with one input and one output."""

from __future__ import annotations

import numpy as np

from nbkeras import tree
from nbkeras.errors import ArgumentError, MissingAttribute, StateError
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.layers import call_context, lookup
from nbkeras.layers.input_layer import InputLayer
from nbkeras.layers.layer import Layer
from nbkeras.layers.signature import needed, tree_of_shapes
from nbkeras.models.functional import Functional
from nbkeras.models.model import Model
from nbkeras.naming import auto_name
from nbkeras.saving import budget, registry


class Sequential(Model):
    """Layers one after another.

    Args:
        layers: the first may be an `Input`; without one the model is built when it first sees data.
        trainable: whether training changes the weights.
        name: of the model.

    Example:
        >>> import nbkeras as keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="relu")])
        >>> model.output_shape
        (None, 3)
    """

    KERAS_MODULE = "keras"

    def __init__(self, layers=None, trainable=True, name=None):
        super().__init__(trainable=trainable, name=name)
        self._untracked_stack: list[Layer] = []
        self._untracked_functional = None
        self._untracked_guessed = None
        for layer in layers or []:
            self.add(layer, rebuild=False)
        self._rebuild()

    def add(self, layer, rebuild=True):
        """Put a layer on top.

        Example:
            >>> import nbkeras as keras
            >>> model = keras.Sequential([keras.Input((3,))])
            >>> model.add(keras.layers.Dense(2))
            >>> model.output_shape
            (None, 2)
        """
        if isinstance(layer, KerasTensor) and layer.history is not None and not layer.history[0].inputs:
            layer = layer.history[0].operation
        if not isinstance(layer, Layer):
            if callable(layer) and hasattr(layer, "__name__"):
                raise ArgumentError(
                    f"Sequential {self.name!r}: expected a layer, got the function {layer.__name__!r}.",
                    next="wrap it: layers.Lambda(function), or layers.Activation for an activation.",
                )
            raise ArgumentError(f"Sequential {self.name!r}: expected a layer, got {layer!r}.")
        inputs = [name for name in needed(layer._call_parameters) if name not in ("training", "mask")]
        if len(inputs) > 1:
            raise ArgumentError(
                f"Sequential {self.name!r}: a layer of it gets one input, but call() of {layer.name!r} "
                f"({type(layer).__name__}) takes {', '.join(inputs)}.",
                next="build a functional model: Model(inputs, outputs).",
            )
        if any(existing.name == layer.name for existing in self._untracked_stack):
            raise ArgumentError(
                f"Sequential {self.name!r}: there is a layer {layer.name!r} already.",
                next="give each a name of its own.",
            )
        if isinstance(layer, InputLayer):
            if self._untracked_stack and isinstance(self._untracked_stack[0], InputLayer):
                raise ArgumentError(f"Sequential {self.name!r} has an input already, cannot add {layer.name!r}.")
            self._untracked_stack.insert(0, layer)
        else:
            first = not self._untracked_stack
            shape = getattr(layer, "_untracked_shape", None)
            inside = getattr(layer, "_untracked_functional", None) or layer
            if first and isinstance(inside, Functional) and len(inside.inputs) == 1:
                shape = inside.inputs[0].shape
            if first and shape is not None:
                self._untracked_stack.append(InputLayer(batch_shape=shape, dtype=layer.dtype))
            self._untracked_stack.append(layer)
            self._track(layer)
        if rebuild:
            self._rebuild()

    def pop(self, rebuild=True):
        """Take the top layer off and return it.

        Example:
            >>> import nbkeras as keras
            >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])
            >>> model.pop().units, model.output_shape
            (1, (None, 2))
        """
        if not self._untracked_stack:
            raise StateError(f"Sequential {self.name!r} has no layers to pop.")
        layer = self._untracked_stack.pop()
        self._tracked["layers"][:] = [item for item in self._tracked["layers"] if item is not layer]
        if rebuild:
            self._rebuild()
        return layer

    def _rebuild(self):
        """Chain the layers if the input's shape is known."""
        self.built, self._untracked_functional = False, None
        self._forget_plans()
        stack = self._untracked_stack
        if len(stack) < 2 or not isinstance(stack[0], InputLayer):
            return
        x = inputs = stack[0].output
        try:
            with call_context.named(self.name):
                for layer in stack[1:]:
                    x = layer(x)
        except NotImplementedError:
            # A layer cannot say what shape it gives: nothing is known before there is data.
            self.built = True
            return
        # Keras numbers the functional models behind Sequentials too.
        auto_name("functional")
        self._untracked_functional = Functional(inputs, x, name=self.name)
        self._untracked_functional._untracked_any_length = 0 if stack[0] is self._untracked_guessed else 3
        self.built = True

    def build(self, input_shape=None):
        """Build all layers for an input shape, batch axis first.

        Example:
            >>> import nbkeras as keras
            >>> model = keras.Sequential([keras.layers.Dense(2)])
            >>> model.build((None, 3))
            >>> model.count_params()
            8
        """
        if self._untracked_functional is not None:
            self._check_shape(input_shape)
            return
        if input_shape is None:
            raise StateError(f"Sequential {self.name!r}: build needs an input shape.")
        if not self._untracked_stack:
            raise StateError(f"Sequential {self.name!r} has no layers.", next="add some first.")
        if not isinstance(self._untracked_stack[0], InputLayer):
            if not all(n is None or isinstance(n, (int, np.integer)) for n in input_shape):
                # Several inputs: the layers are called one after another, each built as it is called.
                self.built = True
                return
            dtype = self._untracked_stack[0].compute_dtype
            shape = (None, *tuple(input_shape)[1:])
            self._untracked_stack.insert(0, InputLayer(batch_shape=shape, dtype=dtype))
            self._untracked_guessed = self._untracked_stack[0]
        self._rebuild()

    def _check_shape(self, given):
        own = self._untracked_functional.input_shape
        flat = isinstance(given, (list, tuple)) and all(n is None or isinstance(n, (int, np.integer)) for n in given)
        fits = not flat or (
            len(given) == len(own) and all(n is None or m is None or n == m for n, m in zip(given, own, strict=True))
        )
        if not fits and self._untracked_stack[0] is not self._untracked_guessed:
            raise ArgumentError(
                f"Sequential {self.name!r}: it has an input of shape {own} already, and cannot be built for "
                f"{tuple(given)}.",
                next="leave its Input out, or make a new model.",
            )

    def call(self, inputs, training=None, mask=None):
        if self._untracked_functional is None:
            if not self._untracked_stack:
                raise StateError(f"Sequential {self.name!r} has no layers to call.", next="add some first.")
            return self._one_by_one(inputs, training)
        return self._untracked_functional.call(inputs, training=training, mask=mask)

    def _one_by_one(self, inputs, training):
        """The layers called on each other's outputs, where there is no functional model."""
        for layer in self.layers:
            inputs = layer(inputs, training=training) if "training" in layer._call_parameters else layer(inputs)
        return inputs

    def _convert(self, value):
        return value if self._untracked_functional is not None else super()._convert(value)

    @property
    def layers(self):
        return [layer for layer in self._untracked_stack if not isinstance(layer, InputLayer)]

    @layers.setter
    def layers(self, _):
        raise MissingAttribute(f"Sequential {self.name!r}: `layers` cannot be set.", next="use add() and pop().")

    def _lock(self):
        """`add` and `pop` change a built model too."""

    def _built_model(self, what):
        if self._untracked_functional is None:
            raise MissingAttribute(
                f"Sequential {self.name!r} has no {what} yet: its input shape is not known.",
                next="start it with Input(shape=...), or call it on data first.",
            )
        return self._untracked_functional

    @property
    def inputs(self):
        """The model's input in a list, once it is built."""
        return self._built_model("inputs").inputs

    @property
    def outputs(self):
        """The model's output in a list, once it is built."""
        return self._built_model("outputs").outputs

    @property
    def input(self):
        return self._built_model("input").input

    @property
    def output(self):
        return self._built_model("output").output

    @property
    def input_shape(self):
        """The shape of the input, None where it is open."""
        return self._built_model("input_shape").input_shape

    @property
    def output_shape(self):
        """The shape of the output, None where it is open."""
        return self._built_model("output_shape").output_shape

    @property
    def output_names(self):
        """The name of the last layer in a list."""
        return self._built_model("output_names").output_names

    def compute_output_shape(self, input_shape):
        if self._untracked_functional is None:
            shape = input_shape
            for layer in self.layers:
                shape = layer.compute_output_shape(shape)
            return shape
        return tree.map_structure(lambda t: t.shape, self.compute_output_spec(KerasTensor(input_shape)))

    @property
    def input_names(self):
        """The input's name in a list."""
        return self._built_model("input_names").input_names

    def get_build_config(self):
        if self._untracked_functional is None:
            return None
        return {"input_shape": self._untracked_functional.input_shape}

    def build_from_config(self, config):
        self.build(tree_of_shapes(config["input_shape"], lambda shape: shape))

    def get_config(self):
        config = Layer.get_config(self)
        config["layers"] = [registry.serialize_keras_object(layer) for layer in self._untracked_stack]
        build_config = self.get_build_config()
        if build_config is not None:
            config["build_input_shape"] = build_config["input_shape"]
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A model from `get_config`.

        Raises:
            ArgumentError, FileError: the configuration cannot be used, or asks for more memory than there is.
        """
        with budget.limited_by_machine(), registry.usable(cls, "model"):
            config = dict(config)
            layers, shape = config.pop("layers"), config.pop("build_input_shape", None)
            config.pop("dtype", None)
            model = cls(**config)
            for entry in layers:
                model.add(lookup.deserialize(entry, custom_objects), rebuild=False)
            model._rebuild()
            if model._untracked_functional is None and shape and model._untracked_stack:
                model.build_from_config({"input_shape": shape})
        return model
