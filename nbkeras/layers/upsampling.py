"""Layers that make sequences, images and volumes larger."""

from __future__ import annotations

from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.layers.spatial import SpatialLayer
from nbkeras.ops.common import floating, tensor
from nbkeras.ops.convolving import channels_back, channels_last
from nbkeras.ops.resizing import interpolated, interpolation_of, repeated


class _UpSampling(SpatialLayer):
    """Each spatial axis longer by a whole factor."""

    interpolation = "nearest"

    def __init__(self, size, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.size = self._sizes(size, "size")

    def call(self, inputs):
        x = channels_last(tensor(inputs), self.data_format)
        if self.interpolation == "nearest":
            y = repeated(x, self.size)
        else:
            y = interpolated(floating(x), self.size, self.interpolation)
        return channels_back(y, self.data_format)

    def compute_output_shape(self, input_shape):
        axes = zip(input_shape[self._spatial], self.size, strict=True)
        return self._with_lengths(input_shape, [None if n is None else n * factor for n, factor in axes])

    def get_config(self):
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}


class UpSampling1D(_UpSampling):
    """Each step `size` times.   (N, T, C) -> (N, size T, C)

    Args:
        size: a whole number.

    Example:
        >>> import numpy as np
        >>> UpSampling1D(2)(np.array([[[1.0], [2.0]]], "float32"))[0, :, 0]
        array([1., 1., 2., 2.], dtype=float32)
    """

    rank = 1

    def __init__(self, size=2, **kwargs):
        if not isinstance(size, int) or isinstance(size, bool):
            raise ArgumentTypeError(f"UpSampling1D: size must be a whole number, got {size!r}.")
        if size <= 0:
            raise ArgumentError(f"UpSampling1D: size must be positive, got {size!r}.")
        super().__init__(size, "channels_last", **kwargs)
        self.size = size

    def call(self, inputs):
        return repeated(tensor(inputs), (self.size,))

    def compute_output_shape(self, input_shape):
        n, steps, channels = input_shape
        return n, None if steps is None else steps * self.size, channels

    def get_config(self):
        config = super().get_config()
        del config["data_format"]
        return config


class UpSampling2D(_UpSampling):
    """Images larger by whole factors.   (N, H, W, C) -> (N, size[0] H, size[1] W, C)

    Args:
        size: the factors of height and width, or one for both.
        data_format: 'channels_last' (N, H, W, C) or 'channels_first' (N, C, H, W).
        interpolation: 'nearest' repeats values; 'bilinear', 'bicubic', 'lanczos3', 'lanczos5' put pixels' centers at
            halves.

    Example:
        >>> import numpy as np
        >>> UpSampling2D()(np.ones((1, 2, 3, 4), "float32")).shape
        (1, 4, 6, 4)
    """

    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(size, data_format, **kwargs)
        self.interpolation = self._checked(interpolation_of, interpolation)
        self.averages = self.interpolation != "nearest"

    def get_config(self):
        return {**super().get_config(), "interpolation": self.interpolation}


class UpSampling3D(_UpSampling):
    """Each value of a volume repeated along the axes.   (N, D, H, W, C) -> (N, size[0] D, size[1] H, size[2] W, C)

    Args:
        size: the factors of the three axes, or one for all.
        data_format: 'channels_last' (N, D, H, W, C) or 'channels_first' (N, C, D, H, W).

    Example:
        >>> import numpy as np
        >>> UpSampling3D((1, 2, 3))(np.ones((1, 2, 2, 2, 4), "float32")).shape
        (1, 2, 4, 6, 4)
    """

    rank = 3

    def __init__(self, size=(2, 2, 2), data_format=None, **kwargs):
        super().__init__(size, data_format, **kwargs)
