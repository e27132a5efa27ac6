"""Writing files so that there is always a whole one: the old file until the new one is safe on the disk.

The bytes go into a temporary file in the same folder, are forced to the disk, and only then take the old file's name,
in one step of the file system. A full disk, a quota or a kill in the middle leaves the old file as it was; what a kill
leaves behind is a file whose name starts with a dot, which the next write to the same path sweeps away.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from typing import BinaryIO

from nbkeras.errors import FileError

#: Left-overs of writers that were killed are removed when they are this old, so that no live writer loses its file.
STALE_SECONDS = 3600.0


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A binary file to write; at the end of the `with` block it becomes the file at `path`. An error leaves no trace.

    Args:
        path: where the file shall be; its folder must exist.

    Raises:
        FileError: the folder does not exist or cannot be written, or the disk is full.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "numbers")
        >>> with replacing(path) as file:
        ...     _ = file.write(b"123")
        >>> path.read_bytes()
        b'123'
    """
    path = os.path.abspath(os.fspath(path))
    folder, name = os.path.split(path)
    if os.path.isdir(path):
        raise FileError(f"cannot write {path!r}: it is a folder.", next="give the name of a file.")
    mode = _mode_of(path)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.{time.monotonic_ns()}.tmp")
    try:
        file = open(temporary, "x+b")  # noqa: SIM115 - closed before the rename
    except OSError as error:
        raise _explained(path, error) from error
    try:
        with file:
            os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise _explained(path, error) from error
        raise
    _sync_folder(folder)
    _sweep(folder, name)


def write_bytes(path: str | os.PathLike, *parts: bytes | memoryview) -> None:
    """Make a file of these bytes, in one step.

    Args:
        path: where the file shall be.
        parts: its contents, one after another.
    """
    with replacing(path) as file:
        for part in parts:
            file.write(part)


def _mode_of(path: str) -> int:
    """The permissions of the file that is replaced, else those that a new file gets."""
    try:
        return os.stat(path).st_mode & 0o7777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder: str) -> None:
    """Force the rename to the disk; some network file systems cannot, and then it happens when it happens."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sweep(folder: str, name: str) -> None:
    """Remove what writers of the same file left when they were killed."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(f".{name}.") and entry.name.endswith(".tmp"):
                with contextlib.suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > STALE_SECONDS:
                        os.unlink(entry.path)


_REASONS = {
    errno.ENOSPC: "free some space; the file that was there before, if any, is untouched.",
    errno.EDQUOT: "free some of your quota; the file that was there before, if any, is untouched.",
    errno.EFBIG: "the limit on the size of files is too low; the file that was there before, if any, is untouched.",
    errno.ENOENT: "make the folder first.",
    errno.EACCES: "choose a folder that you may write to.",
    errno.EROFS: "choose a folder that can be written to.",
}


def _explained(path: str, error: OSError) -> FileError:
    return FileError(f"cannot write {path!r}: {error.strerror or error}.", next=_REASONS.get(error.errno))
