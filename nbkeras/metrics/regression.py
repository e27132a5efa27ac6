"""Metrics of regression."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import AXES, accepts, whole
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.losses import regression as losses
from nbkeras.losses.loss import check_alike, squeeze_or_expand_to_same_rank
from nbkeras.metrics.metric import Metric
from nbkeras.metrics.reduction import FunctionMetric, Mean


def cosine_similarity(y_true, y_pred, axis=-1):
    """The cosine of the angle between two vectors: 1 if they point the same way; 0 if one is all 0.

    Example:
        >>> cosine_similarity([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [3.0, 4.0]]).round(4)
        array([1. , 0.6], dtype=float32)
    """
    return -losses.cosine_similarity(y_true, y_pred, axis=axis)


class MeanSquaredError(FunctionMetric):
    """The mean of `losses.mean_squared_error`.

    Example:
        >>> float(MeanSquaredError()([[0.0, 2.0]], [[1.0, 5.0]]))
        5.0
    """

    direction = "min"

    def __init__(self, name="mean_squared_error", dtype=None):
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(FunctionMetric):
    """The mean of `losses.mean_absolute_error`.

    Example:
        >>> float(MeanAbsoluteError()([[0.0], [2.0]], [[1.0], [5.0]], sample_weight=[3.0, 1.0]))
        1.5
    """

    direction = "min"

    def __init__(self, name="mean_absolute_error", dtype=None):
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(FunctionMetric):
    """The mean of `losses.mean_absolute_percentage_error`.

    Example:
        >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[3.0, 4.0]]))
        25.0
    """

    direction = "min"

    def __init__(self, name="mean_absolute_percentage_error", dtype=None):
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(FunctionMetric):
    """The mean of `losses.mean_squared_logarithmic_error`.

    Example:
        >>> MeanSquaredLogarithmicError()([[0.0, 3.0]], [[0.0, 1.0]]).round(4)
        np.float32(0.2402)
    """

    direction = "min"

    def __init__(self, name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(FunctionMetric):
    """The mean of `losses.log_cosh`.

    Example:
        >>> LogCoshError()([[0.0, 0.0]], [[1.0, 100.0]]).round(3)
        np.float32(49.87)
    """

    direction = "min"

    def __init__(self, name="logcosh", dtype=None):
        super().__init__(losses.log_cosh, name, dtype)


class CosineSimilarity(FunctionMetric):
    """The mean of `cosine_similarity`: 1 is best.

    Example:
        >>> CosineSimilarity()([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [3.0, 4.0]]).round(4)
        np.float32(0.8)
    """

    direction = "max"

    @accepts(axis=AXES)
    def __init__(self, name="cosine_similarity", dtype=None, axis=-1):
        super().__init__(cosine_similarity, name, dtype, axis=axis)


class RootMeanSquaredError(Mean):
    """sqrt(mean((y_pred - y_true)^2)) over all values.

    Example:
        >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[3.0], [3.0]]))
        3.0
    """

    direction = "min"

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = (ops.convert_to_tensor(y, self.dtype) for y in (y_true, y_pred))
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        check_alike(y_true, y_pred)
        super().update_state(ops.square(y_pred - y_true), sample_weight=sample_weight)

    def result(self):
        return ops.sqrt(super().result())


class R2Score(Metric):
    """1 - sum((y_true - y_pred)^2) / sum((y_true - mean)^2), for each output: 1 is perfect, 0 as good as the mean.

    Args:
        class_aggregation: of several outputs' scores: `"uniform_average"`, `"variance_weighted_average"`, or None for
            all scores.
        num_regressors: number of independent variables, for the adjusted score; 0 for the plain one.
        name, dtype: see `Metric`.

    Shapes:
        y_true, y_pred: (N, F); sample_weight: (N,) or (N, F).

    Raises:
        ArgumentError, ShapeError

    Example:
        >>> metric = R2Score()
        >>> f"{metric([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]):.4f}"
        '0.5714'
    """

    direction = "max"

    @accepts(num_regressors=whole(0))
    def __init__(self, class_aggregation="uniform_average", num_regressors=0, name="r2_score", dtype=None):
        super().__init__(name=name, dtype=dtype)
        known = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in known:
            raise ArgumentError(f"R2Score: expected class_aggregation to be one of {known}, got {class_aggregation!r}.")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), name="num_samples")
        self._built = False

    def _build(self, shape):
        if len(shape) != 2:
            raise ShapeError(f"R2Score: expected predictions of shape (N, F), got {tuple(shape)}.")
        self.squared_sum, self.sum, self.total_mse, self.count = (
            self.add_variable((shape[-1],), name=name) for name in ("squared_sum", "sum", "residual", "count")
        )
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = (ops.convert_to_tensor(y, self.dtype) for y in (y_true, y_pred))
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        check_alike(y_true, y_pred)
        if not self._built:
            self._build(y_pred.shape)
        weight = ops.convert_to_tensor(1 if sample_weight is None else sample_weight, self.dtype)
        if len(weight.shape) == 1:
            weight = ops.expand_dims(weight, 1)
        weight = ops.broadcast_to(weight, y_true.shape)
        weighted = y_true * weight
        self.sum.assign_add(ops.sum(weighted, axis=0))
        self.squared_sum.assign_add(ops.sum(y_true * weighted, axis=0))
        self.total_mse.assign_add(ops.sum(ops.square(y_true - y_pred) * weight, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        self.num_samples.assign_add(ops.convert_to_tensor(ops.size(y_true), self.num_samples.dtype))

    def result(self):
        if not self._built:
            return ops.zeros((), dtype=self.dtype)
        spread = self.squared_sum - self.sum * (self.sum / self.count)
        scores = 1 - self.total_mse / spread
        scores = ops.where(ops.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.sum(spread * scores) / ops.sum(spread)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores):
        """The score that takes the number of regressors into account, where there are samples enough."""
        free = self.num_samples - float(self.num_regressors) - 1.0
        adjusted = 1.0 - (1.0 - scores) * (self.num_samples - 1.0) / ops.where(ops.greater(free, 0.0), free, 1.0)
        return ops.where(ops.greater(free, 0.0), adjusted, scores)

    def get_config(self):
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **own}
