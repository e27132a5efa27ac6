"""Ending in good order while a plan is made: kernels that are compiled may take longer than a scheduler waits."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

_local = threading.local()


class Interrupted(Exception):
    """The plan is not made: its maker is asked to end."""


@contextlib.contextmanager
def heeded(asked: Callable[[], object] | None):
    """Inside, the making of a plan raises `Interrupted` between two kernels once `asked()` is not None.

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
        if asked() is not None:
            raise Interrupted
        kernel.compile(dtype)
