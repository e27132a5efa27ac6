"""House prices around Boston in the 1970s."""

from __future__ import annotations

from nbkeras.datasets._files import GOOGLE, Published
from nbkeras.datasets._housing import load_shuffled

FILE = Published(
    "boston_housing.npz",
    GOOGLE + "boston_housing.npz",
    "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
)


def load_data(path="boston_housing.npz", test_split=0.2, seed=113):
    """Load the Boston housing prices from `~/.keras/datasets`, into which they are downloaded if they are not there.

    One of its variables takes for granted that racial segregation raises prices: use it to teach about that, and
    `california_housing` for everything else.

    Args:
        path: the file's name in that folder, or an absolute path.
        test_split: the share of rows for testing.
        seed: fixes their order.

    Returns:
        `(x_train, y_train), (x_test, y_test)`; prices in thousands of dollars.

    Shapes:
        x (N, 13), y (N,); 506 rows in all.

    Raises:
        ArgumentError: test_split out of range; DataError: the file is not there and cannot be downloaded.

    Source: D. Harrison and D. Rubinfeld, Hedonic housing prices and the demand for clean air, 1978.
    """
    return load_shuffled(FILE, path, test_split, seed, "boston_housing")
