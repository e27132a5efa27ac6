"""Variables: weights, optimizer slots, metric sums, counters: all that a step reads and changes."""

from __future__ import annotations

import numpy as np

from nbkeras.graph import trace
from nbkeras.graph.dtypes import standardize_dtype
from nbkeras.graph.variable import Slot
from nbkeras.naming import auto_name


class Variable(Slot):
    """A tensor with a value that lasts.

    Args:
        initializer: an array or number, or a function `(shape, dtype)` that gives one.
        shape: needed with a function.
        dtype: floatx by default.
        trainable: whether optimizers change it.
        autocast, aggregation, synchronization: accepted as Keras has them; they have no effect.
        name: for messages, `summary` and saved files.

    Example:
        >>> v = Variable([1.0, 2.0], name="v")
        >>> _ = v.assign_add([1.0, 1.0])
        >>> v.numpy()
        array([2., 3.], dtype=float32)
    """

    def __init__(
        self,
        initializer,
        shape=None,
        dtype=None,
        trainable=True,
        autocast=True,
        aggregation="none",
        synchronization="auto",
        name=None,
    ):
        if dtype is None and hasattr(initializer, "dtype"):
            dtype = initializer.dtype
        dtype = standardize_dtype(dtype)
        # A variable that is made while a model is traced gets its first value now, not once a step.
        with trace.paused():
            value = initializer(tuple(shape), dtype=dtype) if callable(initializer) else initializer
            if hasattr(value, "assign"):
                value = value.numpy()
            if shape is not None and not callable(initializer):
                value = np.broadcast_to(np.asarray(value), tuple(shape))
            super().__init__(value, dtype, name or auto_name("variable"))
        self.path = self.name
        self.trainable = trainable
        self.aggregation = aggregation
        self.regularizer = None
        self.constraint = None

    def assign(self, value):
        """Set the value; see `Slot.assign`. Numbers and lists are taken too."""
        if not hasattr(value, "shape"):
            value = np.asarray(value, self.dtype)
        return super().assign(value)

    @property
    def handle(self):
        return self

    def __deepcopy__(self, memo):
        return type(self)(self.numpy(), dtype=self.dtype, trainable=self.trainable, name=self.name)
