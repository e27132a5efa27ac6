"""Dropout of whole channels."""

from __future__ import annotations

from nbkeras.arguments import SHARE, accepts
from nbkeras.layers.dropout import Dropout
from nbkeras.layers.input_spec import InputSpec
from nbkeras.ops.convolving import format_name


class _SpatialDropout(Dropout):
    """The base: one decision a sample and channel."""

    def __init__(self, rate, rank, data_format, seed, name, dtype):
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=rank)
        channels_first = (data_format or "channels_last") == "channels_first"
        places = [None] + [1] * (rank - 1)
        places[1 if channels_first else -1] = None
        self.noise_shape = tuple(places)

    def get_config(self):
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}


class SpatialDropout1D(_SpatialDropout):
    """Drops whole channels of sequences, (N, T, C), while training.

    Args:
        rate: the part of the channels that is dropped.
        seed: a number.

    Source: Tompson et al. (2015), Efficient object localization using convolutional networks.

    Example:
        >>> import numpy as np
        >>> y = SpatialDropout1D(0.5, seed=1)(np.ones((1, 3, 4), "float32"), training=True)
        >>> bool((y == y[:, :1]).all())
        True
    """

    @accepts(rate=SHARE)
    def __init__(self, rate, seed=None, name=None, dtype=None):
        super().__init__(rate, 3, None, seed, name, dtype)


class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images, (N, H, W, C), while training.

    Args:
        rate: the part of the channels that is dropped.
        data_format: `"channels_last"` or `"channels_first"`; the configured one by default.
        seed: a number.

    Example:
        >>> import numpy as np
        >>> y = SpatialDropout2D(0.5, seed=1)(np.ones((1, 4, 4, 6), "float32"), training=True)
        >>> y[0, 0, 0], bool((y == y[:, :1, :1]).all())
        (array([2., 2., 0., 2., 0., 0.], dtype=float32), True)
    """

    @accepts(rate=SHARE)
    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None):
        self.data_format = format_name(data_format)
        super().__init__(rate, 4, self.data_format, seed, name, dtype)

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of volumes, (N, D, H, W, C), while training.

    Args:
        rate: the part of the channels that is dropped.
        data_format: `"channels_last"` or `"channels_first"`; the configured one by default.
        seed: a number.

    Example:
        >>> import numpy as np
        >>> y = SpatialDropout3D(0.5, seed=1)(np.ones((1, 2, 4, 4, 6), "float32"), training=True)
        >>> bool((y == y[:, :1, :1, :1]).all())
        True
    """

    @accepts(rate=SHARE)
    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None):
        self.data_format = format_name(data_format)
        super().__init__(rate, 5, self.data_format, seed, name, dtype)

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}
