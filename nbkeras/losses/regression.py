"""Losses of regression: distances between numbers."""

from __future__ import annotations

import math

from nbkeras import config, ops
from nbkeras.arguments import AXES, POSITIVE, accepts
from nbkeras.losses.loss import check_alike, squeeze_or_expand_to_same_rank
from nbkeras.losses.wrapper import FunctionLoss


def align(y_true, y_pred):
    """Labels and predictions as tensors of the predictions' dtype and of one rank, as far as a last axis of 1 goes."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true, y_pred = squeeze_or_expand_to_same_rank(ops.convert_to_tensor(y_true, str(y_pred.dtype)), y_pred)
    check_alike(y_true, y_pred)
    return y_true, y_pred


def mean_squared_error(y_true, y_pred):
    """mean((y_true - y_pred)^2) over the last axis.   (N, ..., F) -> (N, ...)

    Example:
        >>> import numpy as np
        >>> mean_squared_error(np.array([[0.0, 2.0]]), np.array([[0.0, 0.0]]))
        array([2.])
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true, y_pred):
    """mean(|y_true - y_pred|) over the last axis.   (N, ..., F) -> (N, ...)

    Example:
        >>> mean_absolute_error([[0.0, 2.0]], [[1.0, 5.0]])
        array([2.], dtype=float32)
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def mean_absolute_percentage_error(y_true, y_pred):
    """100 * mean(|y_true - y_pred| / max(|y_true|, epsilon)) over the last axis.   (N, ..., F) -> (N, ...)

    Example:
        >>> mean_absolute_percentage_error([[2.0, 4.0]], [[3.0, 4.0]])
        array([25.], dtype=float32)
    """
    y_true, y_pred = align(y_true, y_pred)
    size = ops.maximum(ops.abs(y_true), config.epsilon())
    return 100.0 * ops.mean(ops.abs((y_true - y_pred) / size), axis=-1)


def mean_squared_logarithmic_error(y_true, y_pred):
    """mean((log(1 + y_true) - log(1 + y_pred))^2) over the last axis; values below epsilon count as epsilon.

    Example:
        >>> mean_squared_logarithmic_error([[0.0, 3.0]], [[0.0, 1.0]]).round(4)
        array([0.2402], dtype=float32)
    """
    y_true, y_pred = align(y_true, y_pred)
    log_true = ops.log(ops.maximum(y_true, config.epsilon()) + 1.0)
    log_pred = ops.log(ops.maximum(y_pred, config.epsilon()) + 1.0)
    return ops.mean(ops.square(log_pred - log_true), axis=-1)


def cosine_similarity(y_true, y_pred, axis=-1):
    """The negative cosine of the angle between two vectors: -1 if they point the same way; 0 if one is all 0.

    Example:
        >>> cosine_similarity([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [3.0, 4.0]]).round(4)
        array([-1. , -0.6], dtype=float32)
    """
    y_true, y_pred = align(y_true, y_pred)
    return -ops.sum(ops.normalize(y_true, axis=axis) * ops.normalize(y_pred, axis=axis), axis=axis)


def huber(y_true, y_pred, delta=1.0):
    """Half the square of errors up to delta, linear above; mean over the last axis.   (N, ..., F) -> (N, ...)

    Example:
        >>> huber([[0.0, 0.0]], [[1.0, 3.0]])
        array([1.5], dtype=float32)

    Source: Huber, Robust Estimation of a Location Parameter, 1964.
    """
    y_true, y_pred = align(y_true, y_pred)
    error = y_pred - y_true
    size = ops.abs(error)
    value = ops.where(size <= delta, 0.5 * ops.square(error), delta * size - 0.5 * delta * delta)
    return ops.mean(value, axis=-1)


def log_cosh(y_true, y_pred):
    """mean(log(cosh(y_pred - y_true))) over the last axis, without overflow.   (N, ..., F) -> (N, ...)

    Example:
        >>> log_cosh([[0.0, 0.0]], [[1.0, 100.0]]).round(4)
        array([49.8703], dtype=float32)
    """
    y_true, y_pred = align(y_true, y_pred)
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(-2.0 * error) - math.log(2.0), axis=-1)


class MeanSquaredError(FunctionLoss):
    """See `mean_squared_error`; the arguments are its own and those of `Loss`.

    Example:
        >>> float(MeanSquaredError()([[0.0, 2.0]], [[1.0, 5.0]]))
        5.0
        >>> float(MeanSquaredError()([[0.0], [2.0]], [[1.0], [5.0]], sample_weight=[1.0, 0.0]))
        0.5
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(FunctionLoss):
    """See `mean_absolute_error`; the arguments are its own and those of `Loss`.

    Example:
        >>> float(MeanAbsoluteError(reduction="sum")([[0.0], [2.0]], [[1.0], [5.0]]))
        4.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(FunctionLoss):
    """See `mean_absolute_percentage_error`; the arguments are its own and those of `Loss`.

    Example:
        >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[3.0, 4.0]]))
        25.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_percentage_error", dtype=None):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(FunctionLoss):
    """See `mean_squared_logarithmic_error`; the arguments are its own and those of `Loss`.

    Example:
        >>> MeanSquaredLogarithmicError()([[0.0, 3.0]], [[0.0, 1.0]]).round(4)
        np.float32(0.2402)
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class CosineSimilarity(FunctionLoss):
    """See `cosine_similarity`; the arguments are its own and those of `Loss`.

    Example:
        >>> CosineSimilarity(reduction=None)([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [3.0, 4.0]]).round(4)
        array([-1. , -0.6], dtype=float32)
    """

    @accepts(axis=AXES)
    def __init__(self, axis=-1, reduction="sum_over_batch_size", name="cosine_similarity", dtype=None):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)


class Huber(FunctionLoss):
    """See `huber`; the arguments are its own and those of `Loss`.

    Example:
        >>> float(Huber(delta=2.0)([[0.0, 0.0]], [[1.0, 3.0]]))
        2.25
    """

    @accepts(delta=POSITIVE)
    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(FunctionLoss):
    """See `log_cosh`; the arguments are its own and those of `Loss`.

    Example:
        >>> LogCosh()([[0.0, 0.0]], [[1.0, 100.0]]).round(3)
        np.float32(49.87)
    """

    def __init__(self, reduction="sum_over_batch_size", name="log_cosh", dtype=None):
        super().__init__(log_cosh, reduction, name, dtype)
