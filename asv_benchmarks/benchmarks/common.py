"""What the benchmarks share: timing loops that last long enough, and the reference workloads."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np

#: A sample shorter than this says more about the machine than about the code.
SHORTEST_SAMPLE = 5e-3

#: Seconds between two turns of a comparison: threads that wait for work (OpenBLAS's spin some 30 ms) would else take
#: processors from the one whose turn it is.
REST = 0.06

#: Workload -> (samples, input features, classes, batch, width of the two hidden layers, dropout).
WORKLOADS = {
    "mlp_small": (4096, 64, 10, 32, 64, 0.0),
    "mlp_mnist": (12800, 784, 10, 128, 512, 0.2),
}


def seconds_per_call(call: Callable[[], object], samples: int = 9) -> float:
    """The median seconds of a call; short calls are looped so that each sample lasts `SHORTEST_SAMPLE` or longer."""
    call()
    loops = _loops(call)
    return median(_sample(call, loops) for _ in range(samples))


def ratio(ours: Callable[[], object], theirs: Callable[[], object], samples: int = 15) -> float:
    """Our time over theirs, measured in turns so that a busy moment of the machine hits both; below 1 we are faster."""
    ours()
    theirs()
    our_loops, their_loops = _loops(ours), _loops(theirs)
    return median(_rested(ours, our_loops) / _rested(theirs, their_loops) for _ in range(samples))


def data(workload: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Random images, their classes, and the batch size of a workload."""
    samples, features, classes, batch, _, _ = WORKLOADS[workload]
    rng = np.random.default_rng(0)
    return rng.standard_normal((samples, features), dtype=np.float32), rng.integers(0, classes, samples), batch


def model(workload: str, optimizer: str = "adam"):
    """A compiled model of a workload."""
    import nbkeras as keras

    _, features, classes, _, width, dropout = WORKLOADS[workload]
    layers = [keras.Input((features,))]
    for _ in range(2):
        layers.append(keras.layers.Dense(width, activation="relu"))
        if dropout:
            layers.append(keras.layers.Dropout(dropout))
    built = keras.Sequential([*layers, keras.layers.Dense(classes, activation="softmax")])
    built.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return built


def _rested(call: Callable[[], object], loops: int) -> float:
    time.sleep(REST)
    call()
    return _sample(call, loops)


def _sample(call: Callable[[], object], loops: int) -> float:
    start = time.perf_counter()
    for _ in range(loops):
        call()
    return (time.perf_counter() - start) / loops


def _loops(call: Callable[[], object]) -> int:
    loops = 1
    while (taken := _sample(call, loops) * loops) < SHORTEST_SAMPLE:
        loops = max(2 * loops, int(loops * SHORTEST_SAMPLE / max(taken, 1e-9)) + 1)
    return loops
