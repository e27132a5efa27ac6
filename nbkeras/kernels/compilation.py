"""What a user sees and the tests count of kernels being compiled, for whichever device."""

from __future__ import annotations

import contextlib
import sys
import threading
import time

#: A compile that takes longer than this is announced, so that nobody thinks the process hangs (N2).
ANNOUNCE_SECONDS = 2.0

#: Seconds spent compiling in this process, by (kernel, dtype): what N4's gate and the training log read.
COMPILED: dict[tuple[str, str], float] = {}


@contextlib.contextmanager
def compilation(name: str, dtype: str):
    """Around the compilation of a kernel: notes its seconds, and tells the user if it takes long."""
    start = time.perf_counter()
    announcement = _Announcement(f"nbkeras: compiling kernel {name} ({dtype}) ...")
    try:
        yield
    finally:
        COMPILED[name, dtype] = seconds = time.perf_counter() - start
        announcement.end(f" {seconds:.1f} s")


class _Announcement:
    """A line on stderr that begins while a long compilation is under way and is completed when it ends."""

    def __init__(self, text: str):
        self._text = text
        self._begun = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(ANNOUNCE_SECONDS, self._begin)
        self._timer.daemon = True
        self._timer.start()

    def _begin(self) -> None:
        with self._lock:
            if self._text is not None:
                self._begun = True
                print(self._text, end="", file=sys.stderr, flush=True)

    def end(self, text: str) -> None:
        self._timer.cancel()
        with self._lock:
            self._text = None
            if self._begun:
                print(text, file=sys.stderr, flush=True)
