"""Packages of the extras: imported when first needed, with one clear error where they are missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from nbkeras.errors import NbkerasError

#: Top-level module -> the extra of setup.cfg that brings it.
EXTRA_OF = {
    "PIL": "image",
    "joblib": "sklearn",
    "matplotlib": "plot",
    "onnx": "onnx",
    "pydot": "graphviz",
    "requests": "remote",
    "scipy": "sklearn",
    "sklearn": "sklearn",
    "tensorboard": "tensorboard",
}


class ExtraMissing(NbkerasError, ImportError):
    """A package is needed that nbkeras does not install by itself."""


def need(module: str, who: str) -> ModuleType:
    """Import a module of an extra.

    Args:
        module: its dotted name.
        who: what needs it, for the message.

    Raises:
        ExtraMissing: it is not installed.

    Example:
        >>> need("sklearn.base", "cross_validate").__name__
        'sklearn.base'
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError as error:
        raise ExtraMissing(
            f"{who}: expected the package {package}, but it cannot be imported: {error}.",
            next=f'pip install "nbkeras[{EXTRA_OF[package]}]"',
        ) from error
