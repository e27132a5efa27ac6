"""Counting true and false positives at many thresholds at once."""

from __future__ import annotations

import numpy as np

from nbkeras import config, ops
from nbkeras.errors import ShapeError
from nbkeras.losses.loss import check_alike, squeeze_or_expand_to_same_rank

#: Below every score: what classes outside the top k get.
LOWEST = -1e10


def parse_thresholds(thresholds, default) -> list:
    """A list of thresholds, of a list, a number or None (the default)."""
    if thresholds is None:
        return [default]
    return list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]


def even_thresholds(count: int) -> list:
    """`count` thresholds from 0 to 1, equally far apart.

    Example:
        >>> even_thresholds(3)
        [0.0, 0.5, 1.0]
    """
    return [0.0, *(i / (count - 1) for i in range(1, count - 1)), 1.0]


def are_even(thresholds) -> bool:
    """True for at least 3 thresholds that `even_thresholds` would give, up to epsilon."""
    count = len(thresholds)
    return count >= 3 and np.allclose(thresholds, np.arange(count) / (count - 1), atol=config.epsilon())


class Counts:
    """Weights of the positive predictions at each threshold, and of all samples.

    Attributes:
        true_positives, false_positives: (T,), or (T, L) by label.
        true_negatives, false_negatives: likewise.
    """

    def __init__(self, true_positives, false_positives, positives, negatives):
        self.true_positives = true_positives
        self.false_positives = false_positives
        self.true_negatives = negatives - false_positives
        self.false_negatives = positives - true_positives


def count(
    y_true,
    y_pred,
    thresholds,
    dtype,
    sample_weight=None,
    top_k=None,
    class_id=None,
    by_label=False,
    label_weights=None,
) -> Counts:
    """Count predictions above and below thresholds, by their labels.

    Args:
        y_true: labels; 0 is negative, anything else positive.
        y_pred: scores, of the labels' shape.
        thresholds: T numbers; a score above one is a positive prediction.
        dtype: of the counts.
        sample_weight: one a sample, or of the labels' shape.
        top_k: all but the k largest scores along the last axis count as negative.
        class_id: count this position of the last axis only.
        by_label: count each position of the last axis on its own.   (N, L) -> (T, L)
        label_weights: one for each position of the last axis.
    """
    y_true, y_pred = (ops.convert_to_tensor(y, dtype) for y in (y_true, y_pred))
    y_pred, y_true = squeeze_or_expand_to_same_rank(y_pred, y_true)
    check_alike(y_true, y_pred, exactly=True)
    if top_k is not None:
        y_pred = ops.where(_largest(y_pred, top_k), y_pred, LOWEST)
    weight = _weights(y_true, dtype, sample_weight)
    if class_id is not None:
        y_true, y_pred = _only_class(y_true, class_id), _only_class(y_pred, class_id)
    true = ops.cast(ops.cast(y_true, "bool"), dtype)
    both = ops.stack([true, 1.0 - true], axis=-1)
    for factor in (weight, None if label_weights is None else ops.convert_to_tensor(label_weights, dtype)):
        if factor is not None:
            both = both * ops.expand_dims(ops.broadcast_to(factor, y_pred.shape), -1)

    labels = y_pred.shape[-1] if by_label else 1
    both = ops.reshape(both, (-1, labels, 2))
    score = ops.reshape(y_pred, (-1, labels))
    if are_even(thresholds):
        above = _above_even(score, both, thresholds, dtype)
    else:
        limits = np.asarray(thresholds, dtype).reshape(-1, 1, 1)
        positive = ops.cast(ops.greater(ops.expand_dims(score, 0), limits), dtype)
        above = ops.sum(ops.expand_dims(positive, -1) * both, axis=1)
    total = ops.sum(both, axis=0)
    if not by_label:
        above, total = above[:, 0], total[0]
    return Counts(above[..., 0], above[..., 1], total[..., 0], total[..., 1])


def _above_even(score, both, thresholds, dtype):
    """Sums of the weights above each of evenly spaced thresholds: one bucket a sample, then sums over buckets.

    score (N, L), both (N, L, 2) -> (T, L, 2)
    """
    steps, labels = len(thresholds), score.shape[1]
    # The score lies above threshold t if its bucket's number is larger than t.
    bucket = ops.cast(ops.ceil(ops.clip(score, 0.0, 1.0) * float(steps - 1)), "int64")
    if thresholds[0] < 0:
        bucket = ops.maximum(bucket, 1)
    place = bucket * labels + np.arange(labels)
    buckets = ops.scatter(ops.reshape(place, (-1, 1)), ops.reshape(both, (-1, 2)), (steps * labels, 2))
    later = np.triu(np.ones((steps, steps), dtype), 1)
    sums = ops.matmul(later, ops.reshape(buckets, (steps, labels * 2)))
    return ops.reshape(sums, (steps, labels, 2))


def _weights(y_true, dtype, sample_weight):
    if sample_weight is None:
        return None
    weight = ops.expand_dims(ops.convert_to_tensor(sample_weight, dtype), -1)
    return squeeze_or_expand_to_same_rank(y_true, weight, expand_rank_1=False)[1]


def _only_class(y, class_id):
    if len(y.shape) < 2 or not -y.shape[-1] <= class_id < y.shape[-1]:
        raise ShapeError(f"metric: class_id {class_id} needs predictions of shape (N, more classes), got {y.shape}.")
    start = class_id % y.shape[-1]
    return y[..., start : start + 1]


def _largest(scores, k):
    """True for the k largest scores along the last axis; of equal ones, the first."""
    _, places = ops.top_k(scores, k)
    return ops.any(ops.one_hot(places, scores.shape[-1], dtype="bool"), axis=-2)
