"""Pooling layers with a given number of windows."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.layers.spatial import SpatialLayer


class _AdaptivePooling(SpatialLayer):
    """Windows that share the input evenly, `output_size` along the spatial axes."""

    averages = True

    def __init__(self, output_size, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.output_size = self._sizes(output_size, "output_size")

    def compute_output_shape(self, input_shape):
        return self._with_lengths(input_shape, self.output_size)

    def get_config(self):
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


class _AdaptiveMaxPooling(_AdaptivePooling):
    def call(self, inputs):
        return ops.adaptive_max_pool(inputs, self.output_size, self.data_format)


class _AdaptiveAveragePooling(_AdaptivePooling):
    def call(self, inputs):
        return ops.adaptive_average_pool(inputs, self.output_size, self.data_format)


class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    """The greatest value of each of `output_size` windows that share the input evenly.   (N, T, C) -> (N, windows, C)

    Window i covers the places floor(i T / output_size) to ceil((i + 1) T / output_size).

    Args:
        output_size: the number of windows.
        data_format: 'channels_last' (N, T, C) or 'channels_first' (N, C, T).

    Example:
        >>> import numpy as np
        >>> AdaptiveMaxPooling1D(2)(np.array([[[1.0], [3.0], [2.0]]], "float32"))[0, :, 0]
        array([3., 3.], dtype=float32)
    """

    rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    """`AdaptiveMaxPooling1D` over two axes; `output_size` is one number or one an axis.

    Example:
        >>> import numpy as np
        >>> AdaptiveMaxPooling2D((2, 3))(np.ones((1, 7, 9, 4), "float32")).shape
        (1, 2, 3, 4)
    """


class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    """`AdaptiveMaxPooling1D` over three axes; `output_size` is one number or one an axis.

    Example:
        >>> import numpy as np
        >>> AdaptiveMaxPooling3D(2)(np.ones((1, 5, 6, 7, 4), "float32")).shape
        (1, 2, 2, 2, 4)
    """

    rank = 3


class AdaptiveAveragePooling1D(_AdaptiveAveragePooling):
    """The mean of each of `output_size` windows that share the input evenly.   (N, T, C) -> (N, windows, C)

    Arguments as in `AdaptiveMaxPooling1D`.

    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePooling1D(2)(np.arange(6, dtype="float32").reshape(1, 6, 1)).ravel()
        array([1., 4.], dtype=float32)
    """

    rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAveragePooling):
    """`AdaptiveAveragePooling1D` over two axes; `output_size` is one number or one an axis.

    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePooling2D((2, 3))(np.ones((1, 7, 9, 4), "float32")).shape
        (1, 2, 3, 4)
    """


class AdaptiveAveragePooling3D(_AdaptiveAveragePooling):
    """`AdaptiveAveragePooling1D` over three axes; `output_size` is one number or one an axis.

    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePooling3D(2)(np.ones((1, 5, 6, 7, 4), "float32")).shape
        (1, 2, 2, 2, 4)
    """

    rank = 3
