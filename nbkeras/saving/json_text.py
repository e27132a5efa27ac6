"""JSON that strangers wrote: as much of it as a model's configuration needs, and no more."""

from __future__ import annotations

import json

from nbkeras.errors import FileError

#: Above what the largest models have: bytes of text, values in all, values inside values.
MOST_BYTES, MOST_VALUES, MOST_LEVELS = 64 * 2**20, 2_000_000, 200


def parse(text: bytes | str, name: str):
    """The value of a JSON text.

    Args:
        text: UTF-8.
        name: of the file, for messages.

    Raises:
        FileError: it is no JSON, or too large, or too deep.

    Example:
        >>> parse(b'{"units": 3}', "config")
        {'units': 3}
    """
    if len(text) > MOST_BYTES:
        raise FileError(f"file {name!r}: a configuration of {len(text)} bytes is not read.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(f"file {name!r} is no JSON: {error}.") from error
    _check(value, name)
    return value


def _check(value, name: str) -> None:
    level, count = [value], 0
    for _ in range(MOST_LEVELS):
        count += len(level)
        if count > MOST_VALUES:
            raise FileError(f"file {name!r}: a configuration of more than {MOST_VALUES} values is not read.")
        level = [
            part
            for outer in level
            if isinstance(outer, (dict, list))
            for part in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise FileError(f"file {name!r}: a configuration with values inside values {MOST_LEVELS} times is not read.")
