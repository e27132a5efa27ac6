"""One weight per sample, from `sample_weight` and `class_weight` (K12 of the requirements).

| target `y` | `class_weight` looks up | weights have shape |
|---|---|---|
| class indices (N,) or (N, 1) | the index | (N,) |
| one-hot or probabilities (N, C) | argmax over C | (N,) |
| class indices (N, ..., 1) | the index | (N, ...) |
| one-hot (N, ..., C) | argmax over C | (N, ...) |

Where weights count, as in Keras:

| | `class_weight` | `sample_weight` | third part of `validation_data` |
|---|---|---|---|
| loss in training | yes | yes | |
| `metrics` in training | no | no | |
| `weighted_metrics` in training | yes | yes | |
| loss in validation | no | no | yes |
| `metrics` in validation | no | no | no |
| `weighted_metrics` in validation | no | no | yes |

With `validation_split`, the rows kept for validation take their `sample_weight` with them. The loss is the sum of
weighted losses over the number of rows; a weighted metric is divided by the sum of the weights.

A class without an entry weighs 1, as in Keras. Given both, the two weights are multiplied (Keras refuses).
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from nbkeras.config import floatx
from nbkeras.errors import ArgumentError, ArgumentTypeError, DataError
from nbkeras.training.columns import describe_structure, is_memory_mapped
from nbkeras.training.structure import is_nested, map_leaves, same_structure


def combine_weights(y: Any, sample_weight: Any, class_weight: dict | None, caller: str) -> Any:
    """The weights of all samples, nested like `y`, or None if no weighting was asked for.

    Args:
        y: nested target arrays, or None.
        sample_weight: one array, or arrays nested like `y`, or None. One array serves all outputs.
        class_weight: weight by class index, or None.
        caller: the method the user called, for messages.

    Raises:
        DataError: weights without targets, nested otherwise than `y`, or class weights for several outputs.
        ArgumentError, ArgumentTypeError: class weights that are no dict from class index to number.

    Example:
        >>> combine_weights(np.array([0, 1, 1]), None, {1: 2.0}, "fit")
        array([1., 2., 2.], dtype=float32)
    """
    weights = _nest_like(y, sample_weight, caller)
    if class_weight is None:
        return weights
    check_class_weight(class_weight, caller)
    if y is None or is_nested(y):
        raise DataError(
            f"{caller}: class_weight is for models with one output, but y is {_describe(y)}.",
            next="pass sample_weight, with one array of weights per output.",
        )
    by_class = class_weights(y, class_weight, caller)
    if weights is None:
        return by_class
    if weights.ndim == 2 and weights.shape[1] == 1:
        weights = weights[:, 0]
    return _multiply(by_class, weights, caller)


def check_class_weight(class_weight: Any, caller: str) -> None:
    """Raise unless `class_weight` maps class indices to numbers."""
    if not isinstance(class_weight, dict):
        raise ArgumentTypeError(
            f"{caller}: class_weight must be a dict from class index to weight, got {type(class_weight).__name__}.",
            next="for a list of weights, pass dict(enumerate(weights)).",
        )
    for label, weight in class_weight.items():
        if not isinstance(label, Real) or int(label) != label or not isinstance(weight, Real):
            raise ArgumentError(
                f"{caller}: class_weight must map class indices to numbers, got {label!r}: {weight!r}.",
                next="use integer classes as keys, such as {0: 1.0, 1: 2.5}.",
            )


def class_weights(y: np.ndarray, class_weight: dict, caller: str) -> np.ndarray:
    """The weight of each target's class, by the table at the top of this file.

    Raises:
        DataError: integers (N, T) other than 0 and 1, which are neither one-hot nor class indices with a class axis.
    """
    if y.ndim == 1:
        labels = y
    elif y.shape[-1] == 1:
        labels = y[..., 0]
    elif y.dtype.kind in "iu" and len(y) and (y.max() > 1 or y.min() < 0):
        raise DataError(
            f"{caller}: class_weight reads the last axis of y as classes, but y of shape {y.shape} holds integers "
            f"up to {y.max()}, so it is not one-hot.",
            next="for one class index per position, pass y[..., None].",
        )
    else:
        labels = np.argmax(y, axis=-1)
    present, inverse = np.unique(np.round(labels), return_inverse=True)
    table = np.array([class_weight.get(int(label), 1.0) if label == label else 1.0 for label in present], floatx())
    return table[inverse].reshape(labels.shape)


def _nest_like(y: Any, sample_weight: Any, caller: str) -> Any:
    if sample_weight is None:
        return None
    if y is None:
        raise DataError(f"{caller}: sample_weight was given without y.", next="pass y, or leave out sample_weight.")
    if is_nested(y) and not is_nested(sample_weight):
        if sample_weight.ndim > 1 and sample_weight.shape[1:] != (1,):
            raise DataError(
                f"{caller}: one sample_weight array for several outputs must have one weight per sample, shape (N,), "
                f"but has shape {sample_weight.shape}.",
                next="pass one array of weights per output, nested like y.",
            )
        sample_weight = map_leaves(lambda _: sample_weight, y)
    if not same_structure(y, sample_weight):
        raise DataError(
            f"{caller}: sample_weight must be nested like y, but y is {describe_structure(y)} and "
            f"sample_weight is {describe_structure(sample_weight)}.",
            next="pass one array of weights per output, or one array for all.",
        )
    return map_leaves(_as_float, sample_weight)


def _as_float(weights: np.ndarray) -> np.ndarray:
    return weights if is_memory_mapped(weights) else weights.astype(floatx(), copy=False)


def _multiply(by_class: np.ndarray, weights: np.ndarray, caller: str) -> np.ndarray:
    """Their product; a weight per sample also scales all positions of its sample."""
    if len(by_class) != len(weights):
        raise DataError(
            f"{caller}: all arrays need the same number of rows, but y has {len(by_class)} and "
            f"sample_weight has {len(weights)}.",
            next="row i of each belongs to sample i.",
        )
    ndim = max(by_class.ndim, weights.ndim)
    sides = [side.reshape(side.shape + (1,) * (ndim - side.ndim)) for side in (by_class, weights)]
    return np.multiply(*sides, dtype=floatx())


def _describe(y: Any) -> str:
    return "missing" if y is None else describe_structure(y)
