"""Images of other sizes: values repeated, or interpolated by a matrix product along each axis."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.graph.symbol import Symbol
from nbkeras.ops import elementwise as el
from nbkeras.ops import indexing, numpy, products, shaping
from nbkeras.ops.common import check_counts, dtype_name, floating, on_host, op, tensor
from nbkeras.ops.images import batch_of
from nbkeras.ops.values import saturate_cast


def repeated(x, factors):
    """Each value `factors` times along the axes between the first and the last, in one pass."""
    spread, target, shape = [x.shape[0]], [x.shape[0]], [x.shape[0]]
    for n, factor in zip(x.shape[1:-1], factors, strict=True):
        spread += [n, 1]
        target += [n, factor]
        shape.append(n * factor)
    c = x.shape[-1]
    y = shaping.broadcast_to(shaping.reshape(x, (*spread, c)), (*target, c))
    return shaping.reshape(y, (*shape, c))


# Kernels of interpolation take the namespace that they compute with: NumPy, or `ops` where the scale is traced.


def _triangle(x, xp):
    return xp.maximum(0, 1 - x)


def _cubic(x, xp):
    """Keys's kernel with a = -1/2."""
    near = ((1.5 * x - 2.5) * x) * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return xp.where(x < 1, near, xp.where(x < 2, far, 0))


def _lanczos(radius):
    def kernel(x, xp):
        return xp.where(x < radius, xp.sinc(x) * xp.sinc(x / radius), 0)

    return kernel


#: Names of methods of `scale_and_translate` -> kernels.
METHODS = {
    **dict.fromkeys(("linear", "bilinear", "trilinear", "triangle"), "bilinear"),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), "bicubic"),
    "lanczos3": "lanczos3",
    "lanczos5": "lanczos5",
}
KERNELS = {"bilinear": _triangle, "bicubic": _cubic, "lanczos3": _lanczos(3), "lanczos5": _lanczos(5)}


def interpolation_of(name) -> str:
    """A known way of interpolation, in lower case.

    Raises:
        ArgumentError: it is not known.
    """
    found = str(name).lower()
    if found not in ("nearest", *KERNELS):
        raise ArgumentError(f"interpolation must be one of {', '.join(['nearest', *KERNELS])}, got {name!r}.")
    return found


def _weights(n: int, size: int, scale, translation, kernel, antialias: bool, xp=np):
    """The matrix (n, size) of one axis; pixels have their centers at halves, weights of a place inside sum up to 1."""
    places = (np.arange(size) + 0.5 - translation) / scale - 0.5
    weights = kernel(xp.abs(places - np.arange(n)[:, None]) / (xp.maximum(1 / scale, 1) if antialias else 1), xp)
    sums = xp.sum(weights, axis=0)
    weights = weights / xp.where(sums == 0, 1, sums)
    inside = xp.logical_and(places >= -0.5, places <= n - 0.5)
    return xp.where(xp.logical_and(inside, xp.abs(sums) > 1e-4), weights, 0)


def _along(x, axis: int, matrix):
    """The matrix product with one axis of a tensor."""
    kind = dtype_name(x.dtype)
    matrix = tensor(matrix, kind) if isinstance(matrix, Symbol) else matrix.astype(kind)
    return shaping.moveaxis(products.matmul(shaping.moveaxis(x, axis, -1), matrix), -1, axis)


def interpolated(x, factors, interpolation: str):
    """Images (N, H, W, C) larger by whole factors.

    Source: Keys (1981), Cubic convolution interpolation for digital image processing.
    """
    kernel = KERNELS[interpolation]
    for axis, factor in enumerate(factors, 1):
        if factor > 1:
            x = _along(x, axis, _weights(x.shape[axis], x.shape[axis] * factor, factor, 0.0, kernel, False))
    return x


