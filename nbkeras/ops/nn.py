"""Functions of neural networks: activations, softmax, cross-entropies, normalization.

Sources of the activations are named at `nbkeras.activations`.
"""

from __future__ import annotations

import math

import numpy as np

from nbkeras import config
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.symbol import Symbol
from nbkeras.ops import elementwise as el
from nbkeras.ops import reducing, shaping
from nbkeras.ops.common import cast, emit, floating, op, promote, tensor


def _number(x, value):
    return np.asarray(value, str(x.dtype))


@op
def relu(x):
    """max(x, 0)."""
    return emit("relu", floating(x))


@op
def relu6(x):
    """min(max(x, 0), 6)."""
    x = emit("relu", floating(x))
    return emit("minimum", x, _number(x, 6))


@op
def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return emit("sigmoid", floating(x))


@op
def softplus(x):
    """log(1 + exp(x))."""
    return emit("softplus", floating(x))


@op
def softsign(x):
    """x / (1 + |x|)."""
    x = floating(x)
    return emit("divide", x, emit("add", emit("absolute", x), _number(x, 1)))


@op
def silu(x):
    """x * sigmoid(x)."""
    x = floating(x)
    return emit("multiply", x, emit("sigmoid", x))


@op
def swish(x):
    """x * sigmoid(x); the same as `silu`."""
    return silu(x)


@op
def log_sigmoid(x):
    """log(sigmoid(x))."""
    x = floating(x)
    return emit("negative", emit("softplus", emit("negative", x)))


@op
def leaky_relu(x, negative_slope=0.2):
    """x where positive, else negative_slope * x."""
    x = floating(x)
    return emit("where", emit("greater", x, _number(x, 0)), x, emit("multiply", x, _number(x, negative_slope)))


@op
def hard_sigmoid(x):
    """relu6(x + 3) / 6."""
    x = floating(x)
    return emit("divide", relu6(emit("add", x, _number(x, 3))), _number(x, 6))


@op
def hard_silu(x):
    """x * hard_sigmoid(x)."""
    x = floating(x)
    return emit("multiply", x, hard_sigmoid(x))


@op
def hard_swish(x):
    """x * hard_sigmoid(x); the same as `hard_silu`."""
    return hard_silu(x)


@op
def hard_tanh(x):
    """x, but not below -1 nor above 1."""
    return el.clip(floating(x), -1.0, 1.0)


@op
def elu(x, alpha=1.0):
    """x where positive, else alpha * (exp(x) - 1)."""
    x = floating(x)
    # exp of the negative part only: its gradient must not see the overflow of the positive part.
    below = emit("expm1", emit("minimum", x, _number(x, 0)))
    return emit("where", emit("greater", x, _number(x, 0)), x, emit("multiply", below, _number(x, alpha)))


@op
def selu(x):
    """1.0507 * elu(x, 1.67326)."""
    x = floating(x)
    return emit("multiply", elu(x, 1.6732632423543772), _number(x, 1.0507009873554805))


@op
def celu(x, alpha=1.0):
    """max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))."""
    x = floating(x)
    below = emit("expm1", emit("divide", emit("minimum", x, _number(x, 0)), _number(x, alpha)))
    return emit("add", emit("relu", x), emit("multiply", below, _number(x, alpha)))


@op
def gelu(x, approximate=True):
    """x * Phi(x), Phi the normal distribution; by tanh if `approximate`."""
    x = floating(x)
    half, one = _number(x, 0.5), _number(x, 1)
    if approximate:
        cube = emit("multiply", emit("multiply", x, emit("square", x)), _number(x, 0.044715))
        inner = emit("multiply", emit("add", x, cube), _number(x, math.sqrt(2 / math.pi)))
        bell = emit("add", emit("tanh", inner), one)
    else:
        bell = emit("add", emit("erf", emit("multiply", x, _number(x, math.sqrt(0.5)))), one)
    return emit("multiply", emit("multiply", x, bell), half)


@op
def mish(x):
    """x * tanh(softplus(x))."""
    x = floating(x)
    return emit("multiply", x, emit("tanh", emit("softplus", x)))


