"""Accuracies: how often predictions match labels."""

from __future__ import annotations

from nbkeras import config, ops
from nbkeras.arguments import FLAG, SHARE, accepts, whole
from nbkeras.errors import ShapeError
from nbkeras.losses.loss import squeeze_or_expand_to_same_rank
from nbkeras.metrics.reduction import FunctionMetric
from nbkeras.ops.reducing import likeliest


def accuracy(y_true, y_pred):
    """1 where the two are equal, else 0.   (N, ...) -> (N, ...)

    Example:
        >>> accuracy([1.0, 2.0, 3.0], [1.0, 0.0, 3.0])
        array([1., 0., 1.], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, str(y_pred.dtype))
    return _matches(*squeeze_or_expand_to_same_rank(y_true, y_pred))


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """1 where a prediction is on its label's side of the threshold, else 0.   (N, ...) -> (N, ...)

    Args:
        y_true: labels 0 and 1.
        y_pred: probabilities.
        threshold: a prediction above it means 1.

    Example:
        >>> import numpy as np
        >>> binary_accuracy(np.array([1, 1, 0]), np.array([0.9, 0.2, 0.4]))
        array([1., 0., 1.], dtype=float32)
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
    return _matches(y_true, ops.cast(ops.greater(y_pred, threshold), str(y_true.dtype)))


def categorical_accuracy(y_true, y_pred):
    """1 where the likeliest class is the label's, else 0; labels one-hot.   (N, ..., C) -> (N, ...)

    Example:
        >>> categorical_accuracy([[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.8], [0.4, 0.6]])
        array([1., 0.], dtype=float32)
    """
    return _matches(likeliest(y_true), likeliest(y_pred))


def sparse_categorical_accuracy(y_true, y_pred):
    """1 where the likeliest class is the label, else 0.   y_true (N, ...) or (N, ..., 1), y_pred (N, ..., C)

    Raises:
        ShapeError: the labels are no class numbers of these predictions.

    Example:
        >>> sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.4, 0.6]])
        array([1., 0.], dtype=float32)
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    _check_classes(y_true, y_pred, "sparse_categorical_accuracy", "categorical_accuracy")
    matches = _matches(ops.cast(y_true, config.floatx()), likeliest(y_pred))
    if len(matches.shape) > 1 and matches.shape[-1] == 1:
        matches = ops.squeeze(matches, -1)
    return matches


def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """1 where the label is one of the k likeliest classes, else 0; labels one-hot.   (N, ..., C) -> (N, ...)

    Example:
        >>> top_k_categorical_accuracy([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]], [[0.5, 0.2, 0.3], [0.5, 0.2, 0.3]], k=2)
        array([1., 0.], dtype=float32)
    """
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5, from_sorted_ids=False):
    """1 where the label is one of the k likeliest classes, else 0.   y_true (N, ...), y_pred (N, ..., C) -> (N, ...)

    Labels (N, ..., 1) are read as (N, ...). The label is among them if fewer than k classes have a larger score: no
    sorting is needed.

    Args:
        y_true: class numbers.
        y_pred: scores; class numbers, the likeliest first, with `from_sorted_ids`.
        k: how many classes count.
        from_sorted_ids: see `y_pred`.

    Example:
        >>> sparse_top_k_categorical_accuracy([2, 1], [[0.5, 0.2, 0.3], [0.5, 0.2, 0.3]], k=2)
        array([1., 0.], dtype=float32)
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    _check_classes(y_true, y_pred, "sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy")
    label = ops.expand_dims(y_true, -1)
    if from_sorted_ids:
        found = ops.any(ops.equal(label, y_pred[..., :k]), axis=-1)
        return ops.cast(found, config.floatx())
    score = ops.take_along_axis(y_pred, ops.cast(label, "int64"), axis=-1)
    # NaN compares as false with everything, which would put it first.
    score = ops.where(ops.isnan(score), -float("inf"), score)
    larger = ops.sum(ops.greater(y_pred, score), axis=-1)
    return ops.cast(ops.less(larger, k), config.floatx())


def _matches(y_true, y_pred):
    return ops.cast(ops.equal(y_true, y_pred), config.floatx())


def _check_classes(y_true, y_pred, name, dense_name):
    if tuple(y_true.shape) != tuple(y_pred.shape[:-1]):
        raise ShapeError(
            f"{name}: labels {tuple(y_true.shape)} and predictions {tuple(y_pred.shape)} must have the same shape "
            "but for the last axis, the classes.",
            next=f"one-hot labels go with {dense_name}.",
        )


class Accuracy(FunctionMetric):
    """How often predictions equal labels.

    Example:
        >>> float(Accuracy()([1, 2, 3, 4], [1, 0, 3, 4]))
        0.75
    """

    direction = "max"

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(FunctionMetric):
    """How often predictions are on their label's side of the threshold; see `binary_accuracy`.

    Example:
        >>> float(BinaryAccuracy()([1, 1, 0, 0], [0.98, 1, 0, 0.6]))
        0.75
    """

    direction = "max"

    @accepts(threshold=SHARE)
    def __init__(self, name="binary_accuracy", dtype=None, threshold=0.5):
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(FunctionMetric):
    """How often the likeliest class is the label's, labels one-hot; see `categorical_accuracy`.

    Example:
        >>> float(CategoricalAccuracy()([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]]))
        0.5
    """

    direction = "max"

    def __init__(self, name="categorical_accuracy", dtype=None):
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(FunctionMetric):
    """How often the likeliest class is the label, labels class numbers; see `sparse_categorical_accuracy`.

    Example:
        >>> metric = SparseCategoricalAccuracy()
        >>> metric.update_state([1, 0], [[0.2, 0.8], [0.4, 0.6]], sample_weight=[3.0, 1.0])
        >>> float(metric.result())
        0.75
    """

    direction = "max"

    def __init__(self, name="sparse_categorical_accuracy", dtype=None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(FunctionMetric):
    """How often the label is among the k likeliest classes, labels one-hot; see `top_k_categorical_accuracy`.

    Example:
        >>> float(TopKCategoricalAccuracy(k=2)([[0, 0, 1], [0, 1, 0]], [[0.5, 0.2, 0.3], [0.5, 0.2, 0.3]]))
        0.5
    """

    direction = "max"

    @accepts(k=whole(1))
    def __init__(self, k=5, name="top_k_categorical_accuracy", dtype=None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(FunctionMetric):
    """How often the label is among the k likeliest classes; see `sparse_top_k_categorical_accuracy`.

    Example:
        >>> float(SparseTopKCategoricalAccuracy(k=2)([2, 1], [[0.5, 0.2, 0.3], [0.5, 0.2, 0.3]]))
        0.5
    """

    direction = "max"

    @accepts(k=whole(1), from_sorted_ids=FLAG)
    def __init__(self, k=5, name="sparse_top_k_categorical_accuracy", dtype=None, from_sorted_ids=False):
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
