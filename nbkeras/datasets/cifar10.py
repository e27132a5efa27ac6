"""CIFAR-10: small colour photographs of ten kinds of things."""

from __future__ import annotations

import numpy as np

from nbkeras.datasets._cifar import read_batches
from nbkeras.datasets._files import Published

FILE = Published(
    "cifar-10-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
)


def load_data():
    """Load CIFAR-10 from `~/.keras/datasets`, into which it is downloaded if it is not there.

    The classes: airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8.

    Shapes:
        x (50000, 32, 32, 3) and (10000, 32, 32, 3), or channels first as `config.image_data_format()` says; y
        (50000, 1) and (10000, 1), 0 to 9.

    Raises:
        DataError: the file is not there and cannot be downloaded, or is damaged.

    Source: A. Krizhevsky, Learning multiple layers of features from tiny images, 2009.
    """
    names = [f"data_batch_{number}" for number in range(1, 6)]
    x_train, y_train = read_batches(FILE, "cifar-10-batches-py", names, "labels")
    x_test, y_test = read_batches(FILE, "cifar-10-batches-py", ["test_batch"], "labels")
    return (x_train, y_train.astype(np.uint8)), (x_test, y_test.astype(np.uint8))
