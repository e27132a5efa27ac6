"""Activation functions: elementwise, but for the softmax family. All take and give tensors of any shape."""

from __future__ import annotations

from nbkeras import ops


def linear(x):
    """x.

    Example:
        >>> linear(2.0)
        2.0
    """
    return x


def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """max(x, 0), with options.

    Args:
        x: a tensor.
        negative_slope: factor of (x - threshold) below the threshold.
        max_value: upper bound, if any.
        threshold: values up to it count as negative.

    Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.

    Example:
        >>> import numpy as np
        >>> relu(np.array([-2.0, 3.0], "float32"), max_value=2.0).tolist()
        [0.0, 2.0]
    """
    if negative_slope != 0 and max_value is None and threshold == 0:
        return ops.leaky_relu(x, negative_slope=negative_slope)
    if threshold != 0:
        y = ops.where(ops.greater(x, threshold), x, 0.0)
    else:
        y = ops.relu(x)
    if max_value is not None:
        y = ops.minimum(y, max_value)
    if negative_slope != 0:
        y = ops.subtract(y, ops.multiply(negative_slope, ops.relu(ops.subtract(threshold, x))))
    return y


def leaky_relu(x, negative_slope=0.2):
    """x where positive, else negative_slope * x.   Source: Maas et al., 2013.

    Example:
        >>> leaky_relu([-1.0, 2.0])
        array([-0.2,  2. ], dtype=float32)
    """
    return ops.leaky_relu(x, negative_slope=negative_slope)


def relu6(x):
    """min(max(x, 0), 6).   Source: Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.

    Example:
        >>> relu6([-1.0, 2.0, 9.0])
        array([0., 2., 6.], dtype=float32)
    """
    return ops.relu6(x)


