"""A model's outputs: their paths and names, and what compile's arguments, labels and weights say about each.

A path is the keys and positions that lead from the outputs' structure to a part of it; () is the whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from nbkeras import tree
from nbkeras.errors import ArgumentError, DataError, MissingKey, nearest


def at(structure, path):
    """The part of a structure that a path leads to.

    Example:
        >>> at({"a": [1, 2]}, ("a", 1))
        2
    """
    for key in path:
        structure = structure[key]
    return structure


class Outputs:
    """The leaves of what a model gives.

    Args:
        y_pred: the outputs, nested tensors.
        output_names: their names in `tree.flatten`'s order, or None.

    Attributes:
        paths: of all leaves.
        names: of all leaves: dict keys, or the given names, or None where there is none.

    Example:
        >>> outputs = Outputs([1.0, 2.0], ["left", "right"])
        >>> outputs.names, outputs.paths
        (['left', 'right'], [(0,), (1,)])
        >>> outputs.match({"right": "mse", "left": None}, "loss")
        [((0,), None), ((1,), 'mse')]
    """

    def __init__(self, y_pred, output_names=None):
        self.structure = tree.map_structure(lambda _: "*", y_pred)
        self.paths = list(_paths(self.structure))
        given = list(output_names or ())
        if len(given) != len(self.paths):
            given = [None] * len(self.paths)
        self.names = [_name(path, name) for path, name in zip(self.paths, given, strict=True)]
        # Where dicts and lists are mixed, Keras names losses by the path and metrics by the output.
        nested = any(len(path) > 1 for path in self.paths)
        self.metric_names = given if nested else self.names

    def name_of(self, path) -> str | None:
        """The name of a leaf, the keys that lead to an inner part, or all names for the whole."""
        if path in self.paths:
            return self.names[self.paths.index(path)]
        if not path:
            names = list(self.structure) if isinstance(self.structure, dict) else self.metric_names
            return "_".join(names) if all(names) else None
        return "/".join(map(str, path)) or None

    def match(self, given, argument: str, lists: bool = False) -> list:
        """Pairs (path, entry) for an argument of compile that has an entry for each output.

        Args:
            given: an entry, or entries in the outputs' structure, as a list in the outputs' order, or as a dict by
                their names. A list or tuple of another kind than its part of the outputs has several entries for
                that whole part.
            argument: its name, for messages.
            lists: entries may be lists themselves (metrics); a dict may then leave outputs out.

        Raises:
            ArgumentError: lengths do not fit the outputs.
            MissingKey: keys do not fit the outputs.
        """
        if lists and len(self.paths) == 1:
            return [(self.paths[0], self._entry(given, self.paths[0], argument, lists))]
        return list(self._match(given, self.structure, (), argument, lists))

    def _match(self, given, outputs, path, argument, lists) -> Iterator:
        # Keras takes several losses for a lone output but counts the first only; here they are an error.
        if not lists and len(self.paths) > 1 and _several(given, outputs):
            for entry in given:
                yield from self._match(entry, outputs, path, argument, lists)
        elif not tree.is_nested(outputs):
            yield path, self._entry(given, path, argument, lists)
        elif isinstance(given, dict):
            yield from self._match_dict(given, outputs, path, argument, lists)
        elif isinstance(given, (list, tuple)):
            keys = list(range(len(outputs))) if not isinstance(outputs, dict) else sorted(outputs)
            if len(given) != len(keys):
                leaves = tree.flatten(outputs)
                if len(given) != len(leaves) or any(tree.is_nested(entry) for entry in given):
                    raise self._mismatch(argument, f"{len(given)} entries for {len(leaves)} outputs")
                yield from self._match(tree.pack_sequence_as(outputs, given), outputs, path, argument, lists)
                return
            for key, entry in zip(keys, given, strict=True):
                yield from self._match(entry, outputs[key], (*path, key), argument, lists)
        elif given is None:
            return
        elif lists:
            raise self._mismatch(argument, f"{given!r} for {len(tree.flatten(outputs))} outputs")
        else:
            yield path, given

    def _entry(self, given, path, argument, lists):
        """What an argument says about a lone output."""
        if isinstance(given, dict) and "class_name" not in given:
            known = [self.name_of(path)] if self.name_of(path) else list(given)
            if len(given) != 1 or not set(given) <= set(known):
                raise self._mismatch(argument, f"keys {list(given)}", error=MissingKey)
            given = next(iter(given.values()))
        if lists or not isinstance(given, (list, tuple)):
            return given
        if len(given) != 1:
            raise self._mismatch(argument, f"{len(given)} entries for one output")
        return given[0]

    def _match_dict(self, given, outputs, path, argument, lists):
        if isinstance(outputs, dict):
            keys = dict(zip(outputs, outputs, strict=True))
        else:
            names = [self.name_of((*path, i)) for i in range(len(outputs))]
            keys = {name: i for i, name in enumerate(names) if name is not None}
        unknown = [key for key in given if key not in keys]
        if unknown:
            hint = nearest(str(unknown[0]), map(str, keys))
            raise self._mismatch(argument, f"key {unknown[0]!r}", hint, MissingKey)
        missing = [key for key in keys if key not in given]
        if missing and not lists and not isinstance(outputs, dict):
            raise self._mismatch(argument, f"no key {missing[0]!r}", "give None for outputs without one.")
        for name, key in keys.items():
            if name in given:
                yield from self._match(given[name], outputs[key], (*path, key), argument, lists)

    def _mismatch(self, argument, got, hint=None, error=ArgumentError):
        names = [name for name in self.names if name]
        known = f"output names {names}" if names else f"outputs {self.structure!r}"
        return error(
            f"compile: {argument} must fit the model's {known}; got {got}.",
            next=hint or f"give a dict by output name, or one entry of {argument} for each output.",
        )

    def align(self, values, what: str, used=None):
        """Labels or sample weights in the outputs' structure; None where there are none.

        Args:
            values: in the outputs' structure, a list in the outputs' order (of all, or of those in `used` only), or a
                dict by their names.
            what: their name, for messages.
            used: paths of the leaves that need a value; all by default.

        Raises:
            DataError: the structures do not fit.
        """
        if values is None:
            return tree.map_structure(lambda _: None, self.structure)
        try:
            return self._align(values, self.structure, ())
        except _Unfit as error:
            leaves = tree.flatten(values)
            wanted = self.paths if len(leaves) == len(self.paths) else list(used or ())
            # A dict's sorted order says nothing about outputs with other names.
            if not isinstance(values, dict) and len(leaves) == len(wanted):
                found = dict(zip(wanted, leaves, strict=True))
                return tree.pack_sequence_as(self.structure, [found.get(path) for path in self.paths])
            got = tree.map_structure(lambda _: "*", values)
            raise DataError(
                f"{what} must have the structure of the model's outputs, {self.structure!r}, got {got!r}.",
                next=f"{error}give {what} as a list in the order of the outputs, or as a dict by their names.",
            ) from None

    def _align(self, values, outputs, path):
        if not tree.is_nested(outputs):
            leaves = tree.flatten(values)
            if isinstance(values, dict) and self.name_of(path) not in (None, *values):
                raise _Unfit(f"the output is named {self.name_of(path)!r}; ")
            if len(leaves) != 1:
                raise _Unfit
            return leaves[0]
        if isinstance(outputs, dict):
            if not isinstance(values, dict):
                raise _Unfit
            if not set(values) <= set(outputs):
                raise _Unfit(f"unknown keys: {sorted(set(values) - set(outputs))}; ")
            return {
                key: self._align(values[key], part, (*path, key)) if key in values else _nothing(part)
                for key, part in outputs.items()
            }
        if isinstance(values, dict):
            names = [self.name_of((*path, i)) for i in range(len(outputs))]
            if set(names) != set(values):
                raise _Unfit(f"the outputs are named {names}; ")
            values = [values[name] for name in names]
        elif not tree.is_nested(values) and len(outputs) == 1:
            values = [values]
        if not isinstance(values, (list, tuple)) or len(values) != len(outputs):
            raise _Unfit
        parts = zip(values, outputs, strict=True)
        return tree.rebuild(outputs, [self._align(v, part, (*path, i)) for i, (v, part) in enumerate(parts)])


class _Unfit(Exception):
    """Values do not have the outputs' structure."""


def _several(given, outputs) -> bool:
    """True if a list or tuple is no structure of entries, but has several for the same part of the outputs."""
    if not isinstance(given, (list, tuple)):
        return False
    flat = not any(tree.is_nested(entry) for entry in given)
    if flat and len(given) == len(tree.flatten(outputs)):
        return False
    if isinstance(outputs, dict) or not tree.is_nested(outputs):
        return len(given) > 1
    return not flat and not isinstance(outputs, type(given))


def _nothing(structure):
    return tree.map_structure(lambda _: None, structure)


def _paths(structure, path=()):
    if isinstance(structure, dict):
        for key in sorted(structure):
            yield from _paths(structure[key], (*path, key))
    elif isinstance(structure, (list, tuple)):
        for index, part in enumerate(structure):
            yield from _paths(part, (*path, index))
    else:
        yield path


def _name(path, given):
    """The name of a leaf: its path, with the given name in place of a position at the end."""
    if not path:
        return given
    if isinstance(path[-1], int):
        if given is None:
            return None
        path = (*path[:-1], given)
    return "/".join(map(str, path))
