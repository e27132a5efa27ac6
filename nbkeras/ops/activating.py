"""Activations and softmax. Sources are named at `nbkeras.activations`."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.ops import elementwise as el
from nbkeras.ops import ordering, reducing, shaping
from nbkeras.ops.common import axis_of, cast, dtype_name, emit, floating, number, op, tensor


@op
def relu(x):
    """max(x, 0).

    Example:
        >>> relu([-1.0, 2.0])
        array([0., 2.], dtype=float32)
    """
    return emit("relu", _not_bool(x))


def _not_bool(x):
    x = tensor(x)
    return cast(x, "int32") if dtype_name(x.dtype) == "bool" else x


@op
def relu6(x):
    """min(max(x, 0), 6).

    Example:
        >>> relu6([-1.0, 2.0, 9.0])
        array([0., 2., 6.], dtype=float32)
    """
    x = emit("relu", floating(x))
    return emit("minimum", x, number(x, 6))


@op
def sigmoid(x):
    """1 / (1 + exp(-x)).

    Example:
        >>> sigmoid([-1.0, 0.0, 1.0]).round(4)
        array([0.2689, 0.5   , 0.7311], dtype=float32)
    """
    return emit("sigmoid", floating(x))


@op
def softplus(x):
    """log(1 + exp(x)).

    Example:
        >>> softplus([-1.0, 0.0, 100.0]).round(4)
        array([  0.3133,   0.6931, 100.    ], dtype=float32)
    """
    return emit("softplus", floating(x))


@op
def softsign(x):
    """x / (1 + |x|).

    Example:
        >>> softsign([-1.0, 0.0, 3.0])
        array([-0.5 ,  0.  ,  0.75], dtype=float32)
    """
    x = floating(x)
    return emit("divide", x, emit("add", emit("absolute", x), number(x, 1)))


@op
def silu(x):
    """x * sigmoid(x).

    Example:
        >>> silu([-1.0, 0.0, 1.0]).round(4)
        array([-0.2689,  0.    ,  0.7311], dtype=float32)
    """
    x = floating(x)
    return emit("multiply", x, emit("sigmoid", x))


@op
def swish(x):
    """x * sigmoid(x); the same as `silu`.

    Example:
        >>> swish([-1.0, 0.0, 1.0]).round(4)
        array([-0.2689,  0.    ,  0.7311], dtype=float32)
    """
    return silu(x)


@op
def log_sigmoid(x):
    """log(sigmoid(x)).

    Example:
        >>> log_sigmoid([-100.0, 0.0]).round(4)
        array([-100.    ,   -0.6931], dtype=float32)
    """
    x = floating(x)
    return emit("negative", emit("softplus", emit("negative", x)))


@op
def leaky_relu(x, negative_slope=0.2):
    """x where positive, else negative_slope * x.

    Example:
        >>> leaky_relu([-1.0, 2.0])
        array([-0.2,  2. ], dtype=float32)
    """
    x = floating(x)
    return emit("where", emit("greater", x, number(x, 0)), x, emit("multiply", x, number(x, negative_slope)))


@op
def hard_sigmoid(x):
    """relu6(x + 3) / 6.

    Example:
        >>> hard_sigmoid([-4.0, 0.0, 1.5])
        array([0.  , 0.5 , 0.75], dtype=float32)
    """
    x = floating(x)
    return emit("divide", relu6(emit("add", x, number(x, 3))), number(x, 6))


@op
def hard_silu(x):
    """x * hard_sigmoid(x).

    Example:
        >>> hard_silu([-4.0, 0.0, 1.5])
        array([-0.   ,  0.   ,  1.125], dtype=float32)
    """
    x = floating(x)
    return emit("multiply", x, hard_sigmoid(x))


@op
def hard_swish(x):
    """x * hard_sigmoid(x); the same as `hard_silu`.

    Example:
        >>> hard_swish([-4.0, 0.0, 1.5])
        array([-0.   ,  0.   ,  1.125], dtype=float32)
    """
    return hard_silu(x)


@op
def hard_tanh(x):
    """x, but not below -1 nor above 1.

    Example:
        >>> hard_tanh([-4.0, 0.5, 4.0])
        array([-1. ,  0.5,  1. ], dtype=float32)
    """
    return el.clip(_not_bool(x), -1, 1)


@op
def elu(x, alpha=1.0):
    """x where positive, else alpha * (exp(x) - 1).

    Example:
        >>> elu([-1.0, 2.0]).round(4)
        array([-0.6321,  2.    ], dtype=float32)
    """
    x = floating(x)
    # exp of the negative part only: its gradient must not see the overflow of the positive part.
    below = emit("expm1", emit("minimum", x, number(x, 0)))
    return emit("where", emit("greater", x, number(x, 0)), x, emit("multiply", below, number(x, alpha)))


@op
def selu(x):
    """1.0507 * elu(x, 1.67326).

    Example:
        >>> selu([-1.0, 2.0]).round(4)
        array([-1.1113,  2.1014], dtype=float32)
    """
    x = floating(x)
    return emit("multiply", elu(x, 1.6732632423543772), number(x, 1.0507009873554805))


@op
def celu(x, alpha=1.0):
    """max(x, 0) + min(0, alpha * (exp(x / alpha) - 1)).

    Example:
        >>> celu([-1.0, 2.0], alpha=2.0).round(4)
        array([-0.7869,  2.    ], dtype=float32)
    """
    x = floating(x)
    below = emit("expm1", emit("divide", emit("minimum", x, number(x, 0)), number(x, alpha)))
    return emit("add", emit("relu", x), emit("multiply", below, number(x, alpha)))


@op
def gelu(x, approximate=True):
    """x * Phi(x), Phi the normal distribution; by tanh if `approximate`.

    Example:
        >>> gelu([-1.0, 1.0]).round(4)
        array([-0.1588,  0.8412], dtype=float32)
        >>> gelu([-1.0, 1.0], approximate=False).round(4)
        array([-0.1587,  0.8413], dtype=float32)
    """
    x = floating(x)
    half, one = number(x, 0.5), number(x, 1)
    if approximate:
        cube = emit("multiply", emit("multiply", x, emit("square", x)), number(x, 0.044715))
        inner = emit("multiply", emit("add", x, cube), number(x, math.sqrt(2 / math.pi)))
        bell = emit("add", emit("tanh", inner), one)
    else:
        bell = emit("add", emit("erf", emit("multiply", x, number(x, math.sqrt(0.5)))), one)
    return emit("multiply", emit("multiply", x, bell), half)


@op
def mish(x):
    """x * tanh(softplus(x)).

    Example:
        >>> mish([-1.0, 1.0]).round(4)
        array([-0.3034,  0.8651], dtype=float32)
    """
    x = floating(x)
    return emit("multiply", x, emit("tanh", emit("softplus", x)))


@op
def glu(x, axis=-1):
    """The first half times the sigmoid of the second.   (..., 2 F) -> (..., F)

    Example:
        >>> glu([1.0, 2.0, 0.0, 100.0])
        array([0.5, 2. ], dtype=float32)
    """
    a, b = shaping.split(floating(x), 2, axis)
    return emit("multiply", a, emit("sigmoid", b))


@op
def tanh_shrink(x):
    """x - tanh(x).

    Example:
        >>> tanh_shrink([-1.0, 1.0]).round(4)
        array([-0.2384,  0.2384], dtype=float32)
    """
    x = floating(x)
    return emit("subtract", x, emit("tanh", x))


@op
def soft_shrink(x, threshold=0.5):
    """x moved towards 0 by the threshold, 0 within it.

    Example:
        >>> soft_shrink([-1.0, 0.2, 2.0])
        array([-0.5,  0. ,  1.5], dtype=float32)
    """
    x = floating(x)
    limit = number(x, threshold)
    above = emit("subtract", x, limit)
    below = emit("add", x, limit)
    inner = emit("where", emit("less", x, emit("negative", limit)), below, number(x, 0))
    return emit("where", emit("greater", x, limit), above, inner)


@op
def hard_shrink(x, threshold=0.5):
    """x, but 0 where |x| is at most the threshold.

    Example:
        >>> hard_shrink([-1.0, 0.2, 2.0])
        array([-1.,  0.,  2.], dtype=float32)
    """
    x = floating(x)
    return emit("where", emit("greater", emit("absolute", x), number(x, threshold)), x, number(x, 0))


@op
def threshold(x, threshold, default_value):
    """x where above the threshold, else the default value.

    Example:
        >>> threshold([-1.0, 0.2, 2.0], 0.5, -9.0)
        array([-9., -9.,  2.], dtype=float32)
    """
    x = floating(x)
    return emit("where", emit("greater", x, number(x, threshold)), x, number(x, default_value))


@op
def squareplus(x, b=4):
    """(x + sqrt(x * x + b)) / 2.

    Example:
        >>> squareplus([-1.0, 0.0, 1.0]).round(4)
        array([0.618, 1.   , 1.618], dtype=float32)
    """
    x = floating(x)
    root = emit("sqrt", emit("add", emit("square", x), number(x, b)))
    return emit("multiply", emit("add", x, root), number(x, 0.5))


@op
def sparse_plus(x):
    """0 up to -1, (x + 1)^2 / 4 between, x from 1.

    Example:
        >>> sparse_plus([-2.0, 0.0, 3.0])
        array([0.  , 0.25, 3.  ], dtype=float32)
    """
    x = floating(x)
    middle = emit("multiply", emit("square", emit("add", x, number(x, 1))), number(x, 0.25))
    inner = emit("where", emit("less", x, number(x, 1)), middle, x)
    return emit("where", emit("less_equal", x, number(x, -1)), number(x, 0), inner)


def _last(x, axis, function, name):
    """Apply a function of the last axis along any axis or axes."""
    x = floating(x)
    rank = len(x.shape)
    if isinstance(axis, (list, tuple)):
        axes = [axis_of(a, rank, name) for a in axis]
        kept = [i for i in range(rank) if i not in axes]
        moved = shaping.transpose(x, kept + axes)
        flat = shaping.reshape(moved, (*moved.shape[: len(kept)], -1))
        back = shaping.reshape(function(flat), moved.shape)
        return shaping.transpose(back, [int(i) for i in np.argsort(kept + axes)])
    if axis_of(axis, rank, name) == rank - 1:
        return function(x)
    return shaping.moveaxis(function(shaping.moveaxis(x, axis, -1)), -1, axis)


@op
def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along an axis, or several; along all if None.

    Example:
        >>> softmax([[0.0, 0.0], [0.0, 1.0]]).round(4)
        array([[0.5   , 0.5   ],
               [0.2689, 0.7311]], dtype=float32)
    """
    if axis is None:
        return shaping.reshape(softmax(shaping.reshape(x, (-1,))), x.shape)
    return _last(x, axis, lambda v: emit("softmax", v, log=False), "softmax")


