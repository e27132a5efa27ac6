"""Colours of images in other spaces."""

from __future__ import annotations

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.primitives import cast
from nbkeras.ops import elementwise as el
from nbkeras.ops import shaping
from nbkeras.ops.common import dtype_name, floating, is_float, op
from nbkeras.ops.images import batch_of


def _channels(images, data_format, name):
    images, back = batch_of(images, data_format, name)
    if not is_float(dtype_name(images.dtype)):
        raise ArgumentError(
            f"{name}: expected images of a float dtype, got {dtype_name(images.dtype)}.",
            next="cast them, and divide by 255 where they are bytes.",
        )
    if images.shape[-1] != 3:
        raise ShapeError(f"{name}: expected 3 channels, got {images.shape[-1]}.")
    return [images[..., i] for i in range(3)], back


@op
def rgb_to_grayscale(images, data_format=None):
    """How bright colours look: 0.2989 R + 0.5870 G + 0.1140 B.   (N, H, W, 3) -> (N, H, W, 1), or one image

    Args:
        images: of any dtype, which the result has too; with one channel they stay as they are.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Example:
        >>> import numpy as np
        >>> rgb_to_grayscale(np.ones((2, 2, 3), "float32")).shape
        (2, 2, 1)
    """
    images, back = batch_of(images, data_format, "rgb_to_grayscale")
    if images.shape[-1] not in (1, 3):
        raise ShapeError(f"rgb_to_grayscale: expected 3 channels or 1, got {images.shape[-1]}.")
    if images.shape[-1] == 1:
        return back(images)
    x = floating(images)
    grey = 0.2989 * x[..., 0:1] + 0.5870 * x[..., 1:2] + 0.1140 * x[..., 2:3]
    return back(cast(grey, dtype_name(images.dtype)))


@op
def rgb_to_hsv(images, data_format=None):
    """Hue, saturation and value of colours, each from 0 to 1.

    Args:
        images: red, green and blue from 0 to 1.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Example:
        >>> import numpy as np
        >>> rgb_to_hsv(np.array([[[0.0, 1.0, 0.0]]], "float32"))[0, 0].round(3)
        array([0.333, 1.   , 1.   ], dtype=float32)
    """
    (red, green, blue), back = _channels(images, data_format, "rgb_to_hsv")
    value = el.maximum(el.maximum(red, green), blue)
    spread = value - el.minimum(el.minimum(red, green), blue)
    saturation = el.where(value > 0, spread / el.where(value > 0, value, 1.0), 0.0)
    sixth = 1.0 / (6.0 * el.where(spread > 0, spread, 1.0))
    hue = el.where(value == green, sixth * (blue - red) + 2.0 / 6.0, sixth * (red - green) + 4.0 / 6.0)
    hue = el.where(value == red, sixth * (green - blue), hue)
    hue = el.where(spread > 0, hue, 0.0) + cast(hue < 0.0, dtype_name(hue.dtype))
    return back(shaping.stack([hue, saturation, value], axis=-1))


@op
def hsv_to_rgb(images, data_format=None):
    """Red, green and blue from hue, saturation and value.

    Args:
        images: hue, saturation and value from 0 to 1.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Example:
        >>> import numpy as np
        >>> hsv_to_rgb(np.array([[[0.0, 1.0, 0.5]]], "float32"))[0, 0]
        array([0.5, 0. , 0. ], dtype=float32)
    """
    (hue, saturation, value), back = _channels(images, data_format, "hsv_to_rgb")
    angle = el.mod(hue, 1.0) * 6.0
    parts = (el.abs(angle - 3.0) - 1.0, 2.0 - el.abs(angle - 2.0), 2.0 - el.abs(angle - 4.0))
    shares = [value * (1.0 - saturation + saturation * el.clip(part, 0.0, 1.0)) for part in parts]
    return back(shaping.stack(shares, axis=-1))
