"""How long a user waits before anything is computed: the import, and the first batch from a cold and a warm cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

FIRST_BATCH = """
import numpy as np, nbkeras as keras
layers = [keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10, activation="softmax")]
model = keras.Sequential([keras.Input((64,)), *layers])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(np.ones((32, 64), np.float32), np.arange(32) % 10, batch_size=32, verbose=0)
"""


def seconds(code: str, folder: Path) -> float:
    """The time of a fresh process whose bytecode, as an installed package's, and kernels lie in a folder."""
    start = time.perf_counter()
    caches = {
        "NBKERAS_CACHE_DIR": str(folder / "kernels"),
        "PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode"),
        "PYTHONDONTWRITEBYTECODE": "",
    }
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **caches})
    return time.perf_counter() - start


class Import:
    """`import nbkeras` in a fresh interpreter, and Numba's share of it."""

    version = "2"
    timeout = 120
    unit = "seconds"
    params = ("numba", "nbkeras")
    param_names = ("package",)

    def setup(self, package):
        self.folder = tempfile.TemporaryDirectory(prefix="nbkeras-benchmark-")
        seconds(f"import {package}", Path(self.folder.name) / "0")

    def teardown(self, package):
        self.folder.cleanup()

    def track_seconds(self, package):
        return median(seconds(f"import {package}", Path(self.folder.name) / "0") for _ in range(5))


class FirstBatch:
    """From the start of the process to the end of the first batch of a small network."""

    version = "2"
    timeout = 600
    unit = "seconds"
    params = ("warm", "cold")
    param_names = ("cache",)

    def setup(self, cache):
        self.folder = tempfile.TemporaryDirectory(prefix="nbkeras-benchmark-")
        seconds(FIRST_BATCH if cache == "warm" else "import nbkeras", Path(self.folder.name) / "0")

    def teardown(self, cache):
        self.folder.cleanup()

    def track_seconds(self, cache):
        root = Path(self.folder.name)
        turns = [0] * 5 if cache == "warm" else [1, 2]
        return median(seconds(FIRST_BATCH, root / str(turn)) for turn in turns)
