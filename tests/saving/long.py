"""What takes too long for every run of the tests: `python -m tests.saving.long`, some minutes.

200 writers killed at random moments, a training killed before every step, 10,000 mutated files.
"""

from __future__ import annotations

import pathlib
import resource
import tempfile
import time
import warnings

from tests.saving import corpus
from tests.saving.test_atomic import kill_writers
from tests.saving.test_resume import EPOCHS, STEPS, kill_and_resume
from tests.saving.test_security import fuzz


def main() -> None:
    warnings.simplefilter("ignore")
    folder = pathlib.Path(tempfile.mkdtemp())
    kill_writers(folder, 200)
    print("200 writers killed: whole files only", flush=True)
    steps = EPOCHS * STEPS
    for at in range(1, steps):
        kill_and_resume(folder / f"killed{at}", at, (1 + at % 2, 2 - at % 2))
    print(f"killed before each of {steps - 1} steps, resumed with other threads: the same bits", flush=True)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    loaded = fuzz(folder, corpus.benign(), range(1000, 11000))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    seconds = time.perf_counter() - start
    print(f"10,000 mutated files: {loaded} loaded, all others a documented error; {seconds:.0f} s, memory +{grown} MB")


if __name__ == "__main__":
    main()
