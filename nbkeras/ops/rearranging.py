"""Tensors taken apart and put together: blocks and channels, windows, patterns of named axes."""

from __future__ import annotations

import math
import re

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.ops import shaping
from nbkeras.ops.common import check_counts, emit, op, tensor


def _channels_last(data_format, name) -> bool:
    if data_format not in ("channels_last", "channels_first"):
        raise ArgumentError(f"{name}: data_format must be channels_last or channels_first, got {data_format!r}.")
    return data_format == "channels_last"


def _block(name, size) -> int:
    if not isinstance(size, (int, np.integer)) or size < 2:
        raise ArgumentError(f"{name}: block_size must be a whole number from 2 on, got {size!r}.")
    return int(size)


@op
def depth_to_space(x, block_size, data_format="channels_last"):
    """Groups of block_size**2 channels become blocks of pixels.   (N, H, W, C) -> (N, H b, W b, C / b**2)

    Example:
        >>> import numpy as np
        >>> depth_to_space(np.arange(4, dtype="float32").reshape(1, 1, 1, 4), 2)[0, :, :, 0]
        array([[0., 1.],
               [2., 3.]], dtype=float32)
    """
    x, b, last = tensor(x), _block("depth_to_space", block_size), _channels_last(data_format, "depth_to_space")
    n, *rest = x.shape
    h, w, c = rest if last else (*rest[1:], rest[0])
    if c % (b * b):
        raise ShapeError(f"depth_to_space: {c} channels are not divisible by {b * b}.")
    if last:
        y = shaping.transpose(shaping.reshape(x, (n, h, w, b, b, c // b**2)), (0, 1, 3, 2, 4, 5))
        return shaping.reshape(y, (n, h * b, w * b, c // b**2))
    y = shaping.transpose(shaping.reshape(x, (n, c // b**2, b, b, h, w)), (0, 1, 4, 2, 5, 3))
    return shaping.reshape(y, (n, c // b**2, h * b, w * b))


@op
def space_to_depth(x, block_size, data_format="channels_last"):
    """Blocks of block_size**2 pixels become channels: the inverse of `depth_to_space`.

    Example:
        >>> import numpy as np
        >>> space_to_depth(np.zeros((1, 4, 4, 3)), 2).shape
        (1, 2, 2, 12)
    """
    x, b, last = tensor(x), _block("space_to_depth", block_size), _channels_last(data_format, "space_to_depth")
    n, *rest = x.shape
    h, w, c = rest if last else (*rest[1:], rest[0])
    if h % b or w % b:
        raise ShapeError(f"space_to_depth: {h} by {w} pixels are not divisible into blocks of {b} by {b}.")
    if last:
        y = shaping.transpose(shaping.reshape(x, (n, h // b, b, w // b, b, c)), (0, 1, 3, 2, 4, 5))
        return shaping.reshape(y, (n, h // b, w // b, c * b**2))
    y = shaping.transpose(shaping.reshape(x, (n, c, h // b, b, w // b, b)), (0, 1, 3, 5, 2, 4))
    return shaping.reshape(y, (n, c * b**2, h // b, w // b))


@op
def extract_sequences(x, sequence_length, sequence_stride):
    """Windows along the last axis, as rows.   (..., T) -> (..., 1 + (T - length) // stride, length)

    Example:
        >>> extract_sequences([1.0, 2.0, 3.0, 4.0], 2, 1)
        array([[1., 2.],
               [2., 3.],
               [3., 4.]], dtype=float32)
    """
    x = tensor(x)
    check_counts("extract_sequences", sequence_length=sequence_length, sequence_stride=sequence_stride)
    if not x.shape:
        raise ShapeError("extract_sequences: expected a tensor of rank 1 or more, got shape ().")
    count = 1 + (x.shape[-1] - sequence_length) // sequence_stride
    if count < 1:
        raise ShapeError(f"extract_sequences: no window of {sequence_length} fits in {x.shape[-1]} values.")
    index = sequence_stride * np.arange(count)[:, None] + np.arange(sequence_length)
    return emit("gather", x, index.astype(np.int64), axis=len(x.shape) - 1)


def _two(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _patches(size, kernel, dilation, padding, stride, name):
    """For each patch (row by row) the flat places of its pixels in the padded image: (kernel pixels, patches)."""
    places = []
    for n, k, d, p, s in zip(size, kernel, dilation, padding, stride, strict=True):
        count = (n + 2 * p - d * (k - 1) - 1) // s + 1
        if count < 1:
            raise ShapeError(f"{name}: a kernel of {kernel} does not fit an image of {tuple(size)}.")
        places.append(d * np.arange(k)[:, None] + s * np.arange(count))
    width = size[1] + 2 * padding[1]
    rows, columns = places
    flat = width * rows[:, None, :, None] + columns[None, :, None, :]
    return flat.reshape(math.prod(kernel), -1).astype(np.int64)


@op
def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    """The patches of images as columns.   (N, C, H, W) -> (N, C k k, patches)

    Example:
        >>> import numpy as np
        >>> unfold(np.arange(9, dtype="float32").reshape(1, 1, 3, 3), 2)[0]
        array([[0., 1., 3., 4.],
               [1., 2., 4., 5.],
               [3., 4., 6., 7.],
               [4., 5., 7., 8.]], dtype=float32)
    """
    x = tensor(x)
    kernel, dilation, padding, stride = map(_two, (kernel_size, dilation, padding, stride))
    n, c, h, w = x.shape
    index = _patches((h, w), kernel, dilation, padding, stride, "unfold")
    padded = shaping.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    taken = emit("gather", shaping.reshape(padded, (n, c, -1)), index, axis=2)
    return shaping.reshape(taken, (n, c * index.shape[0], index.shape[1]))


@op
def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Images from their patches, which add up where they overlap.   (N, C k k, patches) -> (N, C, H, W)

    Example:
        >>> import numpy as np
        >>> fold(unfold(np.ones((1, 1, 3, 3), "float32"), 2), (3, 3), 2)[0, 0]
        array([[1., 2., 1.],
               [2., 4., 2.],
               [1., 2., 1.]], dtype=float32)
    """
    x = tensor(x)
    size, kernel, dilation, padding, stride = map(_two, (output_size, kernel_size, dilation, padding, stride))
    index = _patches(size, kernel, dilation, padding, stride, "fold")
    n, channels, patches = x.shape
    if channels % index.shape[0] or patches != index.shape[1]:
        raise ShapeError(
            f"fold: expected (N, C * {index.shape[0]}, {index.shape[1]}) for images of {size}, got {tuple(x.shape)}."
        )
    c = channels // index.shape[0]
    high, wide = (m + 2 * p for m, p in zip(size, padding, strict=True))
    updates = shaping.reshape(x, (n, c, *index.shape))
    y = shaping.reshape(emit("scatter_add", index, updates, axis=2, size=high * wide), (n, c, high, wide))
    inside = {2: slice(padding[0], padding[0] + size[0]), 3: slice(padding[1], padding[1] + size[1])}
    return shaping.sliced(y, inside)


_AXES = re.compile(r"\(([^()]*)\)|(\S+)")


def _sides(pattern):
    left, arrow, right = pattern.partition("->")
    sides = []
    for side in (left, right):
        found = _AXES.findall(side)
        if not arrow or re.sub(_AXES, "", side).strip():
            raise ArgumentError(f"rearrange: expected a pattern such as 'b (h w) c -> b h w c', got {pattern!r}.")
        sides.append([group.split() if not name else [name] for group, name in found])
    names = [sorted(name for part in side for name in part) for side in sides]
    if names[0] != names[1] or len(set(names[0])) != len(names[0]):
        raise ArgumentError(f"rearrange: both sides of {pattern!r} must name the same axes, each once.")
    return sides


@op
def rearrange(tensor, pattern, **axes_lengths):
    """Axes split, merged and reordered by their names.

    Args:
        pattern: such as 'b (h w) c -> b c h w': axes in brackets are, or become, one axis.
        axes_lengths: the lengths of axes that the shape does not give; one in each bracket may be left out.

    Example:
        >>> import numpy as np
        >>> rearrange(np.ones((2, 6, 4)), "b (h w) c -> b c h w", h=2).shape
        (2, 4, 2, 3)
    """
    x = shaping.tensor(tensor)
    left, right = _sides(pattern)
    if len(left) != len(x.shape):
        raise ShapeError(f"rearrange: {pattern!r} names {len(left)} axes, the tensor has shape {tuple(x.shape)}.")
    sizes = {name: int(n) for name, n in axes_lengths.items()}
    for part, n in zip(left, x.shape, strict=True):
        unknown = [name for name in part if name not in sizes]
        known = math.prod(sizes[name] for name in part if name in sizes)
        if len(unknown) > 1 or (unknown and n % known) or (not unknown and known != n):
            raise ShapeError(f"rearrange: an axis of length {n} does not split into {part} with {axes_lengths}.")
        sizes.update(dict.fromkeys(unknown, n // known))
    order = [name for part in left for name in part]
    split = shaping.reshape(x, [sizes[name] for name in order])
    moved = shaping.transpose(split, [order.index(name) for part in right for name in part])
    return shaping.reshape(moved, [math.prod(sizes[name] for name in part) for part in right])
