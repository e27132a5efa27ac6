"""Correlations between labels and predictions, along an axis of each sample."""

from __future__ import annotations

from nbkeras import config, ops
from nbkeras.arguments import AXES, accepts
from nbkeras.losses.regression import align
from nbkeras.metrics.reduction import FunctionMetric


def pearson_correlation(y_true, y_pred, axis=-1):
    """cov(y_true, y_pred) / (std(y_true) * std(y_pred)) along an axis: 1 if one is a rising line of the other.

    Example:
        >>> import numpy as np
        >>> float(pearson_correlation(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])).round(6))
        1.0
    """
    y_true, y_pred = align(y_true, y_pred)
    y_true = y_true - ops.mean(y_true, axis=axis, keepdims=True)
    y_pred = y_pred - ops.mean(y_pred, axis=axis, keepdims=True)
    y_true = y_true / ops.std(y_true, axis=axis, keepdims=True)
    y_pred = y_pred / ops.std(y_pred, axis=axis, keepdims=True)
    return ops.mean(y_true * y_pred, axis=axis)


def concordance_correlation(y_true, y_pred, axis=-1):
    """2 * cov(y_true, y_pred) / (var(y_true) + var(y_pred) + (mean difference)^2): 1 only if both are equal.

    Example:
        >>> concordance_correlation([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]]).round(4)
        array([0.5714], dtype=float32)

    Source: Lin, A Concordance Correlation Coefficient to Evaluate Reproducibility, 1989.
    """
    y_true, y_pred = align(y_true, y_pred)
    mean_true = ops.mean(y_true, axis=axis, keepdims=True)
    mean_pred = ops.mean(y_pred, axis=axis, keepdims=True)
    spread = ops.var(y_true, axis=axis, keepdims=True) + ops.var(y_pred, axis=axis, keepdims=True)
    spread = spread + ops.square(mean_true - mean_pred)
    covariance = (y_true - mean_true) * (y_pred - mean_pred)
    return ops.mean(2 * covariance / (spread + config.epsilon()), axis=axis)


class PearsonCorrelation(FunctionMetric):
    """The mean of `pearson_correlation`.

    Example:
        >>> PearsonCorrelation()([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]]).round(4)
        np.float32(1.0)
    """

    direction = "max"

    @accepts(axis=AXES)
    def __init__(self, name="pearson_correlation", dtype=None, axis=-1):
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(FunctionMetric):
    """The mean of `concordance_correlation`.

    Example:
        >>> ConcordanceCorrelation()([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]]).round(4)
        np.float32(0.5714)
    """

    direction = "max"

    @accepts(axis=AXES)
    def __init__(self, name="concordance_correlation", dtype=None, axis=-1):
        super().__init__(concordance_correlation, name, dtype, axis=axis)
