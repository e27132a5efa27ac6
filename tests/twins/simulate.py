"""Run every case in numba's CUDA simulator and store what comes out: `python -m tests.twins.simulate OUT.npz [WORD]`.

A process of its own, because the simulator replaces numba.cuda for good.
"""

from __future__ import annotations

import sys
import time
import traceback
import warnings

import numpy as np

from tests.twins import steps
from tests.twins.cases import Table, items_of, make_cases


def run_case(case, memory, launcher, kernels) -> list[np.ndarray]:
    """The arrays of a case after its launch on a CUDA device."""
    from nbkeras_cuda.launch import AddressTable, Program

    kernel = kernels[case.kernel]
    arrays = [memory.copied(array) for array in case.arrays()]
    items, chunk = items_of(case, kernel)
    arguments = [AddressTable(value.rows) if isinstance(value, Table) else value for value in case.replaced(arrays)]
    Program(launcher, [(kernel, case.dtype, arguments, items, chunk)]).run()
    return [memory.to_host(array) for array in arrays]


def train(memory, launcher, kernels, dtype: str) -> list[np.ndarray]:
    """What the steps of `steps.py` leave behind on a CUDA device."""
    from nbkeras_cuda.launch import Program

    launches, watched = steps.launches(kernels, memory.copied, dtype)
    program = Program(launcher, launches)
    for _ in range(steps.STEPS):
        program.run()
    return [memory.to_host(array) for array in watched]


def main(target: str, word: str = ""):
    import nbkeras_cuda
    from nbkeras_cuda.kernels import registry

    memory, launcher = nbkeras_cuda.machine()
    kernels = registry()
    results, slow = {}, []
    for name, case in make_cases().items():
        if word not in name or case.kernel not in kernels:
            continue
        start = time.perf_counter()
        try:
            for index, array in enumerate(run_case(case, memory, launcher, kernels)):
                results[f"{name}/{index}"] = array
        except Exception:
            results[f"{name}/error"] = np.array(traceback.format_exc())
        slow.append((time.perf_counter() - start, name))
    if "training".startswith(word):
        for dtype in ("f4", "f8"):
            for index, array in enumerate(train(memory, launcher, kernels, dtype)):
                results[f"training-{dtype}/{index}"] = array
    np.savez(target, **results)
    print(f"{len(slow)} cases in {sum(seconds for seconds, _ in slow):.1f} s; slowest:", sorted(slow)[-5:])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
