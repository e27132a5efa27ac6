"""Model: layers as one unit that is compiled, fitted, evaluated and asked for predictions."""

from __future__ import annotations

import json

from nbkeras.errors import ArgumentError, MissingAttribute, StateError
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.layers.layer import Layer
from nbkeras.layers.signature import tree_of_shapes
from nbkeras.models.files import Saveable
from nbkeras.models.graph_config import graph_from_config
from nbkeras.models.state_tree import HasStateTree
from nbkeras.models.summary import print_summary
from nbkeras.saving import budget, registry
from nbkeras.training.trainer import Trainer


class Model(Trainer, Saveable, HasStateTree, Layer):
    """A model: `Model(inputs, outputs)` from Keras tensors, or a subclass with its own `call`.

    Args:
        inputs, outputs: Keras tensors, or structures of them.
        name: of the model.

    Example:
        >>> import nbkeras as keras
        >>> x = keras.Input((4,))
        >>> model = keras.Model(x, keras.layers.Dense(2)(x))
        >>> model.count_params()
        10
    """

    def __new__(cls, *args, **kwargs):
        if cls is Model and _from_tensors(args, kwargs):
            from nbkeras.models.functional import Functional

            return Functional.__new__(Functional, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args, **kwargs):
        if _from_tensors(args, kwargs) and not _is_functional(type(self)):
            # A subclass that hands tensors to Model's constructor is a functional model.
            from nbkeras.models.functional import Functional

            self.__class__ = type(
                type(self).__name__, (type(self), Functional), {"__module__": type(self).__module__}
            )
            Functional.__init__(self, *args, **kwargs)
            return
        Trainer.__init__(self)
        Layer.__init__(self, *args, **kwargs)

    @property
    def layers(self):
        """The layers directly inside."""
        return list(self._layers)

    @layers.setter
    def layers(self, _):
        raise MissingAttribute(f"model {self.name!r}: `layers` is a list that the model keeps; it cannot be set.")

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A model from `get_config`; one made from tensors is functional again.

        Raises:
            ArgumentError, FileError: the configuration cannot be used, or asks for more memory than there is.
        """
        from nbkeras.models.functional import Functional, made_from_tensors

        with budget.limited_by_machine(), registry.usable(cls, "model"):
            if "input_layers" not in config or not made_from_tensors(cls):
                return cls(**config)
            cls = Functional if cls is Model else cls
            # The graph is never a user's class to make sense of.
            with registry.usable(Functional, "model"):
                inputs, outputs = graph_from_config(config, custom_objects)
            rest = {k: v for k, v in config.items() if k not in ("layers", "input_layers", "output_layers")}
            return cls(inputs=inputs, outputs=outputs, **rest)

    def get_layer(self, name=None, index=None):
        """The layer with a name, or at a place in `layers`.

        Example:
            >>> from nbkeras import Input, Sequential, layers
            >>> model = Sequential([Input((3,)), layers.Dense(2, name="first"), layers.Dense(1)])
            >>> model.get_layer("first").units, model.get_layer(index=-1).units
            (2, 1)
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ArgumentError(f"model {self.name!r}: get_layer takes either a name or an index.")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ArgumentError(f"model {self.name!r} has {len(layers)} layers; there is no index {index}.")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        from nbkeras.errors import nearest

        raise ArgumentError(f"model {self.name!r} has no layer {name!r}; {nearest(name, [la.name for la in layers])}")

    def build(self, input_shape=None):
        """Build by calling the model on a placeholder of the shape."""
        if self.built or input_shape is None:
            return
        self(tree_of_shapes(input_shape, self._placeholder))

    def _placeholder(self, shape):
        return KerasTensor(shape, self.compute_dtype)

    def _build_with(self, shapes):
        if type(self).build is not Model.build:
            super()._build_with(shapes)
        else:
            self._untracked_build_shapes = dict(shapes)
        self.built = True

    def build_from_config(self, config):
        """Build for the shapes of `get_build_config`."""
        if config and "shapes_dict" in config and type(self).build is Model.build:
            self(**{name: tree_of_shapes(shape, self._placeholder) for name, shape in config["shapes_dict"].items()})
        else:
            super().build_from_config(config)

    def summary(
        self,
        line_length=None,
        positions=None,
        print_fn=None,
        expand_nested=False,
        show_trainable=False,
        layer_range=None,
    ):
        """Print a table of the layers: name, type, output shape, weights, connections.

        Example:
            >>> import nbkeras as keras
            >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="first")], name="tiny")
            >>> model.summary(line_length=60)
            Model: "tiny"
            ┏━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━┓
            ┃ Layer (type)             ┃ Output Shape       ┃  Param # ┃
            ┡━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━┩
            │ first (Dense)            │ (None, 2)          │        8 │
            └──────────────────────────┴────────────────────┴──────────┘
             Total params: 8 (32.00 B)
             Trainable params: 8 (32.00 B)
             Non-trainable params: 0 (0.00 B)
        """
        print_summary(self, line_length, print_fn, expand_nested, show_trainable, layer_range)

    def to_json(self, **kwargs) -> str:
        """The configuration as JSON.

        Example:
            >>> import nbkeras as keras
            >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
            >>> keras.models.model_from_json(model.to_json()).output_shape
            (None, 2)
        """
        return json.dumps(registry.serialize_keras_object(self), default=registry.serialize_keras_object, **kwargs)

    def count_params(self):
        if not self.built:
            raise StateError(
                f"model {self.name!r}: count_params before the model is built.",
                next="give it an Input, build(input_shape), or call it on data.",
            )
        return super().count_params()


def _from_tensors(args, kwargs) -> bool:
    return (len(args) >= 2 and _has_tensor(args[0])) or ("inputs" in kwargs and "outputs" in kwargs) or (
        len(args) == 1 and "outputs" in kwargs
    )


def _has_tensor(structure) -> bool:
    from nbkeras import tree

    return any(isinstance(leaf, KerasTensor) for leaf in tree.flatten(structure))


def _is_functional(cls) -> bool:
    from nbkeras.models.functional import Functional

    return issubclass(cls, Functional)
