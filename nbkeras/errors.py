"""Errors with one form: who, what was expected, what came, and what to do next.

Every error that a user can cause is one of these classes; each is also the built-in class that Keras raises in its
place, so `except ValueError` in a script written for Keras still works. `assert` is for our own bugs.
"""

from __future__ import annotations

from collections.abc import Iterable


class NbkerasError(Exception):
    """The base of all errors that nbkeras raises on purpose.

    Args:
        message: who failed, what was expected and what came, in one sentence.
        next: what the user can do about it; printed on a line of its own.
    """

    def __init__(self, message: str, next: str | None = None):
        message = _printable(message)
        super().__init__(message if next is None else f"{message}\n  Next: {_printable(next)}")


def _printable(text: str) -> str:
    """The text with control characters spelt out: names from a stranger's file must not drive the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


class ShapeError(NbkerasError, ValueError):
    """A shape or rank does not fit."""


class DataError(NbkerasError, ValueError):
    """Data given to fit, evaluate or predict cannot be used."""


class ArgumentError(NbkerasError, ValueError):
    """An argument's value is outside what the function takes."""


class MissingKey(ArgumentError, KeyError):
    """A key of an argument names nothing that there is."""

    __str__ = ArgumentError.__str__


class ArgumentTypeError(NbkerasError, TypeError):
    """An argument is of a kind that the function does not take."""


class StateError(NbkerasError, ValueError):
    """A call came too early or too late, such as fit before compile."""


class MissingAttribute(StateError, AttributeError):
    """An attribute that a layer or model does not have yet; `hasattr` says no."""


class GraphError(NbkerasError, ValueError):
    """A model's graph is cyclic, disconnected or breaks a rule of the primitive table."""


class DeviceUnavailable(NbkerasError, ImportError):
    """The device that NBKERAS_DEVICE names cannot be used."""


class FileError(NbkerasError, ValueError):
    """A file is damaged, is not of the kind it should be, or holds what nbkeras does not read."""


class KernelError(NbkerasError, RuntimeError):
    """A kernel could not be compiled, or the device has no kernel of that name."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name comes closest to a misspelt one.

    Example:
        >>> nearest("adamm", ["sgd", "adam"])
        "did you mean 'adam'? Known names: adam, sgd."
    """
    names = sorted(known)
    import difflib  # 5 ms that only mistakes cost

    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    listing = f"Known names: {', '.join(names)}."
    return f"did you mean {close[0]!r}? {listing}" if close else listing
