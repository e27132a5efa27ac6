"""Layers that put zeros around sequences, images and volumes, or cut their borders."""

from __future__ import annotations

import numpy as np

from nbkeras import ops
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.layers.spatial import SpatialLayer


class _Borders(SpatialLayer):
    """A pair of widths, before and after, for each spatial axis."""

    def _pairs(self, value, name):
        """Widths from one number, one an axis, or a pair an axis; along one axis a pair is (before, after)."""
        if self.rank == 1:
            return self._sizes(value, name, least=0, rank=2)
        if isinstance(value, (int, np.integer)):
            pair = self._sizes(int(value), name, least=0, rank=2)
            return (pair,) * self.rank
        if not hasattr(value, "__len__") or len(value) != self.rank or isinstance(value, str):
            raise ArgumentError(
                f"{self._who()}: {name} must be a whole number, or for each of {self.rank} axes a number or a pair, "
                f"got {value!r}."
            )
        return tuple(self._sizes(part, f"each part of {name}", least=0, rank=2) for part in value)

    def _all_axes(self, pairs):
        """Pairs of all axes, (0, 0) where there is no space."""
        pairs = (pairs,) if self.rank == 1 else pairs
        return ((0, 0), (0, 0), *pairs) if self.data_format == "channels_first" else ((0, 0), *pairs, (0, 0))


class _ZeroPadding(_Borders):
    def __init__(self, padding, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.padding = self._pairs(padding, "padding")

    def call(self, inputs):
        return ops.pad(inputs, self._all_axes(self.padding))

    def compute_output_shape(self, input_shape):
        axes = zip(input_shape, self._all_axes(self.padding), strict=True)
        return tuple(None if n is None else n + before + after for n, (before, after) in axes)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after the steps.   (N, T, C) -> (N, before + T + after, C)

    Args:
        padding: one number for both ends, or (before, after).
        data_format: 'channels_last' (N, T, C) or 'channels_first' (N, C, T).

    Example:
        >>> import numpy as np
        >>> ZeroPadding1D((1, 2))(np.ones((1, 2, 1), "float32"))[0, :, 0]
        array([0., 1., 1., 0., 0.], dtype=float32)
    """

    rank = 1

    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images.   (N, H, W, C) -> (N, top + H + bottom, left + W + right, C)

    Args:
        padding: one number for all sides, (height, width), or ((top, bottom), (left, right)).
        data_format: 'channels_last' (N, H, W, C) or 'channels_first' (N, C, H, W).

    Example:
        >>> import numpy as np
        >>> ZeroPadding2D(((1, 0), (2, 3)))(np.ones((1, 2, 3, 4), "float32")).shape
        (1, 3, 8, 4)
    """

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes; `padding` is one number, one an axis or a pair an axis. Arguments as in `ZeroPadding2D`.

    Example:
        >>> import numpy as np
        >>> ZeroPadding3D((0, 1, 2))(np.ones((1, 4, 4, 4, 2), "float32")).shape
        (1, 4, 6, 8, 2)
    """

    rank = 3

    def __init__(self, padding=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(padding, data_format, **kwargs)


class _Cropping(_Borders):
    def __init__(self, cropping, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.cropping = self._pairs(cropping, "cropping")

    def call(self, inputs):
        self._cropped(inputs.shape)  # raises where nothing is left
        pairs = zip(inputs.shape, self._all_axes(self.cropping), strict=True)
        return inputs[tuple(slice(before, n - after) for n, (before, after) in pairs)]

    def compute_output_shape(self, input_shape):
        return self._checked(self._cropped, input_shape)

    def _cropped(self, input_shape):
        axes = zip(input_shape, self._all_axes(self.cropping), strict=True)
        shape = tuple(None if n is None else n - before - after for n, (before, after) in axes)
        if any(n is not None and n <= 0 for n in shape[self._spatial]):
            raise ShapeError(
                f"cropping {self.cropping} leaves nothing of an input of shape {tuple(input_shape)}.",
                next="crop less than the input's length along each axis.",
            )
        return shape

    def get_config(self):
        return {**super().get_config(), "cropping": self.cropping, "data_format": self.data_format}


class Cropping1D(_Cropping):
    """The steps without those at the ends.   (N, T, C) -> (N, T - before - after, C)

    Args:
        cropping: one number for both ends, or (before, after).

    Example:
        >>> import numpy as np
        >>> Cropping1D((1, 0))(np.array([[[1.0], [2.0], [3.0]]], "float32"))[0, :, 0]
        array([2., 3.], dtype=float32)
    """

    rank = 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(cropping, "channels_last", **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["data_format"]
        return config


class Cropping2D(_Cropping):
    """Images without their borders.   (N, H, W, C) -> (N, H - top - bottom, W - left - right, C)

    Args:
        cropping: one number for all sides, (height, width), or ((top, bottom), (left, right)).
        data_format: 'channels_last' (N, H, W, C) or 'channels_first' (N, C, H, W).

    Raises:
        ShapeError: nothing is left.

    Example:
        >>> import numpy as np
        >>> Cropping2D(((1, 0), (1, 1)))(np.ones((1, 4, 5, 2), "float32")).shape
        (1, 3, 3, 2)
    """

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Volumes without their borders; `cropping` is one number, one an axis or a pair an axis.

    Arguments as in `Cropping2D`.

    Example:
        >>> import numpy as np
        >>> Cropping3D(((1, 1), (0, 1), (0, 0)))(np.ones((1, 4, 4, 4, 2), "float32")).shape
        (1, 2, 3, 4, 2)
    """

    rank = 3

    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)
