"""Generators, re-iterable objects and PyDatasets."""

import os
import threading

import numpy as np
import pytest

from nbkeras.errors import DataError
from nbkeras.training.data import make_source
from nbkeras.utils import PyDataset, Sequence, pack_x_y_sample_weight, unpack_x_y_sample_weight


def numbered(count):
    for i in range(count):
        yield np.full((2, 1), float(i)), np.full(2, i)


def seen(source, epoch=0):
    return [int(batch.x[0, 0]) for batch in source.batches(epoch)]


class Numbered(PyDataset):
    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count = count
        self.calls = []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return np.full((2, 1), index), np.array([0, 1])

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


# Generators and iterables.


@pytest.mark.parametrize("yielded", [np.zeros((3, 2)), (np.zeros((3, 2)),), [np.zeros((3, 2))], [[0.0, 0.0]] * 3])
def test_generator_may_yield_x_alone(yielded):
    source = make_source(item for item in [yielded])
    assert (source.num_batches, source.batch_size, source.num_samples) == (None, None, None)
    (batch,) = source.batches(0)
    assert batch.x.shape == (3, 2)
    assert batch.x.dtype == np.float32
    assert batch.y is None


def test_generator_runs_until_exhausted_then_warns_in_the_next_epoch():
    source = make_source(numbered(3))
    assert source.peek().x[0, 0] == 0
    assert seen(source) == [0, 1, 2]
    assert not source.exhausted
    with pytest.warns(UserWarning, match="the generator given as x had no batch left for epoch 2"):
        assert seen(source, 1) == []
    assert source.exhausted


def test_generator_with_steps_goes_on_and_warns_when_it_runs_out():
    source = make_source(numbered(5), steps=2)
    assert source.num_batches == 2
    assert [seen(source, 0), seen(source, 1)] == [[0, 1], [2, 3]]
    with pytest.warns(UserWarning, match="fit: the input ran out of data after 1 of 2 steps"):
        assert seen(source, 2) == [4]
    assert source.exhausted


def test_iterable_starts_anew_each_epoch():
    source = make_source(Again(3))
    assert source.num_batches == 3
    assert [seen(source, epoch) for epoch in range(3)] == [[0, 1, 2]] * 3


class Again:
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __iter__(self):
        return numbered(self.count)


def test_iterable_with_steps_goes_on_and_rewinds_on_request():
    source = make_source(Again(4), steps=2)
    assert [seen(source, epoch) for epoch in range(3)] == [[0, 1], [2, 3], [0, 1]]
    source.rewind()
    assert seen(source, 3) == [0, 1]


def test_weights_and_class_weights_of_batches():
    weighted = make_source((x, y, [0.5, 0.5]) for x, y in numbered(2))
    assert weighted.peek().sample_weight.tolist() == [0.5, 0.5]
    by_class = make_source(numbered(2), class_weight={1: 3.0})
    assert [batch.sample_weight.tolist() for batch in by_class.batches(0)] == [[1, 1], [3, 3]]


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "the generator given as x yields no batch.\n  Next: it may have been used up before"),
        ([(1, 2, 3, 4)], "a batch must be x, (x,), (x, y) or (x, y, sample_weight), but is a tuple of 4."),
        ([(np.zeros(3), np.zeros(2))], "same number of rows, but x has 3, y has 2."),
        ([(np.zeros(3), np.array(["a"] * 3))], "y must hold numbers but has dtype <U1"),
        ([1.0], "x must have one row per sample but is the single number 1.0"),
        ([()], "but is a tuple of 0."),
    ],
)
def test_unusable_batches(batches, message):
    with pytest.raises(DataError) as info:
        make_source(batch for batch in batches)
    assert message in str(info.value)


# PyDataset.


def test_dataset_hooks_order_and_shuffling():
    dataset = Numbered(20)
    source = make_source(dataset, shuffle=True, seed=1)
    first, second = seen(source, 0), seen(source, 1)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    assert dataset.calls == ["begin", "end"] * 2
    assert seen(make_source(Numbered(20), shuffle=True, seed=1), 1) == second


