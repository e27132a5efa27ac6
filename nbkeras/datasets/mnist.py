"""MNIST: handwritten digits, 28×28."""

from __future__ import annotations

import numpy as np

from nbkeras.datasets._files import GOOGLE, Published, fetch

FILE = Published("mnist.npz", GOOGLE + "mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1")


def load_data(path="mnist.npz"):
    """Load MNIST from `~/.keras/datasets`, into which it is downloaded if it is not there.

    Args:
        path: the file's name in that folder, or an absolute path.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8.

    Shapes:
        x (60000, 28, 28) and (10000, 28, 28), values 0 to 255; y (60000,) and (10000,), 0 to 9.

    Raises:
        DataError: the file is not there and cannot be downloaded, or is damaged.

    Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database, 1998; CC BY-SA 3.0.
    """
    with np.load(fetch(FILE, path), allow_pickle=False) as data:
        return (data["x_train"], data["y_train"]), (data["x_test"], data["y_test"])
