"""Device arrays, on the simulator's memory: shapes and views are the same arithmetic on a GPU."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from nbkeras_cuda.memory import ALIGNMENT, DeviceMemory, HostMemory


@pytest.fixture
def memory():
    return HostMemory()


def test_round_trip(memory):
    values = np.arange(15, dtype=np.float32).reshape(5, 3)
    array = memory.copied(values)
    assert array.address % ALIGNMENT == 0
    assert (array.shape, array.dtype, array.size, array.nbytes, array.ndim) == ((5, 3), values.dtype, 15, 60, 2)
    np.testing.assert_array_equal(memory.to_host(array), values)
    np.testing.assert_array_equal(np.asarray(array), values)


def test_views_share_memory(memory):
    values = np.arange(24, dtype=np.int64).reshape(6, 4)
    array = memory.copied(values)
    for view, expected in (
        (array[2:5], values[2:5]),
        (array[-1], values[-1]),
        (array[4:], values[4:]),
        (array[5:2], values[5:2]),
        (array[...], values),
        (array.reshape(-1), values.reshape(-1)),
        (array.reshape(3, -1), values.reshape(3, -1)),
        (array.reshape((2, 3, 4))[1], values.reshape(2, 3, 4)[1]),
        (array.reshape(-1).view("uint8")[8:24].view("int64"), values.reshape(-1)[1:3]),
        (array.ravel(), values.ravel()),
    ):
        assert view.shape == expected.shape
        np.testing.assert_array_equal(memory.to_host(view), expected)
    memory.from_host(array[1], np.full(4, 7))
    np.testing.assert_array_equal(memory.to_host(array)[1], 7)


def test_a_view_keeps_the_memory(memory):
    view = memory.copied(np.arange(10))[3:5]
    np.testing.assert_array_equal(memory.to_host(view), [3, 4])


def test_copies_between_device_arrays(memory):
    target = memory.empty((3,), "float32")
    memory.from_host(target, memory.copied(np.array([1, 2, 3], np.float32)))
    np.testing.assert_array_equal(memory.to_host(target), [1, 2, 3])


def test_other_libraries_can_read_it(memory):
    interface = memory.empty((2, 3), "float64").__cuda_array_interface__
    assert (interface["shape"], interface["typestr"], interface["strides"], interface["version"]) == (
        (2, 3),
        "<f8",
        None,
        3,
    )


@pytest.mark.parametrize("shape", [0, (0, 3), (3, 0)])
def test_empty_arrays(memory, shape):
    array = memory.empty(shape, "float32")
    memory.from_host(array, np.zeros(shape, np.float32))
    assert memory.to_host(array).shape == np.zeros(shape).shape


def test_what_a_device_array_does_not_do(memory):
    array = memory.empty((4, 3), "float32")
    with pytest.raises(IndexError, match="steps of 1, got a step of 2"):
        array[::2]
    with pytest.raises(IndexError, match="out of range"):
        array[4]
    with pytest.raises(ValueError, match="does not divide into items of int64"):
        array.view("int64")
    with pytest.raises(ValueError, match="cannot reshape"):
        array.reshape(5, 3)
    with pytest.raises(ValueError, match="can only be copied"):
        np.array(array, copy=False)


def test_each_thread_enters_the_gpu_once():
    entered = []
    stream = SimpleNamespace(handle=7, sync=lambda: None)
    device = SimpleNamespace(
        create_stream=lambda: stream,
        set_current=lambda: entered.append(threading.get_ident()),
        allocate=lambda size, stream: SimpleNamespace(handle=ALIGNMENT),
    )
    memory = DeviceMemory(device)

    def use():
        memory.empty(3, "float32")
        memory.wait()
        memory.wait()

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    use()
    assert len(entered) == 3