@op
def resize(
    images,
    size,
    interpolation="bilinear",
    antialias=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    fill_mode="constant",
    fill_value=0.0,
    data_format=None,
):
    """Images of another size.   (N, H, W, C) -> (N, size[0], size[1], C), or one image

    Args:
        size: the height and width to come.
        interpolation: 'nearest', 'bilinear', 'bicubic', 'lanczos3' or 'lanczos5'; pixels' centers are at halves.
        antialias: where images become smaller, let each pixel see all that it stands for.
        crop_to_aspect_ratio: take the largest middle part that has the shape to come, so that nothing is distorted.
        pad_to_aspect_ratio: or add borders on both sides for that.
        fill_mode, fill_value: 'constant', and the value of borders.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Returns:
        Images of the same dtype; whole numbers are rounded and kept in their range.

    Raises:
        ArgumentError: an argument has none of its values.
        ShapeError: the images have neither rank 3 nor 4.

    Example:
        >>> import numpy as np
        >>> resize(np.array([[[0.0], [1.0]]], "float32"), (1, 4))[0, :, 0]
        array([0.  , 0.25, 0.75, 1.  ], dtype=float32)

    Source: Keys (1981), Cubic convolution interpolation for digital image processing.
    """
    if interpolation not in ("nearest", *KERNELS):
        raise ArgumentError(
            f"resize: interpolation must be one of {', '.join(['nearest', *KERNELS])}, got {interpolation!r}."
        )
    if fill_mode != "constant":
        raise ArgumentError(f"resize: fill_mode must be 'constant', got {fill_mode!r}.")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ArgumentError("resize: only one of pad_to_aspect_ratio and crop_to_aspect_ratio can be True.")
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        raise ArgumentError(f"resize: size must be a height and a width, got {size!r}.")
    check_counts("resize", height=size[0], width=size[1])
    x, back = batch_of(images, data_format, "resize")
    (height, width), (new_height, new_width) = x.shape[1:3], size
    # The other sides that would have the proportions to come.
    tall, wide = int(width * new_height / new_width), int(height * new_width / new_height)
    if crop_to_aspect_ratio:
        tall, wide = max(min(height, tall), 1), max(min(width, wide), 1)
        top, left = (height - tall) // 2, (width - wide) // 2
        x = x[:, top : top + tall, left : left + wide]
    elif pad_to_aspect_ratio:
        top, left = (max(height, tall) - height) // 2, (max(width, wide) - width) // 2
        left = 0 if top else left
        x = shaping.pad(x, ((0, 0), (top, top), (left, left), (0, 0)), "constant", fill_value)
    exact = dtype_name(x.dtype)
    x = x if interpolation == "nearest" else floating(x)
    for axis, length in ((1, int(new_height)), (2, int(new_width))):
        n = x.shape[axis]
        if n == length:
            continue
        if interpolation == "nearest":
            x = indexing.take(x, np.floor((np.arange(length) + 0.5) * (n / length)).astype("int64"), axis)
        else:
            x = _along(x, axis, _weights(n, length, length / n, 0.0, KERNELS[interpolation], antialias))
    return back(saturate_cast(x if dtype_name(x.dtype) == exact else el.round(x), exact))


@op
def scale_and_translate(images, output_shape, scale, translation, spatial_dims, method, antialias=True):
    """A tensor scaled and moved along some axes: what was at x comes to scale x + translation; outside is 0.

    Args:
        output_shape: the shape to come; None keeps a length.
        scale, translation: a number for each of `spatial_dims`.
        spatial_dims: the axes; the others keep their lengths.
        method: 'linear', 'cubic', 'lanczos3' or 'lanczos5', or another name of the first two, such as 'bilinear'.
        antialias: where it is made smaller, let each place see all that it stands for.

    Raises:
        ArgumentError: the method is not known, or the lengths of arguments differ.

    Example:
        >>> import numpy as np
        >>> x = np.array([[1.0, 2.0, 3.0]], "float32")
        >>> scale_and_translate(x, (1, 3), np.array([1.0]), np.array([1.0]), (1,), "linear")
        array([[0., 1., 2.]], dtype=float32)
    """
    if method not in METHODS:
        raise ArgumentError(f"scale_and_translate: method must be one of {', '.join(METHODS)}, got {method!r}.")
    known = not any(isinstance(v, Symbol) for v in (scale, translation))
    scale, translation = _numbers(scale, known), _numbers(translation, known)
    x = floating(images)
    if not len(spatial_dims) == len(scale) == len(translation) or len(output_shape) != len(x.shape):
        raise ArgumentError(
            f"scale_and_translate: {len(spatial_dims)} axes, {len(scale)} scales and {len(translation)} translations "
            f"for shape {tuple(output_shape)} from {tuple(x.shape)}.",
            next="give one scale and translation for each of spatial_dims.",
        )
    output_shape = [n if m is None else m for m, n in zip(output_shape, x.shape, strict=True)]
    kernel, xp = KERNELS[METHODS[method]], np if known else numpy
    for axis, factor, shift in zip(spatial_dims, scale, translation, strict=True):
        x = _along(x, axis, _weights(x.shape[axis], int(output_shape[axis]), factor, shift, kernel, antialias, xp))
    return x


def _numbers(values, known) -> list:
    """The numbers of a vector: as floats if known, else as tensors."""
    if known:
        return np.atleast_1d(on_host(values, "scale_and_translate")).astype(float).tolist()
    values = shaping.reshape(floating(values), (-1,))
    return [values[i] for i in range(values.shape[0])]
