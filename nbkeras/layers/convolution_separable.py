"""Separable convolution layers: a depthwise convolution, then one that mixes channels."""

from __future__ import annotations

from nbkeras.arguments import FLAG, accepts
from nbkeras.layers.convolution import Convolutional, arguments
from nbkeras.ops import convolving


class BaseSeparableConv(Convolutional):
    """activation(depthwise convolution, mixed by a pointwise kernel, + bias), over `rank` axes."""

    KERNELS = ("depthwise_kernel", "pointwise_kernel")

    @accepts(use_bias=FLAG)
    def __init__(
        self, rank, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation,
        use_bias, **options,
    ):  # fmt: skip
        super().__init__(
            rank, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, False, options
        )
        self._positive("filters", filters)
        self._positive("depth_multiplier", depth_multiplier)
        self.filters, self.depth_multiplier = filters, depth_multiplier

    def build(self, input_shape):
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        self.depthwise_kernel = self._add("depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier))
        mixed = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = self._add("pointwise_kernel", mixed)
        self._add_bias(self.filters)

    def convolve(self, x):
        window = self.strides, self.padding, "channels_last", self.dilation_rate
        spread = convolving.depthwise(x, self.depthwise_kernel, None, *window)
        return convolving.convolution(spread, self.pointwise_kernel, self.bias, data_format="channels_last")

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "depth_multiplier": self.depth_multiplier}


class SeparableConv1D(BaseSeparableConv):
    """A separable convolution over time.   (N, T, C) -> (N, T', filters)

    The arguments are those of `SeparableConv2D`.

    Example:
        >>> import numpy as np
        >>> SeparableConv1D(5, 3)(np.ones((2, 10, 4), "float32")).shape
        (2, 8, 5)
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        pointwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        pointwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(rank=1, **arguments(locals()), **kwargs)


class SeparableConv2D(BaseSeparableConv):
    """A separable convolution over images.   (N, H, W, C) -> (N, H', W', filters)

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: sizes, steps and spacing of the window: a number, or one an axis.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; the configured one by default.
        depth_multiplier: channels that the depthwise part makes of each input channel.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: names, objects or functions.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer: penalties.
        depthwise_constraint, pointwise_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: an argument has no sense.
        ShapeError: the input has another rank, or is smaller than the window.

    Example:
        >>> import numpy as np
        >>> SeparableConv2D(5, 3, padding="same")(np.ones((1, 6, 6, 4), "float32")).shape
        (1, 6, 6, 5)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions" (2017).
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        pointwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        pointwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(rank=2, **arguments(locals()), **kwargs)
