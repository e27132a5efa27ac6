"""What takes too long for every run of the tests: `python -m tests.kernels.long`, some ten minutes on two cores.

N10: 64 processes start at once on one empty cache, 20 times.
"""

from __future__ import annotations

import pathlib
import tempfile
import time

from tests.kernels.test_cache import start_together

PROCESSES, ROUNDS = 64, 20


def main() -> None:
    for number in range(1, ROUNDS + 1):
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            start_together(pathlib.Path(folder) / "cache", PROCESSES)
        took = time.perf_counter() - start
        print(f"round {number} of {ROUNDS}: {PROCESSES} processes, kernels compiled once ({took:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
