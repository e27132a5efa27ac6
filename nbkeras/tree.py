"""Nested structures of lists, tuples, deques and dicts, as in `keras.tree`.

Dicts are walked in the order of sorted keys, ordered dicts in their own.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable

_NESTED = (list, tuple, dict, deque)


class MAP_TO_NONE:
    """What a function returns to `traverse` to put None in the place of what it was given.

    Example:
        >>> traverse(lambda part: MAP_TO_NONE if part == 1 else None, [1, 2])
        [None, 2]
    """


def is_nested(structure) -> bool:
    """True for lists, tuples, deques and dicts.

    Example:
        >>> is_nested([1]), is_nested("text")
        (True, False)
    """
    return isinstance(structure, _NESTED)


def _keys(part: dict) -> list:
    """The keys of a dict in the order in which they are walked."""
    if isinstance(part, OrderedDict):
        return list(part)
    try:
        return sorted(part)
    except TypeError:  # keys of kinds that have no order
        return list(part)


def flatten(structure) -> list:
    """The leaves, left to right.

    Example:
        >>> flatten({"b": 2, "a": [0, (1,)]})
        [0, 1, 2]
    """
    if isinstance(structure, dict):
        return [leaf for key in _keys(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, _NESTED):
        return [leaf for part in structure for leaf in flatten(part)]
    return [structure]


def flatten_with_path(structure) -> list:
    """Pairs (path, leaf), left to right; a path is a tuple of keys and positions.

    Example:
        >>> flatten_with_path({"a": [0, 1]})
        [(('a', 0), 0), (('a', 1), 1)]
    """
    if not is_nested(structure):
        return [((), structure)]
    return [((key, *path), leaf) for key, part in _parts(structure) for path, leaf in flatten_with_path(part)]


def _parts(structure):
    """The children of a nested structure, each with its key or position."""
    if isinstance(structure, dict):
        return [(key, structure[key]) for key in _keys(structure)]
    return list(enumerate(structure))


def map_structure(func: Callable, *structures, none_is_leaf=True):
    """The same structure with the function applied to its leaves (the leaves of all structures, side by side).

    Args:
        none_is_leaf: False leaves None as it is, without asking the function.

    Raises:
        ValueError: the structures differ.

    Example:
        >>> map_structure(lambda a, b: a + b, [1, {"k": 2}], [10, {"k": 20}])
        [11, {'k': 22}]
    """
    if not callable(func):
        raise TypeError(f"map_structure: expected a callable, got {func!r}.")
    if not structures:
        raise ValueError("map_structure: expected at least one structure.")
    return _mapped(func, structures, none_is_leaf)


def _mapped(function, structures, none_is_leaf):
    first = structures[0]
    if not isinstance(first, _NESTED):
        if len(structures) > 1 and any(isinstance(s, _NESTED) for s in structures):
            raise ValueError(f"structures differ: a leaf {first!r} stands against a nested part.")
        return None if first is None and not none_is_leaf else function(*structures)
    for other in structures[1:]:
        _check_alike(first, other)
    if isinstance(first, dict):
        # Leaves are visited in `flatten`'s order, which functions that number them rely on.
        done = {key: _mapped(function, [s[key] for s in structures], none_is_leaf) for key in _keys(first)}
        return rebuild(first, done)
    together = zip(*structures, strict=True)
    return rebuild(first, [_mapped(function, parts, none_is_leaf) for parts in together])


def _check_alike(a, b):
    """Raise ValueError unless two nested parts are of one kind, with the same keys or as many children."""
    both_dicts = isinstance(a, dict) and isinstance(b, dict)
    if not is_nested(b) or (not both_dicts and type(a) is not type(b)):
        raise ValueError(f"structures differ: {a!r} against {b!r}.")
    if both_dicts and set(a) != set(b):
        raise ValueError(f"keys differ: {_keys(a)} against {_keys(b)}.")
    if len(a) != len(b):
        raise ValueError(f"lengths differ: {len(a)} against {len(b)}.")


def map_structure_up_to(shallow_structure, func: Callable, *structures):
    """`func` of what stands in each structure where `shallow_structure` has its leaves.

    Example:
        >>> map_structure_up_to([0, 0], len, [[1, 2], [3]])
        [2, 1]
    """
    if not structures:
        raise ValueError("map_structure_up_to: expected at least one structure.")
    if not is_nested(shallow_structure):
        return func(*structures)
    for other in structures:
        _check_alike(shallow_structure, other)
    done = {
        key: map_structure_up_to(part, func, *(s[key] for s in structures))
        for key, part in _parts(shallow_structure)
    }
    return rebuild(shallow_structure, done if isinstance(shallow_structure, dict) else list(done.values()))


def map_shape_structure(func: Callable, structure):
    """`map_structure` in which a list or tuple of whole numbers and None, a shape, counts as a leaf.

    Example:
        >>> map_shape_structure(len, {"a": (None, 3), "b": [(2,), (4, 5, 6)]})
        {'a': 2, 'b': [1, 3]}
    """
    if isinstance(structure, (list, tuple)) and all(n is None or isinstance(n, int) for n in structure):
        return func(structure)
    if not is_nested(structure):
        return func(structure)
    done = {key: map_shape_structure(func, part) for key, part in _parts(structure)}
    return rebuild(structure, done if isinstance(structure, dict) else list(done.values()))


def traverse(func: Callable, structure, top_down: bool = True):
    """Ask a function about every part of a structure, itself and leaves included.

    Args:
        func: None keeps what it was given, `MAP_TO_NONE` puts None there, anything else takes the place.
        top_down: ask before (and, if it answers, instead of) the parts inside, or after them.

    Example:
        >>> traverse(lambda part: part * 10 if isinstance(part, int) else None, [1, {"k": 2}])
        [10, {'k': 20}]
    """

    def inside():
        if not is_nested(structure):
            return structure
        done = {key: traverse(func, part, top_down) for key, part in _parts(structure)}
        return rebuild(structure, done if isinstance(structure, dict) else list(done.values()))

    part = structure if top_down else inside()
    answer = func(part)
    if answer is None:
        return inside() if top_down else part
    return None if answer is MAP_TO_NONE else answer


def lists_to_tuples(structure):
    """The same structure with tuples for lists.

    Example:
        >>> lists_to_tuples([1, {"k": [2, 3]}])
        (1, {'k': (2, 3)})
    """
    return traverse(lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False)


def rebuild(like, parts):
    """A list, tuple, named tuple, deque or dict of the same kind as `like`, of parts (by key for a dict).

    Example:
        >>> rebuild({"a": 0, "b": 0}, {"b": 2, "a": 1})
        {'a': 1, 'b': 2}
    """
    if isinstance(like, dict):
        ordered = {key: parts[key] for key in like}
        if isinstance(like, defaultdict):
            return defaultdict(like.default_factory, ordered)
        return OrderedDict(ordered) if isinstance(like, OrderedDict) else ordered
    if hasattr(like, "_fields"):
        return type(like)(*parts)
    if isinstance(like, deque):
        return deque(parts, maxlen=like.maxlen)
    return tuple(parts) if isinstance(like, tuple) else list(parts)


def pack_sequence_as(structure, flat_sequence):
    """Put leaves into a structure, in `flatten`'s order.

    Raises:
        TypeError: the leaves are no sequence.
        ValueError: there are too many or too few.

    Example:
        >>> pack_sequence_as({"b": None, "a": [None]}, [1, 2])
        {'b': 2, 'a': [1]}
    """
    if not hasattr(flat_sequence, "__iter__"):
        raise TypeError(f"pack_sequence_as: expected an iterable of leaves, got {flat_sequence!r}.")
    remaining = list(flat_sequence)[::-1]
    given = len(remaining)

    def fill(part):
        if isinstance(part, dict):
            return rebuild(part, {key: fill(part[key]) for key in _keys(part)})
        if isinstance(part, _NESTED):
            return rebuild(part, [fill(p) for p in part])
        if not remaining:
            raise ValueError(f"pack_sequence_as: Too few leaves: {given}, expected: {len(flatten(structure))}.")
        return remaining.pop()

    packed = fill(structure)
    if remaining:
        expected = given - len(remaining)
        raise ValueError(f"pack_sequence_as: Too many leaves: {given}, expected: {expected}.")
    return packed


def assert_same_structure(a, b, check_types=None) -> None:
    """Raise ValueError where two structures differ in kind, length or keys.

    Args:
        check_types: accepted as Keras has it; it has no effect.

    Example:
        >>> assert_same_structure([1, {"k": 2}], [3, {"k": 4}])
        >>> assert_same_structure([1, 2], [1])
        Traceback (most recent call last):
            ...
        ValueError: lengths differ: 2 against 1.
    """
    map_structure(lambda *_: None, a, b)


def assert_same_paths(a, b) -> None:
    """Raise ValueError where two structures have leaves at different paths; their kinds may differ.

    Example:
        >>> assert_same_paths([1, 2], (3, 4))
        >>> assert_same_paths([1, 2], {"k": 1})
        Traceback (most recent call last):
            ...
        ValueError: structures don't have the same paths: ...
    """
    first, second = ({path for path, _ in flatten_with_path(s)} for s in (a, b))
    if first != second:
        raise ValueError(
            f"structures don't have the same paths: {sorted(first - second, key=str)} only in the first, "
            f"{sorted(second - first, key=str)} only in the second."
        )
