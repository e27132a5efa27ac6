"""Masking: time steps that are only padding are skipped by the layers after it."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import NUMBER, accepts
from nbkeras.graph.masks import with_mask
from nbkeras.layers.layer import Layer


class Masking(Layer):
    """Masks the time steps whose values are all `mask_value`, and sets them to 0.   (N, T, F) -> (N, T, F)

    Example:
        >>> import numpy as np
        >>> x = np.array([[[1.0, 2.0], [0.0, 0.0]]], "float32")
        >>> Masking()(x)._keras_mask
        array([[ True, False]])
    """

    @accepts(mask_value=NUMBER)
    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        if isinstance(mask_value, dict):
            mask_value = mask_value["config"]["value"]
        self.mask_value = mask_value
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        there = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return with_mask(ops.where(there, inputs, ops.zeros_like(inputs)), ops.squeeze(there, axis=-1))

    def compute_mask(self, inputs, mask=None):
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "mask_value": self.mask_value}
