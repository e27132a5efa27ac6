"""Checks of class targets that would otherwise train on nonsense without a word."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import DataError

#: Rows checked at a time, so that labels in a memory-mapped file are never loaded as a whole.
CHUNK = 1 << 20


def check_class_labels(
    labels: np.ndarray, num_classes: int, loss_name: str, *, ignore_class: int | None = None, caller: str = "fit"
) -> None:
    """Raise unless all labels are class indices below `num_classes`.

    Args:
        labels: (N, ...) integers, or floats with whole values.
        num_classes: classes that the model predicts.
        loss_name: the loss that reads the labels, for messages.
        ignore_class: a label that the loss leaves out and that is therefore always fine.
        caller: the method the user called, for messages.

    Raises:
        DataError: NaN, infinite, fractional, negative or too large; it names the first such row and value.

    Example:
        >>> check_class_labels(np.array([0, 2, 1]), 3, "sparse_categorical_crossentropy")
    """
    for start in range(0, len(labels), CHUNK):
        chunk = np.asarray(labels[start : start + CHUNK])
        # NaN compares false with everything, so the test is for good values.
        good = (chunk >= 0) & (chunk < num_classes)
        if chunk.dtype.kind == "f":
            good &= chunk == np.floor(chunk)
        if ignore_class is not None:
            good |= chunk == ignore_class
        if not good.all():
            row = int(np.argmin(good.reshape(len(chunk), -1).all(axis=1)))
            value = chunk[row].reshape(-1)[int(np.argmin(good[row].reshape(-1)))].item()
            raise DataError(
                f"{caller}: loss '{loss_name}' needs class indices from 0 to {num_classes - 1}, "
                f"but row {start + row} of y has {value}.",
                next=_remedy(value, num_classes),
            )


def _remedy(value: float, num_classes: int) -> str:
    if isinstance(value, float) and not np.isfinite(value):
        return "remove or repair the rows without a label."
    if value == num_classes:
        return f"if the classes count from 1, pass y - 1; else give the last layer {num_classes + 1} units."
    if value > num_classes:
        return "give the last layer one unit per class, or renumber the classes from 0."
    return "renumber the classes from 0; for a number to predict, use a loss such as 'mean_squared_error'."


def check_one_hot_vs_sparse(
    y_shape: tuple, prediction_shape: tuple, *, sparse: bool, loss_name: str, caller: str = "fit"
) -> None:
    """Raise if one-hot targets meet a sparse loss, or class indices a categorical one.

    Args:
        y_shape: the targets' shape.
        prediction_shape: the model's output shape, (N, ..., C); None stands for unknown sizes.
        sparse: True for a loss on class indices, False for one on one-hot targets.
        loss_name: the loss, for messages.
        caller: the method the user called, for messages.

    Raises:
        DataError: the two are mixed up; it says which loss to use. Other misfits are not its business.

    Example:
        >>> check_one_hot_vs_sparse((32,), (32, 10), sparse=True, loss_name="sparse_categorical_crossentropy")
    """
    classes = prediction_shape[-1]
    if classes is None or classes < 2:
        return
    rank = len(prediction_shape)
    one_hot = len(y_shape) == rank and y_shape[-1] == classes
    indices = len(y_shape) == rank - 1 or (len(y_shape) == rank and y_shape[-1] == 1)
    if sparse and one_hot:
        raise DataError(
            f"{caller}: loss '{loss_name}' needs one class index per prediction, but y of shape {_text(y_shape)} is "
            f"one-hot for the {classes} classes predicted.",
            next="compile with loss='categorical_crossentropy', or pass y.argmax(-1).",
        )
    if not sparse and indices:
        raise DataError(
            f"{caller}: loss '{loss_name}' needs one-hot targets of shape {_text(prediction_shape)}, but y of shape "
            f"{_text(y_shape)} holds class indices.",
            next=f"compile with loss='sparse_categorical_crossentropy', or pass utils.to_categorical(y, {classes}).",
        )


def _text(shape: tuple) -> str:
    sizes = ["N" if size is None else str(size) for size in shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
