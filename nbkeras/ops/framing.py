"""Parts, borders and neighbourhoods of images: crops, patches, blur, edges, structural similarity."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError
from nbkeras.graph.primitives import cast
from nbkeras.graph.symbol import Symbol
from nbkeras.ops import convolving, products, reducing, shaping
from nbkeras.ops import elementwise as el
from nbkeras.ops.common import dtype_name, floating, op, tensor
from nbkeras.ops.images import batch_of, data_format_of


def _two_of(name, sides, axis, before, after, target):
    """Check that two of three are given, none negative."""
    given = dict(zip((*sides, f"target_{axis}"), (before, after, target), strict=True))
    if sum(value is None for value in given.values()) != 1:
        raise ArgumentError(f"{name}: give exactly two of {', '.join(given)}, got {given}.")
    for key, value in given.items():
        if value is not None and value < (1 if key.startswith("target") else 0):
            raise ArgumentError(f"{name}: {key} cannot be {value}.")


def _rest(name, whole, part, what):
    if whole - part < 0:
        raise ArgumentError(f"{name}: the {what} do not fit: {part} of {whole}.")
    return whole - part


@op
def pad_images(
    images,
    top_padding=None,
    left_padding=None,
    bottom_padding=None,
    right_padding=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Images with borders of zeros.

    Args:
        images: (N, H, W, C), or one image.
        top_padding, bottom_padding, target_height: two of the three say the third.
        left_padding, right_padding, target_width: likewise.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Raises:
        ArgumentError: not two of three are given, one is negative, or the image is larger than its target.

    Example:
        >>> import numpy as np
        >>> pad_images(np.ones((2, 3, 1)), 1, 0, target_height=5, target_width=4).shape
        (5, 4, 1)
    """
    name = "pad_images"
    _two_of(name, ("top_padding", "bottom_padding"), "height", top_padding, bottom_padding, target_height)
    _two_of(name, ("left_padding", "right_padding"), "width", left_padding, right_padding, target_width)
    x, back = batch_of(images, data_format, name)
    height, width = x.shape[1:3]
    if top_padding is None:
        top_padding = _rest(name, target_height, height + bottom_padding, "rows")
    if bottom_padding is None:
        bottom_padding = _rest(name, target_height, height + top_padding, "rows")
    if left_padding is None:
        left_padding = _rest(name, target_width, width + right_padding, "columns")
    if right_padding is None:
        right_padding = _rest(name, target_width, width + left_padding, "columns")
    return back(shaping.pad(x, ((0, 0), (top_padding, bottom_padding), (left_padding, right_padding), (0, 0))))


