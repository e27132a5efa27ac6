"""Initializers without chance."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import NUMBER, NUMBERS, accepts, either, number
from nbkeras.errors import ShapeError
from nbkeras.graph.dtypes import standardize_dtype
from nbkeras.initializers.initializer import Initializer
from nbkeras.saving.registry import serialize_keras_object


class Constant(Initializer):
    """All values equal, or broadcast from an array.

    Args:
        value: a number or an array.

    Example:
        >>> Constant(3)((2,))
        array([3., 3.], dtype=float32)
    """

    @accepts(value=either(number(infinite=True), NUMBERS))
    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        return ops.full(shape, self.value, dtype=standardize_dtype(dtype))

    def get_config(self):
        return {"value": serialize_keras_object(self.value)}


class Zeros(Initializer):
    """All values 0.   shape -> a tensor of it

    Example:
        >>> Zeros()((2, 3))
        array([[0., 0., 0.],
               [0., 0., 0.]], dtype=float32)
    """

    def __call__(self, shape, dtype=None):
        return ops.zeros(shape, dtype=standardize_dtype(dtype))


class Ones(Initializer):
    """All values 1.   shape -> a tensor of it

    Example:
        >>> Ones()((2, 3))
        array([[1., 1., 1.],
               [1., 1., 1.]], dtype=float32)
    """

    def __call__(self, shape, dtype=None):
        return ops.ones(shape, dtype=standardize_dtype(dtype))


class Identity(Initializer):
    """The identity matrix.

    Args:
        gain: what stands on the diagonal.

    Example:
        >>> Identity(2.0)((2, 2)).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """

    @accepts(gain=NUMBER)
    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        if len(shape) != 2:
            raise ShapeError(
                f"initializer Identity: expected a matrix, got shape {tuple(shape)}.",
                next="choose another initializer for weights of this rank.",
            )
        return self.gain * ops.eye(*shape, dtype=standardize_dtype(dtype))

    def get_config(self):
        return {"gain": self.gain}
