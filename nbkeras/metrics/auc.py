"""The area under the ROC, the precision-recall or the precision-recall-gain curve."""

from __future__ import annotations

import numpy as np

from nbkeras import config, ops
from nbkeras.arguments import FLAG, NUMBER, NUMBERS, THRESHOLDS, accepts, optional, sequence, whole
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.metrics.metric import Metric
from nbkeras.metrics.thresholds import count, even_thresholds

_CURVES = ("ROC", "PR", "PRGAIN")
_SUMMATIONS = ("interpolation", "majoring", "minoring")
_CELLS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


class AUC(Metric):
    """The area under a curve whose points are thresholds between 0 and 1.

    Args:
        num_thresholds: how many points; may be None where `thresholds` are given.
        curve: `"ROC"`, `"PR"` or `"PRGAIN"`.
        summation_method: between two points, `"interpolation"` (the mean of both; for PR the formula of the source),
            `"majoring"` (the larger) or `"minoring"` (the smaller).
        name, dtype: see `Metric`.
        thresholds: the points themselves, in place of `num_thresholds`; 0 and 1 are added.
        multi_label: one curve for each of the last axis's labels; the result is their mean.
        num_labels: the number of labels, if known before the first batch.
        label_weights: weights of the labels.
        from_logits: whether predictions are logits.

    Raises:
        ArgumentError, ShapeError

    Example:
        >>> float(AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.75

    Source: Davis and Goadrich, The Relationship Between Precision-Recall and ROC Curves, 2006; Flach and Kull,
    Precision-Recall-Gain Curves, 2015.
    """

    direction = "max"

    @accepts(
        num_thresholds=optional(whole(2, THRESHOLDS)),
        multi_label=FLAG,
        thresholds=optional(sequence(NUMBER)),
        label_weights=optional(NUMBERS),
        num_labels=optional(whole(0)),
        from_logits=FLAG,
    )
    def __init__(
        self,
        num_thresholds=200,
        curve="ROC",
        summation_method="interpolation",
        name=None,
        dtype=None,
        thresholds=None,
        multi_label=False,
        num_labels=None,
        label_weights=None,
        from_logits=False,
    ):
        super().__init__(name=name, dtype=dtype)
        self.curve = _one_of(curve, _CURVES, "curve", str.upper)
        self.summation_method = _one_of(summation_method, _SUMMATIONS, "summation_method", str.lower)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else np.asarray(label_weights, self.dtype)
        self._from_logits = from_logits
        self._init_thresholds = None if thresholds is None else sorted(thresholds)
        if num_thresholds is None and thresholds is None:
            raise ArgumentError("AUC: expected num_thresholds or thresholds, got neither.")
        if num_labels and not multi_label:
            raise ArgumentError("AUC: num_labels is given but multi_label is False.", next="pass multi_label=True.")
        points = [0.0, *self._init_thresholds, 1.0] if thresholds is not None else even_thresholds(num_thresholds)
        self.num_thresholds = len(points)
        # A little beyond 0 and 1, so that the curve ends where everything is predicted positive, or nothing.
        points[0], points[-1] = -config.epsilon(), 1.0 + config.epsilon()
        self._thresholds = points
        self._built = False
        if not multi_label:
            self._build((self.num_thresholds,))
        elif num_labels:
            self._build((self.num_thresholds, num_labels))

    @property
    def thresholds(self) -> list:
        """The thresholds, ascending, a little below 0 and a little above 1 among them."""
        return list(self._thresholds)

    def _build(self, shape):
        for cell in _CELLS:
            setattr(self, cell, self.add_variable(shape, name=cell))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.convert_to_tensor(y_pred, self.dtype)
        if not self._built:
            if len(y_pred.shape) != 2:
                raise ShapeError(f"AUC: expected predictions of shape (N, labels), got {tuple(y_pred.shape)}.")
            self._build((self.num_thresholds, y_pred.shape[1]))
        if self._from_logits:
            y_pred = ops.sigmoid(y_pred)
        counts = count(
            y_true,
            y_pred,
            self._thresholds,
            self.true_positives.dtype,
            sample_weight,
            by_label=self.multi_label,
            label_weights=None if self.multi_label else self.label_weights,
        )
        for cell in _CELLS:
            getattr(self, cell).assign_add(getattr(counts, cell))

    def result(self):
        if not self._built:
            return ops.zeros((), dtype=self.dtype)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._over_labels(self._interpolated_pr())
        x, y = {"ROC": self._roc, "PR": self._pr, "PRGAIN": self._pr_gain}[self.curve]()
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2.0
        else:
            larger_or_smaller = ops.maximum if self.summation_method == "majoring" else ops.minimum
            heights = larger_or_smaller(y[:-1], y[1:])
        return self._over_labels((x[:-1] - x[1:]) * heights)

    def _roc(self):
        rate = ops.divide_no_nan(self.false_positives, self.false_positives + self.true_negatives)
        return rate, self._recall()

    def _pr(self):
        return self._recall(), ops.divide_no_nan(self.true_positives, self.true_positives + self.false_positives)

    def _recall(self):
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_negatives)

    def _pr_gain(self):
        odds = ops.divide_no_nan(self.true_positives + self.false_negatives, self.true_negatives + self.false_positives)
        recall_gain = 1.0 - odds * ops.divide_no_nan(self.false_negatives, self.true_positives)
        precision_gain = 1.0 - odds * ops.divide_no_nan(self.false_positives, self.true_positives)
        nothing = ops.equal(self.true_positives, 0.0)
        recall_gain = ops.maximum(ops.where(nothing, 0.0, recall_gain), 0.0)
        return recall_gain, ops.where(nothing, 1.0, precision_gain)

    def _interpolated_pr(self):
        """Areas between the points, true positives taken as linear in the positive predictions."""
        positives = self.true_positives + self.false_positives
        change = self.true_positives[:-1] - self.true_positives[1:]
        slope = ops.divide_no_nan(change, ops.maximum(positives[:-1] - positives[1:], 0.0))
        intercept = self.true_positives[1:] - slope * positives[1:]
        some = ops.logical_and(ops.greater(positives[:-1], 0.0), ops.greater(positives[1:], 0.0))
        ratio = ops.where(some, ops.divide_no_nan(positives[:-1], ops.maximum(positives[1:], 0.0)), 1.0)
        samples = ops.maximum(self.true_positives[1:] + self.false_negatives[1:], 0.0)
        return ops.divide_no_nan(slope * (change + intercept * ops.log(ratio)), samples)

    def _over_labels(self, areas):
        if not self.multi_label:
            return ops.sum(areas)
        by_label = ops.sum(areas, axis=0)
        if self.label_weights is None:
            return ops.mean(by_label)
        return ops.divide_no_nan(ops.sum(by_label * self.label_weights), float(self.label_weights.sum()))

    def get_config(self):
        own = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self._from_logits,
        }
        if self._init_thresholds is not None:
            own["thresholds"] = self._init_thresholds
        return {**super().get_config(), **own}


def _one_of(value, known, argument, fold):
    value = getattr(value, "value", value)
    if not isinstance(value, str) or fold(value) not in known:
        raise ArgumentError(f"AUC: expected {argument} to be one of {', '.join(known)}, got {value!r}.")
    return fold(value)
