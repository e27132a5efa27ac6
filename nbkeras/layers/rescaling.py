"""Rescaling: data brought to another range."""

from __future__ import annotations

import numpy as np

from nbkeras import config, ops
from nbkeras.arguments import NUMBERS, accepts
from nbkeras.layers.layer import Layer


class Rescaling(Layer):
    """x * scale + offset, such as 1 / 255 for images.

    Args:
        scale, offset: numbers, or arrays with one for each channel.

    Example:
        >>> import numpy as np
        >>> Rescaling(1 / 127.5, offset=-1)(np.array([[0, 255]], "uint8"))
        array([[-1.,  1.]], dtype=float32)
    """

    @accepts(scale=NUMBERS, offset=NUMBERS)
    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset
        self.supports_masking = True

    def call(self, inputs):
        scale = np.asarray(self.scale, self.compute_dtype)
        if scale.ndim and config.image_data_format() == "channels_first":
            scale = scale.reshape(scale.shape + (1,) * (3 - scale.ndim))
        return ops.cast(inputs, self.compute_dtype) * scale + np.asarray(self.offset, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "scale": _config(self.scale), "offset": _config(self.offset)}


def _config(value):
    if isinstance(value, np.ndarray) and value.ndim:
        return {"class_name": "__numpy__", "config": {"value": value.tolist(), "dtype": str(value.dtype)}}
    return value.item() if hasattr(value, "item") else value