@op
def log_softmax(x, axis=-1):
    """The logarithm of `softmax`, without overflow.

    Example:
        >>> log_softmax([0.0, 1000.0])
        array([-1000.,     0.], dtype=float32)
    """
    if axis is None:
        return shaping.reshape(log_softmax(shaping.reshape(x, (-1,))), x.shape)
    return _last(x, axis, lambda v: emit("softmax", v, log=True), "log_softmax")


@op
def sparse_sigmoid(x):
    """0 up to -1, (x + 1) / 2 between, 1 from 1.

    Example:
        >>> sparse_sigmoid([-2.0, 0.5, 3.0])
        array([0.  , 0.75, 1.  ], dtype=float32)
    """
    x = floating(x)
    return el.clip(emit("multiply", emit("add", x, number(x, 1)), number(x, 0.5)), 0.0, 1.0)


@op
def sparsemax(x, axis=-1):
    """The nearest point of the probability simplex along an axis.

    Example:
        >>> sparsemax([0.1, 1.0, 0.8]).round(4)
        array([0. , 0.6, 0.4], dtype=float32)

    Source: Martins and Astudillo, "From softmax to sparsemax", 2016.
    """
    return _last(x, axis, _sparsemax, "sparsemax")


def _sparsemax(x):
    n = x.shape[-1]
    values, _ = emit("sort", x, descending=True)
    total = ordering.cumsum(values, axis=-1)
    ranks = np.arange(1, n + 1).astype(total.dtype)
    support = emit("greater", emit("add", emit("multiply", values, ranks), number(x, 1)), total)
    count = reducing.sum(cast(support, x.dtype), -1, True)
    inside = reducing.sum(emit("where", support, values, number(x, 0)), -1, True)
    threshold = emit("divide", emit("subtract", inside, number(x, 1)), count)
    return emit("relu", emit("subtract", x, threshold))
