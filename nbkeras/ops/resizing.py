"""Images made larger: values repeated, or interpolated by a matrix product along each axis."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.ops import linalg, shaping
from nbkeras.ops.common import dtype_name


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


def _triangle(x):
    return np.maximum(0, 1 - x)


def _cubic(x):
    """Keys's kernel with a = -1/2."""
    near = ((1.5 * x - 2.5) * x) * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(radius):
    def kernel(x):
        return np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0)

    return kernel


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


def _weights(n: int, factor: int, kernel) -> np.ndarray:
    """The matrix (n * factor, n) of one axis; pixels have their centers at halves, weights sum up to 1."""
    places = (np.arange(n * factor) + 0.5) / factor - 0.5
    weights = kernel(np.abs(places[:, None] - np.arange(n)))
    return weights / weights.sum(axis=1, keepdims=True)


def interpolated(x, factors, interpolation: str):
    """Images (N, H, W, C) larger by whole factors.

    Source: Keys (1981), Cubic convolution interpolation for digital image processing.
    """
    kernel = KERNELS[interpolation]
    for axis, factor in enumerate(factors, 1):
        if factor > 1:
            matrix = _weights(x.shape[axis], factor, kernel).T.astype(dtype_name(x.dtype))
            x = shaping.moveaxis(linalg.matmul(shaping.moveaxis(x, axis, -1), matrix), -1, axis)
    return x
