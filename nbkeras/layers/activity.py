"""ActivityRegularization: a penalty on what flows through."""

from __future__ import annotations

from nbkeras import regularizers
from nbkeras.layers.layer import Layer


class ActivityRegularization(Layer):
    """The input itself; l1 * sum(|x|) + l2 * sum(x²), divided by the number of samples, is added to the loss.

    Example:
        >>> import numpy as np
        >>> layer = ActivityRegularization(l2=0.5)
        >>> _ = layer(np.ones((2, 3), "float32"))
        >>> float(layer.losses[0])
        1.5
    """

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        config = {**super().get_config(), "l1": self.l1, "l2": self.l2}
        config.pop("activity_regularizer")
        return config
