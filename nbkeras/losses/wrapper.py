"""Loss functions as loss objects."""

from __future__ import annotations

from nbkeras import ops, tree
from nbkeras.arguments import CALLABLE, accepts
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.losses.loss import Loss, squeeze_or_expand_to_same_rank
from nbkeras.saving.registry import serialize_keras_object


def takes_class_numbers(function):
    """Mark a loss function whose labels are class numbers: whole numbers reach it as they are, not as floats."""
    function.takes_class_numbers = True
    return function


class LossFunctionWrapper(Loss):
    """A loss object of a function.

    Args:
        fn: `fn(y_true, y_pred, **kwargs)`, gives one loss a sample.
        reduction, name, dtype: see `Loss`.
        kwargs: passed to the function.

    Example:
        >>> import numpy as np
        >>> loss = LossFunctionWrapper(lambda y_true, y_pred: ops.mean(ops.abs(y_true - y_pred), axis=-1), name="l1")
        >>> float(loss(np.ones((4, 2)), np.zeros((4, 2))))
        1.0
    """

    @accepts(fn=CALLABLE)
    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **kwargs):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true, y_pred):
        if not (tree.is_nested(y_true) or tree.is_nested(y_pred)):
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        else:
            pairs = self._pairs(y_true, y_pred)
            y_true = tree.map_structure(lambda pair: pair.tensors[0], pairs)
            y_pred = tree.map_structure(lambda pair: pair.tensors[1], pairs)
        try:
            return self.fn(y_true, y_pred, **self._fn_kwargs)
        except ShapeError as error:
            error.args = (f"loss {self.name!r}: {error.args[0]}",)
            raise

    def _pairs(self, y_true, y_pred):
        try:
            return tree.map_structure(lambda t, p: _Pair(squeeze_or_expand_to_same_rank(t, p)), y_true, y_pred)
        except ValueError as error:
            raise ArgumentError(
                f"loss {self.name!r}: y_true and y_pred are nests of tensors, and differ: {error}",
                next="lists are nests, of numbers too: give np.array(y_true) and np.array(y_pred) for one tensor each.",
            ) from None

    def convert_labels(self, y_true):
        y_true = ops.convert_to_tensor(y_true)
        if getattr(self.fn, "takes_class_numbers", False) and not str(y_true.dtype).startswith("float"):
            return y_true
        return ops.convert_to_tensor(y_true, self.dtype)

    def get_config(self):
        """The arguments that make an equal loss, as plain values; the function by its registered name."""
        arguments = serialize_keras_object(self._fn_kwargs)
        return {**super().get_config(), "fn": serialize_keras_object(self.fn), **arguments}

    @classmethod
    def from_config(cls, config):
        if "fn" in config:
            from nbkeras.losses.lookup import get

            config = {**config, "fn": get(config["fn"])}
        return cls(**config)

    def __repr__(self):
        return f"<LossFunctionWrapper({self.fn}, kwargs={self._fn_kwargs})>"


class FunctionLoss(LossFunctionWrapper):
    """The base of the losses that ship: the function's arguments are attributes, and are what the configuration holds.

    Args:
        fn, reduction, name, dtype: see `LossFunctionWrapper`.
        arguments: passed to the function.
    """

    def __init__(self, fn, reduction, name, dtype, **arguments):
        super().__init__(fn, reduction=reduction, name=name, dtype=dtype, **arguments)
        vars(self).update(arguments)

    def get_config(self):
        return {**Loss.get_config(self), **self._fn_kwargs}


class _Pair:
    """Two tensors as one leaf of a structure."""

    def __init__(self, tensors):
        self.tensors = tensors
