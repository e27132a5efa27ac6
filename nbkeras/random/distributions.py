"""Tensors of random numbers."""

from __future__ import annotations

import numpy as np

from nbkeras import ops
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.dtypes import is_float, standardize_dtype
from nbkeras.graph.primitives import cast, emit
from nbkeras.ops.common import floating, op
from nbkeras.random.seed_generator import draw_seed

#: The smallest number that the logarithm of a uniform number is taken of.
TINY = float(np.finfo(np.float32).tiny)


def _float_dtype(who, dtype) -> str:
    dtype = standardize_dtype(dtype)
    if not is_float(dtype):
        raise ArgumentError(f"random.{who}: expected a float dtype, got {dtype!r}.", next="use randint for integers.")
    return dtype


def _shape(shape) -> tuple[int, ...]:
    return tuple(int(n) for n in shape)


def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Numbers of the normal distribution.

    Args:
        shape: of the result.
        mean, stddev: of the distribution.
        dtype: floatx by default.
        seed: integer (always the same numbers), SeedGenerator, or None (the global seed).

    Example:
        >>> normal((2, 3), seed=1).shape
        (2, 3)
    """
    dtype = _float_dtype("normal", dtype)
    return emit(
        "random_normal",
        draw_seed(seed),
        shape=_shape(shape),
        dtype=dtype,
        mean=float(mean),
        deviation=float(stddev),
        truncated=0,
    )


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """As `normal`, with what is further than two deviations from the mean left out.

    Example:
        >>> import numpy as np
        >>> bool(np.abs(truncated_normal((1000,), seed=1)).max() <= 2)
        True
    """
    dtype = _float_dtype("truncated_normal", dtype)
    return emit(
        "random_normal",
        draw_seed(seed),
        shape=_shape(shape),
        dtype=dtype,
        mean=float(mean),
        deviation=float(stddev),
        truncated=1,
    )


def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Numbers of [minval, maxval), each with the same probability; whole ones for an integer dtype.

    Example:
        >>> x = uniform((100,), seed=1)
        >>> bool(x.min() >= 0 and x.max() < 1)
        True
    """
    dtype = standardize_dtype(dtype)
    if not is_float(dtype):
        return randint(shape, minval, maxval, dtype, seed)
    return emit(
        "random_uniform", draw_seed(seed), shape=_shape(shape), dtype=dtype, low=float(minval), high=float(maxval)
    )


def randint(shape, minval, maxval, dtype="int32", seed=None):
    """Whole numbers of [minval, maxval).

    Example:
        >>> sorted(set(randint((100,), 0, 3, seed=1).tolist()))
        [0, 1, 2]
    """
    dtype = standardize_dtype(dtype)
    if is_float(dtype):
        raise ArgumentError(
            f"random.randint: expected an integer dtype, got {dtype!r}.", next="use uniform for floats."
        )
    numbers = emit("random_integers", draw_seed(seed), shape=_shape(shape), low=int(minval), high=int(maxval))
    return cast(numbers, dtype)


@op
def categorical(logits, num_samples, dtype="int32", seed=None):
    """Class numbers drawn with probabilities softmax(logits).   logits (N, C) -> (N, num_samples)

    Source: the Gumbel-max trick (Gumbel, 1954).
    """
    logits = floating(logits)
    if len(logits.shape) != 2:
        raise ShapeError(f"random.categorical: expected logits of shape (batch, classes), got {tuple(logits.shape)}.")
    rows, classes = logits.shape
    u = uniform((rows, int(num_samples), classes), TINY, 1.0, str(logits.dtype), seed)
    noise = emit("negative", emit("log", emit("negative", emit("log", u))))
    scores = emit("add", noise, emit("reshape", logits, shape=(rows, 1, classes)))
    return cast(ops.argmax(scores, axis=-1), standardize_dtype(dtype))
