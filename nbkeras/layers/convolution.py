"""Convolution layers: what all families share, and Conv1D, Conv2D, Conv3D."""

from __future__ import annotations

from nbkeras import activations, constraints, initializers, regularizers
from nbkeras.arguments import FLAG, NUMBER, accepts, optional
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.layers.input_spec import InputSpec
from nbkeras.layers.layer import Layer
from nbkeras.layers.lora import LowRank, adapted
from nbkeras.ops import convolving
from nbkeras.ops.convolving import channels_back, channels_last, format_name, output_size, padding_name, per_axis


def arguments(given: dict) -> dict:
    """The arguments of a constructor by name, from its `locals()`; the base of its family takes the same names."""
    return {name: value for name, value in given.items() if name not in ("self", "kwargs", "__class__")}


class Convolutional(Layer):
    """What all convolution layers have: a window over `rank` axes, kernels, a bias, an activation.

    A subclass names its kernels in `KERNELS` (each with initializer, regularizer and constraint), makes them in
    `build` and convolves in `convolve`, which sees channels last.
    """

    KERNELS = ("kernel",)

    @accepts(use_bias=FLAG)
    def __init__(
        self, rank, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, causal, options
    ):
        settings = {name: options.pop(name) for name in self._settings()}
        super().__init__(**options)
        self.rank = rank
        try:
            self.kernel_size = per_axis(kernel_size, rank, "kernel_size")
            self.strides = per_axis(strides, rank, "strides")
            self.dilation_rate = per_axis(dilation_rate, rank, "dilation_rate")
            self.padding = padding_name(padding, causal=causal)
            self.data_format = format_name(data_format)
        except ArgumentError as error:
            raise self._refused(error.args[0]) from None
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        for name, (room, _) in self._settings().items():
            setattr(self, name, room.get(settings[name]))
        self.input_spec = InputSpec(ndim=rank + 2)

    @classmethod
    def _settings(cls) -> dict:
        """Argument -> (room that makes it, weight it belongs to), for initializers, regularizers and constraints."""
        rooms = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}
        return {
            f"{weight.removesuffix('_kernel')}_{kind}": (room, weight)
            for weight in (*cls.KERNELS, "bias")
            for kind, room in rooms.items()
        }

    def _refused(self, problem: str, next: str | None = None) -> ArgumentError:
        return ArgumentError(f"layer {self.name!r} ({type(self).__name__}): {problem}", next=next)

    def _positive(self, name: str, value) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise self._refused(f"{name} must be a positive whole number, got {value!r}.")

    def _no_strides_with_dilation(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise self._refused(
                f"strides {self.strides} cannot be used together with dilation_rate {self.dilation_rate}.",
                next="set one of them to 1.",
            )

    def _channels(self, input_shape) -> int:
        """Channels of the input, which is what the layer is built for."""
        axis = -1 if self.data_format == "channels_last" else 1
        if len(input_shape) != self.rank + 2 or input_shape[axis] is None:
            raise ShapeError(
                f"layer {self.name!r} ({type(self).__name__}): the input must have {self.rank + 2} axes and a known "
                f"number of channels ({self.data_format}), got shape {tuple(input_shape)}.",
                next="give Input a shape whose axis of channels is a number.",
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: input_shape[axis]})
        return input_shape[axis]

    def _add(self, weight: str, shape, name: str | None = None):
        """Make a weight with the settings of its own."""
        own = {key: getattr(self, key) for key, (_, owner) in self._settings().items() if owner == weight}
        kinds = {key.rsplit("_", 1)[1]: setting for key, setting in own.items()}
        return self.add_weight(name=name or weight, shape=shape, **kinds)

    def _add_bias(self, units: int) -> None:
        self.bias = self._add("bias", (units,)) if self.use_bias else None

    def convolve(self, x):
        """The convolution with its bias, channels last."""
        raise NotImplementedError

    def call(self, inputs):
        y = channels_back(self.convolve(channels_last(inputs, self.data_format)), self.data_format)
        return self.activation(y)

    def _units(self, channels):
        return self.filters

    def _sizes(self, sizes):
        window = zip(sizes, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        return tuple(output_size(n, k, s, self.padding, d) for n, k, s, d in window)

    def compute_output_shape(self, input_shape):
        last = self.data_format == "channels_last"
        sizes = self._sizes(input_shape[1:-1] if last else input_shape[2:])
        if any(n is not None and n <= 0 for n in sizes):
            raise ShapeError(
                f"layer {self.name!r} ({type(self).__name__}): an input of shape {tuple(input_shape)} is too small for "
                f"kernel_size {self.kernel_size}, strides {self.strides}, dilation_rate {self.dilation_rate} and "
                f"padding {self.padding!r}: the output would have sizes {sizes}.",
                next="use padding='same', a smaller kernel, or larger inputs.",
            )
        units = self._units(input_shape[-1 if last else 1])
        return (input_shape[0], *sizes, units) if last else (input_shape[0], units, *sizes)

    def get_config(self):
        names = ("kernel_size", "strides", "padding", "data_format", "dilation_rate", "use_bias")
        config = {**super().get_config(), **{name: getattr(self, name) for name in names}}
        config["activation"] = activations.serialize(self.activation)
        config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        config.update({name: room.serialize(getattr(self, name)) for name, (room, _) in self._settings().items()})
        return config


class BaseConv(LowRank, Convolutional):
    """activation(convolution of x with kernel + bias), over `rank` axes.

    Args:
        rank: number of axes that the window moves along.
        filters: number of output channels.
        kernel_size, strides, dilation_rate: sizes, steps and spacing of the window: a number, or one an axis.
        padding: "valid" or "same"; with one axis "causal" too: all of it in front.
        data_format: "channels_last" or "channels_first"; the configured one by default.
        groups: channels and filters are cut into as many runs that do not see each other.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: names, objects or functions.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties.
        kernel_constraint, bias_constraint: applied after each update.
        lora_rank, lora_alpha: see `enable_lora`.
    """

    kernel = adapted("kernel")

    @accepts(use_bias=FLAG, lora_alpha=optional(NUMBER))
    def __init__(
        self, rank, filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
        lora_rank=None, lora_alpha=None, **options,
    ):  # fmt: skip
        super().__init__(
            rank, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, rank == 1, options,
            lora_rank=lora_rank, lora_alpha=lora_alpha,
        )  # fmt: skip
        self._positive("filters", filters)
        self._positive("groups", groups)
        if filters % groups:
            raise self._refused(
                f"{filters} filters cannot be cut into {groups} groups.", next="groups must divide filters."
            )
        self._no_strides_with_dilation()
        self.filters, self.groups = filters, groups

    def build(self, input_shape):
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ShapeError(
                f"layer {self.name!r} ({type(self).__name__}): {channels} input channels cannot be cut into "
                f"{self.groups} groups (input shape {tuple(input_shape)}).",
                next="groups must divide the channels of the input.",
            )
        self.compute_output_shape(input_shape)
        self.kernel = self._add("kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self._add_bias(self.filters)
        self._adapt_as_built()

    def convolve(self, x):
        window = self.strides, self.padding, "channels_last", self.dilation_rate, self.groups
        return convolving.convolution(x, self.kernel, self.bias, *window)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "groups": self.groups}


class Conv1D(BaseConv):
    """A convolution over time.   (N, T, C) -> (N, T', filters); with "channels_first" (N, C, T) -> (N, filters, T')

    The arguments are those of `Conv2D`; padding may be "causal".

    Example:
        >>> import numpy as np
        >>> Conv1D(4, 3, padding="causal")(np.ones((2, 10, 3), "float32")).shape
        (2, 10, 4)
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        groups=1,
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


class Conv2D(BaseConv):
    """A convolution over images.   (N, H, W, C) -> (N, H', W', filters)

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: sizes, steps and spacing of the window: a number, or one an axis.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; the configured one by default.
        groups: channels and filters are cut into as many runs that do not see each other.
        activation: name or function; none by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: names, objects or functions.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties.
        kernel_constraint, bias_constraint: applied after each update.

    Raises:
        ArgumentError: an argument has no sense, or strides and dilation are both above 1.
        ShapeError: the input has another rank, channels that groups do not divide, or is smaller than the window.

    Example:
        >>> import numpy as np
        >>> Conv2D(8, 3, strides=2, padding="same", activation="relu")(np.ones((2, 9, 9, 3), "float32")).shape
        (2, 5, 5, 8)

    Source: LeCun et al., "Gradient-based learning applied to document recognition" (1998).
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        groups=1,
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


class Conv3D(BaseConv):
    """A convolution over volumes.   (N, D, H, W, C) -> (N, D', H', W', filters)

    The arguments are those of `Conv2D`.

    Example:
        >>> import numpy as np
        >>> Conv3D(2, (1, 3, 3))(np.ones((1, 4, 5, 6, 3), "float32")).shape
        (1, 4, 3, 4, 2)
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1, 1),
        groups=1,
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
