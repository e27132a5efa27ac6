"""Nested structures of lists, tuples and dicts, as in `keras.tree`. Dicts are walked in the order of sorted keys."""

from __future__ import annotations

from collections.abc import Callable


def is_nested(structure) -> bool:
    """True for lists, tuples and dicts."""
    return isinstance(structure, (list, tuple, dict))


def flatten(structure) -> list:
    """The leaves, left to right.

    Example:
        >>> flatten({"b": 2, "a": [0, (1,)]})
        [0, 1, 2]
    """
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for part in structure for leaf in flatten(part)]
    return [structure]


def map_structure(function: Callable, *structures):
    """The same structure with the function applied to its leaves (the leaves of all structures, side by side).

    Example:
        >>> map_structure(lambda a, b: a + b, [1, {"k": 2}], [10, {"k": 20}])
        [11, {'k': 22}]
    """
    first = structures[0]
    if isinstance(first, dict):
        # Leaves are visited in `flatten`'s order, which functions that number them rely on.
        done = {key: map_structure(function, *(s[key] for s in structures)) for key in sorted(first)}
        return {key: done[key] for key in first}
    if isinstance(first, (list, tuple)):
        parts = [map_structure(function, *together) for together in zip(*structures, strict=True)]
        return rebuild(first, parts)
    return function(*structures)


def rebuild(like, parts: list):
    """A list, tuple or named tuple of the same kind as `like`."""
    if hasattr(like, "_fields"):
        return type(like)(*parts)
    return tuple(parts) if isinstance(like, tuple) else list(parts)


def pack_sequence_as(structure, leaves):
    """Put leaves into a structure, in `flatten`'s order.

    Example:
        >>> pack_sequence_as({"b": None, "a": [None]}, [1, 2])
        {'b': 2, 'a': [1]}
    """
    remaining = list(leaves)[::-1]

    def fill(part):
        if isinstance(part, dict):
            values = {key: fill(part[key]) for key in sorted(part)}
            return {key: values[key] for key in part}
        if isinstance(part, (list, tuple)):
            return rebuild(part, [fill(p) for p in part])
        return remaining.pop()

    return fill(structure)


def assert_same_structure(a, b) -> None:
    """Raise ValueError where two structures differ in kind, length or keys."""
    if is_nested(a) != is_nested(b) or (is_nested(a) and isinstance(a, dict) != isinstance(b, dict)):
        raise ValueError(f"structures differ: {a!r} against {b!r}")
    if isinstance(a, dict):
        if set(a) != set(b):
            raise ValueError(f"keys differ: {sorted(a)} against {sorted(b)}")
        for key in a:
            assert_same_structure(a[key], b[key])
    elif is_nested(a):
        if len(a) != len(b):
            raise ValueError(f"lengths differ: {len(a)} against {len(b)}")
        for left, right in zip(a, b, strict=True):
            assert_same_structure(left, right)
