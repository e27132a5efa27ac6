"""F-scores: the harmonic mean of precision and recall."""

from __future__ import annotations

from nbkeras import config, ops
from nbkeras.arguments import POSITIVE, accepts
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.metrics.metric import Metric

_AVERAGES = (None, "micro", "macro", "weighted")
_CELLS = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")


class FBetaScore(Metric):
    """(1 + beta^2) * precision * recall / (beta^2 * precision + recall), for one-hot or multi-hot labels.

    Args:
        average: of the classes' scores: None for all scores, `"micro"` (from the sums over classes), `"macro"` (their
            mean) or `"weighted"` (weighted by how often a class occurs).
        beta: how much recall counts against precision.
        threshold: a score above it is a positive prediction; None: the largest score of a sample is.
        name, dtype: see `Metric`.

    Shapes:
        y_true, y_pred: (N, C); sample_weight: (N,).

    Raises:
        ArgumentError, ShapeError

    Example:
        >>> metric = FBetaScore(beta=2.0, threshold=0.5)
        >>> metric([[1, 1, 1], [1, 0, 0], [1, 1, 0]], [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]).round(4)
        array([0.3846, 0.9091, 0.8333], dtype=float32)
    """

    direction = "max"

    @accepts(beta=POSITIVE)
    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        super().__init__(name=name, dtype=dtype)
        if average not in _AVERAGES:
            raise ArgumentError(f"F-score: expected average to be one of {_AVERAGES}, got {average!r}.")
        if not isinstance(beta, float) or beta <= 0:
            raise ArgumentError(f"F-score: expected beta to be a float above 0, got {beta!r}.")
        if threshold is not None and not (isinstance(threshold, float) and 0 < threshold <= 1):
            raise ArgumentError(f"F-score: expected threshold to be a float in (0, 1], got {threshold!r}.")
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.axis = None if average == "micro" else 0
        self._built = False

    def _build(self, shape):
        if len(shape) != 2:
            raise ShapeError(f"F-score: expected predictions of shape (N, C), got {tuple(shape)}.")
        state_shape = () if self.axis is None else (shape[1],)
        for cell in _CELLS:
            setattr(self, cell, self.add_variable(state_shape, dtype=self.dtype, name=cell))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = (ops.convert_to_tensor(y, self.dtype) for y in (y_true, y_pred))
        if tuple(y_true.shape) != tuple(y_pred.shape):
            raise ShapeError(
                f"F-score: labels {tuple(y_true.shape)} and predictions {tuple(y_pred.shape)} must have one shape.",
                next="use utils.to_categorical on labels that are class numbers.",
            )
        if not self._built:
            self._build(y_pred.shape)
        if self.threshold is None:
            # A sample with all scores 0 has no positive prediction.
            largest = ops.greater_equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
            positive = ops.logical_and(largest, ops.greater(ops.abs(y_pred), 1e-9))
        else:
            positive = ops.greater(y_pred, self.threshold)
        positive = ops.cast(positive, self.dtype)
        cells = (positive * y_true, positive * (1 - y_true), (1 - positive) * y_true, y_true)
        if sample_weight is not None:
            weight = ops.expand_dims(ops.convert_to_tensor(sample_weight, self.dtype), 1)
            cells = tuple(cell * weight for cell in cells)
        for name, cell in zip(_CELLS, cells, strict=True):
            getattr(self, name).assign_add(ops.sum(cell, axis=self.axis))

    def result(self):
        if not self._built:
            return ops.zeros((), dtype=self.dtype)
        epsilon, square = config.epsilon(), self.beta**2
        precision = self.true_positives / (self.true_positives + self.false_positives + epsilon)
        recall = self.true_positives / (self.true_positives + self.false_negatives + epsilon)
        score = (1 + square) * (precision * recall) / (square * precision + recall + epsilon)
        if self.average == "weighted":
            share = self.intermediate_weights / (ops.sum(self.intermediate_weights) + epsilon)
            return ops.sum(score * share)
        return score if self.average is None else ops.mean(score)

    def get_config(self):
        own = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return {**super().get_config(), **own}


class F1Score(FBetaScore):
    """2 * precision * recall / (precision + recall); arguments as `FBetaScore`, with beta 1.

    Example:
        >>> F1Score(threshold=0.5)([[1, 0], [1, 1], [0, 1]], [[0.9, 0.2], [0.4, 0.8], [0.1, 0.3]]).round(4)
        array([0.6667, 0.6667], dtype=float32)
    """

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average=average, beta=1.0, threshold=threshold, name=name, dtype=dtype)

    def get_config(self):
        own = super().get_config()
        del own["beta"]
        return own
