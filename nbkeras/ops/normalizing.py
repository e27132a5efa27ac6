"""Normalization: by a norm, by given statistics, by the statistics of each sample."""

from __future__ import annotations

from nbkeras import config
from nbkeras.errors import ArgumentError
from nbkeras.ops import elementwise as el
from nbkeras.ops import reducing, shaping
from nbkeras.ops.common import axis_of, cast, dtype_name, emit, floating, number, op, tensor


@op
def normalize(x, axis=-1, order=2, epsilon=None):
    """x divided by its norm along an axis."""
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
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, with vectors along one axis."""
    x = floating(x)
    shape = [1] * len(x.shape)
    shape[axis] = x.shape[axis]
    inverse = el.rsqrt(el.add(shaping.reshape(variance, shape), epsilon))
    if scale is not None:
        inverse = el.multiply(inverse, cast(shaping.reshape(scale, shape), dtype_name(x.dtype)))
    y = el.multiply(el.subtract(x, shaping.reshape(mean, shape)), inverse)
    return y if offset is None else el.add(y, shaping.reshape(offset, shape))


def _along(vector, x, axes):
    """A scale or offset in the shape that meets x along the axes."""
    vector = tensor(vector, dtype_name(x.dtype))
    return shaping.reshape(vector, [x.shape[i] if i in axes else 1 for i in range(len(x.shape))])


def _axes(axis, rank, name):
    return sorted(axis_of(a, rank, name) for a in (axis if isinstance(axis, (list, tuple)) else [axis]))


@op
def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, rms_scaling=False):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, with the statistics of x along axes.

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
    """
    if rms_scaling:
        raise ArgumentError("layer_normalization: rms_scaling is not supported.", next="use rms_normalization.")
    x = floating(x)
    axes = _axes(axis, len(x.shape), "layer_normalization")
    mean, variance = reducing.moments(x, axes, keepdims=True)
    epsilon = config.epsilon() if epsilon is None else epsilon
    y = emit("multiply", emit("subtract", x, mean), emit("rsqrt", emit("add", variance, number(x, epsilon))))
    if gamma is not None:
        y = emit("multiply", y, _along(gamma, x, axes))
    return y if beta is None else emit("add", y, _along(beta, x, axes))


@op
def rms_normalization(x, scale=None, axis=-1, epsilon=None):
    """x / sqrt(mean(x * x) + epsilon) * scale along axes.

    Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.
    """
    x = floating(x)
    axes = _axes(axis, len(x.shape), "rms_normalization")
    epsilon = config.epsilon() if epsilon is None else epsilon
    square = reducing.mean(emit("square", x), axes, True)
    y = emit("multiply", x, emit("rsqrt", emit("add", square, number(x, epsilon))))
    return y if scale is None else emit("multiply", y, tensor(scale, dtype_name(x.dtype)))
