"""Sample weights, class weights, validation_split and the checks of class labels."""

import numpy as np
import pytest

from nbkeras.errors import ArgumentError, ArgumentTypeError, DataError
from nbkeras.training import labels
from nbkeras.training.data import make_source
from nbkeras.training.labels import check_class_labels, check_one_hot_vs_sparse
from nbkeras.training.sample_weights import combine_weights
from nbkeras.training.split import split_validation

INDICES = np.array([2, 0, 1, 2])
ONE_HOT = np.eye(3)[INDICES]


@pytest.mark.parametrize("y", [INDICES, INDICES[:, None], ONE_HOT, ONE_HOT.astype(int), INDICES.astype(float)])
def test_class_weight_by_any_kind_of_target(y):
    weights = combine_weights(y, None, {0: 5.0, 2: 0.5}, "fit")
    assert weights.dtype == np.float32
    assert weights.tolist() == [0.5, 5, 1, 0.5]


def test_class_weight_of_boolean_targets():
    assert combine_weights(np.array([True, False]), None, {1: 2.0}, "fit").tolist() == [2, 1]


@pytest.mark.parametrize("y", [np.eye(3)[[[0, 1], [2, 1]]], np.array([[[0], [1]], [[2], [1]]])])
def test_class_weight_along_a_class_axis_of_3d_targets(y):
    assert combine_weights(y, None, {1: 4.0}, "fit").tolist() == [[1, 4], [1, 4]]


def test_class_and_sample_weights_multiply():
    weights = combine_weights(INDICES, np.array([[1.0], [2.0], [3.0], [4.0]]), {2: 0.5}, "fit")
    assert weights.tolist() == [0.5, 2, 3, 2]
    per_step = combine_weights(np.array([[[0], [1]]]), np.array([3.0]), {1: 4.0}, "fit")
    assert per_step.tolist() == [[3, 12]]


def test_one_array_of_weights_serves_all_outputs():
    source = make_source(np.zeros(2), {"a": np.zeros(2), "b": np.zeros(2)}, [1, 2])
    assert {name: w.tolist() for name, w in source.columns[2].items()} == {"a": [1, 2], "b": [1, 2]}
    assert source.columns[2]["a"].dtype == np.float32


@pytest.mark.oracle
def test_class_weights_match_real_keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    pytest.importorskip("keras")
    from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

    table = {0: 0.25, 2: 3.0, 9: 7.0}
    for y in (INDICES, INDICES[:, None], ONE_HOT):
        np.testing.assert_array_equal(combine_weights(y, None, table, "fit"), class_weight_to_sample_weights(y, table))


@pytest.mark.parametrize(
    ("y", "sample_weight", "class_weight", "kind", "message"),
    [
        (INDICES, None, [1, 2], ArgumentTypeError, "class_weight must be a dict from class index to weight, got list."),
        (INDICES, None, {"0": 1.0}, ArgumentError, "must map class indices to numbers, got '0': 1.0."),
        (INDICES, None, {0: "a"}, ArgumentError, "must map class indices to numbers, got 0: 'a'."),
        (INDICES, None, {0.5: 1}, ArgumentError, "must map class indices to numbers, got 0.5: 1."),
        ([INDICES], None, {0: 1.0}, DataError, "class_weight is for models with one output, but y is a list of 1."),
        (None, None, {0: 1.0}, DataError, "class_weight is for models with one output, but y is missing."),
        (
            np.array([[0, 5]]),
            None,
            {0: 1.0},
            DataError,
            "holds integers up to 5, so it is not one-hot.\n  Next: for one",
        ),
        (None, INDICES, None, DataError, "sample_weight was given without y."),
        ([INDICES] * 2, np.ones((4, 2)), None, DataError, "must have one weight per sample, shape (N,), but has"),
        (
            {"a": INDICES, "b": INDICES},
            [INDICES, INDICES],
            None,
            DataError,
            "must be nested like y, but y is a dict with keys 'a', 'b' and sample_weight is a list of 2.",
        ),
        (INDICES, np.ones(3), {0: 1.0}, DataError, "but y has 4 and sample_weight has 3."),
    ],
)
def test_unusable_weights(y, sample_weight, class_weight, kind, message):
    with pytest.raises(kind) as info:
        combine_weights(y, sample_weight, class_weight, "fit")
    assert message in str(info.value)


# validation_split.


def test_split_takes_the_last_rows_of_everything():
    x = {"a": np.arange(10), "b": [np.arange(10)]}
    train, validation = split_validation((x, [float(i) for i in range(10)], None), 0.25)
    assert len(train[0]["a"]) == 7
    assert validation[0]["b"][0].tolist() == [7, 8, 9]
    assert validation[1].tolist() == [7, 8, 9]
    assert validation[2] is None


