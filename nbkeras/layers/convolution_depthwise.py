"""Depthwise convolution layers: each channel is convolved by itself."""

from __future__ import annotations

from nbkeras.arguments import FLAG, accepts
from nbkeras.layers.convolution import Convolutional, arguments
from nbkeras.ops import convolving


class BaseDepthwiseConv(Convolutional):
    """activation(convolution of each channel with kernels of its own + bias), over `rank` axes."""

    KERNELS = ("depthwise_kernel",)  # the arguments' names; the weight itself is called `kernel`

    @accepts(use_bias=FLAG)
    def __init__(
        self, rank, depth_multiplier, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
        **options,
    ):  # fmt: skip
        super().__init__(
            rank, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, False, options
        )
        self._positive("depth_multiplier", depth_multiplier)
        self.depth_multiplier = depth_multiplier

    def build(self, input_shape):
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = self._add("depthwise_kernel", shape, name="kernel")
        self._add_bias(channels * self.depth_multiplier)

    def convolve(self, x):
        window = self.strides, self.padding, "channels_last", self.dilation_rate
        return convolving.depthwise(x, self.kernel, self.bias, *window)

    def _units(self, channels):
        return channels * self.depth_multiplier

    def get_config(self):
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier}


class DepthwiseConv1D(BaseDepthwiseConv):
    """A convolution of each channel by itself over time.   (N, T, C) -> (N, T', C depth_multiplier)

    The arguments are those of `DepthwiseConv2D`.

    Example:
        >>> import numpy as np
        >>> DepthwiseConv1D(3)(np.ones((2, 10, 4), "float32")).shape
        (2, 8, 4)
    """

    def __init__(
        self,
        kernel_size,
        strides=1,
        padding="valid",
        depth_multiplier=1,
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(rank=1, **arguments(locals()), **kwargs)


class DepthwiseConv2D(BaseDepthwiseConv):
    """A convolution of each channel by itself over images.   (N, H, W, C) -> (N, H', W', C depth_multiplier)

    Args:
        kernel_size, strides, dilation_rate: sizes, steps and spacing of the window: a number, or one an axis.
        padding: "valid" or "same".
        depth_multiplier: output channels for each input channel.
        data_format: "channels_last" or "channels_first"; the configured one by default.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        depthwise_initializer, bias_initializer: names, objects or functions.
        depthwise_regularizer, bias_regularizer, activity_regularizer: penalties.
        depthwise_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: an argument has no sense.
        ShapeError: the input has another rank, or is smaller than the window.

    Example:
        >>> import numpy as np
        >>> DepthwiseConv2D(3, depth_multiplier=2)(np.ones((1, 5, 5, 3), "float32")).shape
        (1, 3, 3, 6)
    """

    def __init__(
        self,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        depth_multiplier=1,
        data_format=None,
        dilation_rate=(1, 1),
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(rank=2, **arguments(locals()), **kwargs)
