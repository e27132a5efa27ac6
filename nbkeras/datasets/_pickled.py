"""Arrays that were published as pickles, read by a reader that can make arrays and nothing else."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from typing import Any

import numpy as np

from nbkeras.errors import DataError

#: All that a pickle may name. NumPy has moved `_reconstruct`; nothing is imported here.
_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads numbers, text, lists, dicts and arrays; refuses every other class and function."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise DataError(
                f"a pickle of a data set must hold arrays only, but this one asks for {module}.{name}.",
                next="the file is not what it should be: delete it, and get it from its publisher.",
            ) from None


def load_pickle(file: io.BufferedIOBase) -> Any:
    """What a pickle of Python 2 or 3 holds; its text of Python 2 as bytes."""
    return ArrayUnpickler(file, encoding="bytes").load()


def load_npz(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file; those of objects, such as lists of unlike lengths, too."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if member.endswith(".npy"):
                arrays[member[:-4]] = _read_array(io.BytesIO(archive.read(member)))
    return arrays


def _read_array(file: io.BytesIO) -> np.ndarray:
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
    _, _, dtype = header(file)
    if dtype.hasobject:
        return load_pickle(file)
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)
