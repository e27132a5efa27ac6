"""Noise while training: added, multiplied, or values dropped in a way that keeps mean and variance."""

from __future__ import annotations

import math

from nbkeras import ops, random
from nbkeras.arguments import EXTENTS, SHARE, accepts, optional
from nbkeras.errors import ArgumentError
from nbkeras.layers.layer import Layer
from nbkeras.random import SeedGenerator


class _Noise(Layer):
    """The base: a strength from 0 to 1, and a seed that goes on with every call."""

    def __init__(self, strength, seed, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed) if strength > 0 else None
        self.supports_masking = True
        self._build_at_init()

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


class GaussianNoise(_Noise):
    """x plus normal noise while training.

    Args:
        stddev: of the noise, between 0 and 1.
        seed: a number.

    Example:
        >>> import numpy as np
        >>> GaussianNoise(0.1)(np.ones((1, 2), "float32"))
        array([[1., 1.]], dtype=float32)
    """

    @accepts(stddev=SHARE)
    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(stddev, seed, **kwargs)
        self.stddev = stddev

    def call(self, inputs, training=False):
        if not training or self.stddev == 0:
            return inputs
        noise = random.normal(inputs.shape, 0.0, self.stddev, self.compute_dtype, self.seed_generator)
        return inputs + noise

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev}


class GaussianDropout(_Noise):
    """x times normal noise of mean 1 and variance rate / (1 - rate) while training.

    Args:
        rate: as of a dropout with the same variance, from 0 to below 1.
        seed: a number.

    Example:
        >>> import numpy as np
        >>> x = np.ones((1, 1000), "float32")
        >>> GaussianDropout(0.5, seed=1)(x, training=True).std().round(1)
        np.float32(1.0)

    Source: Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from overfitting.
    """

    @accepts(rate=SHARE)
    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(rate, seed, **kwargs)
        self.rate = rate

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        if self.rate == 1:
            raise ArgumentError(f"layer {self.name!r} (GaussianDropout): with a rate of 1 the noise has no bounds.")
        deviation = math.sqrt(self.rate / (1.0 - self.rate))
        return inputs * random.normal(inputs.shape, 1.0, deviation, self.compute_dtype, self.seed_generator)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


#: SELU's alpha times scale, negative: the value that units are dropped to.
SATURATED = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946


class AlphaDropout(_Noise):
    """Dropout for SELU networks: dropped values become SELU's lower bound, and the result keeps mean and variance.

    Args:
        rate: the part that is dropped, between 0 and 1.
        noise_shape: axes of length 1 share one decision.
        seed: a number.

    Example:
        >>> import numpy as np
        >>> x = np.zeros((1, 1000), "float32")
        >>> np.unique(AlphaDropout(0.5, seed=1)(x, training=True).round(3))
        array([-0.779,  0.779], dtype=float32)

    Source: Klambauer et al. (2017), Self-normalizing neural networks.
    """

    @accepts(rate=SHARE, noise_shape=optional(EXTENTS))
    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(rate, seed, **kwargs)
        self.rate, self.noise_shape = rate, noise_shape

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        given = self.noise_shape or inputs.shape
        shape = tuple(n if m is None else m for n, m in zip(inputs.shape, given, strict=True))
        draws = random.uniform(shape, dtype=self.compute_dtype, seed=self.seed_generator)
        kept = ops.greater_equal(draws, self.rate)
        if self.rate == 1:
            return ops.where(kept, inputs, SATURATED)
        scale = ((1 - self.rate) * (1 + self.rate * SATURATED**2)) ** -0.5
        return scale * ops.where(kept, inputs, SATURATED) - scale * SATURATED * self.rate

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape}
