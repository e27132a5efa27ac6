"""Pictures from and to files and arrays, by Pillow."""

from __future__ import annotations

import io
import os
import warnings

import numpy as np

from nbkeras import config
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError, nearest
from nbkeras.extras import need
from nbkeras.utils.resizing import crop_to, resize

#: Keras's names of Pillow's filters.
FILTERS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
_MODES = {"rgb": "RGB", "rgba": "RGBA"}


def load_img(path, color_mode="rgb", target_size=None, interpolation="nearest", keep_aspect_ratio=False):
    """Read a picture from a file.

    Args:
        path: a path, or a file in memory (`io.BytesIO`).
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        target_size: (height, width) to bring it to; None keeps its size.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"hamming"`, `"box"` or `"lanczos"`.
        keep_aspect_ratio: whether its centre is cut to the target's aspect ratio before, so that nothing is distorted.

    Returns:
        A Pillow image.

    Raises:
        ArgumentError, ArgumentTypeError: an argument of another kind; ExtraMissing: Pillow is not installed.

    Example:
        >>> buffer = io.BytesIO()
        >>> save_img(buffer, np.zeros((4, 6, 3)), file_format="png")
        >>> load_img(buffer, "grayscale", target_size=(2, 3)).size
        (3, 2)

    Source: arguments and results are those of `keras.utils.load_img`.
    """
    image = need("PIL.Image", "load_img")
    if isinstance(path, io.BytesIO):
        picture = image.open(path)
    elif isinstance(path, (str, bytes, os.PathLike)):
        with open(path, "rb") as file:
            picture = image.open(io.BytesIO(file.read()))
    else:
        raise ArgumentTypeError(f"load_img: expected a path or io.BytesIO, got a {type(path).__name__}.")
    if color_mode == "grayscale":
        if picture.mode not in ("L", "I;16", "I"):
            picture = picture.convert("L")
    elif color_mode in _MODES:
        picture = picture if picture.mode == _MODES[color_mode] else picture.convert(_MODES[color_mode])
    else:
        raise ArgumentError(f"load_img: expected color_mode 'grayscale', 'rgb' or 'rgba', got {color_mode!r}.")
    if target_size is None or picture.size == (target_size[1], target_size[0]):
        return picture
    if interpolation not in FILTERS:
        raise ArgumentError(f"load_img: unknown interpolation {interpolation!r}; {nearest(interpolation, FILTERS)}")
    return picture.resize(
        (target_size[1], target_size[0]),
        getattr(image.Resampling, interpolation.upper()),
        box=_centre(picture.size, target_size) if keep_aspect_ratio else None,
    )


def _centre(size: tuple[int, int], target_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest centred box (left, top, right, bottom) of a picture with the target's aspect ratio."""
    width, height = size
    rows = min(height, (width * target_size[0]) // target_size[1])
    columns = min(width, (height * target_size[1]) // target_size[0])
    left, top = (width - columns) // 2, (height - rows) // 2
    return left, top, left + columns, top + rows


def img_to_array(img, data_format=None, dtype=None):
    """A Pillow image as an array.

    Args:
        img: the image.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` by default.
        dtype: of the array; `config.floatx()` by default.

    Shapes:
        result (H, W, C), or (C, H, W).

    Raises:
        ShapeError: neither a grey nor a coloured image.

    Example:
        >>> img_to_array(array_to_img(np.ones((2, 3, 1)), scale=False)).shape
        (2, 3, 1)
    """
    array = np.asarray(img, dtype=dtype or config.floatx())
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3:
        raise ShapeError(f"img_to_array: expected an image of two or three axes, got shape {array.shape}.")
    return array.transpose(2, 0, 1) if _format(data_format) == "channels_first" else array


def array_to_img(x, data_format=None, scale=True, dtype=None):
    """An array as a Pillow image.

    Args:
        x: one image.
        data_format: `"channels_last"` or `"channels_first"`; `config.image_data_format()` by default.
        scale: whether its values are stretched to 0 to 255; else they are taken as they are.
        dtype: in which that is computed; `config.floatx()` by default.

    Shapes:
        x (H, W, C) with 1, 3 or 4 channels, or (C, H, W).

    Raises:
        ShapeError: another rank or number of channels; ExtraMissing: Pillow is not installed.

    Example:
        >>> array_to_img(np.arange(12).reshape(2, 2, 3)).mode
        'RGB'
    """
    image = need("PIL.Image", "array_to_img")
    x = np.asarray(x, dtype=dtype or config.floatx())
    if x.ndim != 3:
        raise ShapeError(f"array_to_img: expected one image of rank 3, got shape {x.shape}.")
    if _format(data_format) == "channels_first":
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in (1, 3, 4):
        raise ShapeError(f"array_to_img: expected 1, 3 or 4 channels, got {x.shape[2]} (shape {x.shape}).")
    if scale:
        x = x - x.min()
        x = x / (x.max() or 1) * 255
    if x.shape[2] > 1:
        return image.fromarray(x.astype("uint8"))
    # More than a byte holds: whole numbers of 32 bits.
    return image.fromarray(x[:, :, 0].astype("int32" if x.max() > 255 else "uint8"))


def save_img(path, x, data_format=None, file_format=None, scale=True, **kwargs):
    """Write an array as a picture.

    Args:
        path: a path or an open binary file.
        x, data_format, scale: as in `array_to_img`.
        file_format: such as `"png"`; the path's ending by default.
        kwargs: what Pillow's `save` takes.

    Example:
        >>> buffer = io.BytesIO()
        >>> save_img(buffer, np.zeros((4, 6, 3)), file_format="png")
        >>> buffer.getvalue()[1:4]
        b'PNG'
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = os.path.splitext(path)[1][1:]
    file_format = (file_format or "").lower().replace("jpg", "jpeg") or None
    picture = array_to_img(x, data_format=data_format, scale=scale)
    if picture.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("save_img: JPEG has no transparency: the picture is saved as RGB.", stacklevel=2)
        picture = picture.convert("RGB")
    picture.save(path, format=file_format, **kwargs)


def smart_resize(x, size, interpolation="bilinear", data_format="channels_last"):
    """Resize images without distortion: what does not fit the target's aspect ratio is cut off evenly.

    Args:
        x: an image or a batch of images.
        size: (height, width).
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        data_format: `"channels_last"` or `"channels_first"`.

    Shapes:
        x (H, W, C) or (N, H, W, C) -> the same with another H and W, float32.

    Raises:
        ArgumentError, ShapeError: a size that is no pair, another rank.

    Example:
        >>> smart_resize(np.zeros((2, 10, 20, 3)), (5, 5)).shape
        (2, 5, 5, 3)
    """
    if len(size) != 2:
        raise ArgumentError(f"smart_resize: expected size to be (height, width), got {size!r}.")
    x = np.asarray(x)
    if x.ndim not in (3, 4):
        raise ShapeError(f"smart_resize: expected one image of rank 3 or a batch of rank 4, got shape {x.shape}.")
    first = _format(data_format) == "channels_first"
    resized = resize(crop_to(np.moveaxis(x, -3, -1) if first else x, size), tuple(size), interpolation)
    return np.moveaxis(resized, -1, -3) if first else resized


def _format(data_format: str | None) -> str:
    data_format = data_format or config.image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ArgumentError(f"expected data_format 'channels_last' or 'channels_first', got {data_format!r}.")
    return data_format
