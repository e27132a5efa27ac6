"""Limits on what is made from a configuration that a stranger wrote: the memory of variables, the calls of layers.

A file of a hundred bytes can ask for a layer of 10**12 units. Where the weights come from a file, their sizes are known
before the first of them is made, so a model that wants more is refused instead. And five models, each of which calls
the one inside it two hundred times, are 10**11 calls in a file of some kB.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading

from nbkeras.errors import FileError

#: Calls of layers in models that are called as layers: no model that people made comes near, and they take a second.
MOST_CALLS = 20_000

_local = threading.local()


@contextlib.contextmanager
def limited(count: int, why: str, filled: bool = False, calls: float = MOST_CALLS):
    """Inside the `with` block, variables of no more than `count` bytes in all can be made.

    A block inside another never has more than what is left of the outer one, and takes from it what it uses.

    Args:
        count: bytes.
        why: what the message says they are for.
        filled: whether all variables get their values afterwards, so that no random ones need be drawn for them.
        calls: how many calls of layers the models that are called inside may take.

    Example:
        >>> with limited(100, "the file"):
        ...     spend((5, 5), 8)
        Traceback (most recent call last):
        ...
        nbkeras.errors.FileError: a variable of shape (5, 5) does not fit into what is left of the file.
    """
    outer, filled_before, calls_before = getattr(_local, "left", None), is_filled(), _calls_left()
    _local.left = start = outer if outer is not None and outer[0] < count else (count, why)
    _local.filled = filled_before or filled
    _local.calls = calls if calls_before is None else calls_before
    try:
        yield
    finally:
        _local.filled = filled_before
        _local.calls = None if calls_before is None else _local.calls
        used = start[0] - _local.left[0]
        _local.left = None if outer is None else (outer[0] - used, outer[1])


@contextlib.contextmanager
def drawn():
    """Inside the `with` block random values are drawn all the same: for weights that a file may leave out."""
    before = is_filled()
    _local.filled = False
    try:
        yield
    finally:
        _local.filled = before


def is_filled() -> bool:
    """Whether variables that are made now get their values afterwards."""
    return getattr(_local, "filled", False)


def limited_by_machine(calls: float = MOST_CALLS):
    """A `with` block like that of `limited`, for configurations that come without weights: this machine's memory."""
    return limited(memory(), "this machine's memory", calls=calls)


def spend(shape, itemsize: int) -> None:
    """Take a variable's bytes off the limit, if there is one.

    Raises:
        FileError: not so many bytes are left.
    """
    if getattr(_local, "left", None) is None:
        return
    count, why = _local.left
    count -= math.prod(shape) * itemsize
    if count < 0 or any(n < 0 for n in shape):
        raise FileError(f"a variable of shape {tuple(shape)} does not fit into what is left of {why}.")
    _local.left = (count, why)


def _calls_left() -> float | None:
    return getattr(_local, "calls", None)


def spend_calls(count: int, name: str) -> None:
    """Take the calls of a model's layers off the limit, if there is one.

    Args:
        count: of the calls.
        name: of the model.

    Raises:
        FileError: not so many are left.
    """
    left = _calls_left()
    if left is None:
        return
    if count > left:
        raise FileError(f"model {name!r} and those around it take more than {MOST_CALLS} calls of layers.")
    _local.calls = left - count


def memory() -> int:
    """The bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
