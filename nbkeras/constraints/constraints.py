"""What weights are made to satisfy after each update."""

from __future__ import annotations

from nbkeras import config, ops
from nbkeras.arguments import AXES, SHARE, SIZE, accepts


class Constraint:
    """A function of a weight that gives the weight it becomes, with a configuration.

    Subclass it and override `__call__`; override `get_config` if the constructor takes arguments.

    Example:
        >>> class AtMostOne(Constraint):
        ...     def __call__(self, w):
        ...         return ops.minimum(w, 1.0)
        >>> AtMostOne()(ops.array([0.5, 3.0]))
        array([0.5, 1. ], dtype=float32)
    """

    def __call__(self, w):
        """The tensor that a weight becomes, of the same shape."""
        return w

    def get_config(self) -> dict:
        """The arguments that make an equal constraint, as plain values."""
        return {}

    @classmethod
    def from_config(cls, config):
        """A constraint from `get_config`."""
        return cls(**config)


def _norms(w, axis):
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


class MaxNorm(Constraint):
    """Vectors along an axis scaled down to a greatest norm.

    Args:
        max_value: the greatest norm.
        axis: along which the vectors lie: 0 for the inputs of a dense kernel, (0, 1, 2) for a 2D convolution.

    Source: Srivastava et al., "Dropout", 2014.

    Example:
        >>> import numpy as np
        >>> MaxNorm(1.0)(np.array([[3.0], [4.0]], "float32")).round(4).tolist()
        [[0.6000000238418579], [0.800000011920929]]
    """

    @accepts(max_value=SIZE, axis=AXES)
    def __init__(self, max_value=2, axis=0):
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        factor = ops.divide(ops.clip(norms, 0.0, float(self.max_value)), ops.add(config.epsilon(), norms))
        return ops.multiply(w, factor)

    def get_config(self):
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Negative values become 0.

    Example:
        >>> NonNeg()(ops.array([-1.0, 2.0]))
        array([0., 2.], dtype=float32)
    """

    def __call__(self, w):
        return ops.maximum(w, 0.0)


class UnitNorm(Constraint):
    """Vectors along an axis scaled to norm 1.

    Args:
        axis: along which the vectors lie.

    Example:
        >>> UnitNorm()(ops.array([[3.0], [4.0]])).round(4)
        array([[0.6],
               [0.8]], dtype=float32)
    """

    @accepts(axis=AXES)
    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, w):
        return ops.divide(w, ops.add(config.epsilon(), _norms(w, self.axis)))

    def get_config(self):
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Vectors along an axis scaled towards norms in a range.

    Args:
        min_value, max_value: the range.
        rate: how much of the way they go at each step, 1 for all of it.
        axis: along which the vectors lie.

    Example:
        >>> MinMaxNorm(max_value=1.0)(ops.array([[3.0], [4.0]])).round(4)
        array([[0.6],
               [0.8]], dtype=float32)
        >>> MinMaxNorm(max_value=1.0, rate=0.5)(ops.array([[3.0], [4.0]])).round(4)
        array([[1.8],
               [2.4]], dtype=float32)
    """

    @accepts(min_value=SIZE, max_value=SIZE, rate=SHARE, axis=AXES)
    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        within = ops.multiply(self.rate, ops.clip(norms, float(self.min_value), float(self.max_value)))
        wanted = ops.add(within, ops.multiply(1.0 - self.rate, norms))
        return ops.multiply(w, ops.divide(wanted, ops.add(config.epsilon(), norms)))

    def get_config(self):
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }
