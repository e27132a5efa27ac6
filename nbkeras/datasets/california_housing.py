"""House prices in California's districts, 1990."""

from __future__ import annotations

from nbkeras.datasets._files import GOOGLE, Published
from nbkeras.datasets._housing import load_shuffled
from nbkeras.errors import ArgumentError

FILE = Published(
    "california_housing.npz",
    GOOGLE + "california_housing.npz",
    "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
)
#: Version -> how many of the first rows.
ROWS = {"small": 600, "large": None}


def load_data(version="large", path="california_housing.npz", test_split=0.2, seed=113):
    """Load the Californian housing prices from `~/.keras/datasets`; downloaded if they are not there.

    Args:
        version: `"large"` for all 20,640 districts, `"small"` for 600.
        path: the file's name in that folder, or an absolute path.
        test_split: the share of rows for testing.
        seed: fixes their order.

    Returns:
        `(x_train, y_train), (x_test, y_test)`; median prices in dollars.

    Shapes:
        x (N, 8), y (N,).

    Raises:
        ArgumentError: another version, test_split out of range; DataError: the file is not there and cannot be
            downloaded.

    Source: R. Pace and R. Barry, Sparse spatial autoregressions, 1997.
    """
    if version not in ROWS:
        raise ArgumentError(f"california_housing.load_data: expected version 'small' or 'large', got {version!r}.")
    return load_shuffled(FILE, path, test_split, seed, "california_housing", ROWS[version])
