"""Images seen through other coordinates: tensors read between their places, affine and perspective transforms."""

from __future__ import annotations

import itertools

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.primitives import cast
from nbkeras.ops import elementwise as el
from nbkeras.ops import factoring, indexing, shaping
from nbkeras.ops.common import dtype_name, floating, is_float, op, tensor
from nbkeras.ops.images import batch_of, data_format_of

#: How places outside are read.
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")
ORDERS = {"nearest": 0, "bilinear": 1}


def _check(name, fill_mode, interpolation):
    if fill_mode not in FILL_MODES:
        raise ArgumentError(f"{name}: fill_mode must be one of {', '.join(FILL_MODES)}, got {fill_mode!r}.")
    if interpolation not in ORDERS:
        raise ArgumentError(f"{name}: interpolation must be 'nearest' or 'bilinear', got {interpolation!r}.")


def _inside(index, size: int, mode: str):
    """Where an index outside is read instead: abcd with 'nearest' goes on as dddd, 'wrap' abcd, 'mirror' cbab,
    'reflect' dcba."""
    if mode == "wrap":
        return el.mod(index, size)
    if mode == "mirror":
        return _mirrored(index, size)
    if mode == "reflect":
        return el.floor_divide(_mirrored(2 * index + 1, 2 * size + 1) - 1, 2)
    return el.clip(index, 0, size - 1)


def _mirrored(index, size: int):
    last = max(size - 1, 1)
    return el.abs(el.mod(index + last, 2 * last) - last) if size > 1 else index * 0


def _read(x, coordinates, order: int, mode: str, fill_value):
    """Values between places.

    Args:
        x: (N, lengths..., C).
        coordinates: for each length a float tensor (N, places...).

    Returns:
        (N, places..., C).
    """
    lengths, rows = x.shape[1:-1], x.shape[0]
    exact = dtype_name(x.dtype)
    values = floating(x)
    dtype = dtype_name(values.dtype)
    flat = shaping.reshape(values, (-1, x.shape[-1]))
    places = coordinates[0].shape
    first = (np.arange(rows) * int(np.prod(lengths))).reshape((rows,) + (1,) * (len(places) - 1))
    nodes = []
    for coordinate, size in zip(coordinates, lengths, strict=True):
        coordinate = cast(coordinate, dtype)
        if order == 0:
            choices = [(cast(el.round(coordinate), "int64"), None)]
        else:
            low = el.floor(coordinate)
            share = coordinate - low
            low = cast(low, "int64")
            choices = [(low, 1.0 - share), (low + 1, share)]
        nodes.append(
            [
                (_inside(index, size, mode), el.logical_and(index >= 0, index < size), weight)
                for index, weight in choices
            ]
        )
    total = None
    for corner in itertools.product(*nodes):
        index, valid, weight = tensor(first, "int64"), None, None
        for (place, known, share), stride in zip(corner, _strides(lengths), strict=True):
            index = index + place * stride
            valid = known if valid is None else el.logical_and(valid, known)
            if share is not None:
                weight = share if weight is None else weight * share
        part = indexing.take(flat, index, 0)
        if mode == "constant":
            part = el.where(shaping.expand_dims(valid, -1), part, fill_value)
        part = part if weight is None else part * shaping.expand_dims(weight, -1)
        total = part if total is None else total + part
    if not is_float(exact):
        # Halves go away from 0.
        total = el.sign(total) * el.floor(el.abs(total) + 0.5)
    return cast(total, exact)


def _strides(lengths):
    return [int(np.prod(lengths[i + 1 :])) for i in range(len(lengths))]


@op
def map_coordinates(inputs, coordinates, order, fill_mode="constant", fill_value=0.0):
    """Values of a tensor at places between its own.

    Args:
        inputs: a tensor of any rank.
        coordinates: (rank, ...): for each axis, where to read.
        order: 0 takes the nearest value, 1 interpolates between neighbours.
        fill_mode: what is outside: 'constant' is `fill_value`, abcd goes on as dddd ('nearest'), abcd ('wrap'), cbab
            ('mirror'), dcba ('reflect').

    Raises:
        ArgumentError: order or fill_mode has none of its values.
        ShapeError: there are not as many coordinates as axes.

    Example:
        >>> import numpy as np
        >>> map_coordinates(np.array([1.0, 2.0, 4.0], "float32"), np.array([[0.5, 1.5, 9.0]], "float32"), 1)
        array([1.5, 3. , 0. ], dtype=float32)
    """
    if order not in (0, 1):
        raise ArgumentError(f"map_coordinates: order must be 0 or 1, got {order!r}.")
    _check("map_coordinates", fill_mode, "nearest")
    x, coordinates = tensor(inputs), tensor(coordinates)
    if len(coordinates.shape) < 2 or coordinates.shape[0] != len(x.shape):
        raise ShapeError(
            f"map_coordinates: expected coordinates ({len(x.shape)}, ...) for a tensor of that rank, got shape "
            f"{tuple(coordinates.shape)}."
        )
    lists = [shaping.expand_dims(coordinates[i], 0) for i in range(len(x.shape))]
    y = _read(shaping.expand_dims(shaping.expand_dims(x, 0), -1), lists, order, fill_mode, fill_value)
    return shaping.squeeze(shaping.squeeze(y, -1), 0)


def _grid(height: int, width: int):
    """Column and row numbers of all pixels, (1, H, W) each."""
    rows, columns = np.mgrid[0:height, 0:width].astype("float32")
    return columns[None], rows[None]


