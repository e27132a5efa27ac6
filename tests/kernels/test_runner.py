"""The runner: every kind of argument, every item once, the same bits for any number of threads."""

import threading

import numpy as np
import pytest

from nbkeras.kernels import runner, team, threads
from tests.kernels.launch import launch
from tests.kernels.sample import sample_add, sample_mix


@pytest.fixture(params=(1, 2, 5))
def team_size(request):
    """Launches on this many threads, more than there are processors too."""
    launch(sample_add, "f8", np.zeros(4), 1.0, items=4, chunk=1)
    threads._team.grow(request.param)
    yield request.param
    threads.ready = False


@pytest.mark.parametrize("items", (1, 3, 7, 31, 257))
@pytest.mark.parametrize("chunk", (1, 2, 30, 1000))
def test_every_item_is_visited_once(team_size, items, chunk):
    y = np.zeros(items + 1)
    program = runner.Program([(sample_add, "f8", (y, 1.0), items, chunk)] * 20)
    program.run()
    assert y.tolist() == [20.0] * items + [0.0]


def test_no_items():
    y = np.zeros(1)
    launch(sample_add, "f8", y, 1.0, items=0)
    assert y[0] == 0


@pytest.mark.parametrize("dtype", ("f4", "f8"))
def test_arguments_of_every_kind(dtype):
    out = np.zeros(4, dtype)
    launch(sample_mix, dtype, out, np.array([0.5]), -3, 2**63 + 2**60, True, 1.25, np.float32(2.5), items=7)
    assert out.tolist() == [-2.5, 9.0, 2.25, 9.5]


def test_an_array_of_the_wrong_item_size_is_our_bug():
    with pytest.raises(AssertionError):
        launch(sample_add, "f8", np.zeros(1, np.float32), 1.0, items=1)


def test_too_few_arguments():
    with pytest.raises(ValueError, match="zip"):
        launch(sample_add, "f8", np.zeros(1), items=1)


def test_part_of_a_program():
    y = np.zeros((5, 3))
    program = runner.Program([(sample_add, "f8", (row, 1.0), 3, 3) for row in y])
    program.run(1, 3)
    program.run(4)
    assert y[:, 0].tolist() == [0, 1, 1, 0, 1]


def test_set_pointer():
    first, second = np.zeros(3), np.zeros(3)
    program = runner.Program([(sample_add, "f8", (first, 1.0), 3, 3)])
    program.set_pointer(0, 0, second.ctypes.data)
    program.run()
    assert (first.sum(), second.sum()) == (0, 3)


def test_address_tables():
    a, b, other = np.zeros(2), np.zeros(2), np.zeros(2)
    program = runner.Program([(sample_add, "i8", (runner.AddressTable([(a, 7, 8), (b, 9, 10)]), 0), 0, 1)])
    table = program._tables[0, 0]
    assert program.arguments[0] == table.ctypes.data
    assert table.tolist() == [[a.ctypes.data, 7, 8], [b.ctypes.data, 9, 10]]
    program.set_pointer(0, 0, other.ctypes.data, row=1)
    assert table[1].tolist() == [other.ctypes.data, 9, 10]


def test_arrays_live_as_long_as_the_program():
    program = runner.Program([(sample_add, "f8", (np.zeros(1000), 1.0), 1000, 1000)])
    assert program._keep[0][0].sum() == 0


def test_python_threads_at_once(team_size):
    """N16: no abort, no mixing up; who finds the team busy runs alone."""
    arrays = [np.zeros(1001) for _ in range(4)]

    def train(y):
        program = runner.Program([(sample_add, "f8", (y, 1.0), 1001, 10)] * 10)
        for _ in range(50):
            program.run()

    workers = [threading.Thread(target=train, args=(y,)) for y in arrays]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all((y == 500).all() for y in arrays)
    assert threads._team.state[team.BUSY] == 0


def test_helpers_that_sleep_are_woken(team_size):
    y = np.zeros(64)
    program = runner.Program([(sample_add, "f8", (y, 1.0), 64, 1)])
    threads._team.state[team.SPINS] = 1
    for _ in range(2000):
        program.run()
    threads._team.state[team.SPINS] = team.LOOKS
    assert (y == 2000).all()
