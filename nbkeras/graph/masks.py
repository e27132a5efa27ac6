"""Masks travel on tensors: which time steps of a sequence are there and which are padding."""

from __future__ import annotations

import numpy as np


class Masked(np.ndarray):
    """An array that carries a mask in `_keras_mask`; what is computed from it carries none."""

    _keras_mask = None


def get_mask(x):
    """The mask that a tensor carries, or None.

    Example:
        >>> get_mask(with_mask(np.zeros((1, 2)), np.array([[True, False]])))
        array([[ True, False]])
    """
    return getattr(x, "_keras_mask", None)


def with_mask(x, mask):
    """The tensor, carrying a mask; as it is if the mask is None.

    NumPy arrays take no attributes: of them a view that does is returned.
    """
    if mask is None:
        return x
    if isinstance(x, np.ndarray) and not isinstance(x, Masked):
        x = x.view(Masked)
    x._keras_mask = mask
    return x


def without_mask(x):
    """The tensor without its mask; arrays as plain ones."""
    return x.view(np.ndarray) if isinstance(x, Masked) else x
