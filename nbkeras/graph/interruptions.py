"""Ending in good order while a plan is made: kernels that are compiled may take longer than a scheduler waits."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

#: Seconds that a kernel takes to be ready which are worth a look whether to go on: it was compiled, not loaded.
LONG = 0.05

_local = threading.local()


class Interrupted(Exception):
    """The plan is not made: its maker is asked to end."""


@contextlib.contextmanager
def heeded(asked: Callable[[], object] | None):
    """Inside, the making of a plan raises `Interrupted` after a kernel that was compiled, once `asked()`
    is not None.

    Args:
        asked: what is looked at; None to let plans be made.
    """
    before, _local.asked = getattr(_local, "asked", None), asked
    try:
        yield
    finally:
        _local.asked = before


def make_ready(steps) -> None:
    """Compile the kernels of launches one after another, where anybody may ask to end.

    Raises:
        Interrupted: somebody did.
    """
    asked = getattr(_local, "asked", None)
    if asked is None:
        return
    for kernel, dtype in {(step.kernel, step.dtype): None for step in steps}:
        start = time.monotonic()
        kernel.compile(dtype)
        if time.monotonic() - start > LONG and asked() is not None:
            raise Interrupted
