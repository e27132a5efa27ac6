"""The GPU's side: what its kernels take to compile, anywhere; products and launches, where there is a GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from statistics import median

import numpy as np

from .common import seconds_per_call

#: Kernels of a small classifier's training step, compiled for an H100.
PREPARE = """
import json, sys, time
from nbkeras import device
start = time.process_time()
prepare = device.compilers_for("sm_90")
for name in ("matmul", "dense_softmax_crossentropy", "dense_softmax_crossentropy_gradient", "reduce", "adam"):
    prepare[name]("f4")
print(json.dumps(time.process_time() - start))
"""

#: M×K×N of products.
PRODUCTS = {"32x64x64": (32, 64, 64), "128x784x512": (128, 784, 512), "4096x4096x4096": (4096, 4096, 4096)}


class PrepareKernels:
    """Processor seconds to have five kernels' machine code, imports of numba included; needs numba-cuda, no GPU."""

    version = "1"
    timeout = 300
    unit = "seconds"
    params = ("warm", "cold")
    param_names = ("cache",)

    def setup(self, cache):
        self.folder = tempfile.TemporaryDirectory(prefix="nbkeras-benchmark-")
        try:
            self.run(self.folder.name)
        except subprocess.CalledProcessError as error:
            raise NotImplementedError("needs the extra 'cuda13' or 'cuda12'") from error

    def teardown(self, cache):
        self.folder.cleanup()

    def track_seconds(self, cache):
        if cache == "warm":
            return median(self.run(self.folder.name) for _ in range(3))
        return median(self.run(os.path.join(self.folder.name, str(turn))) for turn in range(2))

    def run(self, folder: str) -> float:
        environment = {**os.environ, "NBKERAS_CACHE_DIR": folder, "NBKERAS_DEVICE": "cpu"}
        command = [sys.executable, "-c", PREPARE]
        return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


class GpuProduct:
    """A float32 product on the GPU of NBKERAS_DEVICE=cuda: many launches, then one wait; seconds a product."""

    version = "1"
    timeout = 120
    unit = "seconds"
    params = tuple(PRODUCTS)
    param_names = ("size",)

    def setup(self, size):
        from nbkeras import device

        if device.name() != "cuda":
            raise NotImplementedError("needs NBKERAS_DEVICE=cuda and a GPU")
        self.backend = device.backend()
        m, k, n = PRODUCTS[size]
        self.launches = 200 if m < 1000 else 10
        kernel = self.backend.kernels["matmul"]
        arrays = [self.backend.empty(shape, "float32") for shape in ((m, n), (m, k), (k, n))]
        for array in arrays:
            self.backend.from_host(array, np.ones(array.shape, np.float32))
        numbers = [1, m, n, k, 0, 0, 0, 0, 0, 0, 0, 0]
        launch = (kernel, "f4", [*arrays, None, None, *numbers], *kernel.schedule(1, m, n, k))
        self.program = self.backend.program([launch] * self.launches)

    def track_seconds(self, size):
        return seconds_per_call(self.run) / self.launches

    def run(self):
        self.program.run()
        self.backend.wait()
