"""Initializers whose spread follows from the number of a unit's inputs and outputs."""

from __future__ import annotations

import math

from nbkeras import random
from nbkeras.arguments import AXES, POSITIVE, TEXT, accepts, optional
from nbkeras.errors import ArgumentError
from nbkeras.initializers.random import RandomInitializer

#: The deviation of a standard normal distribution truncated at two deviations.
TRUNCATED_DEVIATION = 0.87962566103423978


def compute_fans(shape, input_axes=None, output_axes=None) -> tuple[int, int]:
    """How many inputs and outputs a unit of a weight has.

    Args:
        shape: of a kernel: ..., inputs, outputs; axes before these are the receptive field.
        input_axes, output_axes: both given, they say which axes count.

    Example:
        >>> compute_fans((64, 10)), compute_fans((3, 3, 8, 16))
        ((64, 10), (72, 144))
    """
    shape = tuple(int(n) for n in shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class VarianceScaling(RandomInitializer):
    """Random numbers of variance scale / n, n the number of inputs, outputs, or their mean.

    Args:
        scale: a positive factor.
        mode: 'fan_in', 'fan_out' or 'fan_avg'.
        distribution: 'truncated_normal' (or 'normal'), 'untruncated_normal' or 'uniform'.
        seed: integer, SeedGenerator or None.
        input_axes, output_axes: which axes of the shape count, where it is no usual kernel.

    Example:
        >>> VarianceScaling(2.0, "fan_in", "uniform", seed=0)((8, 4)).shape
        (8, 4)
    """

    @accepts(scale=POSITIVE, distribution=TEXT, input_axes=optional(AXES), output_axes=optional(AXES))
    def __init__(
        self,
        scale=1.0,
        mode="fan_in",
        distribution="truncated_normal",
        seed=None,
        input_axes=None,
        output_axes=None,
    ):
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ArgumentError(
                f"initializer {type(self).__name__}: expected mode 'fan_in', 'fan_out' or 'fan_avg', got {mode!r}."
            )
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise ArgumentError(
                f"initializer {type(self).__name__}: expected distribution 'uniform', 'truncated_normal' or "
                f"'untruncated_normal', got {distribution!r}."
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed)

    def __call__(self, shape, dtype=None):
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "truncated_normal":
            stddev = math.sqrt(variance) / TRUNCATED_DEVIATION
            return random.truncated_normal(shape, 0.0, stddev, dtype, self.seed)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, math.sqrt(variance), dtype, self.seed)
        limit = math.sqrt(3 * variance)
        return random.uniform(shape, -limit, limit, dtype, self.seed)

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _Named(VarianceScaling):
    """A `VarianceScaling` with a name of its own, so that only the rest is in its configuration."""

    fixed: tuple

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(*self.fixed, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self):
        config = super().get_config()
        return {key: config[key] for key in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_Named):
    """Uniform numbers within sqrt(6 / (inputs + outputs)).

    Args:
        seed: integer, SeedGenerator or None.
        input_axes, output_axes: which axes of the shape count, where it is no usual kernel.

    Example:
        >>> bool(abs(GlorotUniform(seed=1)((100, 50))).max() <= (6 / 150) ** 0.5)
        True

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """

    fixed = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Named):
    """Truncated normal numbers of deviation sqrt(2 / (inputs + outputs)). Arguments and source as in `GlorotUniform`.

    Example:
        >>> GlorotNormal(seed=1)((100, 100)).std().round(2)
        np.float32(0.1)
    """

    fixed = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Named):
    """Uniform numbers within sqrt(6 / inputs). Arguments as in `GlorotUniform`.

    Example:
        >>> bool(abs(HeUniform(seed=1)((100, 50))).max() <= (6 / 100) ** 0.5)
        True

    Source: He et al., "Delving deep into rectifiers", 2015.
    """

    fixed = (2.0, "fan_in", "uniform")


class HeNormal(_Named):
    """Truncated normal numbers of deviation sqrt(2 / inputs). Arguments as in `GlorotUniform`.

    Example:
        >>> HeNormal(seed=1)((200, 100)).std().round(2)
        np.float32(0.1)

    Source: see `HeUniform`.
    """

    fixed = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Named):
    """Uniform numbers within sqrt(3 / inputs). Arguments as in `GlorotUniform`.

    Example:
        >>> bool(abs(LecunUniform(seed=1)((75, 50))).max() <= 0.2)
        True

    Source: LeCun et al., "Efficient BackProp", 1998.
    """

    fixed = (1.0, "fan_in", "uniform")


class LecunNormal(_Named):
    """Truncated normal numbers of deviation sqrt(1 / inputs). Arguments as in `GlorotUniform`.

    Example:
        >>> LecunNormal(seed=1)((100, 100)).std().round(2)
        np.float32(0.1)

    Source: see `LecunUniform`.
    """

    fixed = (1.0, "fan_in", "truncated_normal")
