"""Penalties on weights that are added to the loss."""

from __future__ import annotations

import math

from nbkeras import ops
from nbkeras.errors import ArgumentError, ShapeError


def _number(who, name, value) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ArgumentError(f"regularizer {who}: expected {name} to be a finite number from 0 on, got {value!r}.")
    return float(value)


class Regularizer:
    """A function of a weight that gives a penalty, with a configuration.

    Subclass it and override `__call__` and `get_config`; any function of a tensor serves as a regularizer too.

    Example:
        >>> class TowardsOne(Regularizer):
        ...     def __call__(self, x):
        ...         return ops.sum(ops.square(x - 1.0))
        ...     def get_config(self):
        ...         return {}
        >>> float(TowardsOne()(ops.array([1.0, 3.0])))
        4.0
    """

    def __call__(self, x):
        """The penalty of a tensor, a scalar."""
        return 0.0

    def get_config(self) -> dict:
        """The arguments that make an equal regularizer, as plain values."""
        raise NotImplementedError(f"regularizer {type(self).__name__} has no get_config().")

    @classmethod
    def from_config(cls, config):
        """A regularizer from `get_config`."""
        return cls(**config)


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x^2).

    Args:
        l1, l2: factors; 0 leaves the part out.

    Example:
        >>> import numpy as np
        >>> float(L1L2(l1=1.0, l2=2.0)(np.array([1.0, -2.0], "float32")))
        13.0
    """

    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = _number("L1L2", "l1", 0.0 if l1 is None else l1)
        self.l2 = _number("L1L2", "l2", 0.0 if l2 is None else l2)

    def __call__(self, x):
        penalty = ops.zeros((), dtype=x.dtype)
        if self.l1:
            penalty = ops.add(penalty, ops.multiply(self.l1, ops.sum(ops.absolute(x))))
        if self.l2:
            penalty = ops.add(penalty, ops.multiply(self.l2, ops.sum(ops.square(x))))
        return penalty

    def get_config(self):
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """l1 * sum(|x|).   Source: Tibshirani, "Regression shrinkage and selection via the lasso", 1996.

    Args:
        l1: the factor.

    Example:
        >>> float(L1(0.5)(ops.array([1.0, -3.0])))
        2.0
    """

    def __init__(self, l1=0.01):
        self.l1 = _number("L1", "l1", 0.01 if l1 is None else l1)

    def __call__(self, x):
        return ops.multiply(self.l1, ops.sum(ops.absolute(x)))

    def get_config(self):
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 * sum(x^2).   Source: Hoerl and Kennard, "Ridge regression", 1970.

    Args:
        l2: the factor.

    Example:
        >>> float(L2(0.5)(ops.array([1.0, -3.0])))
        5.0
    """

    def __init__(self, l2=0.01):
        self.l2 = _number("L2", "l2", 0.01 if l2 is None else l2)

    def __call__(self, x):
        return ops.multiply(self.l2, ops.sum(ops.square(x)))

    def get_config(self):
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """The mean |cosine| between different rows (or columns) of a matrix, times a factor.

    Args:
        factor: the factor.
        mode: 'rows' or 'columns'.

    Example:
        >>> import numpy as np
        >>> float(OrthogonalRegularizer(1.0)(np.eye(3, dtype="float32")))
        0.0
    """

    def __init__(self, factor=0.01, mode="rows"):
        self.factor = _number("OrthogonalRegularizer", "factor", factor)
        if mode not in ("rows", "columns"):
            raise ArgumentError(f"regularizer OrthogonalRegularizer: expected mode 'rows' or 'columns', got {mode!r}.")
        self.mode = mode

    def __call__(self, x):
        if len(x.shape) != 2:
            raise ShapeError(
                f"regularizer OrthogonalRegularizer: expected a matrix, got shape {tuple(x.shape)}.",
                next="use it on the kernel of a dense layer.",
            )
        rows = self.mode == "rows"
        unit = ops.normalize(x, axis=1 if rows else 0)
        product = ops.matmul(unit, ops.transpose(unit)) if rows else ops.matmul(ops.transpose(unit), unit)
        n = product.shape[0]
        apart = ops.multiply(product, ops.subtract(1.0, ops.eye(n, dtype=x.dtype)))
        return ops.multiply(self.factor / (n * (n - 1.0)), ops.sum(ops.absolute(apart)))

    def get_config(self):
        return {"factor": self.factor, "mode": self.mode}
