"""CIFAR-100: small colour photographs of a hundred kinds of things in twenty groups."""

from __future__ import annotations

from nbkeras.datasets._cifar import read_batches
from nbkeras.datasets._files import Published
from nbkeras.errors import ArgumentError

FILE = Published(
    "cifar-100-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
)


def load_data(label_mode="fine"):
    """Load CIFAR-100 from `~/.keras/datasets`, into which it is downloaded if it is not there.

    Args:
        label_mode: `"fine"` for the hundred classes, `"coarse"` for the twenty groups.

    Returns:
        `(x_train, y_train), (x_test, y_test)`; x uint8, y int64.

    Shapes:
        x (50000, 32, 32, 3) and (10000, 32, 32, 3), or channels first as `config.image_data_format()` says; y
        (50000, 1) and (10000, 1).

    Raises:
        ArgumentError: another label_mode.
        DataError: the file is not there and cannot be downloaded, or is damaged.

    Source: A. Krizhevsky, Learning multiple layers of features from tiny images, 2009.
    """
    if label_mode not in ("fine", "coarse"):
        raise ArgumentError(f"cifar100.load_data: expected label_mode 'fine' or 'coarse', got {label_mode!r}.")
    train, test = (read_batches(FILE, "cifar-100-python", [name], f"{label_mode}_labels") for name in ("train", "test"))
    return train, test
