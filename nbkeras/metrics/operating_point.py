"""The best of one rate where another is at least a given value: sensitivity at specificity and the like."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import SHARE, THRESHOLDS, accepts, optional, whole
from nbkeras.metrics.metric import Metric
from nbkeras.metrics.thresholds import count, even_thresholds

_CELLS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


class OperatingPoint(Metric):
    """The base: counts at many thresholds, and the best threshold's rate.

    Args:
        argument: the constrained rate's name.
        value: what it shall be at least, between 0 and 1.
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: count this class only.
        name, dtype: see `Metric`.

    Raises:
        ArgumentError
    """

    direction = "max"

    def __init__(self, argument, value, num_thresholds, class_id, name, dtype):
        super().__init__(name=name, dtype=dtype)
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.thresholds = [0.5] if num_thresholds == 1 else even_thresholds(num_thresholds)
        for cell in _CELLS:
            setattr(self, cell, self.add_variable((len(self.thresholds),), name=cell))
        self._argument = argument

    def update_state(self, y_true, y_pred, sample_weight=None):
        dtype = self.true_positives.dtype
        counts = count(y_true, y_pred, self.thresholds, dtype, sample_weight, class_id=self.class_id)
        for cell in _CELLS:
            getattr(self, cell).assign_add(getattr(counts, cell))

    def sensitivities(self):
        """True positives / positive samples, at each threshold; the same as recall."""
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_negatives)

    def specificities(self):
        """True negatives / negative samples, at each threshold."""
        return ops.divide_no_nan(self.true_negatives, self.true_negatives + self.false_positives)

    def precisions(self):
        """True positives / positive predictions, at each threshold."""
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_positives)

    def best(self, wanted, constrained):
        """The largest wanted rate among the thresholds whose constrained rate suffices; 0 if none does."""
        return ops.max(ops.where(ops.greater_equal(constrained, self.value), wanted, 0.0))

    def get_config(self):
        own = {"class_id": self.class_id, "num_thresholds": self.num_thresholds, self._argument: self.value}
        return {**super().get_config(), **own}


class SensitivityAtSpecificity(OperatingPoint):
    """The best sensitivity where the specificity is at least a given value.

    Example:
        >>> metric = SensitivityAtSpecificity(0.5)
        >>> float(metric([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    @accepts(specificity=SHARE, num_thresholds=whole(1, THRESHOLDS), class_id=optional(whole(0)))
    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__("specificity", specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def result(self):
        return self.best(self.sensitivities(), self.specificities())


class SpecificityAtSensitivity(OperatingPoint):
    """The best specificity where the sensitivity is at least a given value.

    Args:
        sensitivity: between 0 and 1.
        num_thresholds, class_id, name, dtype: as in `SensitivityAtSpecificity`.

    Example:
        >>> SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.9]).round(4)
        np.float32(1.0)
    """

    @accepts(sensitivity=SHARE, num_thresholds=whole(1, THRESHOLDS), class_id=optional(whole(0)))
    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__("sensitivity", sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def result(self):
        return self.best(self.specificities(), self.sensitivities())


class PrecisionAtRecall(OperatingPoint):
    """The best precision where the recall is at least a given value.

    Args:
        recall: between 0 and 1.
        num_thresholds, class_id, name, dtype: as in `SensitivityAtSpecificity`.

    Example:
        >>> PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.9]).round(4)
        np.float32(1.0)
    """

    @accepts(recall=SHARE, num_thresholds=whole(1, THRESHOLDS), class_id=optional(whole(0)))
    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__("recall", recall, num_thresholds, class_id, name, dtype)
        self.recall = recall

    def result(self):
        return self.best(self.precisions(), self.sensitivities())


class RecallAtPrecision(OperatingPoint):
    """The best recall where the precision is at least a given value.

    Args:
        precision: between 0 and 1.
        num_thresholds, class_id, name, dtype: as in `SensitivityAtSpecificity`.

    Example:
        >>> RecallAtPrecision(0.8)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.9]).round(4)
        np.float32(0.5)
    """

    @accepts(precision=SHARE, num_thresholds=whole(1, THRESHOLDS), class_id=optional(whole(0)))
    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__("precision", precision, num_thresholds, class_id, name, dtype)
        self.precision = precision

    def result(self):
        return self.best(self.sensitivities(), self.precisions())
