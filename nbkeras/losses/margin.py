"""Hinge losses: for labels -1 and 1, and scores that should lie beyond them."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.losses.loss import check_alike
from nbkeras.losses.wrapper import FunctionLoss


def _signs(y_true, y_pred):
    """Labels -1 and 1; labels that are all 0 or 1 are converted."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, str(y_pred.dtype))
    check_alike(y_true, y_pred)
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(binary, 2.0 * y_true - 1.0, y_true), y_pred


def hinge(y_true, y_pred):
    """mean(max(1 - y_true * y_pred, 0)) over the last axis; labels -1 and 1, or 0 and 1.   (N, ..., F) -> (N, ...)

    Example:
        >>> import numpy as np
        >>> hinge(np.array([[0.0, 1.0]]), np.array([[-2.0, 0.5]]))
        array([0.25])
    """
    y_true, y_pred = _signs(y_true, y_pred)
    return ops.mean(ops.maximum(1.0 - y_true * y_pred, 0.0), axis=-1)


def squared_hinge(y_true, y_pred):
    """mean(max(1 - y_true * y_pred, 0)^2) over the last axis; labels -1 and 1, or 0 and 1.   (N, ..., F) -> (N, ...)

    Example:
        >>> squared_hinge([[1.0, -1.0]], [[0.5, -2.0]])
        array([0.125], dtype=float32)
    """
    y_true, y_pred = _signs(y_true, y_pred)
    return ops.mean(ops.square(ops.maximum(1.0 - y_true * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true, y_pred):
    """max(largest wrong score - right score + 1, 0), labels one-hot.   (N, ..., C) -> (N, ...)

    Example:
        >>> categorical_hinge([[0.0, 1.0]], [[0.5, 1.0]])
        array([0.5], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, str(y_pred.dtype))
    check_alike(y_true, y_pred)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1.0, 0.0)


class Hinge(FunctionLoss):
    """See `hinge`; the arguments are its own and those of `Loss`.

    Example:
        >>> float(Hinge()([[1.0, -1.0]], [[0.5, -2.0]]))
        0.25
    """

    def __init__(self, reduction="sum_over_batch_size", name="hinge", dtype=None):
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(FunctionLoss):
    """See `squared_hinge`; the arguments are its own and those of `Loss`.

    Example:
        >>> float(SquaredHinge()([[1.0, -1.0]], [[0.5, -2.0]]))
        0.125
    """

    def __init__(self, reduction="sum_over_batch_size", name="squared_hinge", dtype=None):
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(FunctionLoss):
    """See `categorical_hinge`; the arguments are its own and those of `Loss`.

    Example:
        >>> float(CategoricalHinge()([[0.0, 1.0]], [[0.5, 1.0]]))
        0.5
    """

    def __init__(self, reduction="sum_over_batch_size", name="categorical_hinge", dtype=None):
        super().__init__(categorical_hinge, reduction, name, dtype)
