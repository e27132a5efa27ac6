"""Layers around another layer."""

from __future__ import annotations

from nbkeras import ops, tree
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.layers import lookup
from nbkeras.layers.layer import Layer


class Wrapper(Layer):
    """The base of layers around another: a subclass's `call` uses `self.layer`.

    Args:
        layer: the layer inside.

    Example:
        >>> import numpy as np
        >>> from nbkeras.layers import Dense
        >>> class Twice(Wrapper):
        ...     def call(self, x):
        ...         return 2 * self.layer(x)
        >>> Twice(Dense(2, kernel_initializer="ones"))(np.ones((1, 3), "float32"))
        array([[6., 6.]], dtype=float32)
    """

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ArgumentError(
                f"layer {self.name!r} ({type(self).__name__}): expected a layer to wrap, got {layer!r}."
            )
        self.layer = layer

    def build(self, input_shape=None):
        if not self.layer.built:
            self.layer.build(input_shape)

    def get_config(self):
        return {**super().get_config(), "layer": lookup.serialize(self.layer)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A layer from `get_config`."""
        config = dict(config)
        return cls(lookup.deserialize(config.pop("layer"), custom_objects), **config)


class TimeDistributed(Wrapper):
    """The same layer applied to each time step.   (N, T, ...) -> (N, T, ...)

    Layers that treat each sample by itself see all steps at once, as so many samples; others (those with statistics,
    penalties or code of the user's) are called step by step, as in Keras.

    Args:
        layer: the layer inside.

    Example:
        >>> import numpy as np
        >>> from nbkeras.layers import Dense
        >>> TimeDistributed(Dense(4))(np.ones((2, 5, 3), "float32")).shape
        (2, 5, 4)
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _step_shape(self, shape):
        if len(shape) < 3:
            raise ShapeError(
                f"layer {self.name!r} (TimeDistributed) expects input of rank at least 3 but got shape {shape}.",
                next="give the input a time axis: (samples, time, features).",
            )
        return (shape[0], *shape[2:])

    def build(self, input_shape):
        super().build(self._step_shape(tuple(input_shape)))

    def compute_output_shape(self, input_shape):
        inside = self.layer.compute_output_shape(self._step_shape(tuple(input_shape)))
        return (inside[0], input_shape[1], *inside[1:])

    def call(self, inputs, training=None, mask=None):
        rows, steps = inputs.shape[:2]
        if mask is not None and tuple(mask.shape[:2]) != (rows, steps):
            raise ShapeError(
                f"layer {self.name!r} (TimeDistributed): a mask of shape {tuple(mask.shape)} does not fit an input of "
                f"shape {tuple(inputs.shape)}.",
                next="give one value a sample and time step.",
            )
        if _treats_samples_alone(self.layer):
            flat = ops.reshape(inputs, (rows * steps, *inputs.shape[2:]))
            flat_mask = None if mask is None else ops.reshape(mask, (rows * steps, *mask.shape[2:]))
            outputs = self._step(flat, training, flat_mask)
            return tree.map_structure(lambda y: ops.reshape(y, (rows, steps, *y.shape[1:])), outputs)
        every = [self._step(inputs[:, t], training, None if mask is None else mask[:, t]) for t in range(steps)]
        return tree.map_structure(lambda *ys: ops.stack(ys, axis=1), *every)

    def _step(self, inputs, training, mask):
        parameters = self.layer._call_parameters
        offered = {"training": training, "mask": mask}
        return self.layer.call(inputs, **{k: v for k, v in offered.items() if k in parameters and v is not None})


def _treats_samples_alone(layer) -> bool:
    """True for layers of ours whose output for a sample depends on that sample alone, and which add no losses."""
    return all(
        type(part).__module__.startswith("nbkeras.layers.")
        and part.activity_regularizer is None
        and all(weight.trainable for weight in part.weights)
        for part in layer._flatten_layers()
    )