def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along an axis: positive numbers of sum 1.

    Example:
        >>> import numpy as np
        >>> softmax(np.zeros((1, 2), "float32"))
        array([[0.5, 0.5]], dtype=float32)
    """
    return ops.softmax(x, axis=axis)


def log_softmax(x, axis=-1):
    """The logarithm of `softmax`, without overflow.

    Example:
        >>> log_softmax([0.0, 1000.0])
        array([-1000.,     0.], dtype=float32)
    """
    return ops.log_softmax(x, axis=axis)


def elu(x, alpha=1.0):
    """x where positive, else alpha * (exp(x) - 1).   Source: Clevert et al., 2016.

    Example:
        >>> elu([-1.0, 2.0]).round(4)
        array([-0.6321,  2.    ], dtype=float32)
    """
    return ops.elu(x, alpha=alpha)


def selu(x):
    """1.0507 * elu(x, 1.67326).   Source: Klambauer et al., "Self-normalizing neural networks", 2017.

    Example:
        >>> selu([-1.0, 2.0]).round(4)
        array([-1.1113,  2.1014], dtype=float32)
    """
    return ops.selu(x)


def celu(x, alpha=1.0):
    """max(x, 0) + min(0, alpha * (exp(x / alpha) - 1)).   Source: Barron, 2017.

    Example:
        >>> celu([-1.0, 2.0]).round(4)
        array([-0.6321,  2.    ], dtype=float32)
    """
    return ops.celu(x, alpha=alpha)


def gelu(x, approximate=False):
    """x * Phi(x), Phi the normal distribution; by tanh if `approximate`.   Source: Hendrycks and Gimpel, 2016.

    Example:
        >>> gelu([-1.0, 1.0]).round(4)
        array([-0.1587,  0.8413], dtype=float32)
    """
    return ops.gelu(x, approximate=approximate)


def glu(x, axis=-1):
    """The first half along an axis times the sigmoid of the second.   Source: Dauphin et al., 2017.

    Example:
        >>> glu([1.0, 2.0, 0.0, 100.0])
        array([0.5, 2. ], dtype=float32)
    """
    return ops.glu(x, axis=axis)


def silu(x):
    """x * sigmoid(x), also called swish.   Source: Ramachandran et al., 2017.

    Example:
        >>> silu([-1.0, 1.0]).round(4)
        array([-0.2689,  0.7311], dtype=float32)
    """
    return ops.silu(x)


def mish(x):
    """x * tanh(softplus(x)).   Source: Misra, 2019.

    Example:
        >>> mish([-1.0, 1.0]).round(4)
        array([-0.3034,  0.8651], dtype=float32)
    """
    return ops.mish(x)


def sigmoid(x):
    """1 / (1 + exp(-x)).

    Example:
        >>> sigmoid([-1.0, 0.0, 1.0]).round(4)
        array([0.2689, 0.5   , 0.7311], dtype=float32)
    """
    return ops.sigmoid(x)


def log_sigmoid(x):
    """log(sigmoid(x)), without overflow.

    Example:
        >>> log_sigmoid([-100.0, 0.0]).round(4)
        array([-100.    ,   -0.6931], dtype=float32)
    """
    return ops.log_sigmoid(x)


def hard_sigmoid(x):
    """relu6(x + 3) / 6.

    Example:
        >>> hard_sigmoid([-4.0, 0.0, 1.5])
        array([0.  , 0.5 , 0.75], dtype=float32)
    """
    return ops.hard_sigmoid(x)


def sparse_sigmoid(x):
    """0 up to -1, (x + 1) / 2 between, 1 from 1.

    Example:
        >>> sparse_sigmoid([-2.0, 0.5, 3.0])
        array([0.  , 0.75, 1.  ], dtype=float32)
    """
    return ops.clip(ops.multiply(0.5, ops.add(x, 1.0)), 0.0, 1.0)


def hard_silu(x):
    """x * hard_sigmoid(x), also called hard_swish.   Source: Howard et al., "Searching for MobileNetV3", 2019.

    Example:
        >>> hard_silu([-4.0, 0.0, 1.5])
        array([-0.   ,  0.   ,  1.125], dtype=float32)
    """
    return ops.hard_silu(x)


def tanh(x):
    """The hyperbolic tangent.

    Example:
        >>> tanh([-1.0, 1.0]).round(4)
        array([-0.7616,  0.7616], dtype=float32)
    """
    return ops.tanh(x)


def hard_tanh(x):
    """x, but not below -1 nor above 1.

    Example:
        >>> hard_tanh([-4.0, 0.5, 4.0])
        array([-1. ,  0.5,  1. ], dtype=float32)
    """
    return ops.hard_tanh(x)


def tanh_shrink(x):
    """x - tanh(x).

    Example:
        >>> tanh_shrink([-1.0, 1.0]).round(4)
        array([-0.2384,  0.2384], dtype=float32)
    """
    return ops.tanh_shrink(x)


def hard_shrink(x, threshold=0.5):
    """x, but 0 where |x| is at most the threshold.

    Example:
        >>> hard_shrink([-1.0, 0.2, 2.0])
        array([-1.,  0.,  2.], dtype=float32)
    """
    return ops.hard_shrink(x, threshold=threshold)


def soft_shrink(x, threshold=0.5):
    """x moved towards 0 by the threshold, 0 within it.

    Example:
        >>> soft_shrink([-1.0, 0.2, 2.0])
        array([-0.5,  0. ,  1.5], dtype=float32)
    """
    return ops.soft_shrink(x, threshold=threshold)


def threshold(x, threshold, default_value):
    """x where above the threshold, else the default value.

    Example:
        >>> threshold([-1.0, 0.2, 2.0], threshold=0.5, default_value=-9.0)
        array([-9., -9.,  2.], dtype=float32)
    """
    return ops.threshold(x, threshold, default_value)


def softplus(x):
    """log(1 + exp(x)).   Source: Dugas et al., 2001.

    Example:
        >>> softplus([-1.0, 0.0, 100.0]).round(4)
        array([  0.3133,   0.6931, 100.    ], dtype=float32)
    """
    return ops.softplus(x)


def softsign(x):
    """x / (1 + |x|).

    Example:
        >>> softsign([-1.0, 0.0, 3.0])
        array([-0.5 ,  0.  ,  0.75], dtype=float32)
    """
    return ops.softsign(x)


def sparse_plus(x):
    """0 up to -1, (x + 1)^2 / 4 between, x from 1.

    Example:
        >>> sparse_plus([-2.0, 0.0, 3.0])
        array([0.  , 0.25, 3.  ], dtype=float32)
    """
    return ops.sparse_plus(x)


def squareplus(x, b=4):
    """(x + sqrt(x * x + b)) / 2.   Source: Barron, "Squareplus", 2021.

    Example:
        >>> squareplus([-1.0, 0.0, 1.0]).round(4)
        array([0.618, 1.   , 1.618], dtype=float32)
    """
    return ops.squareplus(x, b=b)


def exponential(x):
    """exp(x).

    Example:
        >>> exponential([0.0, 1.0]).round(4)
        array([1.    , 2.7183], dtype=float32)
    """
    return ops.exp(x)


def sparsemax(x, axis=-1):
    """The nearest point of the probability simplex: like softmax, but small values become exactly 0.

    Needs memory of the square of the axis's length for each row. Keras 3.15 gives other numbers, which do not sum to 1.

    Source: Martins and Astudillo, "From softmax to sparsemax", 2016.

    Example:
        >>> import numpy as np
        >>> sparsemax(np.array([0.0, 0.5, 2.0], "float32")).tolist()
        [0.0, 0.0, 1.0]
    """
    z = ops.moveaxis(x, axis, -1)
    # The paper sorts; the same support without a sort: i belongs to it if what lies above z_i sums to less than 1.
    above = ops.relu(ops.subtract(ops.expand_dims(z, -2), ops.expand_dims(z, -1)))
    support = ops.cast(ops.less(ops.sum(above, axis=-1), 1.0), z.dtype)
    total = ops.sum(ops.multiply(support, z), axis=-1, keepdims=True)
    tau = ops.divide(ops.subtract(total, 1.0), ops.sum(support, axis=-1, keepdims=True))
    return ops.moveaxis(ops.relu(ops.subtract(z, tau)), -1, axis)
