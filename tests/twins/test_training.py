"""A network trained with NBKERAS_DEVICE=cuda learns the same numbers as on the CPU; here, in the simulator."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="needs the extra 'cuda13' or 'cuda12' (it runs without a GPU)")

ROOT = Path(__file__).parents[2]


def train(target: Path, **environment) -> dict[str, np.ndarray]:
    """What `train.py` stores in a process of its own."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("NBKERAS_DEVICE", "NUMBA_ENABLE_CUDASIM")}
    command = [sys.executable, "-m", "tests.twins.train", str(target)]
    environment = {**inherited, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return dict(np.load(target))


def test_cuda_learns_what_the_cpu_learns(tmp_path):
    expected = train(tmp_path / "cpu.npz", NBKERAS_DEVICE="cpu")
    got = train(tmp_path / "cuda.npz", NBKERAS_DEVICE="cuda", NUMBA_ENABLE_CUDASIM="1")
    assert list(got) == list(expected)
    for name in expected:
        np.testing.assert_allclose(got[name], expected[name], rtol=2e-4, atol=2e-6, err_msg=name)
    assert expected["graph/losses"][-1] < expected["graph/losses"][0]
