"""The twins give the CPU's numbers: every case of `cases_of` in numba's CUDA simulator against the CPU kernels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nbkeras import kernels as cpu
from nbkeras.kernels import runner
from tests.twins import needs, steps
from tests.twins.cases import Table, items_of, make_cases

pytest.importorskip("numba_cuda", reason="needs the extra 'cuda13' or 'cuda12' (it runs without a GPU)")

pytestmark = needs.packages

CASES = make_cases()
ROOT = Path(__file__).parents[2]

#: The same formulas on both devices, but sums in another order.
CLOSE = {"f4": {"rtol": 2e-5, "atol": 2e-6}, "f8": {"rtol": 1e-12, "atol": 1e-14}}


def on_cpu(case) -> list[np.ndarray]:
    """The arrays of a case after its launch on the CPU."""
    kernel = cpu.registry()[case.kernel]
    arrays = [array.copy() for array in case.arrays()]
    arguments = [
        runner.AddressTable(value.rows) if isinstance(value, Table) else value for value in case.replaced(arrays)
    ]
    runner.Program([(kernel, case.dtype, arguments, *items_of(case, kernel))]).run()
    return arrays


def compare(case, results: list[np.ndarray]):
    for index, (expected, got) in enumerate(zip(on_cpu(case), results, strict=True)):
        assert got.dtype == expected.dtype
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(got, expected, **CLOSE[f"f{expected.itemsize}"], err_msg=f"{case.name}[{index}]")
        else:
            np.testing.assert_array_equal(got, expected, err_msg=f"{case.name}[{index}]")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Case name -> its arrays, or the traceback of what went wrong."""
    target = tmp_path_factory.mktemp("simulator") / "results.npz"
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.twins.simulate", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return np.load(target)


def test_every_kernel_has_cases():
    assert {case.kernel for case in CASES.values()} == set(cpu.registry())


@pytest.mark.parametrize("name", CASES)
def test_simulator_gives_the_cpu_numbers(simulated, name):
    case = CASES[name]
    assert f"{name}/error" not in simulated, str(simulated[f"{name}/error"])
    compare(case, [simulated[f"{name}/{index}"] for index in range(len(case.arrays()))])


def compare_training(dtype: str, results: list[np.ndarray]):
    """The arrays that training left behind on another device against those that it leaves on the CPU."""
    launches, watched = steps.launches(cpu.registry(), np.copy, dtype)
    program = runner.Program(launches)
    for _ in range(steps.STEPS):
        program.run()
    for expected, got in zip(watched, results, strict=True):
        np.testing.assert_allclose(got, expected, **CLOSE[dtype])
    assert watched[4].mean() < 2, "the steps did not learn"


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_simulator_trains_like_the_cpu(simulated, dtype):
    compare_training(dtype, [simulated[f"training-{dtype}/{index}"] for index in range(7)])
