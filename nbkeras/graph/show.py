"""What a plan does, as text: NBKERAS_DEBUG=1 prints it with the times of the first run."""

from __future__ import annotations

import time

import numpy as np

HEADER = ("step", "kernel", "outputs and inputs", "items", "chunks", "kB", "us", "where")


def describe(plan, seconds=None) -> str:
    """A table of a plan's launches: kernel, shapes, items and chunks, bytes touched, time, the layer it belongs to.

    Args:
        plan: a plan.
        seconds: one time a launch, left out if None.
    """
    rows = [HEADER]
    for number, step in enumerate(plan.steps):
        symbols = list({id(s): s for s in step.symbols()}.values())
        shapes = " ".join(f"{_short(s.dtype)}{list(s.shape)}" for s in symbols)
        size = sum(s.nbytes for s in symbols) / 1024
        chunks = -(-step.items // max(1, step.chunk))
        micro = f"{seconds[number] * 1e6:.1f}" if seconds is not None else ""
        where = step.node.scope if step.node is not None else "write back"
        kernel = f"{step.kernel.name}.{step.dtype}"
        rows.append((str(number), kernel, shapes, str(step.items), str(chunks), f"{size:.1f}", micro, where))
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    total = f", {sum(seconds) * 1e6:.1f} us" if seconds is not None else ""
    lines.append(f"{len(plan.steps)} launches, {plan.temporary_bytes / 1024:.1f} kB of temporaries{total}")
    return "\n".join(lines)


def timed_run(plan) -> list[float]:
    """Run a plan launch by launch; returns the seconds of each."""
    seconds = []
    for number in range(len(plan.steps)):
        start = time.perf_counter()
        plan.program.run(number, number + 1)
        plan.backend.wait()
        seconds.append(time.perf_counter() - start)
    return seconds


def _short(dtype) -> str:
    dtype = np.dtype(dtype)
    return f"{dtype.kind}{dtype.itemsize}"
