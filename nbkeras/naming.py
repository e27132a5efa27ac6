"""Automatic names, numbered as Keras numbers them: dense, dense_1, dense_2."""

from __future__ import annotations

import contextlib
import re
import threading

_local = threading.local()


def _counts() -> dict[str, int]:
    if not hasattr(_local, "counts"):
        _local.counts = {}
    return _local.counts


def auto_name(prefix: str) -> str:
    """The next free name with this prefix.

    Example:
        >>> reset(); auto_name("dense"), auto_name("dense")
        ('dense', 'dense_1')
    """
    counts = _counts()
    number = counts.get(prefix, 0)
    counts[prefix] = number + 1
    return f"{prefix}_{number}" if number else prefix


def uid(prefix: str) -> int:
    """How often a name with this prefix was asked for, this time included."""
    counts = _counts()
    counts[prefix] = counts.get(prefix, 0) + 1
    return counts[prefix]


def reset() -> None:
    """Start numbering anew, as `clear_session` does."""
    _counts().clear()


@contextlib.contextmanager
def counted_apart():
    """Inside, names are numbered from the start; afterwards, they go on as if nothing had been named.

    Example:
        >>> reset(); auto_name("dense")
        'dense'
        >>> with counted_apart():
        ...     auto_name("dense")
        'dense'
        >>> auto_name("dense")
        'dense_1'
    """
    before = dict(_counts())
    _counts().clear()
    try:
        yield
    finally:
        _counts().clear()
        _counts().update(before)


def to_snake_case(name: str) -> str:
    """A class name in snake case.

    Example:
        >>> to_snake_case("BatchNormalization"), to_snake_case("Conv2D"), to_snake_case("ReLU")
        ('batch_normalization', 'conv2d', 're_lu')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def ordinal(number: int) -> str:
    """A place in a row.

    Example:
        >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 22, 113)]
        ['1st', '2nd', '3rd', '4th', '11th', '22nd', '113th']
    """
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
