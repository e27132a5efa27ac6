"""Losses of segmentation: how little two sets of pixels overlap."""

from __future__ import annotations

from nbkeras import config, ops
from nbkeras.arguments import AXES, SIZE, accepts, optional
from nbkeras.losses.loss import check_alike
from nbkeras.losses.wrapper import FunctionLoss


def dice(y_true, y_pred, axis=None):
    """1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred) + epsilon), sums over the axes (all if None).

    Example:
        >>> dice([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]).round(4)
        np.float32(0.3333)

    Source: Dice, Measures of the Amount of Ecologic Association Between Species, 1945.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, str(y_pred.dtype))
    check_alike(y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    return 1 - 2.0 * both / (ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis) + config.epsilon())


def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """1 - both / (both + alpha * only true + beta * only predicted + epsilon), sums over the axes (all if None).

    Args:
        alpha: weight of what is in `y_true` only.
        beta: weight of what is in `y_pred` only.

    Example:
        >>> tversky([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]], alpha=0.9, beta=0.1).round(4)
        np.float32(0.4737)

    Source: Salehi et al., Tversky loss function for image segmentation, 2017.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, str(y_pred.dtype))
    check_alike(y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    only_true = ops.sum((1 - y_pred) * y_true, axis=axis)
    only_predicted = ops.sum(y_pred * (1 - y_true), axis=axis)
    return 1 - both / (both + only_true * alpha + only_predicted * beta + config.epsilon())


class Dice(FunctionLoss):
    """See `dice`; the arguments are its own and those of `Loss`.

    Example:
        >>> Dice()([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]).round(4)
        np.float32(0.3333)
    """

    @accepts(axis=optional(AXES))
    def __init__(self, reduction="sum_over_batch_size", name="dice", axis=None, dtype=None):
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(FunctionLoss):
    """See `tversky`; the arguments are its own and those of `Loss`.

    Example:
        >>> Tversky(alpha=0.9, beta=0.1)([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]).round(4)
        np.float32(0.4737)
    """

    @accepts(alpha=SIZE, beta=SIZE, axis=optional(AXES))
    def __init__(self, alpha=0.5, beta=0.5, reduction="sum_over_batch_size", name="tversky", axis=None, dtype=None):
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
