"""The data sources: what may be passed, in which order it comes, and what every refusal says."""

import warnings

import numpy as np
import pandas
import pytest

import nbkeras as keras
from nbkeras.errors import ArgumentError, ArgumentTypeError, DataError
from nbkeras.training.columns import is_memory_mapped, take_rows
from nbkeras.training.data import make_source
from nbkeras.training.split import split_validation


def flat(source, epoch=0):
    return [row for batch in rows_of(source, epoch) for row in batch]


def rows_of(source, epoch=0):
    return [rows.indices.tolist() for rows in source.batches(epoch)]


def gathered(source, epoch=0):
    return [source.take(rows) for rows in source.batches(epoch)]


# What arrays may be.


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        (np.zeros((4, 2)), "float32"),
        (np.zeros((4, 2), "float16"), "float32"),
        (np.zeros((4, 2), ">f8"), "float32"),
        (np.zeros((4, 2), "int64"), "int64"),
        (np.zeros((4, 2), ">i4"), "int32"),
        (np.zeros((4, 2), "uint8"), "uint8"),
        (np.zeros((4, 2), bool), "bool"),
        ([[0.0, 1.0]] * 4, "float32"),
        ([[0, 1]] * 4, "int64"),
        (range(4), "int64"),
        ([np.float64(1)] * 4, "float32"),
        (pandas.DataFrame({"a": [1, 2, 3, 4], "b": [0.5] * 4}), "float32"),
        (pandas.DataFrame({"a": [1, 2, 3, 4], "b": [True] * 4}), "int64"),
        (pandas.DataFrame({"a": pandas.array([1, None, 3, 4], "Int64")}), "float32"),
        (pandas.DataFrame({"a": pandas.array([1, 2, 3, 4], "Int16")}), "int16"),
    ],
)
def test_arrays_keep_integers_and_get_default_floats(given, dtype):
    source = make_source(given)
    x, y, weights = source.columns
    assert isinstance(x, np.ndarray)
    assert x.dtype == np.dtype(dtype)
    assert (source.num_samples, y, weights) == (4, None, None)


def test_fitting_array_is_not_copied():
    x = np.zeros((4, 2), "float32")
    assert np.shares_memory(make_source(x).columns[0], x)


def test_series_becomes_a_column_as_in_keras():
    source = make_source(np.zeros((3, 2)), pandas.Series([0, 1, 2]))
    assert source.columns[1].tolist() == [[0], [1], [2]]


def test_nested_inputs_keep_their_nesting():
    x = {"a": np.zeros((4, 2)), "b": [np.zeros(4), (np.ones(4), [1.0, 2.0, 3.0, 4.0])]}
    batch = make_source(x, [np.zeros(4), np.ones(4)], batch_size=3).peek()
    assert batch.x["a"].shape == (3, 2)
    assert isinstance(batch.x["b"][1], tuple)
    assert batch.x["b"][1][1].tolist() == [1, 2, 3]
    assert len(batch.y) == 2


def test_memory_map_stays_on_disk_and_is_converted_per_batch(tmp_path):
    on_disk = np.memmap(tmp_path / "x", dtype="float64", mode="w+", shape=(10, 3))
    on_disk[:] = np.arange(30).reshape(10, 3)
    source = make_source(on_disk, np.arange(10), batch_size=4, shuffle=True, seed=1)
    column = source.columns[0]
    assert column.dtype == np.float64
    assert is_memory_mapped(column)
    rows = next(source.batches(0))
    out = np.empty((4, 3), "float32")
    np.testing.assert_array_equal(take_rows(column, rows.indices, out), on_disk[rows.indices].astype("float32"))
    assert source.take(rows).x.dtype == np.float32


def test_npy_memory_map_split_is_a_view(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(20.0).reshape(10, 2))
    on_disk = np.load(tmp_path / "x.npy", mmap_mode="r")
    train, validation = split_validation((on_disk, None, None), 0.3)
    assert (len(train[0]), len(validation[0])) == (7, 3)
    assert is_memory_mapped(train[0])
    assert is_memory_mapped(validation[0])


@pytest.mark.parametrize("rows", [slice(1, 3), np.array([2, 0])])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_take_rows_with_and_without_a_buffer(rows, dtype):
    column = np.arange(12, dtype=dtype).reshape(4, 3)
    taken = take_rows(column, rows)
    out = np.empty_like(taken)
    assert take_rows(column, rows, out) is out
    np.testing.assert_array_equal(taken, column[rows])
    np.testing.assert_array_equal(out, column[rows])


# The order of rows.


def test_batches_cover_every_row_once_in_a_new_order_each_epoch():
    source = make_source(np.arange(101), batch_size=8, shuffle=True, seed=7)
    first, second = flat(source, 0), flat(source, 1)
    assert sorted(first) == sorted(second) == list(range(101))
    assert first != second
    again = make_source(np.arange(101), batch_size=8, shuffle=True, seed=7)
    assert flat(again, 1) == second
    assert flat(make_source(np.arange(101), shuffle=True, seed=8), 1) != second


