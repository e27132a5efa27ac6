"""Pooling layers: the greatest or the mean of each window."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.errors import ShapeError
from nbkeras.layers.spatial import SpatialLayer
from nbkeras.ops.convolving import output_size, padding_name


class _Pooling(SpatialLayer):
    """Windows of `pool_size`, `strides` apart."""

    averages = True

    def __init__(self, pool_size, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(data_format, name=name, **kwargs)
        self.pool_size = self._sizes(pool_size, "pool_size")
        self.strides = self.pool_size if strides is None else self._sizes(strides, "strides")
        self.padding = self._checked(padding_name, padding)

    def compute_output_shape(self, input_shape):
        axes = zip(input_shape[self._spatial], self.pool_size, self.strides, strict=True)
        lengths = [output_size(n, k, s, self.padding, 1) for n, k, s in axes]
        if any(n is not None and n < 1 for n in lengths):
            raise ShapeError(
                f"{self._who()}: a window of {self.pool_size} does not fit into an input of shape "
                f"{tuple(input_shape)} with padding {self.padding!r}.",
                next="choose a smaller pool_size or padding='same'.",
            )
        return self._with_lengths(input_shape, lengths)

    def get_config(self):
        names = ("pool_size", "padding", "strides", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class _MaxPooling(_Pooling):
    def call(self, inputs):
        return ops.max_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class _AveragePooling(_Pooling):
    def call(self, inputs):
        return ops.average_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class MaxPooling1D(_MaxPooling):
    """The greatest value of each window.   (N, T, C) -> (N, windows, C)

    Args:
        pool_size: the window's length.
        strides: from one window to the next; pool_size by default.
        padding: 'valid' (whole windows) or 'same' (ceil(T / strides) windows, cut at the borders).
        data_format: 'channels_last' (N, T, C) or 'channels_first' (N, C, T).

    Example:
        >>> import numpy as np
        >>> MaxPooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]], "float32"))[0, :, 0]
        array([3., 2.], dtype=float32)
    """

    rank = 1

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling2D(_MaxPooling):
    """The greatest value of each window.   (N, H, W, C) -> (N, windows, windows, C)

    Args:
        pool_size: the window's height and width, or one number for both.
        strides: from one window to the next; pool_size by default.
        padding: 'valid' (whole windows) or 'same' (ceil(length / strides) windows, cut at the borders).
        data_format: 'channels_last' (N, H, W, C) or 'channels_first' (N, C, H, W).

    Example:
        >>> import numpy as np
        >>> MaxPooling2D((2, 2))(np.ones((1, 5, 4, 3), "float32")).shape
        (1, 2, 2, 3)
    """

    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling3D(_MaxPooling):
    """The greatest value of each window.   (N, D, H, W, C) -> (N, windows, windows, windows, C)

    Arguments as in `MaxPooling2D`, with three axes.

    Example:
        >>> import numpy as np
        >>> MaxPooling3D((1, 2, 3))(np.ones((1, 4, 6, 6, 2), "float32")).shape
        (1, 4, 3, 2, 2)
    """

    rank = 3

    def __init__(self, pool_size=(2, 2, 2), strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling1D(_AveragePooling):
    """The mean of each window, of what lies inside the input.   (N, T, C) -> (N, windows, C)

    Args: as `MaxPooling1D`.

    Example:
        >>> import numpy as np
        >>> AveragePooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]], "float32"))[0, :, 0]
        array([2., 1.], dtype=float32)
    """

    rank = 1

    def __init__(self, pool_size, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling2D(_AveragePooling):
    """The mean of each window, of what lies inside the input.   (N, H, W, C) -> (N, windows, windows, C)

    Arguments as in `MaxPooling2D`.

    Example:
        >>> import numpy as np
        >>> AveragePooling2D(2)(np.arange(4, dtype="float32").reshape(1, 2, 2, 1)).ravel()
        array([1.5], dtype=float32)
    """


class AveragePooling3D(_AveragePooling):
    """The mean of each window, of what lies inside the input.   (N, D, H, W, C) -> (N, windows, windows, windows, C)

    Arguments as in `MaxPooling2D`, with three axes.

    Example:
        >>> import numpy as np
        >>> AveragePooling3D(2)(np.ones((1, 4, 6, 6, 2), "float32")).shape
        (1, 2, 3, 3, 2)
    """

    rank = 3


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
