"""Convolutions: over any number of axes, depthwise, separable and transposed."""

from __future__ import annotations

import math

import numpy as np

from nbkeras import config
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.ops import shaping
from nbkeras.ops.common import emit, op, promote


def per_axis(value, rank: int, name: str, least: int = 1) -> tuple[int, ...]:
    """One whole number for each of `rank` axes, from a number or a sequence.

    Example:
        >>> per_axis(2, 3, "strides"), per_axis([1, 2], 2, "strides")
        ((2, 2, 2), (1, 2))

    Raises:
        ArgumentError: another number of values, or one that is no whole number from `least` on.
    """
    whole = (int, np.integer)
    values = (value,) * rank if isinstance(value, whole) and not isinstance(value, bool) else value
    fits = isinstance(values, (list, tuple)) and len(values) == rank
    if not fits or any(not isinstance(v, whole) or isinstance(v, bool) or v < least for v in values):
        raise ArgumentError(
            f"{name} must be a whole number from {least} on, or {rank} of them, got {value!r}.",
            next=f"give one number for all axes, or a tuple of {rank}.",
        )
    return tuple(int(v) for v in values)


def padding_name(padding, causal: bool = False) -> str:
    """A padding in lower case.

    Raises:
        ArgumentError: it is none of 'valid' and 'same' ('causal' where that has a sense).
    """
    known = ("valid", "same", "causal") if causal else ("valid", "same")
    if not isinstance(padding, str) or padding.lower() not in known:
        raise ArgumentError(f"padding must be one of {', '.join(map(repr, known))}, got {padding!r}.")
    return padding.lower()


def format_name(data_format) -> str:
    """A data format, the configured one for None.

    Raises:
        ArgumentError: it is neither 'channels_last' nor 'channels_first'.
    """
    if data_format is None:
        return config.image_data_format()
    if str(data_format).lower() not in ("channels_last", "channels_first"):
        raise ArgumentError(f"data_format must be 'channels_last' or 'channels_first', got {data_format!r}.")
    return str(data_format).lower()


