"""`validation_split`: the last rows of the training data, or rows that are drawn, become the validation data."""

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


def check_share(validation_split, caller: str = "fit") -> None:
    """A number in [0, 1)."""
    if not isinstance(validation_split, Real) or not 0 <= validation_split < 1:
        raise ArgumentError(
            f"{caller}: validation_split must be at least 0 and below 1, got {validation_split!r}.",
            next="pass the share of rows to hold out, such as 0.2.",
        )


def split_validation(
    arrays: tuple, validation_split: float, shuffle: bool | str = False, seed: int = 0, caller: str = "fit"
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any] | None]:
    """Cut off the last rows, before any shuffling, as in Keras; or draw as many.

    Args:
        arrays: `(x, y, sample_weight)` as the user gave them.
        validation_split: the share to cut off, in [0, 1); 0 cuts nothing.
        shuffle: True draws the rows; "stratified" does so with the same share of each class, as near as whole rows
            come to it.
        seed: of the draw; the same rows are drawn again for it.
        caller: the method the user called, for messages.

    Returns:
        `(train, validation)`, both `(x, y, sample_weight)`, in the rows' own order; views, but copies if rows are
        drawn. `validation` is None for 0.

    Raises:
        ArgumentError: a share outside [0, 1), or another `shuffle`.
        DataError: no arrays, too few rows to give both parts at least one, or no classes to stratify by.

    Example:
        >>> train, validation = split_validation((np.arange(10), None, None), 0.2)
        >>> validation[0]
        array([8, 9])
        >>> y = np.repeat([0, 1], [8, 4])
        >>> split_validation((np.arange(12), y, None), 0.25, "stratified")[1][1]
        array([0, 0, 1])
    """
    check_share(validation_split, caller)
    if shuffle not in (False, True, "stratified"):
        raise ArgumentError(
            f"{caller}: expected validation_shuffle to be True, False or 'stratified', got {shuffle!r}."
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
    if shuffle:
        labels = _classes(columns[1], caller) if shuffle == "stratified" else np.zeros(rows, np.int64)
        drawn = _draw(labels, rows - cut, seed)
        train = tuple(map_leaves(lambda column: column[~drawn], tree) for tree in columns)
        return train, tuple(map_leaves(lambda column: column[drawn], tree) for tree in columns)
    _warn_unseen_classes(columns[1], cut, caller)
    train = tuple(map_leaves(lambda column: column[:cut], tree) for tree in columns)
    return train, tuple(map_leaves(lambda column: column[cut:], tree) for tree in columns)


def _draw(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Which rows are drawn: `count` of them, from each class the same share."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    _, starts, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    place = np.arange(len(order)) - np.repeat(starts, sizes)
    # Rows by how far on in their class they stand: the last ones of the whole are the last ones of each class.
    last = np.argsort((place + 0.5) / np.repeat(sizes, sizes), kind="stable")[len(order) - count :]
    drawn = np.zeros(len(order), bool)
    drawn[order[last]] = True
    return drawn


def _classes(y: Any, caller: str) -> np.ndarray:
    """The class of each row: of integers, or of one-hot rows."""
    leaves = [labels for _, labels in named_leaves(y, "y")]
    if len(leaves) == 1:
        labels = np.asarray(leaves[0])
        labels = labels.reshape(len(labels), -1)
        if labels.shape[1] > 1 and np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all():
            return labels.argmax(axis=1)
        if labels.shape[1] == 1 and labels.dtype.kind in "iub":
            return labels[:, 0]
    raise DataError(
        f"{caller}: validation_shuffle='stratified' needs y to be one array of class numbers or of one-hot rows.",
        next="pass validation_shuffle=True to draw rows of any kind.",
    )


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
                f"there ({name}: {shown}) never occur in the training rows. If y is sorted by class, pass "
                "validation_shuffle='stratified', shuffle x and y together first, or pass validation_data.",
                stacklevel=3,
            )
