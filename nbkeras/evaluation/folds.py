"""Which rows train and which test in each fold, by scikit-learn's splitters."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from nbkeras.errors import ArgumentError, DataError, nearest
from nbkeras.extras import need

#: What `kind` may be, and what each is for.
KINDS = {
    "auto": "grouped if groups are given, stratified if y holds classes, else plain",
    "plain": "any rows",
    "stratified": "each class has the same share in every fold",
    "grouped": "rows of one group stay together",
    "time": "training rows come before test rows",
}


class Split(NamedTuple):
    """The row numbers of one fold."""

    train: np.ndarray
    test: np.ndarray


def make_splits(cv: Any, kind: str, y: Any, groups: Any, rows: int, seed: int, who: str) -> list[Split]:
    """The rows of each fold.

    Args:
        cv: the number of folds, a scikit-learn splitter, or an iterable of (train rows, test rows).
        kind: a key of `KINDS`, where `cv` is a number.
        y: the targets, as one array, or a nest of them (which then cannot be stratified).
        groups: a label a row, or None.
        rows: how many rows there are.
        seed: fixes the shuffling of plain and stratified folds.
        who: the function that the user called, for messages.

    Raises:
        ArgumentError, DataError: folds that cannot be made; ExtraMissing: scikit-learn is not installed.

    Example:
        >>> splits = make_splits(2, "auto", np.array([0, 0, 1, 1]), None, 4, 0, "cross_validate")
        >>> [sorted(np.array([0, 0, 1, 1])[split.test].tolist()) for split in splits]
        [[0, 1], [0, 1]]
    """
    if groups is not None and len(groups) != rows:
        raise DataError(f"{who}: expected a group for each of the {rows} rows, got {len(groups)} groups.")
    labels = class_labels(y)
    if isinstance(cv, Integral) and not isinstance(cv, bool):
        cv = _splitter(int(cv), kind, labels, groups, rows, seed, who)
    if is_splitter(cv):
        # Only the number of rows counts: splitters look at y and groups.
        found = cv.split(np.zeros(rows), labels, groups)
    elif isinstance(cv, Iterable) and not isinstance(cv, str):
        found = cv
    else:
        raise ArgumentError(
            f"{who}: expected cv to be a number of folds, a splitter, or (train rows, test rows) pairs, got {cv!r}."
        )
    try:
        splits = [Split(np.asarray(train), np.asarray(test)) for train, test in found]
    except ValueError as error:
        raise DataError(f"{who}: the rows cannot be split in this way: {error}") from error
    if not splits or any(len(train) == 0 or len(test) == 0 for train, test in splits):
        raise DataError(f"{who}: expected at least one fold, each with rows to train and to test, got {len(splits)}.")
    return splits


def is_splitter(cv: Any) -> bool:
    """True for scikit-learn's splitters, and what behaves like them."""
    return hasattr(cv, "split") and hasattr(cv, "get_n_splits")


def class_labels(y: Any) -> np.ndarray | None:
    """One class a row, from whole numbers (N,) or (N, 1) or one-hot rows (N, C); None if y holds no classes.

    Example:
        >>> class_labels(np.eye(3)[[2, 0]]), class_labels(np.array([0.5, 1.0]))
        (array([2, 0]), None)
    """
    if not isinstance(y, np.ndarray) or y.dtype.kind not in "iubf" or not y.size:
        return None
    if y.ndim == 2 and y.shape[1] > 1:
        one_hot = np.all((y == 0) | (y == 1)) and np.all(y.sum(axis=1) == 1)
        return y.argmax(axis=1) if one_hot else None
    if y.size != len(y):
        return None
    labels = y.reshape(-1)
    return labels.astype(np.int64) if np.all(np.mod(labels, 1) == 0) else None


def _splitter(count: int, kind: str, labels, groups, rows: int, seed: int, who: str):
    if not 2 <= count <= rows:
        raise ArgumentError(f"{who}: expected cv to be from 2 to the number of rows, {rows}, got {count}.")
    if kind not in KINDS:
        raise ArgumentError(f"{who}: unknown kind {kind!r}; {nearest(kind, KINDS)}")
    if kind == "auto":
        kind = _kind_of(count, labels, groups)
    selection = need("sklearn.model_selection", who)
    if kind == "grouped":
        if groups is None:
            raise ArgumentError(f"{who}: kind='grouped' needs groups.", next="pass groups=, a label for each row.")
        return selection.GroupKFold(count)
    if kind == "stratified":
        if labels is None:
            raise DataError(
                f"{who}: kind='stratified' needs classes, but y holds none.",
                next="pass class numbers or one-hot rows as y, or kind='plain'.",
            )
        return selection.StratifiedKFold(count, shuffle=True, random_state=seed)
    if kind == "time":
        return selection.TimeSeriesSplit(count)
    return selection.KFold(count, shuffle=True, random_state=seed)


def _kind_of(count: int, labels, groups) -> str:
    if groups is not None:
        return "grouped"
    # A class with fewer rows than folds cannot be in each; whole numbers may also be counts to regress.
    if labels is not None and np.unique(labels, return_counts=True)[1].min() >= count:
        return "stratified"
    return "plain"