@pytest.mark.parametrize("workers", [1, 4])
def test_workers_do_not_change_the_order(workers):
    class Threads(Numbered):
        def __getitem__(self, index):
            names.add(threading.current_thread().name)
            return super().__getitem__(index)

    names = set()
    source = make_source(Threads(9, workers=workers, max_queue_size=2))
    assert seen(source) == list(range(9))
    assert ("MainThread" in names) == (workers == 1)
    assert threading.active_count() == 1 or not any("nbkeras-data" in t.name for t in threading.enumerate())


def test_spawned_workers(tmp_path):
    source = make_source(Numbered(3, workers=1, use_multiprocessing=True))
    assert seen(source) == [0, 1, 2]


class Deadly(Numbered):
    def __getitem__(self, index):
        if index:
            os._exit(1)
        return super().__getitem__(index)


def test_spawned_worker_that_dies():
    source = make_source(Deadly(2, workers=1, use_multiprocessing=True))
    with pytest.raises(DataError, match=r"a worker process died while it made a batch.\n  Next: put the script's"):
        seen(source)


def test_error_in_a_worker_reaches_the_user_and_ends_the_workers():
    class Broken(Numbered):
        def __getitem__(self, index):
            if index == 3:
                raise OSError("disk gone")
            return super().__getitem__(index)

    with pytest.raises(OSError, match="disk gone"):
        seen(make_source(Broken(9, workers=2)))
    assert not any("nbkeras-data" in thread.name for thread in threading.enumerate())


def test_leaving_an_epoch_early_ends_it():
    dataset = Numbered(9, workers=2)
    batches = make_source(dataset).batches(0)
    next(batches)
    batches.close()
    assert dataset.calls == ["begin", "end"]
    assert not any("nbkeras-data" in thread.name for thread in threading.enumerate())


def test_endless_dataset_needs_steps():
    class Endless(Numbered):
        num_batches = None

    with pytest.raises(DataError) as info:
        make_source(Endless(0))
    assert "the Endless given as x is endless (num_batches is None) and no steps were given." in str(info.value)
    source = make_source(Endless(0), steps=3)
    assert [seen(source, 0), seen(source, 1)] == [[0, 1, 2], [3, 4, 5]]


def test_dataset_with_steps_continues_and_warns_at_its_end():
    source = make_source(Numbered(3), steps=2)
    assert seen(source, 0) == [0, 1]
    with pytest.warns(UserWarning, match="ran out of data after 1 of 2 steps"):
        assert seen(source, 1) == [2]


class Unpicklable(Numbered):
    def __reduce__(self):
        raise TypeError("holds a lock")


class WithoutLength(PyDataset):
    def __getitem__(self, index):
        return np.zeros(1)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Numbered(0), "the Numbered given as x has 0 batches.\n  Next: check its __len__."),
        (WithoutLength(), "WithoutLength needs a __len__ method or a num_batches property."),
        (
            Unpicklable(1, workers=1, use_multiprocessing=True),
            "Unpicklable has use_multiprocessing=True but cannot be pickled: holds a lock.",
        ),
    ],
)
def test_unusable_datasets(dataset, message):
    with pytest.raises(DataError) as info:
        list(make_source(dataset).batches(0))
    assert message in str(info.value)


def test_dataset_with_targets_beside_it():
    with pytest.raises(DataError, match="y was given although x is a Numbered, which makes whole batches"):
        make_source(Numbered(2), np.zeros(4))


def test_dataset_that_forgot_super_init_warns():
    class Forgot(PyDataset):
        def __init__(self):
            pass

        def __len__(self):
            return 1

        def __getitem__(self, index):
            return np.zeros(1)

    with pytest.warns(UserWarning, match=r"Forgot.__init__ should call super\(\).__init__"):
        list(make_source(Forgot()).batches(0))


def test_dataset_base_class():
    assert Sequence is PyDataset
    dataset = Numbered(2)
    dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size = 3, True, 5
    assert (dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size) == (3, True, 5)
    assert len(list(dataset)) == dataset.num_batches == 2
    with pytest.raises(NotImplementedError, match="PyDataset needs a __getitem__ method"):
        PyDataset()[0]


def test_pack_and_unpack():
    assert unpack_x_y_sample_weight([1, 2, 3]) == (1, 2, 3)
    assert unpack_x_y_sample_weight(1) == (1, None, None)
    assert pack_x_y_sample_weight(1, 2, 3) == (1, 2, 3)
    with pytest.raises(DataError, match="got a tuple of 4"):
        unpack_x_y_sample_weight((1, 2, 3, 4))
