"""Fashion-MNIST: articles of clothing, 28×28."""

from __future__ import annotations

import gzip

import numpy as np

from nbkeras.datasets._files import GOOGLE, Published, fetch
from nbkeras.errors import DataError

_DIGESTS = {
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
}
FILES = [Published(name, GOOGLE + name, digest, "datasets/fashion-mnist") for name, digest in _DIGESTS.items()]


def load_data():
    """Load Fashion-MNIST from `~/.keras/datasets/fashion-mnist`, into which it is downloaded if it is not there.

    The classes: T-shirt/top, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8.

    Shapes:
        x (60000, 28, 28) and (10000, 28, 28), values 0 to 255; y (60000,) and (10000,), 0 to 9.

    Raises:
        DataError: a file is not there and cannot be downloaded, or is damaged.

    Source: H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST, 2017; MIT licence, © Zalando SE.
    """
    y_train, x_train, y_test, x_test = (_read_idx(fetch(file)) for file in FILES)
    return (x_train, y_train), (x_test, y_test)


def _read_idx(path) -> np.ndarray:
    """An array of bytes from the IDX format: two zeros, a type, the rank, the sizes, the values."""
    with gzip.open(path, "rb") as file:
        data = file.read()
    rank = data[3]
    shape = np.frombuffer(data, ">i4", rank, 4)
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * rank)
    if data[:3] != b"\0\0\x08" or values.size != shape.prod():
        raise DataError(f"{path}: expected bytes in the IDX format.", next="delete the file, and load again.")
    return values.reshape(shape)