def test_order_without_seed_follows_numpys_global_generator():
    orders = []
    for _ in range(2):
        np.random.seed(3)  # noqa: NPY002
        orders.append(rows_of(make_source(np.arange(50), shuffle=True)))
    assert orders[0] == orders[1]


def test_unshuffled_rows_are_contiguous():
    rows = list(make_source(np.arange(5), batch_size=2).batches(3))
    assert [(r.start, r.stop, r.contiguous) for r in rows] == [(0, 2, True), (2, 4, True), (4, 5, True)]
    assert rows[0].indices.dtype == np.int64


def test_shuffle_batch_moves_whole_blocks_and_leaves_the_short_one_last():
    batches = rows_of(make_source(np.arange(42), batch_size=4, shuffle="batch", seed=0))
    assert all(block == list(range(block[0], block[0] + 4)) for block in batches[:-1])
    assert [block[0] for block in batches[:-1]] != list(range(0, 40, 4))
    assert batches[-1] == [40, 41]


@pytest.mark.parametrize(
    ("batch_size", "steps", "size"), [(None, None, 32), (None, 3, 34), (7, 3, 7), (500, None, 500)]
)
def test_batch_size_default(batch_size, steps, size):
    assert make_source(np.zeros(100), batch_size=batch_size, steps=steps).batch_size == size


def test_fewer_steps_than_batches_go_on_in_the_next_epoch_as_in_keras():
    source = make_source(np.arange(10), batch_size=2, steps=2)
    assert source.num_batches == 2
    assert rows_of(source, 0) == [[0, 1], [2, 3]]
    assert rows_of(source, 1) == [[4, 5], [6, 7]]
    with pytest.warns(UserWarning, match="ran out of data after 1 of 2 steps"):
        assert rows_of(source, 2) == [[8, 9]]
    assert rows_of(source, 3) == rows_of(source, 0)


def test_more_steps_than_batches_warns():
    source = make_source(np.arange(4), batch_size=2, steps=5, caller="evaluate")
    assert source.num_batches == 2
    with pytest.warns(UserWarning, match="evaluate: the input ran out of data after 2 of 5 steps"):
        assert len(rows_of(source)) == 2


@pytest.mark.oracle
@pytest.mark.parametrize("steps", [None, 2, 3])
def test_batches_match_real_keras(steps, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    pytest.importorskip("keras")
    from keras.src.trainers.epoch_iterator import EpochIterator

    x, y = np.arange(14.0).reshape(7, 2), np.arange(7)
    theirs = EpochIterator(x, y, batch_size=3, steps_per_epoch=steps)
    ours = make_source(x, y, batch_size=3, steps=steps)
    for epoch in range(4):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = [next(iter(batch)) for _, _, batch in theirs]
            got = gathered(ours, epoch)
        assert len(got) == len(expected)
        for mine, other in zip(got, expected, strict=True):
            np.testing.assert_array_equal(mine.x, other[0])
            np.testing.assert_array_equal(mine.y, other[1])
            assert mine.x.dtype == other[0].dtype


# Refusals.


class Opaque:
    pass


def a_generator_function():
    yield np.zeros(1)


#: Of this dtype in every version of pandas.
TEXTS = pandas.Series(["t"], dtype=object)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": None}, "fit: x is None.\n  Next: pass the input data as x."),
        ({"x": np.zeros((10, 2)), "y": np.zeros(9)}, "same number of rows, but x has 10, y has 9."),
        (
            {"x": {"a": np.zeros(3), "b": np.zeros(4)}, "y": [np.zeros(3)], "sample_weight": [np.zeros(2)]},
            "but x['a'] has 3, x['b'] has 4, y[0] has 3, sample_weight[0] has 2.",
        ),
        ({"x": [np.zeros(5)] * 3, "y": np.zeros(3)}, "if it is one sample each, pass np.stack(x)."),
        ({"x": np.zeros((0, 2)), "y": np.zeros(0)}, "fit: the data is empty: x has shape (0, 2)."),
        ({"x": []}, "fit: the data is empty: x has shape (0,)."),
        ({"x": {}}, "fit: x holds no array."),
        ({"x": "text"}, "fit: x must hold numbers but has dtype <U4 (from str)."),
        ({"x": ["a", "b"]}, "fit: x must hold numbers but has dtype <U1 (from list)."),
        ({"x": np.array([1, "a"], dtype=object)}, "fit: x must hold numbers but has dtype object (from ndarray)."),
        ({"x": np.zeros(2, complex)}, "fit: x must hold numbers but has dtype complex128"),
        ({"x": [[1, 2], [3]]}, "fit: x cannot be made an array: "),
        ({"x": 3.0}, "fit: x must have one row per sample but is the single number 3.0."),
        ({"x": pandas.DataFrame({"a": [1.0], "b": TEXTS})}, "these pandas columns do not: 'b' (object)."),
        ({"x": Opaque()}, "fit: x of type Opaque is no data that can be read."),
        ({"x": a_generator_function}, "Next: call it if it is a generator function"),
        ({"x": {"a": Opaque()}}, "x of type dict is no data that can be read: it holds Opaque."),
        ({"x": iter([np.zeros(1)]), "y": np.zeros(1)}, "y was given although x is a list_iterator"),
        (
            {"x": iter([np.zeros(1)]), "sample_weight": np.zeros(1)},
            "let it yield (x, y, sample_weight) batches and leave out sample_weight.",
        ),
    ],
)
def test_unusable_data(arguments, message):
    with pytest.raises(DataError) as info:
        make_source(**arguments)
    assert message in str(info.value)


