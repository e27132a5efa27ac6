"""Preparing arrays of numbers: one-hot classes, normalized vectors."""

from __future__ import annotations

import numpy as np

from nbkeras import ops
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.graph.symbol import Operators


def to_categorical(x, num_classes=None):
    """One-hot rows of class numbers.   (...) or (..., 1) -> (..., num_classes)

    Args:
        x: class numbers from 0 on.
        num_classes: the largest class number and one, by default.

    Example:
        >>> to_categorical([0, 2])
        array([[1., 0., 0.],
               [0., 0., 1.]])
    """
    if isinstance(x, Operators):
        if len(x.shape) > 1 and x.shape[-1] == 1:
            x = ops.squeeze(x, -1)
        return ops.one_hot(x, num_classes)
    try:
        classes = np.array(x, dtype="int64")
    except (TypeError, ValueError, OverflowError):
        raise ArgumentTypeError(
            f"to_categorical: expected class numbers, got {np.asarray(x, dtype=object).reshape(-1)[:3].tolist()} ...",
            next="number the classes first, such as with numpy.unique(labels, return_inverse=True)[1].",
        ) from None
    shape = classes.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    classes = classes.reshape(-1)
    if not num_classes:
        num_classes = int(classes.max()) + 1 if classes.size else 0
    if classes.size and not (-num_classes <= classes.min() and classes.max() < num_classes):
        wrong = classes[(classes >= num_classes) | (classes < -num_classes)][0]
        raise ArgumentError(
            f"to_categorical: class number {wrong} is outside of num_classes={num_classes}.",
            next=f"class numbers go from 0 to {num_classes - 1}; give a larger num_classes, or subtract what they "
            "start from.",
        )
    rows = np.zeros((classes.size, num_classes))
    rows[np.arange(classes.size), classes] = 1
    return rows.reshape(*shape, num_classes)


def normalize(x, axis=-1, order=2):
    """Vectors along an axis divided by their norm; vectors of norm 0 stay.

    Args:
        x: an array or tensor.
        axis: along which the vectors lie.
        order: of the norm: 2 is Euclid's.

    Example:
        >>> normalize(np.array([[3.0, 4.0]]))
        array([[0.6, 0.8]])
    """
    if isinstance(x, Operators):
        return ops.normalize(x, axis=axis, order=order)
    x = np.asarray(x)
    norm = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norm == 0, 1, norm)
