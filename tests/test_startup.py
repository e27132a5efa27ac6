"""Start-up: what importing does not do (N1), and which kernels a float32 MLP needs (N4)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

IMPORT = """
import json, os, sys
import numba, numpy  # NumPy's BLAS starts threads of its own
before = len(os.listdir("/proc/self/task"))
import nbkeras
from nbkeras.kernels import _jit
HEAVY = "matplotlib", "sklearn", "pandas", "rich", "h5py", "nbkeras_cuda", "numba.cuda"
loaded = [n for n, k in _jit.REGISTRY.items() if k._address]
print(json.dumps({
    "compiled": len(_jit.COMPILED),
    "loaded": loaded,
    "threads": len(os.listdir("/proc/self/task")) - before,
    "heavy": [m for m in HEAVY if m in sys.modules],
}))
"""

#: Processor time of the import beyond Numba's, which other processes on the machine don't lengthen.
SECONDS = """
import numba, time
start = time.process_time()
import nbkeras
print(time.process_time() - start)
"""

FIT = """
import json
import numpy as np
import nbkeras as keras
from nbkeras.kernels import _jit
x = np.zeros((70, 8), "float32")
y = np.zeros(70, "int64")
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dropout(0.5),
                          keras.layers.Dense(3, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, verbose=0, validation_split=0.2)
model.predict(x, verbose=0)
print(json.dumps(sorted(f"{n}.{d}" for n, k in _jit.REGISTRY.items() for d in k._address)))
"""

#: Every kernel that a float32 classifier of dense layers compiles, from first weights to prediction. A longer list
#: means a longer cold start: think before adding to it.
MLP_KERNELS = [
    "adam.f4",
    "arg_reduce.f4",
    "dropout.f4",
    "elementwise.f4",
    "gather.i4",
    "gather.i8",
    "increment.i8",
    "matmul.f4",
    "random_uniform.f4",
    "reduce.f4",
    "softmax.f4",
    "softmax_crossentropy.f4",
    "softmax_crossentropy_gradient.f4",
]


def run(code: str, **environment):
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_importing_compiles_nothing_and_starts_no_thread():
    found = run(IMPORT)
    assert found == {"compiled": 0, "loaded": [], "threads": 0, "heavy": []}


def test_importing_takes_no_longer_than_numba_and_a_third_of_a_second(tmp_path):
    # Installed packages have their bytecode beside them, whatever the shell of this test says.
    environment = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    run(SECONDS, **environment)
    assert min(run(SECONDS, **environment) for _ in range(3)) < 0.3


def test_kernels_of_a_float32_mlp():
    assert run(FIT) == MLP_KERNELS