def output_size(size, taps: int, stride: int, padding: str, dilation: int):
    """How many outputs an axis has, None for an open one; 0 or less where the window does not fit."""
    if size is None:
        return None
    if padding != "valid":
        return -(-size // stride)
    return (size - (taps - 1) * dilation - 1) // stride + 1


def front_padding(size: int, taps: int, stride: int, padding: str, dilation: int) -> int:
    """What is padded in front of an axis: with 'same' half of what is needed, rounded down."""
    reach = (taps - 1) * dilation
    if padding == "causal":
        return reach
    if padding == "valid":
        return 0
    return max(0, (output_size(size, taps, stride, padding, dilation) - 1) * stride + reach + 1 - size) // 2


def transposed_size(size, taps: int, stride: int, padding: str, output_padding, dilation: int):
    """How many outputs an axis of a transposed convolution has, None for an open one."""
    if size is None:
        return None
    reach = (taps - 1) * dilation + 1
    if padding == "valid":
        extra = max(reach, stride) - reach if output_padding is None else output_padding
        return (size - 1) * stride + reach + extra
    return size * stride if output_padding is None else (size - 1) * stride + reach % 2 + output_padding


def _transposed_front(taps: int, stride: int, padding: str, output_padding, dilation: int) -> int:
    """What a transposed convolution leaves out in front of an axis."""
    reach = (taps - 1) * dilation + 1
    if padding == "valid":
        return 0
    total = stride + reach - 2 if output_padding is None else reach + reach % 2 - 2 + output_padding
    return max(0, reach - 1 - (total + 1) // 2)


def channels_last(x, data_format: str):
    """The tensor with its channels last."""
    return shaping.moveaxis(x, 1, -1) if data_format == "channels_first" else x


def channels_back(y, data_format: str):
    """A tensor with channels last in the data format."""
    return shaping.moveaxis(y, -1, 1) if data_format == "channels_first" else y


def _rank(name, x, kernel) -> int:
    rank = len(x.shape) - 2
    if rank not in (1, 2, 3) or len(kernel.shape) != rank + 2:
        raise ShapeError(
            f"{name}: inputs {tuple(x.shape)} and kernel {tuple(kernel.shape)} do not fit.",
            next="inputs are (batch, 1 to 3 axes, channels), kernels (as many sizes, channels in, channels out).",
        )
    return rank


def convolution(
    x, kernel, bias=None, strides=1, padding="valid", data_format=None, dilation_rate=1, groups=None, name="conv"
):
    """A convolution and its bias in one launch: what the layers are made of.

    x (N, *S, C), kernel (*K, C / groups, U), bias (U,) -> (N, *S', U)

    Args:
        padding: 'causal' too: all of it in front.
        groups: C over the kernel's channels if None.
        name: who complains.
    """
    data_format = format_name(data_format)
    padding = padding_name(padding, causal=True)
    tensors = promote(x, kernel, floating=True) if bias is None else promote(x, kernel, bias, floating=True)
    x, kernel = channels_last(tensors[0], data_format), tensors[1]
    rank = _rank(name, x, kernel)
    strides, dilation = per_axis(strides, rank, "strides"), per_axis(dilation_rate, rank, "dilation_rate")
    channels, each, units = x.shape[-1], kernel.shape[-2], kernel.shape[-1]
    if channels % each or units % (channels // each or 1) or (groups is not None and channels != groups * each):
        raise ShapeError(
            f"{name}: {channels} input channels do not fit a kernel of shape {tuple(kernel.shape)}.",
            next="its last but one size must divide the input's channels, and the number of groups its last one.",
        )
    window = [(n, k, s, padding, d) for n, k, s, d in zip(x.shape[1:], kernel.shape, strides, dilation, strict=False)]
    sizes = tuple(output_size(*axis) for axis in window[:rank])
    if min(sizes) <= 0 and 0 not in x.shape[1:-1]:
        raise ShapeError(
            f"{name}: inputs {tuple(x.shape)} are too small for a kernel of shape {tuple(kernel.shape)}, strides "
            f"{strides} and dilation {dilation}: the output would have sizes {sizes}.",
            next="use padding='same', a smaller kernel, or larger inputs.",
        )
    y = emit(
        "convolution",
        x,
        kernel,
        *tensors[2:],
        shape=sizes,
        stride=strides,
        dilation=dilation,
        padding=tuple(front_padding(*axis) for axis in window[:rank]),
        groups=channels // each,
    )
    return channels_back(y, data_format)


@op
def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """A convolution over 1 to 3 axes.   inputs (N, *S, C), kernel (*K, C / groups, U) -> (N, *S', U)

    Args:
        inputs: with data_format "channels_first" of shape (N, C, *S).
        kernel: if it has fewer channels than the inputs, these are cut into groups of as many.
        strides, dilation_rate: one number, or one an axis.
        padding: "valid", or "same": zeros around, half in front rounded down, for ceil(S / strides) outputs.
        data_format: "channels_last" or "channels_first"; the configured one if None.

    Raises:
        ShapeError: ranks or channels do not fit, or nothing would come out.
        ArgumentError: strides, dilation, padding or data format are none.

    Example:
        >>> import numpy as np
        >>> conv(np.ones((1, 4, 1), "float32"), np.ones((3, 1, 1), "float32"), padding="same")[0, :, 0]
        array([2., 3., 3., 2.], dtype=float32)

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016).
    """
    return convolution(inputs, kernel, None, strides, padding_name(padding), data_format, dilation_rate)


def depthwise(
    x, kernel, bias=None, strides=1, padding="valid", data_format=None, dilation_rate=1, name="depthwise_conv"
):
    """A depthwise convolution and its bias.   kernel (*K, C, M): M outputs for each channel"""
    data_format = format_name(data_format)
    rank = len(x.shape) - 2
    channels = x.shape[-1 if data_format == "channels_last" else 1]
    if len(kernel.shape) != rank + 2 or channels != kernel.shape[-2]:
        raise ShapeError(
            f"{name}: inputs {tuple(x.shape)} in {data_format} and kernel {tuple(kernel.shape)} do not fit.",
            next="a kernel is (*sizes, channels of the inputs, outputs for each).",
        )
    flat = shaping.reshape(kernel, (*kernel.shape[:-2], 1, channels * kernel.shape[-1]))
    return convolution(x, flat, bias, strides, padding, data_format, dilation_rate, name=name)


@op
def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """A convolution of each channel by itself.   inputs (N, *S, C), kernel (*K, C, M) -> (N, *S', C M)

    Arguments and errors are those of `conv`.

    Example:
        >>> import numpy as np
        >>> depthwise_conv(np.ones((1, 3, 2), "float32"), np.ones((2, 2, 1), "float32"))[0, 0]
        array([2., 2.], dtype=float32)
    """
    return depthwise(inputs, kernel, None, strides, padding_name(padding), data_format, dilation_rate)


@op
def separable_conv(
    inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1
):
    """A depthwise convolution, then one that mixes channels.

    inputs (N, *S, C), depthwise_kernel (*K, C, M), pointwise_kernel (*ones, C M, U) -> (N, *S', U)

    Arguments and errors are those of `conv`.

    Example:
        >>> import numpy as np
        >>> x, depthwise_kernel, pointwise_kernel = np.ones((1, 5, 5, 2)), np.ones((3, 3, 2, 1)), np.ones((1, 1, 2, 4))
        >>> separable_conv(x, depthwise_kernel, pointwise_kernel).shape
        (1, 3, 3, 4)
    """
    spread = depthwise(inputs, depthwise_kernel, None, strides, padding_name(padding), data_format, dilation_rate)
    return convolution(spread, pointwise_kernel, None, 1, "valid", data_format)


def transposed(
    x, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1,
    name="conv_transpose",
):  # fmt: skip
    """A transposed convolution with its channels last: see `conv_transpose`."""
    x, kernel = promote(x, kernel, floating=True)
    rank = _rank(name, x, kernel)
    padding = padding_name(padding)
    strides, dilation = per_axis(strides, rank, "strides"), per_axis(dilation_rate, rank, "dilation_rate")
    extra = (None,) * rank if output_padding is None else per_axis(output_padding, rank, "output_padding", 0)
    if x.shape[-1] != kernel.shape[-1]:
        raise ShapeError(
            f"{name}: {x.shape[-1]} input channels do not fit a kernel of shape {tuple(kernel.shape)}.",
            next="a kernel of a transposed convolution is (*sizes, channels out, channels in).",
        )
    axes = list(zip(kernel.shape[:rank], strides, (padding,) * rank, extra, dilation, strict=True))
    sizes = tuple(transposed_size(n, *axis) for n, axis in zip(x.shape[1:-1], axes, strict=True))
    if math.prod(x.shape[1:-1]) and min(sizes) <= 0:
        raise ShapeError(f"{name}: inputs {tuple(x.shape)} are too small: the output would have sizes {sizes}.")
    return emit(
        "convolution_input",
        x,
        kernel,
        shape=sizes,
        stride=strides,
        dilation=dilation,
        padding=tuple(_transposed_front(*axis) for axis in axes),
        groups=1,
    )


@op
def conv_transpose(
    inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1
):
    """The transpose of a convolution: each input adds a scaled kernel to the output.

    inputs (N, *S, C), kernel (*K, U, C) -> (N, *S', U)

    Args:
        output_padding: outputs more than the least, an axis; less than the stride. None makes them S * strides with
            "same" padding, (S - 1) * strides + max(K, strides) with "valid".

    The others, and errors, are those of `conv`.

    Example:
        >>> import numpy as np
        >>> conv_transpose(np.ones((1, 2, 1), "float32"), np.ones((3, 1, 1), "float32"), strides=2)[0, :, 0]
        array([1., 1., 2., 1., 1.], dtype=float32)

    Source: Zeiler et al., "Deconvolutional networks" (2010).
    """
    data_format = format_name(data_format)
    x = channels_last(inputs, data_format)
    y = transposed(x, kernel, strides, padding, output_padding, data_format, dilation_rate)
    return channels_back(y, data_format)
