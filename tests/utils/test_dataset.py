"""Data sets: every step gives the elements that it promises, in order, again on each pass, and feeds a model."""

import math
import threading

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.errors import ArgumentError, ArgumentTypeError, DataError
from nbkeras.utils import Dataset, split_dataset


def numbers(count=7):
    return Dataset.from_tensor_slices(np.arange(count))


def listed(dataset):
    return [np.asarray(element).tolist() for element in dataset]


@pytest.mark.parametrize(
    ("step", "elements", "length"),
    [
        (lambda d: d, [0, 1, 2, 3, 4, 5, 6], 7),
        (lambda d: d.map(lambda x: x * x), [0, 1, 4, 9, 16, 25, 36], 7),
        (lambda d: d.map(lambda x: x + 1, num_parallel_calls=-1), [1, 2, 3, 4, 5, 6, 7], 7),
        (lambda d: d.batch(3), [[0, 1, 2], [3, 4, 5], [6]], 3),
        (lambda d: d.batch(3, drop_remainder=True), [[0, 1, 2], [3, 4, 5]], 2),
        (lambda d: d.batch(4).unbatch(), [0, 1, 2, 3, 4, 5, 6], -2),
        (lambda d: d.batch(4).rebatch(5), [[0, 1, 2, 3, 4], [5, 6]], -2),
        (lambda d: d.filter(lambda x: x % 2), [1, 3, 5], -2),
        (lambda d: d.take(2), [0, 1], 2),
        (lambda d: d.take(-1), [0, 1, 2, 3, 4, 5, 6], 7),
        (lambda d: d.skip(5), [5, 6], 2),
        (lambda d: d.skip(9), [], 0),
        (lambda d: d.skip(-1), [], 0),
        (lambda d: d.take(2).repeat(2), [0, 1, 0, 1], 4),
        (lambda d: d.repeat().take(9), [0, 1, 2, 3, 4, 5, 6, 0, 1], 9),
        (lambda d: d.prefetch(2), [0, 1, 2, 3, 4, 5, 6], 7),
        (lambda d: d.cache(), [0, 1, 2, 3, 4, 5, 6], 7),
        (lambda d: Dataset.from_generator(lambda: (i for i in range(3))), [0, 1, 2], -2),
        (lambda d: d.take(2).enumerate(5).map(lambda i, x: i + x), [5, 7], 2),
        (lambda d: Dataset.zip((d, d.skip(4))).map(lambda a, b: a * b), [0, 5, 12], 3),
    ],
)
def test_steps(step, elements, length):
    dataset = step(numbers())
    assert listed(dataset) == elements
    assert listed(dataset) == elements, "a second pass differs"
    assert dataset.cardinality() == length
    if length >= 0:
        assert len(dataset) == length


def test_length_of_the_endless_and_the_unknown():
    assert numbers().repeat().cardinality() == -1
    with pytest.raises(TypeError, match="infinite length"):
        len(numbers().repeat())
    with pytest.raises(TypeError, match="unknown length"):
        len(numbers().filter(bool))
    assert numbers().repeat()._size == math.inf


def test_shuffles_are_fair_seeded_and_new_each_pass():
    shuffled = numbers(100).shuffle(100, seed=1)
    first, second = listed(shuffled), listed(shuffled)
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second != list(range(100))
    again = numbers(100).shuffle(100, seed=1)
    assert listed(again) == first
    still = numbers(100).shuffle(100, seed=1, reshuffle_each_iteration=False)
    assert listed(still) == listed(still)
    near = listed(numbers(100).shuffle(5, seed=1))
    assert all(value <= place + 4 for place, value in enumerate(near))


def test_structures_and_arrays_with_numpy():
    dataset = Dataset.from_tensor_slices(({"a": np.arange(4), "b": np.eye(4)}, [1, 2, 3, 4])).batch(2)
    x, y = next(iter(dataset))
    assert x["b"].shape == (2, 4) and y.numpy().tolist() == [1, 2]
    assert type(y.numpy()) is np.ndarray
    assert type(next(dataset.as_numpy_iterator())[1]) is np.ndarray


def test_cache_asks_once():
    calls = []
    dataset = numbers(3).map(lambda x: calls.append(int(x)) or x).cache()
    assert listed(dataset) == listed(dataset) == [0, 1, 2]
    assert calls == [0, 1, 2]


