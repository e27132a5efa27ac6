"""Padded sequences are Keras's, windows of a series are those of its definition."""

import itertools

import numpy as np
import pytest

from nbkeras.errors import ArgumentError, DataError
from nbkeras.preprocessing.sequence import pad_sequences
from nbkeras.utils import timeseries_dataset_from_array


@pytest.mark.oracle
def test_pad_sequences_as_keras():
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(0)
    plain = [rng.integers(0, 9, length).tolist() for length in (3, 0, 5, 1)]
    rows = [rng.normal(size=(length, 2)) for length in (2, 4, 1)]
    for sequences, maxlen, padding, truncating in itertools.product(
        (plain, rows), (None, 3, 6), ("pre", "post"), ("pre", "post")
    ):
        for dtype, value in (("int32", 0.0), ("float32", -1.5)):
            ours, theirs = (
                library(sequences, maxlen, dtype, padding, truncating, value)
                for library in (pad_sequences, keras.utils.pad_sequences)
            )
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
    words = [["a"], ["b", "cc"]]
    np.testing.assert_array_equal(
        pad_sequences(words, dtype=object, value="-"), keras.utils.pad_sequences(words, dtype=object, value="-")
    )


def test_no_sequences():
    assert pad_sequences([]).shape == (0, 0)
    assert pad_sequences([[1, 2]], maxlen=0).shape == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([1, 2],), DataError, "expected sequences, but number 0 is 1"),
        ((5,), DataError, "expected a list of sequences, got a int"),
        (([[[1, 2]], [[1]]],), DataError, r"sequence 1 has rows of shape \(1,\), those before it \(2,\)"),
        (([[1]], None, "int32", "left"), ArgumentError, "padding to be 'pre' or 'post', got 'left'"),
        (([[1]], None, "int32", "pre", "mid"), ArgumentError, "truncating to be 'pre' or 'post', got 'mid'"),
        (([[1]], None, "int32", "pre", "pre", "x"), ArgumentError, "the value 'x' is text"),
    ],
)
def test_what_cannot_be_padded(arguments, error, text):
    with pytest.raises(error, match=text):
        pad_sequences(*arguments)


@pytest.mark.parametrize(
    "length, stride, rate, start, end", [(3, 1, 1, None, None), (4, 3, 2, 2, 18), (2, 5, 3, 1, None)]
)
def test_windows_by_definition(length, stride, rate, start, end):
    data = np.random.default_rng(1).normal(size=(21, 2))
    targets = np.arange(21) * 10
    first, last = start or 0, 21 if end is None else end
    expected = [
        (data[at : at + length * rate : rate], targets[at]) for at in range(first, last - (length - 1) * rate, stride)
    ]
    found = timeseries_dataset_from_array(
        data, targets, length, stride, rate, batch_size=4, start_index=start, end_index=end
    )
    batches = list(found)
    assert [len(y) for _, y in batches][:-1] == [4] * (len(found) - 1)
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), [x for x, _ in expected])
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), [y for _, y in expected])
    single = list(
        timeseries_dataset_from_array(data, None, length, stride, rate, None, start_index=start, end_index=end)
    )
    np.testing.assert_array_equal(single, [x for x, _ in expected])


def test_shuffled_windows_are_the_same_in_another_order():
    shuffled = timeseries_dataset_from_array(np.arange(30), np.arange(30), 3, batch_size=5, shuffle=True, seed=2)
    passes = [np.concatenate([y for _, y in shuffled]).tolist() for _ in range(2)]
    assert passes[0] != passes[1]
    assert sorted(passes[0]) == sorted(passes[1]) == list(range(28))
    # So does what is made from it.
    firsts = [next(iter(shuffled.take(1)))[1].tolist() for _ in range(2)]
    assert firsts[0] != firsts[1]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"start_index": -1}, "start_index from 0 to 9, got -1"),
        ({"start_index": 10}, "start_index from 0 to 9, got 10"),
        ({"end_index": 10}, r"end_index above start_index \(0\) and below the length of the data, 10, got 10"),
        ({"start_index": 5, "end_index": 5}, r"above start_index \(5\)"),
        ({"end_index": -1}, "got -1"),
        ({"sampling_rate": 0}, "sampling_rate from 1 to 9, got 0"),
        ({"sequence_stride": 10}, "sequence_stride from 1 to 9, got 10"),
        ({"sequence_length": 0}, "sequence_length to be at least 1"),
        ({"format": "torch"}, "format to be 'tf' or 'grain'"),
    ],
)
def test_windows_out_of_range(change, text):
    with pytest.raises(ArgumentError, match=text):
        timeseries_dataset_from_array(**{"data": np.arange(10), "targets": None, "sequence_length": 2, **change})