def test_split_of_zero_gives_no_validation():
    arrays = (np.arange(3), None, None)
    assert split_validation(arrays, 0.0) == (arrays, None)


def test_split_warns_of_classes_that_only_validation_has():
    y = np.repeat([0, 1, 2], 4)
    with pytest.warns(UserWarning, match=r"and 1 of the labels there \(y: 2\) never occur"):
        split_validation((np.zeros(12), y, None), 0.4)
    split_validation((np.zeros(12), np.tile([0, 1, 2], 4), None), 0.25)
    split_validation((np.zeros(12), np.arange(12.0), None), 0.25)


@pytest.mark.parametrize(
    ("x", "split", "kind", "message"),
    [
        (np.zeros(4), 1.0, ArgumentError, "validation_split must be at least 0 and below 1, got 1.0."),
        (np.zeros(4), -0.1, ArgumentError, "validation_split must be at least 0 and below 1, got -0.1."),
        (np.zeros(4), "a", ArgumentError, "validation_split must be at least 0 and below 1, got 'a'."),
        (np.zeros(1), 0.5, DataError, "validation_split=0.5 of 1 rows leaves 0 for training and 1 for validation."),
        (iter([]), 0.5, DataError, "validation_split needs arrays, but x is a list_iterator."),
    ],
)
def test_unusable_splits(x, split, kind, message):
    with pytest.raises(kind) as info:
        split_validation((x, None, None), split)
    assert message in str(info.value)


# Class labels.


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, -1], "needs class indices from 0 to 2, but row 2 of y has -1.\n  Next: renumber the classes from 0"),
        ([0, 3, 1], "row 1 of y has 3.\n  Next: if the classes count from 1, pass y - 1; else give the last layer 4"),
        ([0, 9, 1], "row 1 of y has 9.\n  Next: give the last layer one unit per class"),
        ([0.0, np.nan], "row 1 of y has nan.\n  Next: remove or repair the rows without a label."),
        ([0.0, np.inf], "row 1 of y has inf.\n  Next: remove"),
        ([0.5], "row 0 of y has 0.5.\n  Next: renumber"),
        ([[0, 1], [1, 7]], "row 1 of y has 7."),
    ],
)
def test_labels_out_of_range(y, message, monkeypatch):
    monkeypatch.setattr(labels, "CHUNK", 2)
    with pytest.raises(DataError) as info:
        check_class_labels(np.array(y), 3, "sparse_categorical_crossentropy")
    assert "fit: loss 'sparse_categorical_crossentropy' needs class indices from 0 to 2" in str(info.value)
    assert message in str(info.value)


def test_labels_that_are_fine():
    check_class_labels(np.array([True, False]), 2, "loss")
    check_class_labels(np.array([[0.0], [2.0]]), 3, "loss")
    check_class_labels(np.array([0, -1]), 3, "loss", ignore_class=-1)


@pytest.mark.parametrize("y_shape", [(None,), (None, 1)])
def test_class_indices_for_a_categorical_loss(y_shape):
    with pytest.raises(DataError) as info:
        check_one_hot_vs_sparse(y_shape, (None, 10), sparse=False, loss_name="categorical_crossentropy")
    assert "needs one-hot targets of shape (N, 10), but y of shape (N" in str(info.value)
    assert "compile with loss='sparse_categorical_crossentropy', or pass utils.to_categorical(y, 10)" in str(info.value)


def test_one_hot_for_a_sparse_loss():
    with pytest.raises(DataError) as info:
        check_one_hot_vs_sparse((8, 10), (8, 10), sparse=True, loss_name="sparse_categorical_crossentropy")
    assert "but y of shape (8, 10) is one-hot for the 10 classes predicted." in str(info.value)
    assert "compile with loss='categorical_crossentropy', or pass y.argmax(-1)." in str(info.value)


@pytest.mark.parametrize(
    ("y_shape", "prediction_shape", "sparse"),
    [
        ((8,), (8, 10), True),
        ((8, 1), (8, 10), True),
        ((8, 10), (8, 10), False),
        ((8, 1), (8, 1), True),
        ((8,), (8, 1), False),
        ((8, 5), (8, 5, 10), True),
        ((8, 5, 10), (8, 5, 10), False),
    ],
)
def test_targets_that_fit_their_loss(y_shape, prediction_shape, sparse):
    check_one_hot_vs_sparse(y_shape, prediction_shape, sparse=sparse, loss_name="loss")
