"""What constructors take: a rule an argument, checked before anything is made of it.

`accepts` stands above a constructor. What a user passes, what `from_config` is given and what a model file says all
meet the same rules.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

from nbkeras.errors import ArgumentError


class Rule(NamedTuple):
    """Which values an argument may have.

    Attributes:
        expected: completes "expected beta_1 to be ...".
        fits: says of a value whether it may.
    """

    expected: str
    fits: Callable


def accepts(**rules: Rule):
    """Decorate a constructor: arguments that break their rule raise an `ArgumentError`; defaults are trusted.

    Example:
        >>> class Blur:
        ...     @accepts(width=whole(1), strength=SHARE)
        ...     def __init__(self, width, strength=0.5):
        ...         self.width = width
        >>> Blur(3, strength=2)
        Traceback (most recent call last):
        nbkeras.errors.ArgumentError: Blur: expected strength to be a number from 0 up to 1, got 2.
    """

    def decorate(init):
        names = init.__code__.co_varnames[1 : init.__code__.co_argcount]

        @functools.wraps(init)
        def checked(self, *args, **kwargs):
            for name, value in (*zip(names, args, strict=False), *kwargs.items()):
                rule = rules.get(name)
                if rule is not None and not rule.fits(value):
                    called = kwargs.get("name")
                    who = type(self).__name__ + (f" {called!r}" if isinstance(called, str) else "")
                    raise ArgumentError(f"{who}: expected {name} to be {rule.expected}, got {value!r}.")
            init(self, *args, **kwargs)

        return checked

    return decorate


def is_number(value) -> bool:
    """Is the value one real number? An array or tensor of no dimensions counts, a boolean or a text does not."""
    if isinstance(value, Real):
        return not isinstance(value, (bool, np.bool_))
    return getattr(value, "shape", None) == () and hasattr(value, "__float__") and not str(value.dtype).endswith("bool")


def is_whole(value) -> bool:
    """Is the value an integer, and no boolean?"""
    return isinstance(value, Integral) and not isinstance(value, bool)


def number(low=-math.inf, high=math.inf, *, above=None, below=None, infinite=False) -> Rule:
    """A rule for a real number from `low` to `high`, or beyond `above` and short of `below`; finite by default."""

    def fits(value):
        if not is_number(value):
            return False
        value = float(value)
        inside = low <= value <= high and (above is None or value > above) and (below is None or value < below)
        return inside and (infinite or math.isfinite(value))

    bounded = (low > -math.inf or above is not None) and (high < math.inf or below is not None)
    kind = "a number" if infinite or bounded else "a finite number"
    bounds = [
        above is not None and f"above {above}",
        low > -math.inf and f"from {low}" + (" on" if high == math.inf and below is None else ""),
        below is not None and f"below {below}",
        high < math.inf and f"up to {high}",
    ]
    return Rule(" ".join([kind, *filter(None, bounds)]), fits)


def whole(low: int, high: int | None = None) -> Rule:
    """A rule for an integer from `low` on, up to `high`."""
    bounds = f"from {low} on" if high is None else f"from {low} up to {high}"
    return Rule(f"an integer {bounds}", lambda v: is_whole(v) and v >= low and (high is None or v <= high))


def choice(*names: str) -> Rule:
    """A rule for one of some names."""
    return Rule(f"one of {', '.join(map(repr, names))}", lambda value: isinstance(value, str) and value in names)


def optional(rule: Rule) -> Rule:
    """The rule, or None."""
    return Rule(f"{rule.expected}, or None", lambda value: value is None or rule.fits(value))


def sequence(rule: Rule) -> Rule:
    """A rule for a list, tuple or array of values that each fit."""

    def fits(value):
        return isinstance(value, (list, tuple, range, np.ndarray)) and all(map(rule.fits, value))

    return Rule(f"a list of which each is {rule.expected}", fits)


def either(first: Rule, second: Rule) -> Rule:
    """A rule for what fits one of two."""
    return Rule(f"{first.expected}, or {second.expected}", lambda value: first.fits(value) or second.fits(value))


def _are_numbers(value) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_are_numbers, value))
    if is_number(value):
        return math.isfinite(float(value))
    return hasattr(value, "shape") and str(getattr(value, "dtype", "")).startswith(("float", "int", "uint"))


def _is_flag(value) -> bool:
    return isinstance(value, (bool, np.bool_)) or (isinstance(value, int) and value in (0, 1))


NUMBER = number()
SIZE = number(0)
SHARE = number(0, 1)
#: What of a moving average stays at each step: with 1 it would never move, and its correction divides by 0.
DECAY = number(0, below=1)
POSITIVE = number(above=0)
INTEGER = Rule("an integer", is_whole)
FLAG = Rule("True or False", _is_flag)
TEXT = Rule("a string", lambda value: isinstance(value, str))
#: Names are printed, those in a stranger's file too: a control character in one could drive the terminal.
NAME = Rule("a string of characters that can be printed", lambda value: isinstance(value, str) and value.isprintable())
CALLABLE = Rule("a function", callable)
DICTIONARY = Rule("a dictionary", lambda value: isinstance(value, dict))
VERBOSE = either(FLAG, whole(0))
PATH = Rule("a path", lambda value: isinstance(value, (str, os.PathLike)))
NUMBERS = Rule("a finite number or an array of numbers", _are_numbers)
AXES = either(INTEGER, sequence(INTEGER))
EXTENTS = sequence(optional(INTEGER))
#: How many thresholds and classes a metric may have: a number in a file must not cost more than a computer has.
THRESHOLDS = 1_000_000
CLASSES = 32_768
DATA_FORMAT = optional(choice("channels_last", "channels_first"))
