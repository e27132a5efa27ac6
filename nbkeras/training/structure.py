"""Nested lists, tuples and dicts of arrays: walking them and naming their leaves in messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nbkeras.tree import is_nested, rebuild


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply a function to every leaf that is not None, keeping the structure.

    Args:
        function: takes a leaf, returns the new leaf.
        tree: a leaf, or nested lists, tuples, named tuples and dicts of leaves; None stays None.

    Example:
        >>> map_leaves(len, {"a": "xy", "b": ["z", None]})
        {'a': 2, 'b': [1, None]}
    """
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {key: map_leaves(function, branch) for key, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        return rebuild(tree, [map_leaves(function, branch) for branch in tree])
    return function(tree)


def named_leaves(tree: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield each leaf that is not None with the expression that reaches it.

    Example:
        >>> list(named_leaves({"a": 1, "b": [2, None]}, "x"))
        [("x['a']", 1), ("x['b'][0]", 2)]
    """
    if isinstance(tree, dict):
        for key, branch in tree.items():
            yield from named_leaves(branch, f"{name}[{key!r}]")
    elif isinstance(tree, (list, tuple)):
        for index, branch in enumerate(tree):
            yield from named_leaves(branch, f"{name}[{index}]")
    elif tree is not None:
        yield name, tree


def same_structure(a: Any, b: Any) -> bool:
    """True if both nest in the same way, whatever the leaves (lists and tuples count as equal).

    Example:
        >>> same_structure([1, {"a": 2}], (3, {"a": None}))
        True
    """
    if isinstance(a, dict) or isinstance(b, dict):
        both = isinstance(a, dict) and isinstance(b, dict)
        return both and a.keys() == b.keys() and all(same_structure(a[key], b[key]) for key in a)
    if is_nested(a) or is_nested(b):
        both = is_nested(a) and is_nested(b)
        return both and len(a) == len(b) and all(map(same_structure, a, b))
    return True
