"""Files of published data sets: found in Keras's folder, or downloaded into it, and checked.

The `load_data` functions of this package are the only calls in nbkeras that ever download.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

from nbkeras.errors import DataError

#: Where Keras's project keeps its data sets.
GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
#: Seconds without a byte after which a download has failed.
PATIENCE = 30.0
PIECE = 1 << 20


@dataclass(frozen=True)
class Published:
    """A file that anybody can download.

    Args:
        name: the file's name in the folder.
        url: where it can be downloaded.
        digest: its SHA-256 (64 digits) or MD5 (32 digits), by which it is known.
        folder: a folder in Keras's.
    """

    name: str
    url: str
    digest: str
    folder: str = "datasets"


def home() -> Path:
    """Keras's folder: `$KERAS_HOME`, else `~/.keras`."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def fetch(file: Published, path: str | None = None) -> Path:
    """The path of a file that is there and whole; it is downloaded if need be.

    Args:
        file: which one.
        path: another name in the folder, or an absolute path.

    Raises:
        DataError: it is not there and cannot be downloaded, or what came is not it.
    """
    target = home() / file.folder / (path or file.name)
    if target.is_file():
        if _digest(target, file) == file.digest:
            return target
        warnings.warn(f"{target} is not the published file (its digest differs): it is downloaded again.", stacklevel=4)
    print(f"Downloading {file.url} to {target}", flush=True)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _download(file, target)
    except OSError as error:
        raise DataError(
            f"{file.name}: expected the file {target}, which is not there, and {file.url} cannot be downloaded: "
            f"{error}.",
            next=f"download it where there is a network, and put it at {target}.",
        ) from error
    return target


def _download(file: Published, target: Path) -> None:
    from urllib.request import urlopen

    # Another process sees the whole file or none.
    handle, part = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out, urlopen(file.url, timeout=PATIENCE) as source:
            while piece := source.read(PIECE):
                out.write(piece)
        found = _digest(part, file)
        if found != file.digest:
            raise DataError(
                f"{file.name}: what {file.url} gives is not the published file: expected the digest {file.digest}, "
                f"got {found}.",
                next=f"try again; or get the file elsewhere and put it at {target}.",
            )
        os.replace(part, target)
    finally:
        if os.path.exists(part):
            os.unlink(part)


def _digest(path: str | os.PathLike, file: Published) -> str:
    digest = hashlib.md5(usedforsecurity=False) if len(file.digest) == 32 else hashlib.sha256()
    with open(path, "rb") as data:
        while piece := data.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
