"""Rows brought together by the segment that each belongs to."""

from __future__ import annotations

import builtins

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.symbol import Symbol
from nbkeras.ops.common import emit, op, tensor
from nbkeras.ops.shaping import sliced


def _segments(name, data, ids, count):
    """Rows, their segments, and how many of these there are; what lies outside goes to one segment more."""
    data, ids = tensor(data), tensor(ids, "int64")
    if len(ids.shape) != 1 or tuple(data.shape[:1]) != tuple(ids.shape):
        raise ShapeError(f"{name}: {tuple(ids.shape)} segment ids for data of shape {tuple(data.shape)}.")
    if count is None:
        if isinstance(ids, Symbol):
            raise ArgumentError(f"{name}: num_segments must be given while a model is traced.")
        count = int(np.max(ids, initial=-1)) + 1
    count = int(count)
    inside = emit("logical_and", emit("greater_equal", ids, np.int64(0)), emit("less", ids, np.int64(count)))
    return data, emit("where", inside, ids, np.int64(count)), count


def _reduced(name, data, segment_ids, num_segments, operation):
    data, ids, count = _segments(name, data, segment_ids, num_segments)
    rows = emit("scatter_reduce", ids, data, size=count + 1, op=operation)
    return sliced(rows, {0: builtins.slice(0, count)})


@op
def segment_sum(data, segment_ids, num_segments=None, sorted=False):
    """The sum of the rows of each segment.

    Args:
        data: rows.
        segment_ids: the segment of each row; others than 0 to num_segments - 1 are left out.
        num_segments: how many; without it the largest number decides, for which values must exist.
        sorted: accepted as Keras has it.

    Example:
        >>> segment_sum([1.0, 2.0, 4.0], [0, 0, 1], num_segments=2)
        array([3., 4.], dtype=float32)
    """
    data, ids, count = _segments("segment_sum", data, segment_ids, num_segments)
    return sliced(emit("scatter_add", ids, data, axis=0, size=count + 1), {0: builtins.slice(0, count)})


@op
def segment_max(data, segment_ids, num_segments=None, sorted=False):
    """The largest values of the rows of each segment; the least of the dtype where it has none. See `segment_sum`.

    Example:
        >>> segment_max([1.0, 2.0, 4.0], [0, 0, 1], num_segments=2)
        array([2., 4.], dtype=float32)
    """
    return _reduced("segment_max", data, segment_ids, num_segments, "max")


@op
def segment_min(data, segment_ids, num_segments=None, sorted=False):
    """The smallest values of the rows of each segment; the greatest of the dtype where it has none. See `segment_sum`.

    Example:
        >>> segment_min([1.0, 2.0, 4.0], [0, 0, 1], num_segments=2)
        array([1., 4.], dtype=float32)
    """
    return _reduced("segment_min", data, segment_ids, num_segments, "min")


@op
def segment_prod(data, segment_ids, num_segments=None, sorted=False):
    """The product of the rows of each segment; 1 where it has none. See `segment_sum`.

    Example:
        >>> segment_prod([1.0, 2.0, 4.0], [0, 0, 1], num_segments=2)
        array([2., 4.], dtype=float32)
    """
    return _reduced("segment_prod", data, segment_ids, num_segments, "prod")
