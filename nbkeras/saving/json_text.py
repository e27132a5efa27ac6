"""JSON that strangers wrote: as much of it as a model's configuration needs, and no more."""

from __future__ import annotations

import json

from nbkeras.errors import FileError

#: Above what models of five thousand layers have: bytes of text, marks between values, values inside values. A mark
#: stands for up to 80 bytes of memory once the text is read.
MOST_BYTES, MOST_MARKS, MOST_LEVELS = 64 * 2**20, 500_000, 200


def parse(text: bytes | str, name: str, most_bytes: int = MOST_BYTES, most_marks: int = MOST_MARKS):
    """The value of a JSON text.

    Args:
        text: UTF-8.
        name: of the file, for messages.
        most_bytes, most_marks: what is not read.

    Raises:
        FileError: it is no JSON, or too large, or too deep.

    Example:
        >>> parse(b'{"units": 3}', "config")
        {'units': 3}
    """
    if len(text) > most_bytes:
        raise FileError(f"file {name!r}: a configuration of {len(text)} bytes is not read.")
    # Counted before anything is made of them: two bytes, as of `[]`, become seventy.
    marks = sum(text.count(mark if isinstance(text, str) else mark.encode()) for mark in ",:[{")
    if marks > most_marks:
        raise FileError(f"file {name!r}: a configuration of up to {marks} values is not read.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(f"file {name!r} is no JSON: {error}.") from error
    _check(value, name)
    return value


def _check(value, name: str) -> None:
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [
            part
            for outer in level
            if isinstance(outer, (dict, list))
            for part in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise FileError(f"file {name!r}: a configuration with values inside values {MOST_LEVELS} times is not read.")
