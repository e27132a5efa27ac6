"""Losses of classification: cross-entropies between labels and probabilities (or logits)."""

from __future__ import annotations

import warnings

from nbkeras import config, ops
from nbkeras.arguments import FLAG, INTEGER, NUMBERS, SHARE, SIZE, accepts, number, optional
from nbkeras.errors import ArgumentError
from nbkeras.losses.loss import check_alike
from nbkeras.losses.wrapper import FunctionLoss, takes_class_numbers


def _labels(y_true, y_pred):
    """Labels and predictions as tensors of the predictions' dtype, with a label for each prediction."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, str(y_pred.dtype))
    check_alike(y_true, y_pred)
    return y_true, y_pred


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-(y_true * log(p) + (1 - y_true) * log(1 - p)), mean over an axis.   (N, ..., F) -> (N, ...)

    Args:
        y_true: labels between 0 and 1.
        y_pred: probabilities, or logits.
        from_logits: whether `y_pred` is logits.
        label_smoothing: moves labels this far towards 0.5.
        axis: the axis of the mean.

    Example:
        >>> binary_crossentropy([[0.0, 1.0]], [[0.5, 0.75]]).round(4)
        array([0.4904], dtype=float32)
    """
    y_true, y_pred = _labels(y_true, y_pred)
    y_true = _smooth_binary(y_true, label_smoothing)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def binary_focal_crossentropy(
    y_true,
    y_pred,
    apply_class_balancing=False,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    """(1 - p_t)^gamma times the binary cross-entropy, mean over an axis; p_t: the probability of the true label.

    Args:
        apply_class_balancing: multiply by alpha where the label is 1, by 1 - alpha where it is 0.
        gamma: how little easy samples count.
        y_true, y_pred, from_logits, label_smoothing, axis: as in `binary_crossentropy`.

    Example:
        >>> binary_focal_crossentropy([[0.0], [1.0]], [[0.5], [0.75]]).round(4)
        array([0.1733, 0.018 ], dtype=float32)

    Source: Lin et al., Focal Loss for Dense Object Detection, 2017.
    """
    y_true, y_pred = _labels(y_true, y_pred)
    y_true = _smooth_binary(y_true, label_smoothing)
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    p_true = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    value = ops.power(1.0 - p_true, gamma) * ops.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        value = (y_true * alpha + (1 - y_true) * (1 - alpha)) * value
    return ops.mean(value, axis=axis)


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-sum(y_true * log(p)) along the axis of classes.   (N, ..., C) -> (N, ...)

    Args:
        y_true: one-hot labels, or probabilities.
        y_pred: probabilities, or logits.
        from_logits: whether `y_pred` is logits.
        label_smoothing: labels become (1 - s) * y_true + s / C.
        axis: where the classes are.

    Example:
        >>> categorical_crossentropy([[0.0, 1.0]], [[0.25, 0.75]]).round(4)
        array([0.2877], dtype=float32)
    """
    _check_classes(y_pred, axis, "categorical_crossentropy")
    y_true, y_pred = _labels(y_true, y_pred)
    y_true = _smooth_categorical(y_true, label_smoothing)
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def categorical_focal_crossentropy(
    y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """-sum(alpha * (1 - p)^gamma * y_true * log(p)) along the axis of classes.   (N, ..., C) -> (N, ...)

    Args:
        alpha: a factor, one for all classes or one each.
        gamma: how little easy samples count.
        y_true, y_pred, from_logits, label_smoothing, axis: as in `categorical_crossentropy`.

    Example:
        >>> categorical_focal_crossentropy([[0.0, 1.0]], [[0.25, 0.75]]).round(4)
        array([0.0045], dtype=float32)

    Source: Lin et al., Focal Loss for Dense Object Detection, 2017.
    """
    _check_classes(y_pred, axis, "categorical_focal_crossentropy")
    y_true, y_pred = _labels(y_true, y_pred)
    y_true = _smooth_categorical(y_true, label_smoothing)
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    p = ops.clip(p, config.epsilon(), 1.0 - config.epsilon())
    return ops.sum(-y_true * ops.log(p) * ops.power(1.0 - p, gamma) * alpha, axis=axis)


@takes_class_numbers
def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """-log of the probability of the true class.   y_true (N, ...) or (N, ..., 1), y_pred (N, ..., C) -> (N, ...)

    Args:
        y_true: class numbers.
        y_pred: probabilities, or logits.
        from_logits: whether `y_pred` is logits.
        ignore_class: samples of this class number get loss 0.
        axis: where the classes are.

    Example:
        >>> import numpy as np
        >>> sparse_categorical_crossentropy(np.array([1]), np.array([[0.5, 0.5]], "float32")).round(4)
        array([0.6931], dtype=float32)
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    y_true = ops.cast(y_true, "int64")
    counted = ops.not_equal(y_true, ignore_class)
    target = ops.where(counted, y_true, 0)
    loss = ops.sparse_categorical_crossentropy(target, y_pred, from_logits=from_logits, axis=axis)
    return ops.where(ops.reshape(counted, loss.shape), loss, 0.0)


def categorical_generalized_cross_entropy(y_true, y_pred, q):
    """(1 - p^q) / q, p the probability of the true class: between cross-entropy (q near 0) and MAE (q near 1).

    y_true (N,) class numbers, y_pred (N, C) probabilities -> (N,)

    Example:
        >>> import numpy as np
        >>> categorical_generalized_cross_entropy(np.array([1]), np.array([[0.36, 0.64]], "float32"), q=0.5).round(4)
        array([0.4], dtype=float32)

    Source: Zhang and Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, 2018.
    """
    hot = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=str(y_pred.dtype))
    return (1 - ops.power(ops.sum(y_pred * hot, axis=-1), q)) / q


