"""The UCI optical digits: small enough to ship, real enough to learn from."""

from __future__ import annotations

from importlib import resources

import numpy as np


def load_data() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Load 1797 handwritten digits, split once and for all into 1437 for training and 360 for testing.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all `uint8`.

    Shapes:
        x: (N, 8, 8), grey values 0 (paper) to 16 (ink). y: (N,), classes 0 to 9.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape, y_test.shape
        ((1437, 8, 8), (360,))
        >>> int(x_train.min()), int(x_train.max())
        (0, 16)

    Source:
        E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
        doi:10.24432/C50P49, CC BY 4.0. The README of this folder tells how the file was made.
    """
    packed = resources.files("nbkeras.datasets").joinpath("digits.npz")
    with packed.open("rb") as file, np.load(file, allow_pickle=False) as data:
        return (data["x_train"], data["y_train"]), (data["x_test"], data["y_test"])