def _projected(numbers, shape):
    """Where the pixels of images (N, H, W, C) are read, rows and columns, by eight numbers (N, 8, 1, 1)."""
    columns, rows = _grid(*shape[1:3])
    below = numbers[:, 6] * columns + numbers[:, 7] * rows + 1.0
    return [
        shaping.broadcast_to(
            (numbers[:, i] * columns + numbers[:, i + 1] * rows + numbers[:, i + 2]) / below, tuple(shape[:3])
        )
        for i in (3, 0)
    ]


@op
def affine_transform(images, transform, interpolation="bilinear", fill_mode="constant", fill_value=0, data_format=None):
    """Images moved, turned, scaled and sheared: the pixel (x, y) of the result is read at (a0 x + a1 y + a2,
    b0 x + b1 y + b2) / (c0 x + c1 y + 1).

    Args:
        images: (N, H, W, C), or one image.
        transform: (N, 8) or (8,): a0, a1, a2, b0, b1, b2, c0, c1.
        interpolation: 'nearest' or 'bilinear'.
        fill_mode, fill_value: what is outside; see `map_coordinates`.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Raises:
        ArgumentError: an argument has none of its values.
        ShapeError: images or transforms have another rank.

    Example:
        >>> import numpy as np
        >>> image = np.array([[[1.0], [2.0], [3.0]]], "float32")
        >>> affine_transform(image, np.array([1, 0, 1, 0, 1, 0, 0, 0], "float32"))[0, :, 0]
        array([2., 3., 0.], dtype=float32)
    """
    _check("affine_transform", fill_mode, interpolation)
    x, back = batch_of(images, data_format, "affine_transform")
    numbers = floating(transform)
    if len(numbers.shape) not in (1, 2) or numbers.shape[-1] != 8:
        raise ShapeError(f"affine_transform: expected transforms (N, 8) or (8,), got shape {tuple(numbers.shape)}.")
    places = _projected(shaping.reshape(numbers, (-1, 8, 1, 1)), x.shape)
    return back(_read(x, places, ORDERS[interpolation], fill_mode, fill_value))


@op
def perspective_transform(images, start_points, end_points, interpolation="bilinear", fill_value=0, data_format=None):
    """Images seen from elsewhere: what was at the start points comes to the end points.

    Args:
        images: (N, H, W, C), or one image.
        start_points, end_points: (N, 4, 2) or (4, 2): x and y of four corners.
        interpolation: 'nearest' or 'bilinear'.
        fill_value: what is outside.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Raises:
        ArgumentError: the interpolation is not known.
        ShapeError: images or points have other shapes.
    """
    _check("perspective_transform", "constant", interpolation)
    x, back = batch_of(images, data_format, "perspective_transform")
    start, end = (cast(tensor(points), "float32") for points in (start_points, end_points))
    for points in (start, end):
        if tuple(points.shape[-2:]) != (4, 2) or len(points.shape) not in (2, 3) or points.shape != start.shape:
            raise ShapeError(
                "perspective_transform: expected start and end points (N, 4, 2) or (4, 2), got shapes "
                f"{tuple(start.shape)} and {tuple(end.shape)}."
            )
    start, end = (shaping.reshape(points, (-1, 4, 2)) for points in (start, end))
    from_x, from_y, to_x, to_y = start[..., 0], start[..., 1], end[..., 0], end[..., 1]
    ones, zeros = to_x * 0 + 1, to_x * 0
    for_x = shaping.stack([to_x, to_y, ones, zeros, zeros, zeros, -from_x * to_x, -from_x * to_y], axis=-1)
    for_y = shaping.stack([zeros, zeros, zeros, to_x, to_y, ones, -from_y * to_x, -from_y * to_y], axis=-1)
    matrix = shaping.concatenate([for_x, for_y], axis=1)
    known = shaping.expand_dims(shaping.concatenate([from_x, from_y], axis=-1), -1)
    h = shaping.reshape(factoring.solve(matrix, known), (-1, 8, 1, 1))
    return back(_read(x, _projected(h, x.shape), ORDERS[interpolation], "constant", fill_value))


@op
def elastic_transform(
    images,
    alpha=20.0,
    sigma=5.0,
    interpolation="bilinear",
    fill_mode="reflect",
    fill_value=0.0,
    seed=None,
    data_format=None,
):
    """Images bent at random: each pixel is read a little off, and neighbours alike.

    Args:
        images: (N, H, W, C), or one image.
        alpha: how far off.
        sigma: over how many pixels the displacements are smoothed.
        interpolation: 'nearest' or 'bilinear'.
        fill_mode, fill_value: what is outside; see `map_coordinates`.
        seed: a number or a `random.SeedGenerator`.
        data_format: 'channels_last' or 'channels_first'; that of the settings by default.

    Raises:
        ArgumentError: an argument has none of its values.

    Source: Simard, Steinkraus and Platt (2003), Best practices for convolutional neural networks.
    """
    from nbkeras.ops.framing import gaussian_blur
    from nbkeras.random import SeedGenerator, normal

    _check("elastic_transform", fill_mode, interpolation)
    data_format = data_format_of(data_format, "elastic_transform")
    x, back = batch_of(images, data_format, "elastic_transform")
    seed = SeedGenerator(seed) if isinstance(seed, int) else seed
    size = (*x.shape[:3], 1)
    width = int(6 * sigma) | 1
    offsets = [
        gaussian_blur(normal(size, seed=seed) * sigma, (width, width), (sigma, sigma), "channels_last")[..., 0]
        for _ in range(2)
    ]
    columns, rows = _grid(*x.shape[1:3])
    places = [rows + alpha * offsets[1], columns + alpha * offsets[0]]
    return back(_read(x, places, ORDERS[interpolation], fill_mode, fill_value))
