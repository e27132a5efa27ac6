"""Dropout: noise against overfitting."""

from __future__ import annotations

import numpy as np

from nbkeras.arguments import SHARE, accepts
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.primitives import emit
from nbkeras.layers.layer import Layer
from nbkeras.ops import elementwise, making
from nbkeras.ops.common import dtype_name, floating
from nbkeras.random import SeedGenerator


class Dropout(Layer):
    """Sets values to 0 with probability `rate` while training, and scales the rest by 1 / (1 - rate).

    The mask is a function of (seed, step, index): the same on every device and after a resume. Its gradient draws it
    again, so no mask is stored.

    Args:
        rate: between 0 and 1.
        noise_shape: axes of length 1 share one decision.
        seed: a number, or a SeedGenerator.

    Example:
        >>> import numpy as np
        >>> x = np.ones((1, 8), "float32")
        >>> layer = Dropout(0.5, seed=1)
        >>> layer(x)
        array([[1., 1., 1., 1., 1., 1., 1., 1.]], dtype=float32)
        >>> layer(x, training=True)
        array([[2., 2., 0., 2., 0., 0., 0., 0.]], dtype=float32)

    Source: Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from overfitting.
    """

    @accepts(rate=SHARE)
    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = float(rate)
        self.noise_shape = self._checked(noise_shape)
        self.seed = seed
        self.supports_masking = True
        self.seed_generator = SeedGenerator(seed) if rate > 0 else None
        self._build_at_init()

    def _checked(self, noise_shape):
        if noise_shape is None:
            return None
        try:
            places = None if isinstance(noise_shape, str) else tuple(noise_shape)
        except TypeError:
            places = None
        if places is None or any(n is not None and (not isinstance(n, (int, np.integer)) or n <= 0) for n in places):
            raise ArgumentError(
                f"layer {self.name!r} (Dropout): noise_shape must hold whole numbers from 1 on, or None, got "
                f"{noise_shape!r}."
            )
        return places

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        if self.rate == 1:
            return making.zeros_like(inputs)
        inputs = floating(inputs)
        state = self.seed_generator.next()
        if self.noise_shape is None:
            return emit("dropout", inputs, state, rate=self.rate)
        if len(self.noise_shape) != len(inputs.shape):
            raise ShapeError(
                f"layer {self.name!r} (Dropout): noise_shape {self.noise_shape} has not the rank of the input, "
                f"{tuple(inputs.shape)}."
            )
        shape = tuple(n if given is None else given for n, given in zip(inputs.shape, self.noise_shape, strict=True))
        ones = making.ones(shape, dtype_name(inputs.dtype))
        return elementwise.multiply(inputs, emit("dropout", ones, state, rate=self.rate))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}
