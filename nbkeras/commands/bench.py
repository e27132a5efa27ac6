"""Time the kernels on this machine, beside its measured limits, NumPy, and PyTorch where it is installed."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from nbkeras.commands.bench_cases import Case, cases
from nbkeras.errors import ArgumentError

EXAMPLES = """\
  nbkeras bench                      every kernel and shape: some minutes
  nbkeras bench --only conv matmul   two families
  NBKERAS_NUM_THREADS=1 nbkeras bench --only matmul --json one_core.json
  NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES= nbkeras bench   as on a processor without AVX-512"""

#: A sample lasts at least this long (seconds).
SHORTEST_SAMPLE = 5e-3

#: Seconds between two turns: threads of other libraries spin for some 30 ms after a call, on processors that we need.
REST = 0.05

#: Multiply-adds of each number in a run for the processor's peak: some 50 us a block.
PEAK_STEPS = 20_000

#: Elements that no cache holds, for the rate of memory.
STREAM = 16_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--only", nargs="+", metavar="FAMILY", help="families of kernels, such as matmul or conv")
    parser.add_argument("--samples", type=int, default=9, help="turns a case; their median counts (default 9)")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")


def run(options: argparse.Namespace) -> int:
    """Measure the limits, then each case, a line at a time."""
    if options.samples < 1:
        raise ArgumentError(f"--samples: expected 1 or more, got {options.samples}.")
    chosen = _chosen(options.only)
    from nbkeras.kernels import threads

    torch = _torch(threads.get_num_threads())
    limits = measure_limits(options.samples)
    print(
        f"Measured limits of this machine, {threads.get_num_threads()} threads: {limits['flops'] / 1e9:.0f} GFLOP/s "
        f"(float32 multiply-adds in registers), {limits['bytes'] / 1e9:.0f} GB/s (a copy of 64 MB)."
    )
    print("Times over NumPy's and PyTorch's: over 1, nbkeras is faster.\n")
    print(f"{'kernel':14s} {'shape':44s} {'us':>9s} {'rate':>13s} {'limit':>6s} {'NumPy':>6s} {'PyTorch':>8s}")
    rows = []
    for case in chosen:
        row = measure(case, limits, options.samples, torch)
        rows.append(row)
        print(_line(row), flush=True)
    if options.json:
        options.json.write_text(json.dumps({"limits": limits, "cases": rows}, indent=1) + "\n")
    return 0


def _chosen(only) -> list[Case]:
    every = list(cases())
    families = list(dict.fromkeys(case.family for case in every))
    for name in only or ():
        if name not in families:
            raise ArgumentError(f"--only: {name!r} is unknown.", next=f"use some of {', '.join(families)}.")
    return [case for case in every if not only or case.family in only]


def _torch(threads: int):
    """PyTorch with as many threads as we use, or None."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(threads)
    return torch


def measure_limits(samples: int) -> dict[str, float]:
    """Most float32 operations and bytes a second that all threads reach together."""
    from nbkeras.kernels import memory, threads
    from nbkeras.kernels.peak import block, peak, schedule
    from nbkeras.kernels.runner import Program

    y = memory.empty((4 * threads.get_num_threads() * block(),), "float32")
    y[:] = 1.0
    program = Program([(peak, "f4", [y, 0.5, 1.0, PEAK_STEPS, y.size], *schedule(y.size))])
    flops = 2.0 * y.size * PEAK_STEPS / _least_seconds(program.run, samples)
    x = np.ones(STREAM, np.float32)
    copy = plan_of(lambda x: -x, (x,))
    return {"flops": flops, "bytes": 8.0 * STREAM / _least_seconds(copy.run, samples)}


def plan_of(function: Callable, inputs: tuple):
    """A function of tensors as a plan with its inputs filled."""
    from nbkeras.graph.traced import TracedPlan

    traced = TracedPlan(function, inputs)
    traced.feed(inputs)
    return traced.plan


def measure(case: Case, limits: dict, samples: int, torch) -> dict:
    """One row of the report: seconds, rate, share of the limit, and the ratios to the peers, each in turns with us."""
    inputs = case.inputs()
    ours = plan_of(case.ours, inputs).run
    row = {"family": case.family, "name": case.name, "seconds": _seconds(ours, samples)}
    kind = "flops" if case.flops else "bytes"
    row[f"{kind}_per_second"] = rate = getattr(case, kind) / row["seconds"]
    row["share_of_limit"] = rate / limits[kind]
    if case.numpy is not None:
        row["numpy_ratio"] = _ratio(lambda: case.numpy(*inputs), ours, samples)
    if torch is not None and case.torch is not None:
        with torch.no_grad():
            theirs = case.torch(*(torch.from_numpy(x) for x in inputs))
            row["torch_ratio"] = _ratio(theirs, ours, samples)
    return row


def _line(row: dict) -> str:
    if "flops_per_second" in row:
        rate = f"{row['flops_per_second'] / 1e9:6.0f} GFLOP/s"
    else:
        rate = f"{row['bytes_per_second'] / 1e9:6.1f} GB/s   "
    numpy, torch = (f"{row[k]:.2f}" if k in row else "-" for k in ("numpy_ratio", "torch_ratio"))
    return (
        f"{row['family']:14s} {row['name']:44s} {row['seconds'] * 1e6:9.1f} {rate:>13s} {row['share_of_limit']:6.0%} "
        f"{numpy:>6s} {torch:>8s}"
    )


def _ratio(theirs: Callable, ours: Callable, samples: int) -> float:
    """Their time over ours, the median of turns taken one after the other."""
    loops = _loops(theirs), _loops(ours)
    return median(_sample(theirs, loops[0]) / _sample(ours, loops[1]) for _ in range(samples))


def _seconds(call: Callable, samples: int) -> float:
    loops = _loops(call)
    return median(_sample(call, loops) for _ in range(samples))


def _least_seconds(call: Callable, samples: int) -> float:
    """The best of all turns: what a limit is."""
    loops = _loops(call)
    return min(_sample(call, loops) for _ in range(samples))


def _sample(call: Callable, loops: int) -> float:
    time.sleep(REST)
    call()
    return _timed(call, loops)


def _timed(call: Callable, loops: int) -> float:
    start = time.perf_counter()
    for _ in range(loops):
        call()
    return (time.perf_counter() - start) / loops


def _loops(call: Callable) -> int:
    """How often a call fits a sample."""
    call()
    loops = 1
    while (taken := _timed(call, loops) * loops) < SHORTEST_SAMPLE:
        loops = max(2 * loops, int(loops * SHORTEST_SAMPLE / max(taken, 1e-9)) + 1)
    return loops
