"""The CPU's arrays: NumPy arrays whose first element lies on a cache line."""

from __future__ import annotations

import math

import numpy as np

#: Bytes; a vector register of any processor fits without crossing a cache line.
ALIGNMENT = 64


def empty(shape, dtype) -> np.ndarray:
    """An uninitialized array that starts at a multiple of 64 bytes.

    Example:
        >>> empty((3, 5), "float32").ctypes.data % 64
        0
    """
    dtype = np.dtype(dtype)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    raw = np.empty(math.prod(shape) * dtype.itemsize + ALIGNMENT, np.uint8)
    return np.ndarray(shape, dtype, raw, -raw.__array_interface__["data"][0] % ALIGNMENT)


def to_host(array: np.ndarray) -> np.ndarray:
    """The array itself."""
    return array


def from_host(array: np.ndarray, values: np.ndarray) -> None:
    """Copy values into an array."""
    np.copyto(array, values)


def address(array: np.ndarray) -> int | None:
    """Where the array lies, if a kernel can read it there: no gaps, aligned, the machine's byte order.

    Example:
        >>> rows = np.zeros((4, 6), "float32")
        >>> address(rows) == rows.ctypes.data, address(rows[:, :2])
        (True, None)
    """
    flags = array.flags
    if flags.c_contiguous and flags.aligned and array.dtype.isnative:
        return array.__array_interface__["data"][0]
    return None


def wait() -> None:
    """Nothing: a program's run returns when its launches have ended."""
