"""Metrics that are sums and means over samples."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import CALLABLE, accepts
from nbkeras.graph.masks import get_mask
from nbkeras.losses.lookup import FUNCTIONS
from nbkeras.losses.loss import Loss, apply_mask, squeeze_or_expand_to_same_rank
from nbkeras.metrics.metric import Metric
from nbkeras.saving.registry import serialize_keras_object


def samplewise(values, sample_weight, reduce, dtype):
    """One value a sample, and the weights of the samples.   (N, ...) -> (N,), (N,)

    Args:
        values: one or more a sample, or one number.
        sample_weight: None, or of fewer axes than the values, or as many.
        reduce: `ops.mean` or `ops.sum`, applied to the axes after the first.
        dtype: to compute with.
    """
    values = ops.convert_to_tensor(values, dtype)
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(sample_weight, dtype)
        values, sample_weight = squeeze_or_expand_to_same_rank(values, sample_weight)
        values = _reduce_from(values, len(sample_weight.shape), reduce)
        if tuple(sample_weight.shape) != tuple(values.shape):
            sample_weight = ops.broadcast_to(sample_weight, values.shape)
        values = ops.multiply(values, sample_weight)
        sample_weight = _reduce_from(sample_weight, 1, reduce)
    return _reduce_from(values, 1, reduce), sample_weight


def _reduce_from(values, first, reduce):
    axes = range(first, len(values.shape))
    return reduce(values, axis=tuple(axes)) if axes else values


class Sum(Metric):
    """The sum of all values, times their weights.

    Example:
        >>> metric = Sum()
        >>> metric.update_state([1.0, 3.0, 5.0])
        >>> float(metric.result())
        9.0
    """

    def __init__(self, name="sum", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), dtype=self.dtype, name="total")

    def update_state(self, values, sample_weight=None):
        values, _ = samplewise(values, sample_weight, ops.sum, self.dtype)
        self.total.assign_add(ops.sum(values))

    def result(self):
        return ops.copy(self.total)


class Mean(Metric):
    """The mean of all values, weighted if weights are given.

    Example:
        >>> metric = Mean()
        >>> metric.update_state([1.0, 3.0], sample_weight=[1.0, 0.0])
        >>> metric.update_state([3.0])
        >>> float(metric.result())
        2.0
    """

    def __init__(self, name="mean", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), dtype=self.dtype, name="total")
        self.count = self.add_variable((), dtype=self.dtype, name="count")

    def update_state(self, values, sample_weight=None):
        values, sample_weight = samplewise(values, sample_weight, ops.mean, self.dtype)
        if sample_weight is not None:
            count = ops.sum(sample_weight)
        else:
            count = ops.convert_to_tensor(values.shape[0] if values.shape else 1, self.dtype)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(count)

    def result(self):
        return ops.divide_no_nan(self.total, self.count)


class MeanMetricWrapper(Mean):
    """The mean of a function of labels and predictions.

    Args:
        fn: `fn(y_true, y_pred, **kwargs)`, gives one value or more a sample.
        name, dtype: see `Metric`.
        kwargs: passed to the function.

    Example:
        >>> metric = MeanMetricWrapper(lambda y_true, y_pred: ops.abs(ops.subtract(y_true, y_pred)), name="distance")
        >>> float(metric([0.0, 0.0], [1.0, 2.0]))
        1.5
    """

    @accepts(fn=CALLABLE)
    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs
        if self.direction is None and (fn in FUNCTIONS or isinstance(fn, Loss)):
            self.direction = "min"

    def update_state(self, y_true, y_pred, sample_weight=None):
        mask = get_mask(y_pred)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        if mask is not None:
            sample_weight = apply_mask(sample_weight, mask, self.dtype, "sum")
        super().update_state(values, sample_weight=sample_weight)

    def get_config(self):
        arguments = serialize_keras_object(self._fn_kwargs)
        return {**super().get_config(), "fn": serialize_keras_object(self._fn), **arguments}

    @classmethod
    def from_config(cls, config):
        if "fn" in config:
            from nbkeras.metrics.lookup import function

            config = {**config, "fn": function(config["fn"])}
        return cls(**config)


class FunctionMetric(MeanMetricWrapper):
    """The base of the means that ship: the function's arguments are attributes, and are what the configuration holds.

    Args:
        fn, name, dtype: see `MeanMetricWrapper`.
        arguments: passed to the function.
    """

    def __init__(self, fn, name, dtype, **arguments):
        super().__init__(fn, name, dtype, **arguments)
        vars(self).update(arguments)

    def get_config(self):
        return {**Metric.get_config(self), **self._fn_kwargs}
