"""Bytes that a reader asks for by place, from a file, from a part of one, or from memory; never beyond the end."""

from __future__ import annotations

import errno
import os
import stat

import numpy as np

from nbkeras.errors import FileError


class Bytes:
    """Bytes in memory.

    Args:
        data: the bytes.
        name: of the file they are from, for messages.

    Example:
        >>> Bytes(b"abcdef", "letters").read(2, 3)
        b'cde'
    """

    def __init__(self, data: bytes, name: str):
        self._data = memoryview(data)
        self.size = len(data)
        self.name = name

    def check(self, start: int, count: int) -> None:
        """Raise a `FileError` if these bytes do not all exist."""
        if start < 0 or count < 0 or start + count > self.size:
            raise FileError(
                f"file {self.name!r} is damaged or cut off: bytes {start} to {start + count} were expected, it has "
                f"{self.size}."
            )

    def read(self, start: int, count: int) -> bytes:
        """The bytes at a place.

        Raises:
            FileError: they do not all exist.
        """
        self.check(start, count)
        return bytes(self._data[start : start + count])

    def read_array(self, start: int, shape: tuple, dtype: np.dtype) -> np.ndarray:
        """An array of the bytes at a place; nothing is allocated before it is known that they exist."""
        count = int(np.prod(shape, dtype=object)) * dtype.itemsize
        self.check(start, count)
        array = np.empty(shape, dtype)
        self.fill(start, array)
        return array

    def fill(self, start: int, array: np.ndarray) -> None:
        """Copy the bytes at a place into an array without gaps."""
        self.check(start, array.nbytes)
        if array.nbytes:
            self._fill(start, memoryview(array.reshape(-1).view(np.uint8)))

    def _fill(self, start: int, target: memoryview) -> None:
        target[:] = self._data[start : start + len(target)]

    def part(self, start: int, count: int, name: str):
        """A part of these bytes as bytes of their own."""
        self.check(start, count)
        return Bytes(self._data[start : start + count], name)


class FileBytes(Bytes):
    """Bytes of an open file, or of a stretch of it.

    Args:
        descriptor: of a regular file that stays open.
        start, size: the stretch.
        name: for messages.
    """

    def __init__(self, descriptor: int, start: int, size: int, name: str):
        self._descriptor, self._start = descriptor, start
        self.size = size
        self.name = name

    def read(self, start: int, count: int) -> bytes:
        self.check(start, count)
        data = os.pread(self._descriptor, count, self._start + start)
        while len(data) < count:
            more = os.pread(self._descriptor, count - len(data), self._start + start + len(data))
            if not more:
                self._cut_off()
            data += more
        return data

    def _fill(self, start: int, target: memoryview) -> None:
        done = 0
        while done < len(target):
            # One call reads less than 2 GiB.
            got = os.preadv(self._descriptor, [target[done : done + 2**30]], self._start + start + done)
            if not got:
                self._cut_off()
            done += got

    def part(self, start: int, count: int, name: str):
        self.check(start, count)
        return FileBytes(self._descriptor, self._start + start, count, name)

    def _cut_off(self):
        raise FileError(f"file {self.name!r} became shorter while it was read.")


def read_all(source: Bytes, most: int) -> bytes:
    """All bytes.

    Raises:
        FileError: they are more than `most`.
    """
    if source.size > most:
        raise FileError(f"file {source.name!r}: a text of {source.size} bytes is not read.")
    return source.read(0, source.size)


def open_bytes(path: str | os.PathLike, follow: bool = True):
    """Open a regular file for reading: a file object, whose closing ends it, and its bytes.

    Args:
        path: of the file.
        follow: False to refuse a link: where a stranger packed the folder, it may lead anywhere.

    Raises:
        FileError: there is no such file, or it is a folder, a pipe or a device.
    """
    shown = os.fspath(path)
    flags = os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)  # opening a pipe would wait for its writer
    try:
        file = open(shown, "rb", opener=lambda name, mode: os.open(name, mode | flags))  # noqa: SIM115 - the caller's
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise FileError(f"cannot read {shown!r}: it is a link.") from error
        raise FileError(f"cannot read {shown!r}: {error.strerror or error}.", next="check the path.") from error
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        file.close()
        raise FileError(f"cannot read {shown!r}: it is no regular file.")
    return file, FileBytes(file.fileno(), 0, found.st_size, shown)
