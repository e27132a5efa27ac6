"""Layers that change shapes."""

from __future__ import annotations

import math

from nbkeras import config
from nbkeras.arguments import DATA_FORMAT, INTEGER, accepts, sequence
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.layers.input_spec import InputSpec
from nbkeras.layers.layer import Layer
from nbkeras.ops import shaping


class Flatten(Layer):
    """All axes but the first as one.   (N, ...) -> (N, F)

    Args:
        data_format: with 'channels_first' the channels are moved last before.

    Example:
        >>> import numpy as np
        >>> Flatten()(np.ones((2, 3, 4), "float32")).shape
        (2, 12)
    """

    @accepts(data_format=DATA_FORMAT)
    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format or config.image_data_format()
        self.input_spec = InputSpec(min_ndim=1)
        self._channels_first = self.data_format == "channels_first"

    def call(self, inputs):
        rank = len(inputs.shape)
        if self._channels_first and rank > 2:
            inputs = shaping.moveaxis(inputs, 1, -1)
        if rank == 1:
            return shaping.expand_dims(inputs, -1)
        return shaping.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape):
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """Each sample in another shape; one axis may be -1.   (N, ...) -> (N, *target_shape)

    Example:
        >>> import numpy as np
        >>> Reshape((2, -1))(np.ones((4, 6), "float32")).shape
        (4, 2, 3)
    """

    @accepts(target_shape=sequence(INTEGER))
    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        if self.target_shape.count(-1) > 1:
            raise ArgumentError(f"layer {self.name!r} (Reshape): only one axis may be -1, got {self.target_shape}.")
        if any(n < -1 for n in self.target_shape):
            raise ArgumentError(
                f"layer {self.name!r} (Reshape): lengths must be whole numbers from 0 on, or -1 for one axis, got "
                f"{self.target_shape}."
            )

    def call(self, inputs):
        size = math.prod(inputs.shape[1:])
        rest = math.prod(n for n in self.target_shape if n != -1)
        fits = (rest and size % rest == 0) if -1 in self.target_shape else rest == size
        if not fits:
            raise ShapeError(
                f"layer {self.name!r} (Reshape): samples of shape {tuple(inputs.shape[1:])} have {size} values, which "
                f"do not fit {self.target_shape}."
            )
        shape = tuple(size // rest if n == -1 else n for n in self.target_shape)
        return shaping.reshape(inputs, (inputs.shape[0], *shape))

    def compute_output_shape(self, input_shape):
        rest = input_shape[1:]
        if -1 not in self.target_shape:
            return (input_shape[0], *self.target_shape)
        known = math.prod(n for n in self.target_shape if n != -1)
        open_axis = None if None in rest else math.prod(rest) // known
        return (input_shape[0], *(open_axis if n == -1 else n for n in self.target_shape))

    def compute_output_spec(self, inputs, **kwargs):
        if None in inputs.shape[1:]:
            # Trial sizes would not fit the target; whether the true ones do shows when the model runs.
            return KerasTensor(self.compute_output_shape(inputs.shape), inputs.dtype)
        return super().compute_output_spec(inputs, **kwargs)

    def get_config(self):
        return {**super().get_config(), "target_shape": self.target_shape}


class Permute(Layer):
    """The axes of each sample in another order, counted from 1.

    Example:
        >>> import numpy as np
        >>> Permute((2, 1))(np.ones((4, 6, 3), "float32")).shape
        (4, 3, 6)
    """

    @accepts(dims=sequence(INTEGER))
    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(dims) != list(range(1, len(dims) + 1)):
            raise ArgumentError(
                f"layer {self.name!r} (Permute): dims must be a permutation of 1 to {len(dims)}, got {self.dims}."
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs):
        return shaping.transpose(inputs, (0, *self.dims))

    def get_config(self):
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """Each row several times.   (N, F) -> (N, n, F)

    Example:
        >>> import numpy as np
        >>> RepeatVector(2)(np.array([[1.0, 2.0]], "float32"))
        array([[[1., 2.],
                [1., 2.]]], dtype=float32)
    """

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(n, int) or isinstance(n, bool):
            raise ArgumentTypeError(f"layer {self.name!r} (RepeatVector): n must be a whole number, got {n!r}.")
        if n < 1:
            raise ArgumentError(f"layer {self.name!r} (RepeatVector): n must be positive, got {n!r}.")
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs):
        rows, features = inputs.shape
        return shaping.broadcast_to(shaping.expand_dims(inputs, 1), (rows, self.n, features))

    def get_config(self):
        return {**super().get_config(), "n": self.n}


class Identity(Layer):
    """The input itself.

    Example:
        >>> import numpy as np
        >>> Identity()(np.array([[1.0, 2.0]], "float32"))
        array([[1., 2.]], dtype=float32)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        return inputs
