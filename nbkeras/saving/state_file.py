"""The state of a training in one file: plain values and arrays, with a checksum over all of it.

| bytes | what |
|---|---|
| 8 | `NBKSTATE` |
| 8 | length of the text, little-endian |
| ... | JSON: `{"values": ..., "arrays": [[dtype, shape, place], ...]}` |
| ... | the arrays, each at a multiple of 64 bytes |
| 32 | SHA-256 of everything before |

In the values, `{"__array__": 3}` stands for array 3. Nothing in the file names a class, a function or a path.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct

import numpy as np

from nbkeras.errors import ArgumentTypeError, FileError
from nbkeras.saving.atomic import replacing
from nbkeras.saving.byte_source import Bytes, open_bytes
from nbkeras.saving.json_text import MOST_MARKS, parse

MAGIC, ALIGN, SUM = b"NBKSTATE", 64, 32
ARRAY = "__array__"

#: The dtypes of variables.
DTYPES = ("bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "float32", "float64")


def write(path: str | os.PathLike, state) -> None:
    """Write a state, in one step that leaves the old file or the new one.

    Args:
        path: of the file.
        state: None, booleans, numbers, strings and arrays, in lists and dicts.

    Raises:
        ArgumentTypeError: something else is in it.
        FileError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/state"
        >>> write(path, {"epoch": 3, "weights": [np.ones(2)]})
        >>> read(path)
        {'epoch': 3, 'weights': [array([1., 1.])]}
    """
    arrays: list[np.ndarray] = []
    values = _plain(state, arrays, "state")
    place, described = 0, []
    for array in arrays:
        described.append([str(array.dtype), list(array.shape), place])
        place += _padded(array.nbytes)
    text = json.dumps({"values": values, "arrays": described}).encode()
    text += b" " * (_padded(16 + len(text)) - 16 - len(text))
    checksum = hashlib.sha256()
    with replacing(path) as file:

        def put(data):
            checksum.update(data)
            file.write(data)

        put(MAGIC + struct.pack("<Q", len(text)) + text)
        for array in arrays:
            put(memoryview(array.reshape(-1).view(np.uint8)))
            put(bytes(_padded(array.nbytes) - array.nbytes))
        file.write(checksum.digest())


def _padded(size: int) -> int:
    return -(-size // ALIGN) * ALIGN


def _plain(value, arrays: list, where: str):
    """A value as JSON has it; arrays go to the list."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and str(value.dtype) in DTYPES:
        arrays.append(np.asarray(value, order="C"))
        return {ARRAY: len(arrays) - 1}
    if isinstance(value, (list, tuple)):
        return [_plain(part, arrays, f"{where}[{i}]") for i, part in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(key, str) and key != ARRAY for key in value):
        return {key: _plain(part, arrays, f"{where}[{key!r}]") for key, part in value.items()}
    raise ArgumentTypeError(
        f"{where}: a {type(value).__name__} cannot be kept in a file.",
        next="a state holds None, numbers, strings and arrays, in lists and in dicts whose keys are strings.",
    )


def read(path: str | os.PathLike):
    """The state in a file.

    Raises:
        FileError: there is no file, it is damaged, or it is of another kind.
    """
    file, source = open_bytes(path)
    with file:
        return _parsed(source)


def _parsed(source: Bytes):
    if source.size < 16 + SUM or source.read(0, 8) != MAGIC:
        raise FileError(f"file {source.name!r} is not the state of a training.")
    end = source.size - SUM
    checksum = hashlib.sha256()
    for start in range(0, end, 2**20):
        checksum.update(source.read(start, min(2**20, end - start)))
    if checksum.digest() != source.read(end, SUM):
        raise FileError(f"file {source.name!r} is damaged: its checksum is wrong.")
    (length,) = struct.unpack("<Q", source.read(8, 8))
    # The history of a long training has as many values as it has: one takes five bytes of the text or more.
    content = parse(source.read(16, length), source.name, length, MOST_MARKS + length // 5)
    try:
        arrays, values, start = content["arrays"], content["values"], 16 + length
        return _restored(values, [_array(source, start, end, *described) for described in arrays])
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise FileError(f"file {source.name!r} is damaged: {error}.") from error


def _array(source: Bytes, start: int, end: int, dtype, shape, place) -> np.ndarray:
    if dtype not in DTYPES or not all(isinstance(n, int) and n >= 0 for n in [*shape, place]):
        raise ValueError(f"an array of {dtype!r}, {shape!r}")
    size = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
    if start + place + size > end:
        raise ValueError("an array that lies beyond the end")
    return source.read_array(start + place, tuple(shape), np.dtype(dtype))


def _restored(value, arrays: list):
    if isinstance(value, list):
        return [_restored(part, arrays) for part in value]
    if isinstance(value, dict):
        if set(value) == {ARRAY}:
            return arrays[value[ARRAY]]
        return {key: _restored(part, arrays) for key, part in value.items()}
    return value
