"""A network trained with NBKERAS_DEVICE=cuda learns the same numbers as on the CPU, here without a GPU.

Once in numba's simulator, which runs the kernels' Python source, and once by `machine.py`, which runs their PTX.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="needs the extra 'cuda13' or 'cuda12' (it runs without a GPU)")

from tests.twins import needs

pytestmark = needs.packages

ROOT = Path(__file__).parents[2]


ON_THE_MACHINE = """
import sys
from tests.twins.machine import take_the_place_of_the_gpu
take_the_place_of_the_gpu()
from tests.twins.train import main
main(sys.argv[1])
"""


def train(target: Path, *command, **environment) -> dict[str, np.ndarray]:
    """What `train.py`, or another command in its place, stores in a process of its own."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("NBKERAS_DEVICE", "NUMBA_ENABLE_CUDASIM")}
    command = [sys.executable, *(command or ("-m", "tests.twins.train")), str(target)]
    environment = {**inherited, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return dict(np.load(target))


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return train(tmp_path_factory.mktemp("cpu") / "cpu.npz", NBKERAS_DEVICE="cpu")


def compare(got, expected):
    assert list(got) == list(expected)
    for name in expected:
        np.testing.assert_allclose(got[name], expected[name], rtol=2e-4, atol=2e-6, err_msg=name)
    assert expected["graph/losses"][-1] < expected["graph/losses"][0]


def test_the_simulator_learns_what_the_cpu_learns(tmp_path, expected):
    compare(train(tmp_path / "cuda.npz", NBKERAS_DEVICE="cuda", NUMBA_ENABLE_CUDASIM="1"), expected)


@needs.compiler
def test_compiled_kernels_learn_what_the_cpu_learns(tmp_path, expected):
    compare(train(tmp_path / "cuda.npz", "-c", ON_THE_MACHINE, NBKERAS_DEVICE="cuda"), expected)