@op
def glu(x, axis=-1):
    """The first half times the sigmoid of the second."""
    a, b = shaping.split(floating(x), 2, axis)
    return emit("multiply", a, emit("sigmoid", b))


@op
def tanh_shrink(x):
    """x - tanh(x)."""
    x = floating(x)
    return emit("subtract", x, emit("tanh", x))


@op
def soft_shrink(x, threshold=0.5):
    """x moved towards 0 by the threshold, 0 within it."""
    x = floating(x)
    limit = _number(x, threshold)
    above = emit("subtract", x, limit)
    below = emit("add", x, limit)
    inner = emit("where", emit("less", x, emit("negative", limit)), below, _number(x, 0))
    return emit("where", emit("greater", x, limit), above, inner)


@op
def hard_shrink(x, threshold=0.5):
    """x, but 0 where |x| is at most the threshold."""
    x = floating(x)
    return emit("where", emit("greater", emit("absolute", x), _number(x, threshold)), x, _number(x, 0))


@op
def threshold(x, threshold, default_value):
    """x where above the threshold, else the default value."""
    x = floating(x)
    return emit("where", emit("greater", x, _number(x, threshold)), x, _number(x, default_value))


@op
def squareplus(x, b=4):
    """(x + sqrt(x * x + b)) / 2."""
    x = floating(x)
    root = emit("sqrt", emit("add", emit("square", x), _number(x, b)))
    return emit("multiply", emit("add", x, root), _number(x, 0.5))


@op
def sparse_plus(x):
    """0 up to -1, (x + 1)^2 / 4 between, x from 1."""
    x = floating(x)
    middle = emit("multiply", emit("square", emit("add", x, _number(x, 1))), _number(x, 0.25))
    inner = emit("where", emit("less", x, _number(x, 1)), middle, x)
    return emit("where", emit("less_equal", x, _number(x, -1)), _number(x, 0), inner)


def _last(x, axis, function):
    """Apply a function of the last axis along any axis or axes."""
    x = floating(x)
    rank = len(x.shape)
    if isinstance(axis, (list, tuple)):
        axes = [a % rank for a in axis]
        kept = [i for i in range(rank) if i not in axes]
        moved = shaping.transpose(x, kept + axes)
        flat = shaping.reshape(moved, (*moved.shape[: len(kept)], -1))
        back = shaping.reshape(function(flat), moved.shape)
        return shaping.transpose(back, [int(i) for i in np.argsort(kept + axes)])
    if axis % rank == rank - 1:
        return function(x)
    return shaping.moveaxis(function(shaping.moveaxis(x, axis, -1)), -1, axis)


@op
def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along an axis; all axes if None."""
    if axis is None:
        return shaping.reshape(softmax(shaping.reshape(x, (-1,))), x.shape)
    return _last(x, axis, lambda v: emit("softmax", v, log=False))


@op
def log_softmax(x, axis=-1):
    """The logarithm of `softmax`, without overflow."""
    if axis is None:
        return shaping.reshape(log_softmax(shaping.reshape(x, (-1,))), x.shape)
    return _last(x, axis, lambda v: emit("softmax", v, log=True))


def _softmax_input(p):
    """x, if p is the softmax of x along the last axis inside the active graph, else None."""
    node = p.node if isinstance(p, Symbol) else None
    if node is not None and node.primitive.name == "softmax" and not node.params["log"]:
        return node.inputs[0]
    return None


@op
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log of the probability of the target's class.   target (...), output (..., C) -> (...)

    Args:
        target: class numbers; a last axis of length 1 is dropped.
        output: probabilities (clipped to [1e-7, 1 - 1e-7]), or logits.
        axis: where the classes are.
    """
    output = floating(output)
    target = tensor(target, "int64")
    rank = len(output.shape)
    if len(target.shape) == rank and target.shape[-1] == 1:
        target = shaping.squeeze(target, -1)
    if rank < 1:
        raise ShapeError("sparse_categorical_crossentropy: output must have an axis of classes, got a lone number.")
    if axis % rank != rank - 1:
        output = shaping.moveaxis(output, axis, -1)
    if tuple(target.shape) != tuple(output.shape[:-1]):
        raise ShapeError(
            f"sparse_categorical_crossentropy: target {tuple(target.shape)} and output {tuple(output.shape)} must "
            "have the same shape but for the last axis, the classes.",
            next="one-hot targets go with categorical_crossentropy.",
        )
    logits = output if from_logits else _softmax_input(output)
    if logits is not None:
        epsilon = 0.0 if from_logits else config.epsilon()
        return emit("softmax_crossentropy", logits, target, epsilon=epsilon)[0]
    hot = shaping.one_hot(target, output.shape[-1], dtype=str(output.dtype))
    return categorical_crossentropy(hot, output)


