"""Counts of the confusion matrix, precision and recall."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import SHARE, accepts, either, optional, sequence, whole
from nbkeras.metrics.metric import Metric
from nbkeras.metrics.thresholds import LOWEST, count, parse_thresholds


class _Thresholded(Metric):
    """A metric whose state has one number for each threshold, and whose result does, too, if there are several."""

    @accepts(thresholds=optional(either(SHARE, sequence(SHARE))))
    def __init__(self, states, thresholds, top_k, class_id, name, dtype):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = parse_thresholds(thresholds, 0.5 if top_k is None else LOWEST)
        self._states = {state: self.add_variable((len(self.thresholds),), name=state) for state in states}

    def update_state(self, y_true, y_pred, sample_weight=None):
        dtype = next(iter(self._states.values())).dtype
        counts = count(y_true, y_pred, self.thresholds, dtype, sample_weight, self.top_k, self.class_id)
        for name, variable in self._states.items():
            variable.assign_add(getattr(counts, name))

    def _one_or_all(self, values):
        return ops.reshape(values, ()) if len(self.thresholds) == 1 else values

    def get_config(self):
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


class _Count(_Thresholded):
    """One cell of the confusion matrix."""

    cell = None

    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__((self.cell,), thresholds, None, None, name, dtype)
        self.accumulator = self._states[self.cell]

    def result(self):
        return self._one_or_all(ops.copy(self.accumulator))

    def get_config(self):
        return {**Metric.get_config(self), "thresholds": self.init_thresholds}


class TruePositives(_Count):
    """How many positive samples were predicted positive.

    Args:
        thresholds: a number or list; a score above it is a positive prediction; 0.5 by default.
        name, dtype: see `Metric`.

    Example:
        >>> float(TruePositives()([0, 1, 1, 1], [1, 0, 1, 1]))
        2.0
    """

    cell = "true_positives"
    direction = "max"


class TrueNegatives(_Count):
    """How many negative samples were predicted negative; arguments as `TruePositives`.

    Example:
        >>> float(TrueNegatives()([0, 1, 0, 0], [0.1, 0.3, 0.9, 0.2]))
        2.0
    """

    cell = "true_negatives"
    direction = "max"


class FalsePositives(_Count):
    """How many negative samples were predicted positive; arguments as `TruePositives`.

    Example:
        >>> float(FalsePositives()([0, 1, 0, 0], [0.1, 0.3, 0.9, 0.2]))
        1.0
    """

    cell = "false_positives"
    direction = "min"


class FalseNegatives(_Count):
    """How many positive samples were predicted negative; arguments as `TruePositives`.

    Example:
        >>> FalseNegatives(thresholds=[0.2, 0.8])([0, 1, 0, 1], [0.1, 0.3, 0.9, 0.1])
        array([1., 2.], dtype=float32)
    """

    cell = "false_negatives"
    direction = "min"


class Precision(_Thresholded):
    """Of the samples predicted positive, the share that is: true positives / all positive predictions.

    Args:
        thresholds: a number or list; a score above it is a positive prediction; 0.5 by default.
        top_k: only the k largest scores of a sample count as positive predictions.
        class_id: count this class only.
        name, dtype: see `Metric`.

    Example:
        >>> float(Precision()([0, 1, 1, 1], [1, 0, 1, 0]))
        0.5
    """

    direction = "max"

    @accepts(top_k=optional(whole(1)), class_id=optional(whole(0)))
    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(("true_positives", "false_positives"), thresholds, top_k, class_id, name, dtype)
        self.true_positives, self.false_positives = self._states.values()

    def result(self):
        share = ops.divide_no_nan(self.true_positives, self.true_positives + self.false_positives)
        return self._one_or_all(share)


class Recall(_Thresholded):
    """Of the positive samples, the share that was predicted so: true positives / positive samples.

    Args: as `Precision`.

    Example:
        >>> float(Recall()([0, 1, 1, 1, 1], [1, 0, 1, 0, 0]))
        0.25
    """

    direction = "max"

    @accepts(top_k=optional(whole(1)), class_id=optional(whole(0)))
    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(("true_positives", "false_negatives"), thresholds, top_k, class_id, name, dtype)
        self.true_positives, self.false_negatives = self._states.values()

    def result(self):
        share = ops.divide_no_nan(self.true_positives, self.true_positives + self.false_negatives)
        return self._one_or_all(share)
