"""The base of all losses: labels and predictions in, one number out, by sample weights and a reduction."""

from __future__ import annotations

from nbkeras import ops, tree
from nbkeras.arguments import NAME, accepts, optional
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.dtypes import standardize_dtype
from nbkeras.graph.masks import get_mask
from nbkeras.naming import auto_name, to_snake_case

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss:
    """A loss is `reduction(call(y_true, y_pred) * sample_weight)`; subclasses define `call`.

    Args:
        name: the class's name in snake case by default.
        reduction: `"sum_over_batch_size"` or `"mean"` (the sum divided by the number of loss values), `"sum"`,
            `"mean_with_sample_weight"` (the sum divided by the sum of the weights), `"none"` or None (all values).
        dtype: the dtype to compute with, floatx by default; a dtype policy is taken too.

    Raises:
        ArgumentError: the reduction is unknown.

    Example:
        >>> import numpy as np
        >>> class Quartic(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.mean((y_true - y_pred) ** 4, axis=-1)
        >>> y = np.array([[0.0], [2.0]])
        >>> float(Quartic()(y, np.zeros((2, 1)))), float(Quartic()(y, np.zeros((2, 1)), sample_weight=[1.0, 0.5]))
        (8.0, 4.0)
    """

    @accepts(name=optional(NAME))
    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self.reduction = standardize_reduction(reduction)
        self._dtype = standardize_dtype(getattr(dtype, "compute_dtype", dtype))

    @property
    def dtype(self) -> str:
        """The dtype that the loss is computed in."""
        return self._dtype

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The reduced loss.

        Args:
            y_true, y_pred: tensors, or nested structures of them if `call` takes such.
            sample_weight: one weight a sample, or one for each value of `call`'s result.
        """
        carried = get_mask(y_pred)
        y_pred = tree.map_structure(lambda y: ops.convert_to_tensor(y, self.dtype), y_pred)
        y_true = tree.map_structure(self.convert_labels, y_true)
        values = ops.convert_to_tensor(self.call(y_true, y_pred), self.dtype)
        mask = self.valid_mask(y_true, y_pred, values)
        if carried is not None:
            mask = carried if mask is None else ops.logical_and(carried, mask)
        return reduce_weighted_values(values, sample_weight, mask, self.reduction, self.dtype)

    def call(self, y_true, y_pred):
        """The loss of each sample, before weights and reduction: to be defined by subclasses."""
        raise NotImplementedError(f"{type(self).__name__} must define call(self, y_true, y_pred).")

    def convert_labels(self, y_true):
        """One tensor of labels as `call` gets it: of the loss's dtype."""
        return ops.convert_to_tensor(y_true, self.dtype)

    def valid_mask(self, y_true, y_pred, values):
        """Which of the loss values count; None if all do. The mean is taken over those that do."""
        return None

    def get_config(self) -> dict:
        """The arguments that make an equal loss, as plain values."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config):
        """A loss from `get_config`."""
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name} reduction={self.reduction}>"


def standardize_reduction(reduction):
    """The reduction itself, or an error that lists the known ones."""
    if reduction not in REDUCTIONS:
        raise ArgumentError(
            f"loss: expected reduction to be one of {', '.join(map(repr, REDUCTIONS))}, got {reduction!r}."
        )
    return reduction


def squeeze_or_expand_to_same_rank(x1, x2, expand_rank_1=True):
    """Make the ranks of two tensors equal if they differ by a last axis of length 1: (N,) with (N, 1), for example.

    Args:
        x1, x2: tensors with shapes.
        expand_rank_1: give a vector an axis rather than take the other's away.
    """
    if len(x1.shape) < len(x2.shape):
        x2, x1 = squeeze_or_expand_to_same_rank(x2, x1, expand_rank_1)
        return x1, x2
    if len(x1.shape) == len(x2.shape) + 1 and x1.shape[-1] == 1:
        if len(x2.shape) == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, -1)
        return ops.squeeze(x1, -1), x2
    return x1, x2


def check_alike(y_true, y_pred, exactly: bool = False):
    """Raise unless labels and predictions can be compared value by value.

    Args:
        y_true, y_pred: tensors.
        exactly: of one shape, not only of shapes that broadcast.

    Raises:
        ShapeError: they do not fit.
    """
    a, b = tuple(y_true.shape), tuple(y_pred.shape)
    if a != b and (exactly or any(m != n and not {1, None} & {m, n} for m, n in zip(a[::-1], b[::-1], strict=False))):
        raise ShapeError(
            f"labels of shape {a} and predictions of shape {b} do not fit.",
            next="labels need a value for each prediction; class numbers go with sparse_categorical_crossentropy.",
        )


def reduce_weighted_values(values, sample_weight=None, mask=None, reduction="sum_over_batch_size", dtype=None):
    """Loss values times weights, reduced.

    Args:
        values: one loss a sample, or more.   (N, ...)
        sample_weight: of the values' shape, or broadcast to it.
        mask: booleans; values where it is False do not count.
        reduction: see `Loss`.
        dtype: to compute with.
    """
    reduction = standardize_reduction(reduction)
    values = ops.convert_to_tensor(values, dtype)
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(sample_weight, str(values.dtype))
    if mask is not None:
        sample_weight = apply_mask(sample_weight, mask, str(values.dtype), reduction)
    if sample_weight is not None:
        values, sample_weight = squeeze_or_expand_to_same_rank(values, sample_weight)
        values = ops.multiply(values, sample_weight)
    if reduction in (None, "none") or tuple(values.shape) in ((), (0,)):
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        return ops.divide_no_nan(ops.sum(values), ops.sum(sample_weight))
    return ops.mean(values)


def apply_mask(sample_weight, mask, dtype, reduction):
    """Weights that are 0 where a mask is False; for a mean also raised so that only the valid values are counted."""
    weight = ops.cast(mask, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        weight = ops.multiply(weight, ops.divide_no_nan(float(ops.size(mask)), ops.sum(weight)))
    if sample_weight is None:
        return weight
    weight, sample_weight = squeeze_or_expand_to_same_rank(weight, ops.convert_to_tensor(sample_weight, dtype))
    return ops.multiply(sample_weight, weight)