def kl_divergence(y_true, y_pred):
    """sum(y_true * log(y_true / y_pred)) over the last axis, both clipped to [epsilon, 1].   (N, ..., C) -> (N, ...)

    Example:
        >>> kl_divergence([[0.5, 0.5]], [[0.25, 0.75]]).round(4)
        array([0.1438], dtype=float32)
    """
    y_true, y_pred = _labels(y_true, y_pred)
    y_true, y_pred = (ops.clip(y, config.epsilon(), 1.0) for y in (y_true, y_pred))
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def poisson(y_true, y_pred):
    """mean(y_pred - y_true * log(y_pred + epsilon)) over the last axis.   (N, ..., F) -> (N, ...)

    Example:
        >>> poisson([[1.0, 3.0]], [[1.0, 2.0]]).round(4)
        array([0.4603], dtype=float32)
    """
    y_true, y_pred = _labels(y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)


def _smooth_binary(y_true, amount):
    return y_true * (1.0 - amount) + 0.5 * amount if amount else y_true


def _smooth_categorical(y_true, amount):
    return y_true * (1.0 - amount) + amount / y_true.shape[-1] if amount else y_true


def _check_classes(y_pred, axis, name):
    if isinstance(axis, bool):
        raise ArgumentError(f"{name}: expected axis to be a whole number, got {axis!r}.")
    shape = ops.shape(y_pred)
    if shape and shape[-1] == 1:
        warnings.warn(
            f"{name}: predictions of shape {shape} have one class only, so the loss is always 0; "
            "binary_crossentropy is the loss for two classes.",
            SyntaxWarning,
            stacklevel=3,
        )


class BinaryCrossentropy(FunctionLoss):
    """See `binary_crossentropy`; the arguments are its own and those of `Loss`.

    Example:
        >>> BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.75]]).round(4)
        np.float32(0.4904)
    """

    @accepts(from_logits=FLAG, label_smoothing=SHARE, axis=INTEGER)
    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_crossentropy",
        dtype=None,
    ):
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class BinaryFocalCrossentropy(FunctionLoss):
    """See `binary_focal_crossentropy`; the arguments are its own and those of `Loss`.

    Example:
        >>> BinaryFocalCrossentropy()([[0.0], [1.0]], [[0.5], [0.75]]).round(4)
        np.float32(0.0956)
    """

    @accepts(apply_class_balancing=FLAG, alpha=SHARE, gamma=SIZE, from_logits=FLAG, label_smoothing=SHARE, axis=INTEGER)
    def __init__(
        self,
        apply_class_balancing=False,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(FunctionLoss):
    """See `categorical_crossentropy`; the arguments are its own and those of `Loss`.

    Example:
        >>> CategoricalCrossentropy(from_logits=True, reduction="none")([[0.0, 1.0]], [[2.0, 3.0]]).round(4)
        array([0.3133], dtype=float32)
    """

    @accepts(from_logits=FLAG, label_smoothing=SHARE, axis=INTEGER)
    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(FunctionLoss):
    """See `categorical_focal_crossentropy`; the arguments are its own and those of `Loss`.

    Example:
        >>> CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.25, 0.75]]).round(4)
        np.float32(0.0045)
    """

    @accepts(alpha=NUMBERS, gamma=SIZE, from_logits=FLAG, label_smoothing=SHARE, axis=INTEGER)
    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class KLDivergence(FunctionLoss):
    """See `kl_divergence`; the arguments are its own and those of `Loss`.

    Example:
        >>> KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]).round(4)
        np.float32(0.1438)
    """

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence", dtype=None):
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(FunctionLoss):
    """See `poisson`; the arguments are its own and those of `Loss`.

    Example:
        >>> Poisson()([[1.0, 3.0]], [[1.0, 2.0]]).round(4)
        np.float32(0.4603)
    """

    def __init__(self, reduction="sum_over_batch_size", name="poisson", dtype=None):
        super().__init__(poisson, reduction, name, dtype)


class SparseCategoricalCrossentropy(FunctionLoss):
    """See `sparse_categorical_crossentropy`; with `ignore_class`, means are over the samples that count.

    Example:
        >>> import numpy as np
        >>> loss = SparseCategoricalCrossentropy(ignore_class=-1)
        >>> loss(np.array([1, -1]), np.array([[0.25, 0.75], [0.9, 0.1]])).round(4)
        np.float32(0.2877)
    """

    @accepts(from_logits=FLAG, ignore_class=optional(INTEGER), axis=INTEGER)
    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )

    def valid_mask(self, y_true, y_pred, values):
        if self.ignore_class is None:
            return None
        return ops.reshape(ops.not_equal(ops.cast(y_true, "int64"), self.ignore_class), values.shape)


class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """See `categorical_generalized_cross_entropy`; q is between 0 and 1, both excluded.

    Example:
        >>> import numpy as np
        >>> CategoricalGeneralizedCrossEntropy()(np.array([1]), np.array([[0.36, 0.64]])).round(4)
        np.float32(0.4)
    """

    @accepts(q=number(above=0, below=1))
    def __init__(
        self,
        q=0.5,
        reduction="sum_over_batch_size",
        name="categorical_generalized_cross_entropy",
        dtype=None,
    ):
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
