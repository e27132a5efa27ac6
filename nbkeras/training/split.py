"""`validation_split`: the last rows of the training data become the validation data."""

from __future__ import annotations

import math
import warnings
from numbers import Real
from typing import Any

import numpy as np

from nbkeras.errors import ArgumentError, DataError
from nbkeras.training.columns import as_triple, check_rows, is_array_like
from nbkeras.training.structure import map_leaves, named_leaves
from nbkeras.utils.data import PyDataset


def split_validation(
    arrays: tuple, validation_split: float, caller: str = "fit"
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any] | None]:
    """Cut off the last rows, before any shuffling, as in Keras.

    Args:
        arrays: `(x, y, sample_weight)` as the user gave them.
        validation_split: the share to cut off, in [0, 1); 0 cuts nothing.
        caller: the method the user called, for messages.

    Returns:
        `(train, validation)`, both `(x, y, sample_weight)`; views, not copies. `validation` is None for 0.

    Raises:
        ArgumentError: a share outside [0, 1).
        DataError: no arrays, or too few rows to give both parts at least one.

    Example:
        >>> train, validation = split_validation((np.arange(10), None, None), 0.2)
        >>> validation[0]
        array([8, 9])
    """
    if not isinstance(validation_split, Real) or not 0 <= validation_split < 1:
        raise ArgumentError(
            f"{caller}: validation_split must be at least 0 and below 1, got {validation_split!r}.",
            next="pass the share of rows to hold out, such as 0.2.",
        )
    if validation_split == 0:
        return tuple(arrays), None
    if isinstance(arrays[0], PyDataset) or not is_array_like(arrays[0]):
        raise DataError(
            f"{caller}: validation_split needs arrays, but x is a {type(arrays[0]).__name__}.",
            next="pass validation_data=... instead.",
        )
    columns = as_triple(arrays, caller)
    rows = check_rows(columns, caller)
    cut = math.floor(rows * (1.0 - validation_split))
    if cut in (0, rows):
        raise DataError(
            f"{caller}: validation_split={validation_split} of {rows} rows leaves {cut} for training and "
            f"{rows - cut} for validation.",
            next="provide more rows, or another validation_split.",
        )
    _warn_unseen_classes(columns[1], cut, caller)
    train = tuple(map_leaves(lambda column: column[:cut], tree) for tree in columns)
    return train, tuple(map_leaves(lambda column: column[cut:], tree) for tree in columns)


def _warn_unseen_classes(y: Any, cut: int, caller: str) -> None:
    """Warn where the validation rows hold class labels that no training row has, as sorted data does (K11)."""
    for name, labels in named_leaves(y, "y"):
        if labels.dtype.kind not in "iu" or labels[:1].size != 1:
            continue
        unseen = np.setdiff1d(labels[cut:], labels[:cut])
        if len(unseen):
            shown = ", ".join(map(str, unseen[:10].tolist())) + (", ..." if len(unseen) > 10 else "")
            warnings.warn(
                f"{caller}: validation_split takes the last rows before shuffling, and {len(unseen)} of the labels "
                f"there ({name}: {shown}) never occur in the training rows. If y is sorted by class, shuffle x and y "
                "together first, or pass validation_data.",
                stacklevel=3,
            )