def test_scipy_sparse_is_refused_with_the_remedy():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(DataError, match=r"x is a scipy sparse matrix.\n  Next: pass x.toarray()"):
        make_source(sparse.eye(3).tocsr())


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"batch_size": 0}, ArgumentError, "fit: batch_size must be at least 1, got 0."),
        ({"batch_size": -3}, ArgumentError, "fit: batch_size must be at least 1, got -3."),
        ({"batch_size": 2.5}, ArgumentTypeError, "batch_size must be a positive integer, got 2.5 of type float."),
        ({"batch_size": True}, ArgumentTypeError, "batch_size must be a positive integer, got True of type bool."),
        ({"steps": 0}, ArgumentError, "fit: steps_per_epoch must be at least 1, got 0."),
        ({"steps": 0, "caller": "predict"}, ArgumentError, "predict: steps must be at least 1, got 0."),
        ({"shuffle": "yes"}, ArgumentError, "fit: shuffle must be True, False or 'batch', got 'yes'."),
    ],
)
def test_unusable_arguments(arguments, kind, message):
    with pytest.raises(kind) as info:
        make_source(np.zeros(4), **arguments)
    assert message in str(info.value)


@pytest.mark.parametrize("labels", ["numbers", "column", "one-hot"])
def test_validation_rows_of_each_class(labels):
    """K11: sorted classes, of which the last rows would be one."""
    numbers = np.repeat([0, 1, 2], [40, 20, 7])
    y = {"numbers": numbers, "column": numbers[:, None], "one-hot": np.eye(3)[numbers]}[labels]
    x = np.arange(67)
    train, validation = split_validation((x, y, None), 0.3, "stratified", seed=5)
    assert sorted([*train[0], *validation[0]]) == list(range(67))
    assert len(validation[0]) == 67 - 46
    np.testing.assert_array_equal(train[1], y[train[0]])
    np.testing.assert_allclose(np.bincount(numbers[validation[0]]) / [40, 20, 7], 0.3, atol=0.15)
    again = split_validation((x, y, None), 0.3, "stratified", seed=5)[1][0]
    other = split_validation((x, y, None), 0.3, "stratified", seed=6)[1][0]
    np.testing.assert_array_equal(validation[0], again)
    assert list(again) != list(other)


def test_validation_rows_by_chance():
    weights = np.arange(20.0)
    train, validation = split_validation((np.arange(20), None, weights), 0.25, True)
    assert len(validation[0]) == 5
    assert list(validation[0]) != [15, 16, 17, 18, 19]
    np.testing.assert_array_equal(validation[2], weights[validation[0]])
    assert sorted([*train[0], *validation[0]]) == list(range(20))


def test_validation_shuffle_that_cannot_be():
    with pytest.raises(ArgumentError, match="expected validation_shuffle to be True, False or 'stratified', got 'yes'"):
        split_validation((np.arange(4), None, None), 0.5, "yes")
    with pytest.raises(DataError, match="needs y to be one array of class numbers"):
        split_validation((np.arange(4), np.arange(4) / 3, None), 0.5, "stratified")


def test_fit_draws_its_validation_rows():
    x, y = np.repeat(np.eye(2, dtype="float32"), 16, axis=0), np.repeat([0, 1], 16)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.SGD(5.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=5, verbose=0, validation_split=0.25, validation_shuffle="stratified")
    assert history.history["val_accuracy"][-1] == 1.0


def test_predictions_that_are_no_rows_of_the_data_are_joined_batch_by_batch():
    class Histogram(keras.layers.Layer):
        def call(self, x):
            return keras.ops.histogram(keras.ops.ravel(x), bins=5, range=(0, 10))

    entry = keras.Input((2,))
    model = keras.Model(entry, Histogram()(entry))
    counts, edges = model.predict(np.array([[0, 1], [9, 5], [5, 5.5]], "float32"), batch_size=2, verbose=0)
    np.testing.assert_array_equal(counts, [2, 0, 1, 0, 1, 0, 0, 2, 0, 0])
    np.testing.assert_array_equal(edges, [0, 2, 4, 6, 8, 10] * 2)
