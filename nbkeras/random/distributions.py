"""Tensors of random numbers."""

from __future__ import annotations

import numpy as np

from nbkeras import ops
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.dtypes import is_float, standardize_dtype
from nbkeras.graph.primitives import cast, emit
from nbkeras.ops.common import floating, op, shape_of
from nbkeras.random.seed_generator import draw_seed

#: The smallest number that the logarithm of a uniform number is taken of.
TINY = float(np.finfo(np.float32).tiny)


def _float_dtype(who, dtype) -> str:
    dtype = standardize_dtype(dtype)
    if not is_float(dtype):
        raise ArgumentError(f"random.{who}: expected a float dtype, got {dtype!r}.", next="use randint for integers.")
    return dtype


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
        shape=shape_of(shape, "random"),
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
        shape=shape_of(shape, "random"),
        dtype=dtype,
        mean=float(mean),
        deviation=float(stddev),
        truncated=1,
    )


def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Numbers of [minval, maxval), each with the same probability.

    Raises:
        ArgumentError: an integer dtype.

    Example:
        >>> x = uniform((100,), seed=1)
        >>> bool(x.min() >= 0 and x.max() < 1)
        True
    """
    dtype = standardize_dtype(dtype)
    if not is_float(dtype):
        raise ArgumentError(f"random.uniform: expected a float dtype, got {dtype!r}.", next="use randint for integers.")
    shape = shape_of(shape, "random")
    return emit("random_uniform", draw_seed(seed), shape=shape, dtype=dtype, low=float(minval), high=float(maxval))


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
    shape = shape_of(shape, "random")
    numbers = emit("random_integers", draw_seed(seed), shape=shape, low=int(minval), high=int(maxval))
    return cast(numbers, dtype)


@op
def categorical(logits, num_samples, dtype="int32", seed=None):
    """Class numbers drawn with probabilities softmax(logits).   logits (N, C) -> (N, num_samples)

    Args:
        logits: scores of the classes.
        num_samples: how many numbers are drawn for each row.
        dtype: of whole numbers.
        seed: a number or SeedGenerator; None draws from the global seed.

    Example:
        >>> import numpy as np
        >>> drawn = categorical(np.log(np.array([[0.2, 0.8]], "float32")), 1000, seed=1)
        >>> drawn.shape, drawn.mean().round(1)
        ((1, 1000), np.float64(0.8))

    Source: the Gumbel-max trick (Gumbel, 1954).
    """
    logits = floating(logits)
    if len(logits.shape) != 2:
        raise ShapeError(f"random.categorical: expected logits of shape (batch, classes), got {tuple(logits.shape)}.")
    if int(num_samples) < 0:
        raise ArgumentError(f"random.categorical: num_samples must be at least 0, got {num_samples}.")
    rows, classes = logits.shape
    u = uniform((rows, int(num_samples), classes), TINY, 1.0, str(logits.dtype), seed)
    noise = emit("negative", emit("log", emit("negative", emit("log", u))))
    scores = emit("add", noise, emit("reshape", logits, shape=(rows, 1, classes)))
    return cast(ops.argmax(scores, axis=-1), standardize_dtype(dtype))


def _broadcast(who, shape, dtype, *parameters):
    """Parameters as tensors of the result's shape and dtype."""
    shape, dtype = shape_of(shape, "random"), _float_dtype(who, dtype)
    return [ops.broadcast_to(ops.convert_to_tensor(p, dtype), shape) for p in parameters]


@op
def gamma(shape, alpha, dtype=None, seed=None):
    """Numbers of the gamma distribution with scale 1.

    Args:
        shape: of the result.
        alpha: the distribution's shape, a number or tensor that broadcasts to the result's. No gradient flows to it.
        dtype, seed: as for `normal`.

    Example:
        >>> x = gamma((2000,), 3.0, seed=1)
        >>> bool(abs(x.mean() - 3.0) < 0.2)
        True
    """
    (alpha,) = _broadcast("gamma", shape, dtype, alpha)
    return emit("random_gamma", draw_seed(seed), alpha)


@op
def beta(shape, alpha, beta, dtype=None, seed=None):
    """Numbers of the beta distribution: of two gamma numbers, the first's share.

    Args:
        shape: of the result.
        alpha, beta: the distribution's parameters, numbers or tensors that broadcast to the result's shape.
        dtype, seed: as for `normal`.

    Example:
        >>> x = beta((100,), 2.0, 5.0, seed=1)
        >>> bool(x.min() > 0 and x.max() < 1)
        True
    """
    alpha, beta = _broadcast("beta", shape, dtype, alpha, beta)
    state = draw_seed(seed)
    first = emit("random_gamma", state, alpha)
    # Counters so far apart that no other draw of this seed comes there.
    second = emit("random_gamma", emit("add", state, np.array([0, 1 << 40], np.int64)), beta)
    total = emit("add", first, second)
    return ops.where(total > 0, ops.divide_no_nan(first, total), 0.5)


@op
def binomial(shape, counts, probabilities, dtype=None, seed=None):
    """How many of `counts` trials succeed, each with its probability; whole numbers as floats.

    Args:
        shape: of the result.
        counts, probabilities: numbers or tensors that broadcast to the result's shape.
        dtype, seed: as for `normal`.

    Example:
        >>> x = binomial((2000,), 10, 0.3, seed=1)
        >>> bool(x.max() <= 10 and abs(x.mean() - 3) < 0.2)
        True
    """
    counts, probabilities = _broadcast("binomial", shape, dtype, counts, probabilities)
    return emit("random_binomial", draw_seed(seed), counts, probabilities)
