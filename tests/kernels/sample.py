# ruff: noqa: F722, F821 - kernel annotations are shapes
"""Two small kernels for the tests of the machinery, and a way to run code in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from nbkeras.kernels._jit import kernel

ROOT = Path(__file__).parents[2]


@kernel
def sample_add(y: "T n", value: "T", lo, hi):
    for i in range(lo, hi):
        y[i] += value


@kernel
def sample_mix(out: "T 4", x: "f8 1", small: "i4", word: "u8", flag: "u1", real: "f4", item: "T", lo, hi):
    out[0] = x[0] + small
    out[1] = word >> 60
    out[2] = flag + real
    out[3] = item + hi


def in_process(code: str, cache, root=ROOT, **environment) -> subprocess.CompletedProcess:
    """Run code in a fresh interpreter with a cache folder of its own (None: whatever the environment says)."""
    environment = {**os.environ, "PYTHONPATH": str(root), **environment}
    if cache is not None:
        environment["NBKERAS_CACHE_DIR"] = str(cache)
    return subprocess.run(
        [sys.executable, "-c", code],
        env={name: value for name, value in environment.items() if value is not None},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
    )


def output(code: str, cache, **options) -> str:
    """What the code prints; it must succeed and warn of nothing."""
    done = in_process(code, cache, **options)
    assert done.returncode == 0, done.stderr
    assert "RuntimeWarning" not in done.stderr, done.stderr
    return done.stdout.strip()
