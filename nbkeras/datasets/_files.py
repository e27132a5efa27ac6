"""Files of published data sets: found in Keras's folder, or downloaded into it, and checked.

The `load_data` functions of this package and `utils.get_file` are the only calls in nbkeras that ever download.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from nbkeras.errors import DataError
from nbkeras.utils.get_file import digest_of, download, home

#: Where Keras's project keeps its data sets.
GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


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
        if digest_of(target, file.digest) == file.digest:
            return target
        warnings.warn(f"{target} is not the published file (its digest differs): it is downloaded again.", stacklevel=4)
    print(f"Downloading {file.url} to {target}", flush=True)
    try:
        download(file.url, target, file.digest)
    except OSError as error:
        raise DataError(
            f"{file.name}: expected the file {target}, which is not there, and {file.url} cannot be downloaded: "
            f"{error}.",
            next=f"download it where there is a network, and put it at {target}.",
        ) from error
    return target
