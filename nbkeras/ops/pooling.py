"""Pooling: the greatest or the mean of each window."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import ShapeError
from nbkeras.ops import shaping
from nbkeras.ops.common import cast, dtype_name, emit, floating, is_float, op, tensor, tracing
from nbkeras.ops.convolving import (
    channels_back,
    channels_last,
    format_name,
    front_padding,
    output_size,
    padding_name,
    per_axis,
)


def _pool(name, x, pool_size, strides, padding, data_format, **params):
    """A pooling primitive on x in either format, as (n, d, h, w, c)."""
    x = floating(x)
    rank = len(x.shape) - 2
    if not 1 <= rank <= 3:
        raise ShapeError(f"{name}: expected a tensor of rank 3, 4 or 5, got shape {tuple(x.shape)}.")
    window = per_axis(pool_size, rank, "pool_size")
    strides = window if strides is None else per_axis(strides, rank, "strides")
    padding, data_format = padding_name(padding), format_name(data_format)
    x = channels_last(x, data_format)
    lengths = x.shape[1:-1]
    axes = [(n, k, s, padding, 1) for n, k, s in zip(lengths, window, strides, strict=True)]
    out = [output_size(*axis) for axis in axes]
    if min(out) < 1:
        raise ShapeError(
            f"{name}: a window of {window} does not fit into an input of {tuple(lengths)} with padding {padding!r}.",
            next="choose a smaller pool_size or padding 'same'.",
        )
    before = [front_padding(*axis) for axis in axes]
    missing = 3 - rank
    whole = {
        "window": (*(1,) * missing, *window),
        "strides": (*(1,) * missing, *strides),
        "before": (*(0,) * missing, *before),
        "out": (*(1,) * missing, *out),
    }
    folded = shaping.reshape(x, (x.shape[0], *(1,) * missing, *x.shape[1:]))
    y = emit(name, folded, **whole, **params)
    y = shaping.reshape(y[0] if isinstance(y, tuple) else y, (x.shape[0], *out, x.shape[-1]))
    return channels_back(y, data_format)


@op
def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The greatest value of each window.   (N, ..., C) -> (N, windows..., C)

    Args:
        pool_size: the window's length, one for all spatial axes or one each.
        strides: from one window to the next; pool_size by default.
        padding: 'valid' keeps to whole windows; with 'same' there are ceil(length / stride), cut at the borders.
        data_format: 'channels_last' or 'channels_first'.

    Raises:
        ShapeError: no window fits.

    Example:
        >>> import numpy as np
        >>> max_pool(np.array([[[1.0], [3.0], [2.0], [0.0]]], "float32"), 2)
        array([[[3.],
                [2.]]], dtype=float32)
    """
    x = tensor(inputs)
    dtype = dtype_name(x.dtype)
    if is_float(dtype):
        return _pool("max_pool", x, pool_size, strides, padding, data_format, keep=tracing())
    # The greatest of whole numbers is one; float64 holds them as they are.
    return cast(max_pool(cast(x, "float64"), pool_size, strides, padding, data_format), dtype)


@op
def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The mean of each window, of what lies inside the input.   (N, ..., C) -> (N, windows..., C)

    Args, Raises: as `max_pool`.

    Example:
        >>> import numpy as np
        >>> average_pool(np.array([[[1.0], [3.0], [2.0]]], "float32"), 2, padding="same")
        array([[[2.],
                [2.]]], dtype=float32)
    """
    return _pool("average_pool", inputs, pool_size, strides, padding, data_format)


def _adaptive(pool, x, windows, data_format):
    """Pool each axis to a length: window i covers floor(i n / m) to ceil((i + 1) n / m)."""
    x = floating(x)
    rank = len(x.shape) - 2
    wanted = per_axis(windows, rank, "output_size")
    data_format = format_name(data_format)
    x = channels_last(x, data_format)
    if all(n % m == 0 for n, m in zip(x.shape[1:-1], wanted, strict=True)):
        y = pool(x, tuple(n // m for n, m in zip(x.shape[1:-1], wanted, strict=True)), None, "valid", "channels_last")
        return channels_back(y, data_format)
    for axis, m in enumerate(wanted):
        n = x.shape[1 + axis]
        starts = np.arange(m) * n // m
        lengths = -(-np.arange(1, m + 1) * n // m) - starts
        parts, index, before = [], np.empty(m, np.int64), 0
        for length in sorted(set(lengths.tolist())):
            window = [length if a == axis else 1 for a in range(rank)]
            parts.append(pool(x, window, 1, "valid", "channels_last"))
            index = np.where(lengths == length, starts + before, index)
            before += n - length + 1
        y = emit("concatenate", *parts, axis=1 + axis) if len(parts) > 1 else parts[0]
        x = emit("gather", y, index, axis=1 + axis)
    return channels_back(x, data_format)


@op
def adaptive_max_pool(inputs, output_size, data_format=None):
    """The greatest value of each of `output_size` windows that share the input evenly.

    Args:
        output_size: windows along the spatial axes, one number for all or one each.
        data_format: 'channels_last' or 'channels_first'.

    Example:
        >>> import numpy as np
        >>> adaptive_max_pool(np.arange(6, dtype="float32").reshape(1, 6, 1), 2).ravel()
        array([2., 5.], dtype=float32)
    """
    return _adaptive(max_pool, inputs, output_size, data_format)


@op
def adaptive_average_pool(inputs, output_size, data_format=None):
    """The mean of each of `output_size` windows that share the input evenly. Arguments as in `adaptive_max_pool`.

    Example:
        >>> import numpy as np
        >>> adaptive_average_pool(np.arange(6, dtype="float32").reshape(1, 6, 1), 2).ravel()
        array([1., 4.], dtype=float32)
    """
    return _adaptive(average_pool, inputs, output_size, data_format)
