"""Transposed convolution layers: from few positions to many."""

from __future__ import annotations

from nbkeras.arguments import FLAG, accepts
from nbkeras.errors import ArgumentError
from nbkeras.layers.convolution import Convolutional, arguments
from nbkeras.ops import convolving
from nbkeras.ops.convolving import per_axis, transposed_size


class BaseConvTranspose(Convolutional):
    """activation(transposed convolution of x with kernel + bias), over `rank` axes."""

    @accepts(use_bias=FLAG)
    def __init__(
        self, rank, filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation,
        use_bias, **options,
    ):  # fmt: skip
        super().__init__(
            rank, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, False, options
        )
        self._positive("filters", filters)
        self._no_strides_with_dilation()
        self.filters = filters
        self.output_padding = None
        if output_padding is not None:
            try:
                self.output_padding = per_axis(output_padding, rank, "output_padding", 0)
            except ArgumentError as error:
                raise self._refused(error.args[0]) from None
            if any(extra >= stride for extra, stride in zip(self.output_padding, self.strides, strict=True)):
                raise self._refused(
                    f"output_padding {self.output_padding} must be less than strides {self.strides} along each axis."
                )

    def build(self, input_shape):
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        self.kernel = self._add("kernel", (*self.kernel_size, self.filters, channels))
        self._add_bias(self.filters)

    def convolve(self, x):
        options = self.strides, self.padding, self.output_padding, "channels_last", self.dilation_rate
        y = convolving.transposed(x, self.kernel, *options)
        return y if self.bias is None else y + self.bias

    def _sizes(self, sizes):
        extra = (None,) * self.rank if self.output_padding is None else self.output_padding
        window = zip(sizes, self.kernel_size, self.strides, extra, self.dilation_rate, strict=True)
        return tuple(transposed_size(n, k, s, self.padding, extra, d) for n, k, s, extra, d in window)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "output_padding": self.output_padding}


class Conv1DTranspose(BaseConvTranspose):
    """A transposed convolution over time.   (N, T, C) -> (N, T', filters)

    The arguments are those of `Conv2DTranspose`.

    Example:
        >>> import numpy as np
        >>> Conv1DTranspose(2, 3, strides=2)(np.ones((1, 5, 4), "float32")).shape
        (1, 11, 2)
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        output_padding=None,
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(rank=1, **arguments(locals()), **kwargs)


class Conv2DTranspose(BaseConvTranspose):
    """A transposed convolution over images.   (N, H, W, C) -> (N, H', W', filters)

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: sizes, steps and spacing of the window: a number, or one an axis.
        padding: "valid" or "same".
        output_padding: outputs more than the least, a number or one an axis, less than the strides; by default as
            many as make the output strides times as large ("same"), or hold every step whole ("valid").
        data_format: "channels_last" or "channels_first"; the configured one by default.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: names, objects or functions.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties.
        kernel_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: an argument has no sense, or strides and dilation are both above 1.
        ShapeError: the input has another rank.

    Example:
        >>> import numpy as np
        >>> Conv2DTranspose(2, 3, strides=2, padding="same")(np.ones((1, 4, 5, 3), "float32")).shape
        (1, 8, 10, 2)

    Source: Zeiler et al., "Deconvolutional networks" (2010).
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        output_padding=None,
        data_format=None,
        dilation_rate=(1, 1),
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(rank=2, **arguments(locals()), **kwargs)


class Conv3DTranspose(BaseConvTranspose):
    """A transposed convolution over volumes.   (N, D, H, W, C) -> (N, D', H', W', filters)

    The arguments are those of `Conv2DTranspose`.

    Example:
        >>> import numpy as np
        >>> Conv3DTranspose(2, 2, strides=2)(np.ones((1, 2, 3, 4, 3), "float32")).shape
        (1, 4, 6, 8, 2)
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1, 1),
        padding="valid",
        data_format=None,
        output_padding=None,
        dilation_rate=(1, 1, 1),
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(rank=3, **arguments(locals()), **kwargs)
