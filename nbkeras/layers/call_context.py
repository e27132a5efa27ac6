"""What a call knows of the calls around it: the training flag, and whether it is the outermost."""

from __future__ import annotations

import contextlib
import threading

from nbkeras import scopes

_local = threading.local()


def stack() -> list:
    """The layers that are being called by this thread, outermost first."""
    if not hasattr(_local, "stack"):
        _local.stack = []
        _local.training = None
    return _local.stack


def training() -> bool | None:
    """The training flag of the innermost call that was given one."""
    stack()
    return _local.training


def names() -> list[str]:
    """The names of the layers that are being called or built, outermost first."""
    return scopes.names()


@contextlib.contextmanager
def named(name: str):
    """Inside, weights have this name in their path."""
    open_names = names()
    again = bool(open_names) and open_names[-1] == name
    if not again:
        open_names.append(name)
    try:
        yield
    finally:
        if not again:
            open_names.pop()


@contextlib.contextmanager
def entered(layer, training_flag):
    """Inside, `layer` is being called with this training flag (None keeps the outer one)."""
    calls = stack()
    outer = _local.training
    calls.append(layer)
    names().append(layer.name)
    if training_flag is not None:
        _local.training = training_flag
    try:
        yield
    finally:
        calls.pop()
        names().pop()
        _local.training = outer
