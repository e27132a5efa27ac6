"""Writing files so that there is always a whole one: the old file until the new one is safe on the disk.

The bytes go into a temporary file in the same folder, are forced to the disk, and only then take the old file's name,
in one step of the file system. A full disk, a quota or a kill in the middle leaves the old file as it was; what a kill
leaves behind is a file whose name starts with a dot, which the next write to the same path sweeps away.

Several files that belong together are replaced as one: between their renames a record of what is still to be renamed
stands beside them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

from nbkeras.errors import FileError
from nbkeras.saving.byte_source import open_bytes

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
    token = _new_token()
    with _cleaned_up(path, token):
        with _beside(path, token) as file:
            yield file
        os.replace(_temporary(path, token), path)
    _sync_folder(os.path.dirname(path))
    _sweep(path)


def write_bytes(path: str | os.PathLike, *parts: bytes | memoryview) -> None:
    """Make a file of these bytes, in one step.

    Args:
        path: where the file shall be.
        parts: its contents, one after another.
    """
    with replacing(path) as file:
        for part in parts:
            file.write(part)


def replace_together(files: dict[str, list], belongs: Callable[[str], bool]) -> None:
    """Make several files of a folder of these bytes: `current` finds all the old ones or all the new, whatever happens.

    When all are on the disk, a record of it is written; then each takes its name. What a kill leaves of that is done by
    the next call. The first file goes before others are renamed and comes back last, so that who knows nothing of the
    record, as Keras, meets no mixture.

    Args:
        files: path -> contents; without the first nobody reads the others.
        belongs: whether a name may be that of a file of the set: no others are renamed, whoever left the record.
    """
    files = {os.path.abspath(path): parts for path, parts in files.items()}
    head, token = next(iter(files)), _new_token()
    _finish(head, belongs)
    with contextlib.ExitStack() as stack:
        for path, parts in files.items():
            stack.enter_context(_cleaned_up(path, token))
            with _beside(path, token) as file:
                for part in parts:
                    file.write(part)
        write_bytes(_record(head), token.encode())
    _finish(head, belongs)
    for path in files:
        _sweep(path)


def current(path: str, head: str) -> str:
    """Where the newest whole version of a file stands that `replace_together` wrote.

    Args:
        path: of the file.
        head: the first file of its set.
    """
    token = _recorded(head)
    waiting = path if token is None else _temporary(path, token)
    return waiting if os.path.lexists(waiting) else path


def _record(head: str) -> str:
    folder, name = os.path.split(head)
    return os.path.join(folder, f".{name}.record")


def _recorded(head: str) -> str | None:
    """The token of the files that have yet to take their names."""
    try:
        file, source = open_bytes(_record(head), follow=False)
    except FileError:
        return None
    with file:
        token = source.read(0, min(source.size, 64)).decode("ascii", "replace")
    return token if _TOKEN.fullmatch(token) else None


def _finish(head: str, belongs: Callable[[str], bool]) -> None:
    """Rename what a record says is still to be renamed, and remove the record."""
    token = _recorded(head)
    if token is None:
        return
    folder, first = os.path.split(head)
    ending = f".{token}.tmp"
    try:
        found = [name for name in os.listdir(folder) if name.startswith(".") and name.endswith(ending)]
        names = [name[1 : -len(ending)] for name in found]
        if first in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(head)
        for name in sorted(names, key=lambda name: name == first):
            if belongs(name):
                os.replace(os.path.join(folder, f".{name}{ending}"), os.path.join(folder, name))
        _sync_folder(folder)
        os.unlink(_record(head))
    except OSError as error:
        raise FileError(
            f"the new files of {head!r} are written, but could not take their names: {error.strerror or error}.",
            next="they are read all the same; save again, to another name where that fails too.",
        ) from error


def _new_token() -> str:
    """What tells the temporary files of one writing from those of all others."""
    return f"{os.getpid()}.{time.monotonic_ns()}"


_TOKEN = re.compile(r"\d{1,10}\.\d{1,20}")


def _temporary(path: str, token: str) -> str:
    """Where a file is written before it takes its name."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{token}.tmp")


@contextlib.contextmanager
def _cleaned_up(path: str, token: str):
    """An error inside removes the temporary file, and says what it means for the one at `path`."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(_temporary(path, token))
        if isinstance(error, OSError):
            raise _explained(path, error) from error
        raise


@contextlib.contextmanager
def _beside(path: str, token: str) -> Iterator[BinaryIO]:
    """The temporary file for a path, to be written; forced to the disk at the end."""
    if os.path.isdir(path):
        raise FileError(f"cannot write {path!r}: it is a folder.", next="give the name of a file.")
    mode = _mode_of(path)
    with open(_temporary(path, token), "x+b") as file:
        os.fchmod(file.fileno(), mode)
        yield file
        file.flush()
        os.fsync(file.fileno())


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


def _sweep(path: str) -> None:
    """Remove what writers of the same file left when they were killed."""
    folder, name = os.path.split(path)
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
