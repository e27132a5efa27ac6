"""Weights in several files: `name.weights.json` says which are in which of `name_00000.weights.h5`, `name_00001...`.

A list of files by a stranger is no way to other files: what can be in it is known from its own name, and it is compared
with that, never used.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re

import numpy as np

from nbkeras.errors import ArgumentError, FileError
from nbkeras.saving.atomic import current, replace_together
from nbkeras.saving.byte_source import open_bytes, read_all
from nbkeras.saving.hdf5 import Dataset, Group, Hdf5
from nbkeras.saving.hdf5_writer import Pieces
from nbkeras.saving.json_text import MOST_BYTES, parse

ENDING = ".weights.json"

#: No model has its weights in more files.
MOST_FILES = 10_000

#: Written into all files of one saving, so that a mixture of two is seen.
MARK = "nbkeras_saving"


def _names(path: str, count: int) -> list[str]:
    """The names of the files of weights that belong to a list."""
    start = path.removesuffix(ENDING)
    return [f"{start}_{number:05}.weights.h5" for number in range(count)]


def _belongs(path: str):
    """Whether a name is that of the list or of one of its files."""
    start = re.escape(os.path.basename(path).removesuffix(ENDING))
    return re.compile(rf"{start}(\.weights\.json|_\d{{5}}\.weights\.h5)").fullmatch


class Shards:
    """Several files of weights as one; `root` is what they hold together.

    Args:
        path: of the list of files.
        stack: closes the files.

    Raises:
        FileError: the list names other files than its own, one is missing, or they are not of one saving.
    """

    def __init__(self, path: str, stack: contextlib.ExitStack):
        def opened(name):
            place = current(name, path)
            file, source = open_bytes(place, follow=place == path)
            stack.enter_context(file)
            return source

        self.source = source = opened(path)
        listed = parse(read_all(source, MOST_BYTES), source.name)
        places = listed.get("weight_map") if isinstance(listed, dict) else None
        if not isinstance(places, dict):
            self._refuse("it does not say where the weights are")
        found = {str(name) for place in places.values() for name in (place if isinstance(place, list) else [place])}
        paths = _names(path, min(len(found), MOST_FILES))
        expected = {os.path.basename(path) for path in paths}
        if found != expected or not found:
            self._refuse(f"it names {sorted(found - expected)[:3]}, expected {sorted(expected)[:3]}")
        self._files = [Hdf5(opened(name)) for name in paths]
        metadata = listed.get("metadata")
        mark = metadata.get(MARK) if isinstance(metadata, dict) else None
        if {str(file.root.attrs.get(MARK)) for file in self._files} != {str(mark)}:
            self._refuse("its files are of different savings: one was interrupted")
        self.root = Merged([file.root for file in self._files])

    def _refuse(self, why: str):
        raise FileError(
            f"file {self.source.name!r} is no list of files of weights that is read here: {why}.",
            next="save the weights again, with model.save_weights(name, max_shard_size=...).",
        )


class Merged(Group):
    """Groups of several files as one group.

    Args:
        groups: what stands at one path of the files.
    """

    def __init__(self, groups: list[Group]):
        self.file, self.name, self.address = groups[0].file, groups[0].name, None
        self._groups = groups
        self._children = {}

    def members(self) -> dict:
        """name -> places of what has it."""
        found: dict[str, tuple] = {}
        for number, group in enumerate(self._groups):
            for name, address in group.members().items():
                found[name] = (*found.get(name, ()), (number, address))
        return found

    def child(self, name: str):
        """The array of a name, or the groups of it as one."""
        if name not in self._children:
            parts = [group.child(name) for group in self._groups if name in group.members()]
            if any(isinstance(part, Dataset) for part in parts) and len(parts) > 1:
                raise FileError(f"file {self.file.source.name!r}: {name!r} of {self.name!r} is in several files.")
            self._children[name] = parts[0] if isinstance(parts[0], Dataset) else Merged(parts)
        return self._children[name]


class _Files:
    """Files of weights that are being made, each of limited size."""

    def __init__(self, path: str, most_bytes: float):
        self.path, self.most_bytes = path, most_bytes
        self.pieces = [Pieces()]
        self.total = self.here = 0
        self.places: dict[str, list[int]] = {}

    def group(self, path: str, name, nbytes: int):
        """The file and the group for an array of a size."""
        if nbytes > self.most_bytes:
            raise ArgumentError(
                f"save_weights: a weight of {path!r} has {nbytes} bytes, max_shard_size is {self.most_bytes:.0f}.",
                next="give a larger max_shard_size, in GB.",
            )
        if self.here and self.here + nbytes > self.most_bytes:
            self.pieces.append(Pieces())
            self.here = 0
        self.here += nbytes
        self.total += nbytes
        made = self.pieces[-1]
        group = made.file.require_group(f"{path}/vars" if path else "vars")
        if isinstance(name, str):
            group.attrs["name"] = name
        files = self.places.setdefault(group.name, [])
        if len(self.pieces) - 1 not in files:
            files.append(len(self.pieces) - 1)
        return made, group


class _Store:
    """What `save_own_variables` writes into."""

    def __init__(self, files: _Files, path: str, name):
        self._files, self._path, self._name = files, path, name

    def __setitem__(self, key, value):
        nbytes = math.prod(value.shape) * np.dtype(value.dtype).itemsize
        made, group = self._files.group(self._path, self._name, nbytes)
        made.write(group, key, value)


def save(things, path: str, max_shard_size: float) -> None:
    """Write weights to files of limited size.

    Args:
        things: pairs of path and object with `save_own_variables`.
        path: of the list of files.
        max_shard_size: of each file, in GB.
    """
    files = _Files(path, float(max_shard_size) * 2**30)
    for place, thing in things:
        thing.save_own_variables(_Store(files, place, getattr(thing, "name", None)))
    mark = os.urandom(8).hex()
    for made in files.pieces:
        made.file.attrs[MARK] = mark
    names = _names(path, len(files.pieces))
    short = [os.path.basename(name) for name in names]
    places = {
        group: short[numbers[0]] if len(numbers) == 1 else [short[n] for n in numbers]
        for group, numbers in files.places.items()
    }
    listed = {"metadata": {"total_size": files.total, MARK: mark}, "weight_map": places}
    parts = [pieces.close() for pieces in files.pieces]
    replace_together({path: [json.dumps(listed).encode()], **dict(zip(names, parts, strict=True))}, _belongs(path))
