"""Images of another size, on the host: what loading pictures needs."""

from __future__ import annotations

import functools

import numpy as np

from nbkeras.errors import ArgumentError, nearest


def _triangle(x):
    return np.maximum(0, 1 - np.abs(x))


def _cubic(x):
    # Keys' kernel with a = -0.5.
    x = np.abs(x)
    inner = (1.5 * x - 2.5) * x * x + 1
    outer = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, inner, np.where(x < 2, outer, 0))


def _lanczos(radius, x):
    return np.where(np.abs(x) < radius, np.sinc(x) * np.sinc(x / radius), 0)


#: Interpolation -> the weight of a pixel by its distance.
KERNELS = {
    "bilinear": _triangle,
    "bicubic": _cubic,
    "lanczos3": functools.partial(_lanczos, 3),
    "lanczos5": functools.partial(_lanczos, 5),
}


def resize(image: np.ndarray, size: tuple[int, int], interpolation: str = "bilinear") -> np.ndarray:
    """An image with another height and width, without smoothing where it shrinks.

    Args:
        image: one or more images.
        size: (height, width).
        interpolation: `"nearest"` or a key of `KERNELS`.

    Shapes:
        image (..., H, W, C) -> (..., height, width, C), float32.

    Example:
        >>> resize(np.array([[[0.0], [2.0]]]), (1, 4))[0, :, 0].tolist()
        [0.0, 0.5, 1.5, 2.0]

    Source: the sampling points and kernels of `jax.image.resize` with antialias=False, which Keras uses.
    """
    if interpolation != "nearest" and interpolation not in KERNELS:
        raise ArgumentError(
            f"resize: unknown interpolation {interpolation!r}; {nearest(interpolation, ['nearest', *KERNELS])}"
        )
    image = np.asarray(image, dtype=np.float32)
    for axis, wanted in ((-3, size[0]), (-2, size[1])):
        given = image.shape[axis]
        if given == wanted:
            continue
        if interpolation == "nearest":
            rows = np.floor((np.arange(wanted) + 0.5) * given / wanted).astype(int)
            image = np.take(image, np.minimum(rows, given - 1), axis=axis)
        else:
            image = np.moveaxis(np.tensordot(_weights(given, wanted, interpolation), image, (1, axis)), 0, axis)
    return np.ascontiguousarray(image)


def fit(image: np.ndarray, size: tuple[int, int], interpolation: str, crop: bool, pad: bool) -> np.ndarray:
    """Resize an image (H, W, C) as it is, or its largest part of the wanted aspect ratio, or framed in black."""
    if crop:
        image = crop_to(image, size)
    elif pad:
        height, width = image.shape[:2]
        # As Keras has it, an odd row or column is not made up for.
        rows = (max(height, int(width * size[0] / size[1])) - height) // 2
        columns = (max(width, int(height * size[1] / size[0])) - width) // 2
        image = np.pad(image, ((rows, rows), (columns, columns), (0, 0)))
    return resize(image, size, interpolation)


def crop_to(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The largest centred part (..., h, w, C) with the aspect ratio of a size."""
    height, width = image.shape[-3:-1]
    rows = max(min(height, int(width * size[0] / size[1])), 1)
    columns = max(min(width, int(height * size[1] / size[0])), 1)
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[..., top : top + rows, left : left + columns, :]


@functools.lru_cache(maxsize=64)
def _weights(given: int, wanted: int, interpolation: str) -> np.ndarray:
    """How much each given pixel counts in each wanted one, (wanted, given)."""
    places = (np.arange(wanted) + 0.5) * given / wanted - 0.5
    weights = KERNELS[interpolation](places[:, None] - np.arange(given))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)
