"""Programs and arguments, without a GPU: what is bound, in which order it runs, how wide each argument is packed."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="needs the extra 'cuda13' or 'cuda12' (it runs without a GPU)")

from nbkeras_cuda import launch
from nbkeras_cuda.intrinsics import Pointer
from nbkeras_cuda.kernels import registry
from nbkeras_cuda.memory import HostMemory


class Recorder(launch.Launcher):
    """A launcher that writes down what it would launch."""

    def __init__(self):
        self.memory = HostMemory()
        self.log = []

    def prepare(self, kernel, dtype, blocks, threads):
        return kernel.name, dtype, blocks, threads

    def launch(self, prepared, arguments):
        self.log.append((*prepared, [getattr(a, "value", a) for a in arguments]))

    def graph(self, launches):
        launches = [(prepared, list(arguments)) for prepared, arguments in launches]  # as they are now
        return lambda: self.log.append([arguments[0] for _, arguments in launches])


@pytest.fixture
def recorder():
    return Recorder()


def fill(recorder, n, value=2.0):
    out = recorder.memory.empty(n, "float32")
    return (registry()["fill"], "f4", [out, value], n, n), out


def test_launches_run_in_order(recorder):
    first, a = fill(recorder, 10)
    second, b = fill(recorder, 1000, 3)
    program = launch.Program(recorder, [first, second])
    program.run()
    assert recorder.log == [
        ("fill", "f4", 1, 256, [a.address, 2.0, 0, 10]),
        ("fill", "f4", 4, 256, [b.address, 3.0, 0, 1000]),
    ]
    recorder.log.clear()
    program.run(1, 2)
    assert [entry[2] for entry in recorder.log] == [4]


def test_a_program_that_runs_again_becomes_a_graph_until_a_pointer_moves(recorder):
    first, a = fill(recorder, 10)
    second, b = fill(recorder, 1000, 3)
    program = launch.Program(recorder, [first, second])
    program.run(0, 1)  # a part of it does not count
    program.run()
    assert len(recorder.log) == 3
    recorder.log.clear()
    program.run()
    program.run()
    assert recorder.log == [[a.address, b.address]] * 2
    recorder.log.clear()
    program.set_pointer(0, 0, 4096)
    program.run()
    assert [entry[-1][0] for entry in recorder.log] == [4096, b.address]
    recorder.log.clear()
    program.run()
    assert recorder.log == [[4096, b.address]]


def test_nothing_to_do_is_not_launched(recorder):
    launch.Program(recorder, [fill(recorder, 0)[0]]).run()
    assert recorder.log == []


def test_pointers_can_be_moved(recorder):
    step, _ = fill(recorder, 10)
    program = launch.Program(recorder, [step])
    program.set_pointer(0, 0, 4096)
    program.run()
    assert recorder.log[0][-1][0] == 4096


def test_tables_hold_addresses(recorder):
    memory = recorder.memory
    arrays = [memory.copied(np.arange(5, dtype=np.float32)) for _ in range(2)]
    table = launch.AddressTable([(arrays[0], 0, 0, 1), (arrays[1], 0, 0, 1)])
    program = np.array([0, 0, 0, 0, 0, 1, 1, 0, 0, 0])
    arguments = [table, np.array([5]), program, np.zeros(1, np.float32), 1, 2, 5]
    made = launch.Program(recorder, [(registry()["elementwise"], "f4", arguments, 1, 1)])
    made.set_pointer(0, 0, 8192, row=1)
    made.run()
    name, _, blocks, threads, bound = recorder.log[0]
    assert (name, blocks * threads >= 512) == ("elementwise", True)
    rows = (ctypes.c_int64 * 8).from_address(bound[0])
    assert list(rows) == [arrays[0].address, 0, 0, 1, 8192, 0, 0, 1]


def test_an_array_of_the_wrong_width_is_our_bug(recorder):
    out = recorder.memory.empty(4, "float64")
    with pytest.raises(AssertionError, match="out"):
        launch.Program(recorder, [(registry()["fill"], "f4", [out, 1.0], 4, 4)])


def test_grids():
    kernels = registry()
    out = HostMemory().empty((1000, 10), "float32")
    assert launch.grid(kernels["fill"], [out], 257) == (2, 256)
    assert launch.grid(kernels["fill"], [out], 1 << 40) == (launch.MOST_BLOCKS, 256)
    assert launch.grid(kernels["softmax"], [out], 1000) == (1000, 32)
    assert launch.grid(kernels["gather"], [out], 1000) == (40, 256)


def test_arguments_are_packed_as_wide_as_the_kernel_reads_them(recorder):
    """cuda.core turns values into the bytes of a launch; each must have the width of its parameter."""
    from cuda.core._kernel_arg_handler import ParamHolder

    kernel = registry()["random_uniform"]
    numbers = [recorder.number(p, "f4", 1.5) for p in kernel.parameters if p.code == "f8"]
    value = recorder.number(registry()["fill"].parameters[1], "f4", 2.5)
    holder = ParamHolder((4096, *numbers, value, *recorder.range(7)))
    places = (ctypes.c_void_p * 6).from_address(holder.ptr)
    kinds = (ctypes.c_int64, ctypes.c_double, ctypes.c_double, ctypes.c_float, ctypes.c_int64, ctypes.c_int64)
    read = [kind.from_address(place).value for kind, place in zip(kinds, places, strict=True)]
    assert read == [4096, 1.5, 1.5, 2.5, 0, 7]


def test_the_simulators_pointer_checks_its_bounds():
    memory = np.arange(4, dtype=np.int32)
    pointer = Pointer(memory.ctypes.data, "i4", 4)
    pointer[1] = 7.9
    assert (pointer[1], memory[1]) == (7, 7)
    for index in (-1, 4):
        with pytest.raises(IndexError, match=f"index {index} of a pointer to 4 elements of int32"):
            pointer[index]
