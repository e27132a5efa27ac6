"""Intersection over union, from a confusion matrix of classes."""

from __future__ import annotations

import warnings

import numpy as np

from nbkeras import config, ops
from nbkeras.arguments import CLASSES, FLAG, INTEGER, NUMBER, accepts, optional, sequence, whole
from nbkeras.errors import ArgumentError
from nbkeras.metrics.metric import Metric


class IoU(Metric):
    """The mean over target classes of: true positives / (true positives + false positives + false negatives).

    Args:
        num_classes: number of classes.
        target_class_ids: the classes that the mean is over.
        name: see `Metric`.
        dtype: of the confusion matrix, int32 by default.
        ignore_class: samples with this label do not count.
        sparse_y_true: labels are class numbers, not one-hot.
        sparse_y_pred: predictions are class numbers, not scores.
        axis: where the classes are, for one-hot labels and scores.

    Shapes:
        y_true, y_pred: any, the same; sample_weight: a number, or the labels' shape.

    Raises:
        ArgumentError

    Example:
        >>> metric = IoU(num_classes=2, target_class_ids=[0])
        >>> f"{metric([0, 0, 1, 1], [0, 1, 0, 1]):.4f}"
        '0.3333'
    """

    direction = "max"

    @accepts(
        num_classes=whole(1, CLASSES),
        target_class_ids=sequence(INTEGER),
        ignore_class=optional(INTEGER),
        sparse_y_true=FLAG,
        sparse_y_pred=FLAG,
        axis=INTEGER,
    )
    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        super().__init__(name=name, dtype=dtype or "int")
        if not all(0 <= i < num_classes for i in target_class_ids):
            raise ArgumentError(
                f"{type(self).__name__}: expected target_class_ids from 0 to {num_classes - 1}, "
                f"got {list(target_class_ids)}."
            )
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable((num_classes, num_classes), dtype=self.dtype, name="total_confusion_matrix")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = self._classes(y_true, self.sparse_y_true)
        y_pred = self._classes(y_pred, self.sparse_y_pred)
        weight = self._weights(sample_weight, y_true.shape)
        counted = ops.logical_and(self._in_range(y_true), self._in_range(y_pred))
        if self.ignore_class is not None:
            counted = ops.logical_and(counted, ops.not_equal(y_true, self.ignore_class))
        place = ops.where(counted, y_true * self.num_classes + y_pred, 0)
        weight = ops.where(counted, weight, 0)
        counts = ops.scatter(ops.expand_dims(place, -1), weight, (self.num_classes**2,))
        self.total_cm.assign_add(ops.reshape(counts, self.total_cm.shape))

    def _classes(self, y, sparse):
        """Class numbers, one axis."""
        y = ops.convert_to_tensor(y)
        if not sparse:
            y = ops.argmax(y, axis=self.axis)
        return ops.reshape(ops.cast(y, "int64"), (-1,))

    def _in_range(self, y):
        return ops.logical_and(ops.greater_equal(y, 0), ops.less(y, self.num_classes))

    def _weights(self, sample_weight, shape):
        if sample_weight is None:
            return ops.ones(shape, dtype=self.dtype)
        weight = ops.convert_to_tensor(sample_weight)
        if str(weight.dtype).startswith("float") and not self.dtype.startswith("float"):
            warnings.warn(
                f"metric {self.name!r}: float weights are cut to whole numbers, since its dtype is {self.dtype}; "
                "pass dtype='float32' to keep them.",
                stacklevel=3,
            )
        weight = ops.cast(weight, self.dtype)
        if len(weight.shape) > 1:
            weight = ops.reshape(weight, (-1,))
        return ops.broadcast_to(weight, shape)

    def result(self):
        matrix = ops.cast(self.total_cm, "float32")
        hits = ops.diag(matrix)
        union = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - hits
        ids = np.asarray(self.target_class_ids, "int64")
        hits, union = ops.take(hits, ids), ops.take(union, ids)
        occurs = ops.cast(ops.greater(union, 1e-9), "float32")
        # Classes that never occurred are left out of the mean.
        total = ops.sum(occurs * (hits / (union + config.epsilon())))
        return total / (ops.sum(occurs) + config.epsilon())

    def get_config(self):
        own = {
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }
        return {**super().get_config(), **own}


class BinaryIoU(IoU):
    """`IoU` of the classes 0 and 1, where a prediction of at least the threshold means 1.

    Example:
        >>> f"{BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]):.4f}"
        '0.3333'
    """

    @accepts(target_class_ids=sequence(INTEGER), threshold=NUMBER)
    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.greater_equal(ops.convert_to_tensor(y_pred, "float32"), self.threshold)
        super().update_state(y_true, y_pred, sample_weight)

    def get_config(self):
        own = {"target_class_ids": self.target_class_ids, "threshold": self.threshold}
        return {**Metric.get_config(self), **own}


class MeanIoU(IoU):
    """`IoU` over all classes; the other arguments are those of `IoU`.

    Example:
        >>> MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 1, 1]).round(4)
        np.float32(0.5833)
    """

    @accepts(
        num_classes=whole(1, CLASSES),
        ignore_class=optional(INTEGER),
        sparse_y_true=FLAG,
        sparse_y_pred=FLAG,
        axis=INTEGER,
    )
    def __init__(
        self,
        num_classes,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self):
        own = super().get_config()
        del own["target_class_ids"]
        return own


class OneHotIoU(IoU):
    """`IoU` for one-hot labels, and scores of the classes unless `sparse_y_pred`; its other arguments are `IoU`'s.

    Example:
        >>> y_true, y_pred = [[1, 0], [1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]
        >>> OneHotIoU(num_classes=2, target_class_ids=[0])(y_true, y_pred).round(4)
        np.float32(0.5)
    """

    @accepts(
        num_classes=whole(1, CLASSES),
        target_class_ids=sequence(INTEGER),
        ignore_class=optional(INTEGER),
        sparse_y_pred=FLAG,
        axis=INTEGER,
    )
    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_pred=False,
        axis=-1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self):
        own = super().get_config()
        del own["sparse_y_true"]
        return own


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` for one-hot labels, and scores of the classes unless `sparse_y_pred`; its other arguments are `IoU`'s.

    Example:
        >>> y_true, y_pred = [[1, 0], [1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]
        >>> OneHotMeanIoU(num_classes=2)(y_true, y_pred).round(4)
        np.float32(0.5)
    """

    @accepts(num_classes=whole(1, CLASSES), ignore_class=optional(INTEGER), sparse_y_pred=FLAG, axis=INTEGER)
    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self):
        own = super().get_config()
        del own["sparse_y_true"]
        return own