@op
def crop_images(
    images,
    top_cropping=None,
    left_cropping=None,
    bottom_cropping=None,
    right_cropping=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Parts of images.

    Args:
        images: (N, H, W, C), or one image.
        top_cropping, bottom_cropping, target_height: two of the three say the third.
        left_cropping, right_cropping, target_width: likewise.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Raises:
        ArgumentError: not two of three are given, one is negative, or the image is too small.

    Example:
        >>> import numpy as np
        >>> crop_images(np.ones((5, 6, 1)), 1, 2, target_height=3, target_width=4).shape
        (3, 4, 1)
    """
    name = "crop_images"
    _two_of(name, ("top_cropping", "bottom_cropping"), "height", top_cropping, bottom_cropping, target_height)
    _two_of(name, ("left_cropping", "right_cropping"), "width", left_cropping, right_cropping, target_width)
    x, back = batch_of(images, data_format, name)
    height, width = x.shape[1:3]
    if top_cropping is None:
        top_cropping = _rest(name, height, target_height + bottom_cropping, "rows")
    if target_height is None:
        target_height = _rest(name, height, top_cropping + bottom_cropping + 1, "rows") + 1
    if left_cropping is None:
        left_cropping = _rest(name, width, target_width + right_cropping, "columns")
    if target_width is None:
        target_width = _rest(name, width, left_cropping + right_cropping + 1, "columns") + 1
    _rest(name, height, top_cropping + target_height, "rows")
    _rest(name, width, left_cropping + target_width, "columns")
    return back(x[:, top_cropping : top_cropping + target_height, left_cropping : left_cropping + target_width])


def _patches(name, x, size, rank, strides, dilation_rate, padding, data_format):
    if not isinstance(size, (int, list, tuple)):
        raise ArgumentTypeError(f"{name}: size must be a whole number or {rank} of them, got {size!r}.")
    size = (size,) * rank if isinstance(size, int) else tuple(size)
    if len(size) != rank:
        raise ArgumentTypeError(f"{name}: size must be a whole number or {rank} of them, got {size!r}.")
    x = tensor(x)
    data_format = data_format_of(data_format, name)
    alone = len(x.shape) == rank + 1
    if not alone and len(x.shape) != rank + 2:
        raise ShapeError(f"{name}: expected a tensor of rank {rank + 1} or {rank + 2}, got shape {tuple(x.shape)}.")
    x = shaping.expand_dims(x, 0) if alone else x
    channels = x.shape[-1] if data_format == "channels_last" else x.shape[1]
    count = int(np.prod(size)) * channels
    # A kernel for each value of a patch, which picks that value.
    kernel = np.eye(count, dtype=dtype_name(x.dtype)).reshape(*size, channels, count)
    y = convolving.conv(x, kernel, strides or size, padding, data_format, dilation_rate)
    return shaping.squeeze(y, 0) if alone else y


@op
def extract_patches(images, size, strides=None, dilation_rate=1, padding="valid", data_format=None):
    """The windows of images, each as one vector.   (N, H, W, C) -> (N, H', W', size[0] size[1] C), or one image

    With a size of three numbers, the windows of volumes (N, D, H, W, C), as `extract_patches_3d`.

    Args:
        size: height and width of a window, or one number for both.
        strides: from window to window; the size by default.
        dilation_rate: the distance of a window's pixels.
        padding: 'valid' or 'same'.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Example:
        >>> import numpy as np
        >>> extract_patches(np.ones((2, 6, 6, 3), "float32"), (2, 3)).shape
        (2, 3, 2, 18)
    """
    rank = len(size) if isinstance(size, (list, tuple)) else 2
    if rank not in (2, 3):
        raise ArgumentError(f"extract_patches: size must be a whole number, or 2 or 3 of them, got {size!r}.")
    return _patches("extract_patches", images, size, rank, strides, dilation_rate, padding, data_format)


@op
def extract_patches_3d(volumes, size, strides=None, dilation_rate=1, padding="valid", data_format=None):
    """The windows of volumes, each as one vector; the arguments are those of `extract_patches`."""
    return _patches("extract_patches_3d", volumes, size, 3, strides, dilation_rate, padding, data_format)


def _bell(size: int, sigma):
    """Weights (size,) of a Gaussian; an array where sigma is known, else traced."""
    places = np.arange(size) - (size - 1) / 2
    if isinstance(sigma, Symbol):
        values = el.exp(-0.5 * el.square(el.divide(places.astype("float32"), sigma)))
        return el.divide(values, reducing.sum(values))
    values = np.exp(-0.5 * (places / float(sigma)) ** 2)
    return values / values.sum()


def _each_channel(x, kernel, padding: str):
    """A convolution of each channel with the same kernel (H, W)."""
    if isinstance(kernel, Symbol):
        kernel = cast(shaping.reshape(kernel, (*kernel.shape, 1, 1)), dtype_name(x.dtype))
        kernel = shaping.broadcast_to(kernel, (*kernel.shape[:2], x.shape[-1], 1))
    else:
        kernel = np.repeat(kernel[:, :, None, None], x.shape[-1], axis=2).astype(dtype_name(x.dtype))
    return convolving.depthwise_conv(x, kernel, 1, padding, "channels_last")


@op
def gaussian_blur(images, kernel_size=(3, 3), sigma=(1.0, 1.0), data_format=None):
    """Images whose pixels are means of their neighbours, near ones counting more; outside is 0.

    Args:
        images: float images (N, H, W, C), or one.
        kernel_size: width and height of the neighbourhood.
        sigma: how far neighbours count, along both.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Example:
        >>> import numpy as np
        >>> gaussian_blur(np.ones((3, 3, 1), "float32"))[1, 1].round(6)
        array([1.], dtype=float32)
    """
    x, back = batch_of(images, data_format, "gaussian_blur")
    sigma = [sigma[0], sigma[1]] if isinstance(sigma, Symbol) else sigma
    across, down = (_bell(int(n), s) for n, s in zip(kernel_size, sigma, strict=True))
    known = isinstance(across, np.ndarray) and isinstance(down, np.ndarray)
    return back(_each_channel(floating(x), (np if known else products).outer(down, across), "same"))


@op
def sobel_edges(images, data_format=None):
    """How steep images are, downwards and to the right.   (N, H, W, C) -> (N, H, W, C, 2)

    Args:
        images: a batch of float images.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Example:
        >>> import numpy as np
        >>> sobel_edges(np.ones((1, 3, 3, 1), "float32"))[0, 1, 1, 0]
        array([0., 0.], dtype=float32)
    """
    x, back = batch_of(images, data_format, "sobel_edges")
    if len(tensor(images).shape) != 4:
        raise ShapeError(f"sobel_edges: expected a batch of images, of rank 4, got shape {tuple(images.shape)}.")
    right = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    x = floating(x)
    return shaping.stack([back(_each_channel(x, kernel, "same")) for kernel in (right.T, right)], axis=-1)


@op
def ssim(image1, image2, max_val=1.0, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03, data_format=None):
    """How alike images look, 1 for equal ones.   (N, H, W, C) twice -> (N,), or one image each -> ()

    Args:
        max_val: the largest value that pixels can have.
        filter_size, filter_sigma: the neighbourhood over which statistics are taken.
        k1, k2: keep denominators from 0.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import numpy as np
        >>> image = np.linspace(0, 1, 144, dtype="float32").reshape(12, 12, 1)
        >>> float(ssim(image, image))
        1.0

    Source: Wang, Bovik, Sheikh and Simoncelli (2004), Image quality assessment.
    """
    dtype = dtype_name(tensor(image1).dtype)
    a, _ = batch_of(image1, data_format, "ssim")
    b, _ = batch_of(image2, data_format, "ssim")
    if a.shape != b.shape:
        raise ShapeError(f"ssim: expected images of one shape, got {tuple(a.shape)} and {tuple(b.shape)}.")
    a, b = floating(a), floating(b)
    kernel = np.outer(_bell(filter_size, filter_sigma), _bell(filter_size, filter_sigma))

    def mean(x):
        return _each_channel(x, kernel, "valid")

    mean_a, mean_b = mean(a), mean(b)
    spread_a, spread_b = mean(a * a) - mean_a * mean_a, mean(b * b) - mean_b * mean_b
    together = mean(a * b) - mean_a * mean_b
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    likeness = ((2 * mean_a * mean_b + c1) * (2 * together + c2)) / (
        (mean_a * mean_a + mean_b * mean_b + c1) * (spread_a + spread_b + c2)
    )
    result = cast(reducing.mean(likeness, axis=(1, 2, 3)), dtype)
    return shaping.squeeze(result, 0) if len(tensor(image1).shape) == 3 else result
