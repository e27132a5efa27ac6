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


class Import:
    """`import nbkeras` in a fresh interpreter."""

    version = "1"
    timeout = 120
    unit = "seconds"
    param_names = ()
    number = 1
    repeat = 5

    def timeraw_import(self):
        return "import nbkeras"


class FirstBatch:
    """From the start of the process to the end of the first batch of a small network."""

    version = "1"
    timeout = 600
    unit = "seconds"
    params = ("warm", "cold")
    param_names = ("cache",)

    def setup(self, cache):
        self.folder = tempfile.TemporaryDirectory(prefix="nbkeras-benchmark-")
        if cache == "warm":
            self.run(Path(self.folder.name))

    def teardown(self, cache):
        self.folder.cleanup()

    def track_seconds(self, cache):
        root = Path(self.folder.name)
        rounds = 5 if cache == "warm" else 2
        return median(self.run(root if cache == "warm" else root / str(turn)) for turn in range(rounds))

    def run(self, folder: Path) -> float:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", FIRST_BATCH], check=True, env={**os.environ, "NBKERAS_CACHE_DIR": str(folder)}
        )
        return time.perf_counter() - start
