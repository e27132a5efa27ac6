"""Compile kernels into the cache before a job, several at once, and show the seconds each took."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator

from nbkeras import device
from nbkeras.errors import ArgumentError, nearest

EXAMPLES = """\
  nbkeras warmup                      every kernel, for float32
  nbkeras warmup --model digits-mlp   only what the demo's model needs
  nbkeras warmup --jobs 8 --dtype float32 float64
  NBKERAS_DEVICE=cuda nbkeras warmup  the kernels of the GPU in this machine
  nbkeras warmup --architecture sm_90 those of another machine's GPU (an H100), on a login node without one
  NBKERAS_CPU=baseline NBKERAS_CACHE_DIR=/shared/nbkeras nbkeras warmup   one cache for unlike nodes"""

#: Model name -> (input shape, classes, loss). Each is trained for one step, which compiles what it needs.
MODELS = {
    "digits-mlp": ((8, 8), 10, "categorical_crossentropy"),
    "mlp": ((784,), 10, "sparse_categorical_crossentropy"),
}

#: What one process reports of one kernel: its name, dtype, seconds, and why it failed (empty if it did not).
Outcome = tuple[str, str, float, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--jobs", type=int, default=None, help="processes at once (default: one a core)")
    parser.add_argument(
        "--model", nargs="+", default=[], metavar="NAME", help=f"only what these models need: {', '.join(MODELS)}"
    )
    parser.add_argument(
        "--architecture", default=None, metavar="SM", help="for GPUs of this architecture, which need not be here"
    )
    parser.add_argument(
        "--dtype", nargs="+", default=["float32"], choices=["float32", "float64"], help="default: float32"
    )


def run(options: argparse.Namespace) -> int:
    """Compile, print a line a kernel, and return 1 if a kernel could not be compiled."""
    for name in options.model:
        if name not in MODELS:
            raise ArgumentError(f"--model: {name!r} is unknown; {nearest(name, MODELS)}")
    jobs = _cores() if options.jobs is None else options.jobs
    if jobs < 1:
        raise ArgumentError(f"--jobs: expected 1 or more, got {jobs}.")
    if options.architecture and options.model:
        raise ArgumentError("--architecture: models are trained to see what they need, which needs the GPU itself.")
    tasks = _tasks(options.model, options.dtype, options.architecture)
    start, done, failed = time.perf_counter(), 0, 0
    for outcomes in compile_all(tasks, jobs):
        for name, dtype, took, reason in outcomes:
            done, failed = done + 1, failed + bool(reason)
            print(f"{took:8.2f} s  {name} {dtype}", flush=True)
            if reason:
                print(f"nbkeras warmup: {name} {dtype} failed: {reason}", file=sys.stderr)
    seconds = time.perf_counter() - start
    print(f"{done - failed} kernels ready in {seconds:.1f} s, by {min(jobs, len(tasks))} processes.")
    return 1 if failed else 0


def compile_all(tasks: list[tuple[str, str, str]], jobs: int) -> Iterator[list[Outcome]]:
    """Do the tasks in `jobs` fresh processes; yield what each task compiled, as soon as it is done."""
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(tasks))) as pool:
        yield from pool.imap_unordered(_do, tasks)


def _tasks(models: list[str], dtypes: list[str], architecture: str | None = None) -> list[tuple[str, str, str]]:
    if models:
        return [("model", name, dtype) for dtype in dtypes for name in models]
    names = device.compilers_for(architecture) if architecture else device.backend().kernels
    return [(architecture or "kernel", name, dtype) for dtype in dtypes for name in names]


def _do(task: tuple[str, str, str]) -> list[Outcome]:
    from nbkeras.kernels._jit import dtype_code

    kind, name, dtype = task
    try:
        if kind == "model":
            return _compile_model(name, dtype)
        compile_it = device.backend().kernels[name].compile if kind == "kernel" else device.compilers_for(kind)[name]
        return [(name, dtype, compile_it(dtype_code(dtype)), "")]
    except Exception as error:  # One kernel's failure must not keep the others from being compiled.
        return [(name, dtype, 0.0, f"{type(error).__name__}: {error}")]


def _compile_model(name: str, dtype: str) -> list[Outcome]:
    import nbkeras as keras

    shape, classes, loss = MODELS[name]
    keras.config.set_floatx(dtype)
    layers = keras.layers
    hidden = [layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dropout(0.5)]
    model = keras.Sequential([keras.Input(shape), *hidden, layers.Dense(classes, activation="softmax")])
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    compiled = keras.warmup(model, (32, *shape))
    return [(kernel, code, seconds, "") for (kernel, code), seconds in compiled.items()]


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
