"""Initializers that draw random numbers."""

from __future__ import annotations

import numpy as np

from nbkeras import random
from nbkeras.arguments import NUMBER, SIZE, accepts
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph import trace
from nbkeras.graph.dtypes import standardize_dtype
from nbkeras.initializers.initializer import Initializer
from nbkeras.random.global_seed import make_default_seed
from nbkeras.saving.registry import deserialize, serialize_keras_object


class RandomInitializer(Initializer):
    """The base of random initializers: the seed.

    Args:
        seed: an integer gives the same numbers at each call; None draws such an integer from the global seed; a
            SeedGenerator gives other numbers at each call.

    Example:
        >>> from nbkeras import random
        >>> class Coin(RandomInitializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return random.randint(shape, 0, 2, seed=self.seed).astype(dtype or "float32")
        >>> Coin(seed=1)((1000,)).mean().round(1)
        np.float32(0.5)
    """

    #: Where values come from a file afterwards, none need be drawn.
    is_random = True

    def __init__(self, seed=None):
        self._given_seed = seed
        if seed is None:
            seed = make_default_seed()
        elif isinstance(seed, dict):
            seed = deserialize(seed, {"SeedGenerator": random.SeedGenerator}, "seed")
        elif isinstance(seed, bool) or not isinstance(seed, (int, np.integer, random.SeedGenerator)):
            raise ArgumentError(
                f"initializer {type(self).__name__}: expected an integer seed, a SeedGenerator or None, got {seed!r}."
            )
        self.seed = seed

    def get_config(self):
        return {"seed": serialize_keras_object(self._given_seed)}


class RandomNormal(RandomInitializer):
    """Normal numbers.

    Args:
        mean, stddev: of the distribution.
        seed: integer, SeedGenerator or None.

    Example:
        >>> RandomNormal(stddev=1.0, seed=0)((2, 3)).shape
        (2, 3)
    """

    @accepts(mean=NUMBER, stddev=SIZE)
    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed)

    def __call__(self, shape, dtype=None):
        return random.normal(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self):
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Normal numbers, those more than two deviations from the mean left out.

    Args:
        mean, stddev: of the distribution before truncation.
        seed: integer, SeedGenerator or None.

    Example:
        >>> bool(abs(TruncatedNormal(stddev=0.1, seed=1)((1000,))).max() <= 0.2)
        True
    """

    def __call__(self, shape, dtype=None):
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)


class RandomUniform(RandomInitializer):
    """Numbers of [minval, maxval).

    Args:
        minval, maxval: the range.
        seed: integer, SeedGenerator or None.

    Example:
        >>> w = RandomUniform(minval=0.0, maxval=2.0, seed=1)((1000,))
        >>> bool(w.min() >= 0.0 and w.max() < 2.0)
        True
    """

    @accepts(minval=NUMBER, maxval=NUMBER)
    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed)

    def __call__(self, shape, dtype=None):
        return random.uniform(shape, self.minval, self.maxval, dtype, self.seed)

    def get_config(self):
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class Orthogonal(RandomInitializer):
    """A random orthogonal matrix; more axes are flattened into rows.

    Args:
        gain: a factor.
        seed: integer, SeedGenerator or None.

    Source: Saxe et al., "Exact solutions to the nonlinear dynamics of learning", 2014.

    Example:
        >>> q = Orthogonal(seed=0)((3, 3))
        >>> bool(np.allclose(q @ q.T, np.eye(3), atol=1e-5))
        True
    """

    @accepts(gain=NUMBER)
    def __init__(self, gain=1.0, seed=None):
        self.gain = gain
        super().__init__(seed)

    def __call__(self, shape, dtype=None):
        if len(shape) < 2:
            raise ShapeError(
                f"initializer Orthogonal: expected a shape of at least two axes, got {tuple(shape)}.",
                next="choose another initializer for vectors.",
            )
        from nbkeras.ops import convert_to_numpy

        rows, columns = int(np.prod(shape[:-1])), int(shape[-1])
        dtype = standardize_dtype(dtype)
        with trace.paused():
            normal = random.normal((max(rows, columns), min(rows, columns)), dtype=dtype, seed=self.seed)
            q, r = np.linalg.qr(convert_to_numpy(normal))
        # The signs make the distribution uniform over orthogonal matrices.
        q = q * np.sign(np.diagonal(r))
        if rows < columns:
            q = q.T
        return np.ascontiguousarray(self.gain * q.reshape(shape), dtype)

    def get_config(self):
        return {**super().get_config(), "gain": self.gain}
