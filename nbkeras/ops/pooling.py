"""Pooling: the greatest or the mean of each window."""

from __future__ import annotations

import numpy as np

from nbkeras import config
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.ops import shaping
from nbkeras.ops.common import emit, floating, op, tracing


def sizes(value, rank: int, who: str, name: str, least: int = 1) -> tuple[int, ...]:
    """One whole number for every spatial axis, or a sequence of one an axis, as a tuple.

    Raises:
        ArgumentError: it is neither, or a number is too small.
    """
    given = (value,) * rank if isinstance(value, (int, np.integer)) else value
    try:
        result = tuple(int(n) for n in given)
    except (TypeError, ValueError):
        result = ()
    if len(result) != rank or isinstance(value, str) or any(n < least for n in result):
        raise ArgumentError(f"{who}: {name} must be a whole number from {least} on, or {rank} of them, got {value!r}.")
    return result


def format_of(data_format, who: str) -> str:
    """'channels_last' or 'channels_first'; None is the default of the configuration."""
    data_format = config.image_data_format() if data_format is None else str(data_format).lower()
    if data_format not in ("channels_last", "channels_first"):
        raise ArgumentError(f"{who}: data_format must be 'channels_last' or 'channels_first', got {data_format!r}.")
    return data_format


def pooled_length(n: int, window: int, stride: int, padding: str) -> int:
    """Windows along an axis of n places.

    Example:
        >>> pooled_length(7, 2, 2, "valid"), pooled_length(7, 2, 2, "same")
        (3, 4)
    """
    return -(-n // stride) if padding == "same" else (n - window) // stride + 1


def _pool(name, x, pool_size, strides, padding, data_format, **params):
    """A pooling primitive on x in either format, as (n, d, h, w, c)."""
    x = floating(x)
    rank = len(x.shape) - 2
    if not 1 <= rank <= 3:
        raise ShapeError(f"{name}: expected a tensor of rank 3, 4 or 5, got shape {tuple(x.shape)}.")
    window = sizes(pool_size, rank, name, "pool_size")
    strides = window if strides is None else sizes(strides, rank, name, "strides")
    padding = str(padding).lower()
    if padding not in ("valid", "same"):
        raise ArgumentError(f"{name}: padding must be 'valid' or 'same', got {padding!r}.")
    first = format_of(data_format, name) == "channels_first"
    x = shaping.moveaxis(x, 1, -1) if first else x
    lengths = x.shape[1:-1]
    out = [pooled_length(n, k, s, padding) for n, k, s in zip(lengths, window, strides, strict=True)]
    if min(out) < 1:
        raise ShapeError(
            f"{name}: a window of {window} does not fit into an input of {tuple(lengths)} with padding {padding!r}.",
            next="choose a smaller pool_size or padding 'same'.",
        )
    needed = [max(0, (o - 1) * s + k - n) for o, s, k, n in zip(out, strides, window, lengths, strict=True)]
    before = [total // 2 if padding == "same" else 0 for total in needed]
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
    return shaping.moveaxis(y, -1, 1) if first else y


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
    return _pool("max_pool", inputs, pool_size, strides, padding, data_format, keep=tracing())


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


def _adaptive(pool, name, x, output_size, data_format):
    """Pool each axis to a length: window i covers floor(i n / m) to ceil((i + 1) n / m)."""
    x = floating(x)
    rank = len(x.shape) - 2
    wanted = sizes(output_size, rank, name, "output_size")
    first = format_of(data_format, name) == "channels_first"
    x = shaping.moveaxis(x, 1, -1) if first else x
    if all(n % m == 0 for n, m in zip(x.shape[1:-1], wanted, strict=True)):
        y = pool(x, tuple(n // m for n, m in zip(x.shape[1:-1], wanted, strict=True)), None, "valid", "channels_last")
        return shaping.moveaxis(y, -1, 1) if first else y
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
    return shaping.moveaxis(x, -1, 1) if first else x


@op
def adaptive_max_pool(inputs, output_size, data_format=None):
    """The greatest value of each of `output_size` windows that share the input evenly.

    Args:
        output_size: windows along the spatial axes, one number for all or one each.
        data_format: 'channels_last' or 'channels_first'.
    """
    return _adaptive(max_pool, "adaptive_max_pool", inputs, output_size, data_format)


@op
def adaptive_average_pool(inputs, output_size, data_format=None):
    """The mean of each of `output_size` windows that share the input evenly.   Args: as `adaptive_max_pool`."""
    return _adaptive(average_pool, "adaptive_average_pool", inputs, output_size, data_format)
