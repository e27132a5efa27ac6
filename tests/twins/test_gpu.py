"""On a real GPU: every case of `cases_of` against the CPU kernels, and one product of training size.

Always collected; without a GPU it shows as skipped, with the cause.
"""

from __future__ import annotations

import numpy as np
import pytest

from nbkeras_cuda import check
from tests.twins import needs
from tests.twins.cases import make_cases
from tests.twins.products import compare_product, large_product
from tests.twins.simulate import run_case, train
from tests.twins.test_simulator import compare, compare_training

WHY_NOT = "NUMBA_ENABLE_CUDASIM is set" if check.simulated() else needs.why_not(check.require)

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))]

CASES = make_cases()


@pytest.fixture(scope="module")
def gpu():
    import nbkeras_cuda
    from nbkeras_cuda.kernels import registry

    return *nbkeras_cuda.machine(), registry()


@pytest.mark.parametrize("name", CASES)
def test_gpu_gives_the_cpu_numbers(gpu, name):
    compare(CASES[name], run_case(CASES[name], *gpu))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_gpu_trains_like_the_cpu(gpu, dtype):
    compare_training(dtype, train(*gpu, dtype))


@pytest.mark.parametrize("turned", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_large_product(gpu, turned):
    compare_product(large_product(1, 1100, 1030, 777, *turned), gpu)


def test_memory_round_trip(gpu):
    memory = gpu[0]
    values = np.arange(35, dtype=np.float32).reshape(5, 7)
    array = memory.copied(values)
    np.testing.assert_array_equal(memory.to_host(array[1:4]), values[1:4])
    np.testing.assert_array_equal(memory.to_host(array.reshape(-1).view("uint8")), values.ravel().view("uint8"))
