"""Folds cover the rows as their kind promises, or say why they cannot be made."""

import sys

import numpy as np
import pytest

from nbkeras.errors import ArgumentError, DataError
from nbkeras.evaluation.folds import class_labels, make_splits
from nbkeras.extras import ExtraMissing

pytest.importorskip("sklearn")
CLASSES = np.repeat([0, 1, 2], [30, 12, 6])
ROWS = len(CLASSES)


def splits(cv=3, kind="auto", y=CLASSES, groups=None, seed=0):
    return make_splits(cv, kind, y, groups, ROWS, seed, "cross_validate")


@pytest.mark.parametrize("y", [CLASSES, CLASSES[:, None], np.eye(3)[CLASSES], CLASSES.astype("float32")])
def test_classes_are_shared_out_evenly_and_every_row_is_tested_once(y):
    found = splits(y=y)
    assert sorted(np.concatenate([split.test for split in found]).tolist()) == list(range(ROWS))
    for split in found:
        assert np.bincount(CLASSES[split.test]).tolist() == [10, 4, 2]
        assert not set(split.train) & set(split.test)


def test_real_targets_and_rare_classes_are_split_plainly_and_shuffled():
    for y in (np.linspace(0, 1, ROWS), np.arange(ROWS), None, {"a": CLASSES}):
        found = splits(y=y)
        assert [len(split.test) for split in found] == [16] * 3
        assert found[0].test.tolist() != list(range(16))


def test_one_seed_one_split():
    first, again, other = splits(seed=5), splits(seed=5), splits(seed=6)
    assert all((a.test == b.test).all() for a, b in zip(first, again, strict=True))
    assert any(a.test.tolist() != b.test.tolist() for a, b in zip(first, other, strict=True))


def test_groups_stay_together():
    groups = np.arange(ROWS) // 5
    for split in splits(groups=groups):
        assert not set(groups[split.train]) & set(groups[split.test])


def test_time_goes_forward():
    for split in splits(kind="time"):
        assert split.train.max() < split.test.min()


def test_splitters_and_listed_rows():
    from sklearn.model_selection import LeaveOneGroupOut, StratifiedShuffleSplit

    assert len(splits(cv=LeaveOneGroupOut(), groups=np.arange(ROWS) % 4)) == 4
    shuffled = splits(cv=StratifiedShuffleSplit(2, test_size=0.5, random_state=0))
    assert [np.bincount(CLASSES[split.test]).tolist() for split in shuffled] == [[15, 6, 3]] * 2
    listed = splits(cv=[([0, 1], [2]), ([2], [0, 1])])
    assert listed[1].train.tolist() == [2]


def test_what_are_classes():
    assert class_labels(np.array([[0, 1], [1, 1]])) is None
    assert class_labels(np.array([["a"]])) is None
    assert class_labels(np.array([np.nan, 1.0])) is None
    assert class_labels(np.array([True, False])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"cv": 1}, ArgumentError, "from 2 to the number of rows, 48, got 1"),
        ({"cv": 49}, ArgumentError, "from 2 to the number of rows, 48, got 49"),
        ({"cv": "five"}, ArgumentError, "expected cv to be a number of folds, a splitter, or .* got 'five'"),
        ({"cv": True}, ArgumentError, "got True"),
        ({"cv": []}, DataError, "expected at least one fold"),
        ({"cv": [([], [1])]}, DataError, "each with rows to train and to test"),
        ({"kind": "stratifed"}, ArgumentError, "did you mean 'stratified'"),
        ({"kind": "grouped"}, ArgumentError, "needs groups"),
        ({"kind": "stratified", "y": np.linspace(0, 1, ROWS)}, DataError, "needs classes, but y holds none"),
        ({"kind": "stratified", "cv": 48}, DataError, "cannot be split in this way: n_splits=48"),
        ({"groups": [1, 2]}, DataError, "a group for each of the 48 rows, got 2 groups"),
    ],
)
def test_folds_that_cannot_be_made(arguments, error, text):
    with pytest.raises(error, match=text):
        splits(**arguments)


def test_without_sklearn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.model_selection", None)
    with pytest.raises(ExtraMissing, match=r'cross_validate: expected the package sklearn(.|\n)*"nbkeras\[sklearn\]"'):
        splits()
