"""The table of rules: name of a primitive -> function of the writer and the step that gives the outputs' names."""

from __future__ import annotations

from collections.abc import Callable

RULES: dict[str, Callable] = {}


def rule(*names: str):
    """Decorator: the rule of primitives."""

    def enter(function):
        RULES.update(dict.fromkeys(names, function))
        return function

    return enter
