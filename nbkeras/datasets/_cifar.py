"""What CIFAR-10 and CIFAR-100 share: batches of pictures in pickles, in a tar archive."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence

import numpy as np

from nbkeras import config
from nbkeras.datasets._files import Published, fetch, home
from nbkeras.datasets._pickled import load_pickle
from nbkeras.errors import DataError


def read_batches(file: Published, folder: str, names: Sequence[str], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and labels of some batches after each other.

    They are read from the archive as it is: nothing is unpacked to disk. A folder that Keras has unpacked does too.

    Args:
        file: the archive.
        folder: the folder in it.
        names: the batches in that.
        key: which labels.

    Returns:
        x: (N, 32, 32, 3), or (N, 3, 32, 32) as `config.image_data_format()` says, uint8; y: (N, 1), uint8 or int64.
    """
    images, labels = [], []
    for data in _read(file, folder, names):
        batch = load_pickle(io.BytesIO(data))
        images.append(np.asarray(batch[b"data"], dtype=np.uint8).reshape(-1, 3, 32, 32))
        labels.append(np.asarray(batch[key.encode()]))
    x, y = np.concatenate(images), np.concatenate(labels).reshape(-1, 1)
    return (x.transpose(0, 2, 3, 1) if config.image_data_format() == "channels_last" else x), y


def _read(file: Published, folder: str, names: Sequence[str]) -> list[bytes]:
    for unpacked in (home() / "datasets" / f"{folder}-target" / folder, home() / "datasets" / folder):
        if all((unpacked / name).is_file() for name in names):
            return [(unpacked / name).read_bytes() for name in names]
    wanted = [f"{folder}/{name}" for name in names]
    with tarfile.open(fetch(file)) as archive:
        found = [archive.getmember(name) for name in wanted if name in archive.getnames()]
        # Files only: a link may lead anywhere.
        members = [archive.extractfile(member) for member in found if member.isfile()]
        if len(members) < len(wanted):
            raise DataError(f"{file.name}: expected files {folder}/{names[0]} and so on in the archive.")
        return [member.read() for member in members]
