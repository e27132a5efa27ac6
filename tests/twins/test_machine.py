"""What NVVM makes of the kernels: their PTX, run with the blocks of a real GPU, gives the CPU's numbers without races.

And the machine that runs it (`machine.py`) sees what it is there to see, on small kernels that are wrong on purpose.
"""

import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="needs the extra 'cuda13' or 'cuda12' (it runs without a GPU)")

from numba import cuda

from nbkeras.kernels.scalars import sqrt
from nbkeras_cuda._jit import Kernel, T
from nbkeras_cuda.kernels import registry
from nbkeras_cuda.launch import Program
from tests.twins import needs
from tests.twins.cases import make_cases
from tests.twins.machine import Fault, Machine, Memory
from tests.twins.products import compare_product, large_product
from tests.twins.simulate import run_case, train
from tests.twins.test_simulator import compare, compare_training

pytestmark = needs.compiler

CASES = make_cases()


@pytest.fixture
def machine():
    memory = Memory()
    return memory, Machine(memory), registry()


@pytest.mark.parametrize("name", CASES)
def test_compiled_kernels_give_the_cpu_numbers(machine, name):
    compare(CASES[name], run_case(CASES[name], *machine))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_compiled_kernels_train_like_the_cpu(machine, dtype):
    compare_training(dtype, train(*machine, dtype))


@pytest.mark.parametrize("turned", [(0, 0), (1, 1)])
def test_large_tiles(machine, turned):
    compare_product(large_product(16, 130, 129, 11, *turned), machine)


SHARED = 64


def reversed_without_a_barrier(y: "T n", x: "T n", n: "i8", lo, hi):  # noqa: F722, F821
    held = cuda.shared.array(SHARED, T)
    thread = cuda.threadIdx.x + 0
    held[thread] = x[thread]
    y[thread] = held[n - 1 - thread]


def reversed_with_one(y: "T n", x: "T n", n: "i8", lo, hi):  # noqa: F722, F821
    held = cuda.shared.array(SHARED, T)
    thread = cuda.threadIdx.x + 0
    held[thread] = x[thread]
    cuda.syncthreads()
    y[thread] = held[n - 1 - thread]


def summed_in_place_without_a_barrier(y: "T n", x: "T n", n: "i8", lo, hi):  # noqa: F722, F821
    thread = cuda.threadIdx.x + 0
    y[thread] = x[thread]
    if thread + 1 < n:
        y[thread] += y[thread + 1]


def all_write_one_element(y: "T n", x: "T n", n: "i8", lo, hi):  # noqa: F722, F821
    y[0] = x[cuda.threadIdx.x]


def blocks_read_what_blocks_write(y: "T n", x: "T n", n: "i8", lo, hi):  # noqa: F722, F821
    if cuda.threadIdx.x == 0:
        y[cuda.blockIdx.x] = x[0] + y[0]


def one_behind_the_end(y: "T n", x: "T n", n: "i8", lo, hi):  # noqa: F722, F821
    y[cuda.threadIdx.x] = x[cuda.threadIdx.x + 1]


def half_of_them_wait(y: "T n", x: "T n", n: "i8", lo, hi):  # noqa: F722, F821
    if cuda.threadIdx.x < n // 2:
        cuda.syncthreads()
    y[cuda.threadIdx.x] = x[cuda.threadIdx.x]


def the_next_item_comes_too_early(y: "T n", x: "T n", n: "i8", lo, hi):  # noqa: F722, F821
    held = cuda.shared.array(SHARED, T)
    thread = cuda.threadIdx.x + 0
    item = lo + cuda.blockIdx.x
    while item < hi:
        held[thread] = x[thread]
        cuda.syncthreads()
        y[thread] = held[n - 1 - thread]
        item += cuda.gridDim.x


FAULTY = {
    reversed_without_a_barrier: (1, r"race on shared memory .* reads what thread \d+ wrote since the last barrier"),
    summed_in_place_without_a_barrier: (1, r"race on array 0, byte \d+: thread \d+ reads what thread \d+ wrote"),
    the_next_item_comes_too_early: (4, r"race on shared memory .* writes what thread \d+ read since the last barrier"),
    all_write_one_element: (1, "race on array 0, byte 0: several threads write it at once"),
    blocks_read_what_blocks_write: (2, "race on array 0: block 1 and another one"),
    one_behind_the_end: (1, "outside of every array"),
    half_of_them_wait: (1, "a barrier that not all threads of the block reach together"),
}


def run_alone(function, machine, items: int = 1) -> np.ndarray:
    memory, launcher, _ = machine
    kernel = Kernel(function, launch="block", threads=SHARED)
    x = np.arange(SHARED, dtype=np.float32)
    y = memory.copied(np.zeros_like(x))
    Program(launcher, [(kernel, "f4", [y, memory.copied(x), SHARED], items, items)]).run()
    return memory.to_host(y)


@pytest.mark.parametrize("function", FAULTY, ids=lambda function: function.__name__)
def test_the_machine_sees_what_is_wrong(machine, function):
    items, message = FAULTY[function]
    with pytest.raises(Fault, match=message):
        run_alone(function, machine, items)


def test_the_machine_passes_what_is_right(machine):
    np.testing.assert_array_equal(run_alone(reversed_with_one, machine), np.arange(SHARED)[::-1])


def triangle_over_ranges(work: "T m*n", a: "T m*n", m: "i8", n: "i8", lo, hi):  # noqa: F722, F821
    """The first half of `qr` as it was until its innermost loops became `while` loops."""
    item = lo + cuda.grid(1)
    while item < hi:
        w = item * m * n
        for i in range(m * n):
            work[w + i] = a[item * m * n + i]
        for j in range(n):
            alpha = work[w + j * n + j]
            below = T(0.0)
            for i in range(j + 1, m):
                below += work[w + i * n + j] * work[w + i * n + j]
            if below > 0:
                length = sqrt(alpha * alpha + below)
                beta = -length if alpha >= 0 else length
                tau = (beta - alpha) / beta
                for i in range(j + 1, m):
                    work[w + i * n + j] /= alpha - beta
                work[w + j * n + j] = beta
                for k in range(j + 1, n):
                    total = work[w + j * n + k]
                    for i in range(j + 1, m):
                        total += work[w + i * n + j] * work[w + i * n + k]
                    total *= tau
                    work[w + j * n + k] -= total
                    for i in range(j + 1, m):
                        work[w + i * n + k] -= total * work[w + i * n + j]
        item += cuda.gridsize(1)


def test_the_machine_sees_what_the_compiler_got_wrong(machine):
    memory, launcher, _ = machine
    m, n = 5, 4
    a = np.random.default_rng(2).standard_normal((m, n))
    work = memory.copied(np.zeros((m, n)))
    kernel = Kernel(triangle_over_ranges)
    Program(launcher, [(kernel, "f8", [work, memory.copied(a), m, n], 1, 1)]).run()
    got, expected = np.triu(memory.to_host(work)[:n]), np.linalg.qr(a)[1]
    if np.allclose(got, expected, rtol=1e-9):
        pytest.skip("this NVVM compiles such loops right: `reflect` in orthogonal.py could be written with range")
    np.testing.assert_allclose(got[0], expected[0], rtol=1e-9, err_msg="the first row was never wrong")
