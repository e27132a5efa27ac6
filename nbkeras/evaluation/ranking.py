"""How well scores rank positives before negatives: ROC and precision-recall curves, and the areas under them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nbkeras.errors import DataError, ShapeError


class RocCurve(NamedTuple):
    """Rates at falling thresholds, from (0, 0) to (1, 1), each (points,)."""

    false_positive_rate: np.ndarray
    true_positive_rate: np.ndarray
    thresholds: np.ndarray


class PrecisionRecallCurve(NamedTuple):
    """Precision and recall at rising thresholds, (points,), one threshold less; the last point is (1, 0)."""

    precision: np.ndarray
    recall: np.ndarray
    thresholds: np.ndarray


def roc_curve(y_true, y_score, sample_weight=None) -> RocCurve:
    """The share of positives found against the share of negatives taken for positives, at each threshold.

    Args:
        y_true: 1 or True for positives, 0 for negatives.
        y_score: higher for more likely positives, such as a sigmoid's output.
        sample_weight: a weight a row.

    Shapes:
        all (N,) or (N, 1).

    Raises:
        ShapeError, DataError: other shapes, other labels, NaN, or only one of the two classes.

    Example:
        >>> roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).true_positive_rate
        array([0. , 0.5, 0.5, 1. , 1. ])

    Source: points as in scikit-learn's function of the same name, with every threshold kept; T. Fawcett, 2006.
    """
    true, score, weight = _checked(y_true, y_score, sample_weight, "roc_curve")
    hits, misses, thresholds = _counts(true, score, weight)
    if not (hits[-1] > 0 and misses[-1] > 0):
        raise DataError(
            f"roc_curve: expected positives and negatives, got {hits[-1]:g} and {misses[-1]:g} by weight.",
            next="a rate needs at least one row of each class.",
        )
    return RocCurve(np.r_[0.0, misses / misses[-1]], np.r_[0.0, hits / hits[-1]], np.r_[np.inf, thresholds])


def roc_auc(y_true, y_score, sample_weight=None) -> float:
    """The area under the ROC curve: how likely a random positive scores higher than a random negative.

    Args, Shapes, Raises: as for `roc_curve`.

    Example:
        >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75
    """
    curve = roc_curve(y_true, y_score, sample_weight)
    return float(np.trapezoid(curve.true_positive_rate, curve.false_positive_rate))


def precision_recall_curve(y_true, y_score, sample_weight=None) -> PrecisionRecallCurve:
    """How many of those taken for positives are, against how many of the positives are found, at each threshold.

    Args, Shapes: as for `roc_curve`.

    Raises:
        ShapeError, DataError: other shapes, other labels, NaN, or no positive.

    Example:
        >>> precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).recall
        array([1. , 1. , 0.5, 0.5, 0. ])

    Source: points as in scikit-learn's function of the same name.
    """
    true, score, weight = _checked(y_true, y_score, sample_weight, "precision_recall_curve")
    hits, misses, thresholds = _counts(true, score, weight)
    if not hits[-1] > 0:
        raise DataError("precision_recall_curve: expected at least one positive, got none.")
    taken = hits + misses
    precision = np.divide(hits, taken, out=np.zeros_like(hits), where=taken > 0)
    return PrecisionRecallCurve(np.r_[precision[::-1], 1.0], np.r_[(hits / hits[-1])[::-1], 0.0], thresholds[::-1])


def average_precision(y_true, y_score, sample_weight=None) -> float:
    """The area under the precision-recall curve, as a sum of steps without interpolation.

    Args, Shapes, Raises: as for `precision_recall_curve`.

    Example:
        >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
        0.8333
    """
    curve = precision_recall_curve(y_true, y_score, sample_weight)
    return float(max(0.0, -np.sum(np.diff(curve.recall) * curve.precision[:-1])))


def one_vs_rest(y_true, y_score, who: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of labels and scores, one a curve: a single pair for two classes, else one for each class.

    Args:
        y_true: class numbers (N,) or (N, 1), or one-hot rows (N, C).
        y_score: the scores of the positive class (N,) or (N, 1), or of each class (N, C).
        who: the function that the user called, for messages.

    Example:
        >>> [labels.tolist() for labels, _ in one_vs_rest([0, 2], np.eye(3)[[0, 2]], "plot_roc_curve")]
        [[1, 0], [0, 0], [0, 1]]
    """
    true, score = np.asarray(y_true), np.asarray(y_score)
    if score.ndim == 2 and score.shape[1] == 2:
        # Two columns hold the same ranking twice.
        score = score[:, 1]
        true = true[:, 1] if true.ndim == 2 and true.shape[1] == 2 else true
    if score.ndim == 1 or score.shape[1:] == (1,):
        return [(true, score)]
    if score.ndim != 2 or len(true) != len(score):
        raise ShapeError(
            f"{who}: expected scores of shape (N,) or (N, classes) for {len(true)} labels, got shape {score.shape}."
        )
    if true.ndim == 2 and true.shape[1] == 1:
        true = true[:, 0]
    if true.ndim == 1:
        if true.size and not (np.all(np.mod(true, 1) == 0) and true.min() >= 0 and true.max() < score.shape[1]):
            raise DataError(
                f"{who}: expected classes from 0 to {score.shape[1] - 1}, as there are {score.shape[1]} columns of "
                f"scores, got {true.min()} to {true.max()}."
            )
        true = true[:, None] == np.arange(score.shape[1])
    if true.shape != score.shape:
        raise ShapeError(f"{who}: labels of shape {true.shape} do not fit scores of shape {score.shape}.")
    return [(true[:, index].astype(int), score[:, index]) for index in range(score.shape[1])]


def _checked(y_true, y_score, sample_weight, who: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    columns = {"y_true": y_true, "y_score": y_score}
    columns["sample_weight"] = np.ones(np.size(y_true)) if sample_weight is None else sample_weight
    checked = []
    for name, column in columns.items():
        array = np.asarray(column)
        if array.shape[1:] == (1,):
            array = array[:, 0]
        if array.ndim != 1:
            raise ShapeError(
                f"{who}: expected {name} to have shape (N,), got {array.shape}.",
                next="take one class at a time: (y == 2), scores[:, 2].",
            )
        checked.append(array.astype(float))
    true, score, weight = checked
    if not len(true) == len(score) == len(weight):
        raise ShapeError(f"{who}: expected as many scores as labels, got {len(score)} and {len(true)}.")
    if not len(true):
        raise DataError(f"{who}: expected at least one row, got none.")
    if not np.all((true == 0) | (true == 1)):
        raise DataError(
            f"{who}: expected y_true to hold 0 and 1 only, got {true[(true != 0) & (true != 1)][0]:g}.",
            next="compare with the positive class: (y == positive).",
        )
    if not (np.all(np.isfinite(score)) and np.all(np.isfinite(weight))):
        raise DataError(f"{who}: scores and weights must be finite numbers.")
    return true, score, weight


def _counts(true, score, weight) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight of positives and negatives at or above each distinct score, the highest score first."""
    order = np.argsort(-score, kind="stable")
    true, score, weight = true[order], score[order], weight[order]
    last = np.r_[np.flatnonzero(np.diff(score)), len(score) - 1]
    return np.cumsum(true * weight)[last], np.cumsum((1 - true) * weight)[last], score[last]
