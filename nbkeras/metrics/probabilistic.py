"""Cross-entropies and divergences as metrics."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import FLAG, INTEGER, SHARE, accepts, optional
from nbkeras.losses.classification import (
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from nbkeras.losses.loss import apply_mask
from nbkeras.metrics.reduction import FunctionMetric


class KLDivergence(FunctionMetric):
    """The mean of `losses.kl_divergence`.

    Example:
        >>> KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]).round(4)
        np.float32(0.1438)
    """

    direction = "min"

    def __init__(self, name="kl_divergence", dtype=None):
        super().__init__(kl_divergence, name, dtype)


class Poisson(FunctionMetric):
    """The mean of `losses.poisson`.

    Example:
        >>> Poisson()([[1.0, 3.0]], [[1.0, 2.0]]).round(4)
        np.float32(0.4603)
    """

    direction = "min"

    def __init__(self, name="poisson", dtype=None):
        super().__init__(poisson, name, dtype)


class BinaryCrossentropy(FunctionMetric):
    """The mean of `losses.binary_crossentropy`, whose arguments it takes: see there.

    Example:
        >>> BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.75]]).round(4)
        np.float32(0.4904)
    """

    direction = "min"

    @accepts(from_logits=FLAG, label_smoothing=SHARE)
    def __init__(self, name="binary_crossentropy", dtype=None, from_logits=False, label_smoothing=0):
        super().__init__(binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(FunctionMetric):
    """The mean of `losses.categorical_crossentropy`, whose arguments it takes: see there.

    Example:
        >>> CategoricalCrossentropy()([[0.0, 1.0]], [[0.25, 0.75]]).round(4)
        np.float32(0.2877)
    """

    direction = "min"

    @accepts(from_logits=FLAG, label_smoothing=SHARE, axis=INTEGER)
    def __init__(self, name="categorical_crossentropy", dtype=None, from_logits=False, label_smoothing=0, axis=-1):
        super().__init__(
            categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(FunctionMetric):
    """The mean of `losses.sparse_categorical_crossentropy`, whose arguments it takes: see there.

    Samples of the class `ignore_class` are 0; as in Keras they count in the mean, unless there are weights.

    Example:
        >>> SparseCategoricalCrossentropy()([1], [[0.25, 0.75]]).round(4)
        np.float32(0.2877)
    """

    direction = "min"

    @accepts(from_logits=FLAG, ignore_class=optional(INTEGER), axis=INTEGER)
    def __init__(
        self, name="sparse_categorical_crossentropy", dtype=None, from_logits=False, ignore_class=None, axis=-1
    ):
        super().__init__(
            sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        if self.ignore_class is not None and sample_weight is not None:
            y_true = ops.convert_to_tensor(y_true)
            counted = ops.not_equal(ops.cast(y_true, "int64"), self.ignore_class)
            if counted.shape and len(counted.shape) == len(ops.shape(y_pred)):
                counted = ops.squeeze(counted, self.axis)
            sample_weight = apply_mask(sample_weight, counted, self.dtype, "sum")
        super().update_state(y_true, y_pred, sample_weight=sample_weight)