@op
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum(target * log(p)) along an axis.   target, output (..., C) -> (...)"""
    target, output = promote(target, floating(output))
    if len(target.shape) != len(output.shape) or len(output.shape) < 1:
        raise ShapeError(
            f"categorical_crossentropy: target {tuple(target.shape)} and output {tuple(output.shape)} must have the "
            "same shape.",
            next="targets that are class numbers go with sparse_categorical_crossentropy.",
        )
    if tuple(target.shape) != tuple(output.shape):
        raise ShapeError(
            f"categorical_crossentropy: target {tuple(target.shape)} and output {tuple(output.shape)} must have the "
            "same shape.",
            next="targets that are class numbers go with sparse_categorical_crossentropy.",
        )
    last = axis % len(output.shape) == len(output.shape) - 1
    logits = output if from_logits else _softmax_input(output)
    if logits is not None and last:
        epsilon = 0.0 if from_logits else config.epsilon()
        return emit("dense_softmax_crossentropy", logits, target, epsilon=epsilon)[0]
    if from_logits:
        log_p = log_softmax(output, axis)
    else:
        p = emit("divide", output, reducing.sum(output, axis, True))
        log_p = emit("log", el.clip(p, config.epsilon(), 1 - config.epsilon()))
    return emit("negative", reducing.sum(emit("multiply", target, log_p), axis))


@op
def binary_crossentropy(target, output, from_logits=False):
    """-(target * log(p) + (1 - target) * log(1 - p)), elementwise."""
    target, output = promote(target, floating(output))
    if tuple(target.shape) != tuple(output.shape):
        raise ShapeError(
            f"binary_crossentropy: target {tuple(target.shape)} and output {tuple(output.shape)} must have the same "
            "shape."
        )
    one = _number(output, 1)
    if from_logits:
        # max(x, 0) - x * t + log(1 + exp(-|x|)) is the same, without overflow.
        size = emit("log1p", emit("exp", emit("negative", emit("absolute", output))))
        return emit("add", emit("subtract", emit("relu", output), emit("multiply", output, target)), size)
    p = el.clip(output, config.epsilon(), 1 - config.epsilon())
    yes = emit("multiply", target, emit("log", p))
    no = emit("multiply", emit("subtract", one, target), emit("log", emit("subtract", one, p)))
    return emit("negative", emit("add", yes, no))


@op
def normalize(x, axis=-1, order=2, epsilon=None):
    """x divided by its norm along an axis."""
    x = floating(x)
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order == 2:
        total = reducing.sum(emit("square", x), axis, True)
        return emit("multiply", x, emit("rsqrt", emit("maximum", total, _number(x, epsilon**2))))
    return emit("divide", x, el.maximum(reducing.norm(x, order, axis, True), epsilon))


@op
def multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False):
    """1 at each class number that occurs along the axis."""
    if num_classes is None:
        raise ArgumentError("multi_hot: num_classes must be given.")
    hot = shaping.one_hot(inputs, num_classes, dtype=dtype)
    return reducing.max(hot, axis=axis - 1 if axis < 0 else axis)


def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, with vectors along one axis."""
    x = floating(x)
    shape = [1] * len(x.shape)
    shape[axis] = x.shape[axis]
    inverse = el.rsqrt(el.add(shaping.reshape(variance, shape), epsilon))
    if scale is not None:
        inverse = el.multiply(inverse, cast(shaping.reshape(scale, shape), str(x.dtype)))
    y = el.multiply(el.subtract(x, shaping.reshape(mean, shape)), inverse)
    return y if offset is None else el.add(y, shaping.reshape(offset, shape))
