"""Normalization: by a norm, by given statistics, by the statistics of each sample."""

from __future__ import annotations

import math

import numpy as np

from nbkeras import config
from nbkeras.errors import ArgumentError
from nbkeras.ops import elementwise as el
from nbkeras.ops import reducing, shaping
from nbkeras.ops.common import axis_of, dtype_name, emit, floating, number, op, tensor


@op
def normalize(x, axis=-1, order=2, epsilon=None):
    """x divided by its norm along an axis.

    Args:
        order: p of the norm sum(|x|**p)**(1/p).
        epsilon: the least norm; 1e-12 by default.

    Example:
        >>> normalize([[3.0, 4.0]]).round(4)
        array([[0.6, 0.8]], dtype=float32)
    """
    x = floating(x)
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ArgumentError(f"normalize: order must be a whole number from 1 on, got {order!r}.")
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order == 2:
        total = reducing.sum(emit("square", x), axis, True)
        return emit("multiply", x, emit("rsqrt", emit("maximum", total, number(x, epsilon**2))))
    return emit("divide", x, el.maximum(reducing.norm(x, order, axis, True), epsilon))


@op
def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, with vectors along one axis.

    Example:
        >>> batch_normalization([[1.0, 4.0]], mean=[0.0, 2.0], variance=[1.0, 4.0], axis=-1, epsilon=0.0)
        array([[1., 1.]], dtype=float32)
    """
    x = floating(x)
    dtype = dtype_name(x.dtype)
    mean, variance = (tensor(vector, dtype) for vector in (mean, variance))
    factor = el.rsqrt(el.add(variance, epsilon))
    if scale is not None:
        factor = el.multiply(factor, tensor(scale, dtype))
    offset = np.zeros(mean.shape, dtype) if offset is None else tensor(offset, dtype)
    y = emit("channel_affine", shaping.moveaxis(x, axis, -1), mean, factor, offset)
    return shaping.moveaxis(y, -1, axis)


def _rows(x, axis, name):
    """x with the axes last and as one, the axes, and a function that puts a result back.

    Returns:
        (rows of channels, sorted axes, back).
    """
    rank = len(x.shape)
    axes = sorted(axis_of(a, rank, name) for a in (axis if isinstance(axis, (list, tuple)) else [axis]))
    last = list(range(rank - len(axes), rank))
    moved = shaping.moveaxis(x, axes, last)
    rows = shaping.reshape(moved, (*moved.shape[: last[0]], math.prod(moved.shape[last[0] :])))

    def back(y):
        return shaping.moveaxis(shaping.reshape(y, moved.shape), last, axes)

    return rows, axes, back


def _vector(value, x, axes, default):
    """A scale or offset of the axes as one vector."""
    shape = tuple(x.shape[a] for a in axes)
    dtype = dtype_name(x.dtype)
    if value is None:
        return np.full(math.prod(shape), default, dtype)
    value = tensor(value, dtype)
    if math.prod(value.shape) != math.prod(shape):
        value = shaping.broadcast_to(value, shape)
    return shaping.reshape(value, (math.prod(shape),))


@op
def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, rms_scaling=False):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, with the statistics of x along axes.

    Args:
        gamma, beta: of the shape of the axes.
        rms_scaling: x / sqrt(variance + epsilon) * gamma instead, as older models have it.

    Example:
        >>> layer_normalization([[1.0, 3.0]], epsilon=0.0).round(4)
        array([[-1.,  1.]], dtype=float32)

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
    """
    x = floating(x)
    epsilon = config.epsilon() if epsilon is None else epsilon
    if rms_scaling:
        return _variance_scaled(x, gamma, axis, epsilon)
    rows, axes, back = _rows(x, axis, "layer_normalization")
    vectors = _vector(gamma, x, axes, 1), _vector(beta, x, axes, 0)
    return back(emit("row_norm", rows, *vectors, epsilon=float(epsilon), centered=True)[0])


def _variance_scaled(x, gamma, axis, epsilon):
    axes = _rows(x, axis, "layer_normalization")[1]
    variance = reducing.var(x, axes, keepdims=True)
    y = emit("multiply", x, emit("rsqrt", emit("add", variance, number(x, epsilon))))
    if gamma is None:
        return y
    shape = [x.shape[i] if i in axes else 1 for i in range(len(x.shape))]
    return emit("multiply", y, shaping.reshape(tensor(gamma, dtype_name(x.dtype)), shape))


@op
def rms_normalization(x, scale=None, axis=-1, epsilon=None):
    """x / sqrt(mean(x * x) + epsilon) * scale along axes.

    Example:
        >>> rms_normalization([[1.0, 7.0]], epsilon=0.0).round(4)
        array([[0.2, 1.4]], dtype=float32)

    Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.
    """
    x = floating(x)
    epsilon = config.epsilon() if epsilon is None else epsilon
    rows, axes, back = _rows(x, axis, "rms_normalization")
    # As in Keras the scale meets the last axes of x, whichever are normalized.
    dtype, offset = dtype_name(x.dtype), _vector(None, x, axes, 0)
    scale = None if scale is None else tensor(scale, dtype)
    last = list(range(len(x.shape) - len(axes), len(x.shape)))
    inside = scale is not None and axes == last and scale.shape == tuple(x.shape[last[0] :])
    vector = _vector(scale if inside else None, x, axes, 1)
    y = back(emit("row_norm", rows, vector, offset, epsilon=float(epsilon), centered=False)[0])
    return y if inside or scale is None else emit("multiply", y, scale)


def batch_normalized(x, gamma, beta, axis, epsilon):
    """`batch_normalization` with the statistics of x itself; gamma and beta may be None.

    Returns:
        (result, mean, variance).
    """
    axis = axis_of(axis, len(x.shape), "batch_normalization")
    vectors = _vector(gamma, x, [axis], 1), _vector(beta, x, [axis], 0)
    y, mean, variance, _ = emit("batch_norm", shaping.moveaxis(x, axis, -1), *vectors, epsilon=float(epsilon))
    return shaping.moveaxis(y, -1, axis), mean, variance
