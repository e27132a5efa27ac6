"""Pooling layers over all places of each channel."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import FLAG, accepts
from nbkeras.layers.spatial import SpatialLayer


class _GlobalPooling(SpatialLayer):
    """All places of each channel as one."""

    @accepts(keepdims=FLAG)
    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(data_format, **kwargs)
        self.keepdims = keepdims

    @property
    def _axes(self):
        return tuple(range(self.rank + 2))[self._spatial]

    def compute_output_shape(self, input_shape):
        return self._with_lengths(input_shape, [1] * self.rank if self.keepdims else [])

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class _GlobalMaxPooling(_GlobalPooling):
    def call(self, inputs):
        return ops.max(inputs, axis=self._axes, keepdims=self.keepdims)


class _GlobalAveragePooling(_GlobalPooling):
    averages = True

    def call(self, inputs):
        return ops.mean(inputs, axis=self._axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The greatest value of each channel over all steps.   (N, T, C) -> (N, C)

    Args:
        data_format: 'channels_last' (N, T, C) or 'channels_first' (N, C, T).
        keepdims: keep the spatial axes, with length 1.

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling1D()(np.array([[[1.0], [3.0], [2.0]]], "float32"))
        array([[3.]], dtype=float32)
    """

    rank = 1


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The greatest value of each channel over the image.   (N, H, W, C) -> (N, C)

    Arguments as in `GlobalMaxPooling1D`.

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling2D()(np.arange(8, dtype="float32").reshape(1, 2, 2, 2))
        array([[6., 7.]], dtype=float32)
    """


class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The greatest value of each channel over the volume.   (N, D, H, W, C) -> (N, C)

    Arguments as in `GlobalMaxPooling1D`.

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling3D(keepdims=True)(np.ones((2, 3, 4, 5, 6), "float32")).shape
        (2, 1, 1, 1, 6)
    """

    rank = 3


class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean of each channel over all steps, or those where the mask is true.   (N, T, C) -> (N, C)

    Arguments as in `GlobalMaxPooling1D`; called as `layer(x, mask=None)`, the mask (N, T).

    Example:
        >>> import numpy as np
        >>> x, mask = np.array([[[1.0], [3.0], [9.0]]], "float32"), np.array([[True, True, False]])
        >>> GlobalAveragePooling1D()(x, mask=mask)
        array([[2.]], dtype=float32)
    """

    rank = 1

    @accepts(keepdims=FLAG)
    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            return super().call(inputs)
        mask = ops.cast(ops.expand_dims(mask, 1 if self.data_format == "channels_first" else 2), "bool")
        (axis,) = self._axes
        total = ops.sum(ops.where(mask, inputs, 0.0), axis=axis, keepdims=self.keepdims)
        return total / ops.sum(ops.cast(mask, ops.dtype(inputs)), axis=axis, keepdims=self.keepdims)

    def compute_mask(self, inputs, mask=None):
        return None


class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean of each channel over the image.   (N, H, W, C) -> (N, C)

    Arguments as in `GlobalMaxPooling1D`.

    Example:
        >>> import numpy as np
        >>> GlobalAveragePooling2D()(np.arange(8, dtype="float32").reshape(1, 2, 2, 2))
        array([[3., 4.]], dtype=float32)
    """


class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean of each channel over the volume.   (N, D, H, W, C) -> (N, C)

    Arguments as in `GlobalMaxPooling1D`.

    Example:
        >>> import numpy as np
        >>> GlobalAveragePooling3D()(np.ones((2, 3, 4, 5, 6), "float32")).shape
        (2, 6)
    """

    rank = 3


GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
