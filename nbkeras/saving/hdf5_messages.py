"""The messages of HDF5 object headers: what says an array's shape, type and place, and what attributes hold."""

from __future__ import annotations

import math
import struct

import numpy as np

from nbkeras.errors import FileError

DATASPACE, DATATYPE, EXTERNAL_FILES, LAYOUT, FILTERS = 0x01, 0x03, 0x07, 0x08, 0x0B
ATTRIBUTE, CONTINUATION, SYMBOL_TABLE, ATTRIBUTE_INFO = 0x0C, 0x10, 0x11, 0x15

#: No array of a model has more axes, or more elements were its axes of length 0 not there.
MOST_AXES, MOST_ELEMENTS = 32, 2**48


def _need(file, body: bytes, count: int) -> None:
    if len(body) < count:
        raise FileError(f"file {file.source.name!r} is damaged: a header message is cut off.")


def shape(file, body: bytes) -> tuple[int, ...]:
    """The lengths of an array's axes."""
    _need(file, body, 4)
    version, rank = body[0], body[1]
    if version not in (1, 2) or rank > MOST_AXES:
        file.refuse(f"a shape of version {version} with {rank} axes")
    if version == 2 and body[3] == 2:
        file.refuse("an array without values")
    start = 8 if version == 1 else 4
    _need(file, body, start + 8 * rank)
    lengths = struct.unpack_from(f"<{rank}Q", body, start)
    # An array without elements takes no bytes of the file, whatever its other axes claim; NumPy refuses those.
    if math.prod(n for n in lengths if n) > MOST_ELEMENTS:
        file.refuse(f"an array of shape {lengths}")
    return lengths


def number_type(file, body: bytes, name: str) -> np.dtype:
    """The dtype of plain numbers; anything else is refused."""
    _need(file, body, 8)
    kind, order, (size,) = body[0] & 15, body[1] & 1, struct.unpack_from("<I", body, 4)
    mark = ">" if order else "<"
    if kind == 0 and size in (1, 2, 4, 8):
        return np.dtype(f"{mark}{'i' if body[1] & 8 else 'u'}{size}")
    if kind == 1 and size in (2, 4, 8) and body[1] & 0x40 == 0 and _is_ieee(file, body, size):
        return np.dtype(f"{mark}f{size}")
    if kind == 8 and size == 1 and body.count(b"FALSE") == body.count(b"TRUE") == 1:
        return np.dtype(bool)
    return file.refuse(f"the type of {name!r} (class {kind}, {size} bytes)")


def _is_ieee(file, body: bytes, size: int) -> bool:
    """Bit offset 0, all bits used, and the places of exponent and mantissa that IEEE 754 says."""
    _need(file, body, 20)
    offset, precision, exponent_at, exponent, mantissa_at, mantissa, bias = struct.unpack_from("<HHBBBBI", body, 8)
    wanted = {2: (10, 5, 10, 15), 4: (23, 8, 23, 127), 8: (52, 11, 52, 1023)}[size]
    return (offset, precision, mantissa_at) == (0, 8 * size, 0) and (exponent_at, exponent, mantissa, bias) == wanted


def layout(file, body: bytes, name: str) -> bytes | tuple[int, int] | tuple[int, tuple]:
    """An array's bytes where they lie in the header, else their place: address and size, or a tree and a chunk."""
    _need(file, body, 2)
    version, kind = body[0], body[1]
    if version not in (3, 4) or kind not in (0, 1, 2) or (version, kind) == (4, 2):
        what = {2: "data in chunks of the newest format", 3: "virtual data"}.get(kind, "the layout")
        return file.refuse(f"{what} of {name!r}")
    if kind == 2:
        _need(file, body, 3)
        rank = body[2] - 1  # The last one is the size of a number.
        _need(file, body, 11 + 4 * max(rank, 0))
        return struct.unpack_from("<Q", body, 3)[0], struct.unpack_from(f"<{max(rank, 0)}I", body, 11)
    if kind == 0:
        _need(file, body, 4)
        (size,) = struct.unpack_from("<H", body, 2)
        return body[4 : 4 + size]
    _need(file, body, 18)
    return struct.unpack_from("<QQ", body, 2)


def attribute(file, body: bytes):
    """The name of an attribute and its value: a string, a number, or an array of either."""
    _need(file, body, 8)
    version = body[0]
    name_size, type_size, space_size = struct.unpack_from("<HHH", body, 2)
    at = 9 if version == 3 else 8
    if version not in (1, 2, 3) or (version > 1 and body[1] != 0):
        file.refuse(f"an attribute of version {version}")
    # Version 1 starts each part at a multiple of 8.
    spaced = (lambda n: -(-n // 8) * 8) if version == 1 else (lambda n: n)
    name = body[at : at + name_size].split(b"\0")[0].decode("utf-8", "replace")
    at += spaced(name_size)
    kind = body[at : at + type_size]
    at += spaced(type_size)
    lengths = shape(file, body[at : at + space_size])
    at += spaced(space_size)
    return name, _values(file, kind, lengths, body[at:], name)


def _values(file, kind: bytes, lengths: tuple, data: bytes, name: str):
    _need(file, kind, 8)
    count = int(np.prod(lengths, dtype=object))
    (size,) = struct.unpack_from("<I", kind, 4)
    if size == 0 or count * size > len(data):
        raise FileError(f"file {file.source.name!r} is damaged: attribute {name!r} is longer than its message.")
    if kind[0] & 15 == 3:
        values = [data[i * size : (i + 1) * size].split(b"\0")[0].decode("utf-8", "replace") for i in range(count)]
    elif kind[0] & 15 == 9 and kind[1] & 15 == 1 and size == 16:
        values = [_long_string(file, data[16 * i : 16 * i + 16]) for i in range(count)]
    else:
        return np.frombuffer(data, number_type(file, kind, name), count).reshape(lengths)
    return values if lengths else values[0]


def _long_string(file, reference: bytes) -> str:
    length, address, index = struct.unpack("<IQI", reference)
    return "" if length == 0 else file.heap_object(address, index)[:length].decode("utf-8", "replace")
