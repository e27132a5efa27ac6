"""The few kinds of protocol-buffer fields that event files are made of.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct


def varint(number: int) -> bytes:
    """An unsigned integer, seven bits a byte, the lowest first.

    Example:
        >>> varint(300).hex()
        'ac02'
    """
    out = bytearray()
    number &= (1 << 64) - 1
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def integer(field: int, number: int) -> bytes:
    """A field with an integer or enumeration."""
    return varint(field << 3) + varint(number)


def double(field: int, number: float) -> bytes:
    """A field with a 64-bit float."""
    return varint(field << 3 | 1) + struct.pack("<d", number)


def text(field: int, value: str | bytes) -> bytes:
    """A field with a string or bytes; also with a message, or packed numbers, that are bytes already.

    Example:
        >>> text(2, "hi").hex()
        '12026869'
    """
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data
