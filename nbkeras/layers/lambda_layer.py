"""Lambda: a function as a layer."""

from __future__ import annotations

import inspect

from nbkeras import ops
from nbkeras.arguments import DICTIONARY, accepts, optional
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.layers.layer import Layer
from nbkeras.saving import registry


class Lambda(Layer):
    """A function of the inputs, written with `nbkeras.ops`, as a layer.

    A function has no configuration that could be read without running foreign code, so only its name is saved: to save
    a model with such a layer, register the function with `saving.register_keras_serializable`; to load it, register it
    again or pass it in `custom_objects`. A layer of one's own is often the better way.

    Args:
        function: `f(inputs)`; may also take `mask` and `training`.
        output_shape: shape of a sample of the output, or a function of the input's shape; inferred by default.
        mask: the output's mask, or a function `(inputs, mask) -> mask`.
        arguments: more arguments of the function, by name.

    Example:
        >>> import numpy as np
        >>> Lambda(lambda x: x**2)(np.array([[1.0, 3.0]], "float32"))
        array([[1., 9.]], dtype=float32)
    """

    @accepts(arguments=optional(DICTIONARY))
    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        if not callable(function):
            raise ArgumentTypeError(f"layer {self.name!r} (Lambda): expected a function, got {function!r}.")
        self.function, self.mask, self.arguments = function, mask, arguments or {}
        self._output_shape = output_shape
        self.supports_masking = mask is not None
        taken = inspect.signature(function).parameters
        self._takes = [name for name in ("mask", "training") if name in taken]

    def call(self, inputs, mask=None, training=None):
        offered = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{name: offered[name] for name in self._takes})

    def compute_mask(self, inputs, mask=None):
        if callable(self.mask):
            return self.mask(inputs, mask)
        return None if self.mask is None else ops.convert_to_tensor(self.mask, "bool")

    def compute_output_shape(self, input_shape):
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        return (input_shape[0], *self._output_shape)

    def get_config(self):
        config = {**super().get_config(), "function": _named(self.function), "arguments": dict(self.arguments)}
        if self._output_shape is not None:
            config["output_shape"] = _named(self._output_shape) if callable(self._output_shape) else self._output_shape
        if self.mask is not None:
            config["mask"] = _named(self.mask) if callable(self.mask) else self.mask
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None, safe_mode=None):
        """A layer from `get_config`; functions are found by their registered names.

        Args:
            safe_mode: accepted as Keras has it; configurations never carry code.
        """
        config = dict(config)
        for name in ("function", "output_shape", "mask"):
            if isinstance(config.get(name), dict):
                config[name] = _found(config[name], custom_objects)
        return cls(**config)


def _named(function):
    """What stands for a function in a configuration: its name if it is registered, else the function itself."""
    full = registry.get_registered_name(function)
    if registry.get_registered_object(full) is not function:
        return function
    return {
        "module": getattr(function, "__module__", None),
        "class_name": "function",
        "config": getattr(function, "__name__", full),
        "registered_name": full,
    }


def _found(config, custom_objects):
    if config.get("class_name") == "__lambda__":
        raise ArgumentError(
            "a Lambda layer's configuration holds the code of a function, which nbkeras never runs.",
            next="name the function, register it with saving.register_keras_serializable, and save the model again.",
        )
    for name in (config.get("registered_name"), config.get("config")):
        found = registry.get_registered_object(name, custom_objects) if isinstance(name, str) else None
        if found is not None:
            return found
    raise ArgumentError(
        f"a Lambda layer's function {config.get('registered_name') or config.get('config')!r} is not registered.",
        next="register it with saving.register_keras_serializable, or pass it in custom_objects.",
    )
