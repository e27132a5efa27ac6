"""What takes too long for every run of the tests: `python -m tests.saving.long`, some minutes.

A run of 60 steps killed before every one, 200 writers killed at random moments, 10,000 mutated files, an archive of
more than 4 GiB.
"""

from __future__ import annotations

import io
import os
import pathlib
import tempfile
import time
import warnings
import zipfile

from nbkeras.saving import archive
from nbkeras.saving.byte_source import open_bytes
from tests.saving.test_atomic import kill_writers
from tests.saving.test_resume import LONG, STEPS, digest, kill_and_resume
from tests.saving.test_security import fuzz, start_of_peak, status, warmed


def main() -> None:
    warnings.simplefilter("ignore")
    folder = pathlib.Path(tempfile.mkdtemp())
    for part in (killed_at_every_step, killed_writers, mutations, large_archive):
        start = time.perf_counter()
        told = part(folder)
        print(f"{told} ({time.perf_counter() - start:.0f} s)", flush=True)


def killed_at_every_step(folder) -> str:
    steps, whole = LONG * STEPS, digest(LONG)
    for at in range(steps):
        kill_and_resume(folder / f"killed{at}", at, (1 + at % 2, 2 - at % 2), whole, LONG)
    return f"killed before each of {steps} steps, resumed in new processes with other threads: the same bits"


def killed_writers(folder) -> str:
    kill_writers(folder, 200)
    return "200 writers killed: whole files only"


def mutations(folder) -> str:
    model = warmed(folder)
    before = start_of_peak()
    loaded = fuzz(folder, model, range(1000, 11000))
    grown = (status("VmHWM") - before) // 1024
    return f"10,000 mutated files: {loaded} loaded, all others a documented error; memory +{grown} MB"


class Sparse(io.FileIO):
    """A file in which large pieces, which are zeros here, take no room on the disk."""

    def write(self, data):
        if len(data) < 2**20:
            return super().write(data)
        self.seek(len(data), os.SEEK_CUR)
        return len(data)


def large_archive(folder) -> str:
    piece, count = memoryview(bytes(2**26)), 65
    path = folder / "large.keras"
    with Sparse(str(path), "w+") as file:
        archive.write(file, {"large": True}, [piece] * count)
    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None
        assert opened.getinfo(archive.WEIGHTS).file_size == count * len(piece)
    file, source = open_bytes(path)
    with file:
        found = archive.Archive(source)
        assert found.config() == {"large": True} and found.weights().size == count * len(piece)
    os.unlink(path)
    return f"an archive of {count * len(piece) / 2**30:.2f} GiB is read here and by Python"


if __name__ == "__main__":
    main()