def test_a_prefetching_thread_ends_with_its_reader_and_hands_errors_on():
    iterator = iter(numbers(1000).prefetch(1))
    assert next(iterator) == 0
    iterator.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "nbkeras-prefetch"]

    def broken(x):
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        listed(numbers().map(broken).prefetch())


def test_it_feeds_a_model():
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    histories = []
    for batches in ((x, y), (Dataset.from_tensor_slices((x, y)).batch(8).prefetch(),)):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        size = {"batch_size": 8} if len(batches) == 2 else {}
        histories.append(model.fit(*batches, epochs=2, shuffle=False, verbose=0, **size).history)
    assert histories[0] == histories[1]
    endless = Dataset.from_tensor_slices((x, y)).batch(8).repeat()
    model.fit(endless, steps_per_epoch=4, epochs=2, verbose=0)
    assert model.predict(Dataset.from_tensor_slices(x).batch(6), verbose=0).shape == (20, 1)
    assert model.evaluate(endless.unbatch().filter(lambda x, y: True).batch(5), steps=2, verbose=0) > 0


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: numbers().batch(0), ArgumentError, "batch_size to be a positive integer, got 0"),
        (lambda: numbers().shuffle(1.5), ArgumentError, "buffer_size to be a positive integer, got 1.5"),
        (
            lambda: Dataset.from_tensor_slices((np.ones(2), np.ones(3))),
            DataError,
            r"one number of rows, got \['2', '3'\]",
        ),
        (lambda: Dataset.from_tensor_slices(3), DataError, "one number of rows"),
        (lambda: numbers().cache("file"), ArgumentError, "no cache in files"),
        (
            lambda: list(numbers().map(lambda x: np.ones(int(x))).batch(2)),
            DataError,
            "elements of a batch must have one shape",
        ),
    ],
)
def test_what_cannot_be(make, error, text):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [((0.8, None), (8, 2)), ((None, 3), (7, 3)), ((2, 3), (2, 3)), ((0.5, 0.2), (5, 2)), ((4, None), (4, 6))],
)
def test_splits(sizes, parts):
    x, y = np.arange(10), np.arange(10) * 10
    left, right = split_dataset((x, y), *sizes)
    assert (len(left), len(right)) == parts
    assert [int(b) for _, b in left] == (y[: parts[0]]).tolist()
    assert [int(a) for a, _ in right] == (x[-parts[1] :]).tolist()
    shuffled, rest = split_dataset(x, *sizes, shuffle=True, seed=3)
    assert listed(shuffled) != listed(left.map(lambda a, b: a))
    assert len(set(listed(shuffled) + listed(rest))) == sum(parts)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, ArgumentError, "left_size or right_size, got neither"),
        ({"left_size": "half"}, ArgumentTypeError, "to be an int, a float or None, got a str"),
        ({"left_size": 10}, ArgumentError, "below 10, or a share between 0 and 1, got 10"),
        ({"left_size": 0.0}, ArgumentError, "got 0.0"),
        ({"left_size": 0.6, "right_size": 0.6}, ArgumentError, "more than 1 together"),
        ({"left_size": 6, "right_size": 6}, ArgumentError, "6 and 6 elements are more than there are, 10"),
        ({"left_size": 0.01}, ArgumentError, "leave one part without any"),
    ],
)
def test_splits_that_cannot_be(arguments, error, text):
    with pytest.raises(error, match=text):
        split_dataset(np.arange(10), **arguments)
    with pytest.raises(ArgumentTypeError, match="got a generator"):
        split_dataset((i for i in ()), left_size=0.5)


def test_split_of_data_sets_of_other_libraries():
    class Indexed:
        """What `torch.utils.data.Dataset` asks for."""

        def __len__(self):
            return 5

        def __getitem__(self, i):
            return np.full(2, i), i

    class Iterated:
        """What a `tf.data.Dataset` is: it can be iterated over, again and again."""

        def __iter__(self):
            return ((np.full(2, i), i) for i in range(5))

    for dataset in (Indexed(), Iterated()):
        left, right = split_dataset(dataset, left_size=0.6)
        assert [int(i) for _, i in left] == [0, 1, 2] and [int(i) for _, i in right] == [3, 4]
        np.testing.assert_array_equal(next(iter(right))[0], [3, 3])
