"""A limit on the memory of variables that are made from a configuration that a stranger wrote.

A file of a hundred bytes can ask for a layer of 10**12 units. Where the weights come from a file, their sizes are known
before the first of them is made, so a model that wants more is refused instead.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading

from nbkeras.errors import FileError

_local = threading.local()


@contextlib.contextmanager
def limited(count: int, why: str, filled: bool = False):
    """Inside the `with` block, variables of no more than `count` bytes in all can be made.

    A block inside another never has more than what is left of the outer one, and takes from it what it uses.

    Args:
        count: bytes.
        why: what the message says they are for.
        filled: whether all variables get their values afterwards, so that no random ones need be drawn for them.

    Example:
        >>> with limited(100, "the file"):
        ...     spend((5, 5), 8)
        Traceback (most recent call last):
        ...
        nbkeras.errors.FileError: a variable of shape (5, 5) does not fit into what is left of the file.
    """
    outer, filled_before = getattr(_local, "left", None), is_filled()
    _local.left = start = outer if outer is not None and outer[0] < count else (count, why)
    _local.filled = filled_before or filled
    try:
        yield
    finally:
        _local.filled = filled_before
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


def limited_by_machine():
    """A `with` block like that of `limited`, for configurations that come without weights: this machine's memory."""
    return limited(memory(), "this machine's memory")


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


def memory() -> int:
    """The bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
