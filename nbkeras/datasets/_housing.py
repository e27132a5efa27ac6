"""What the two sets of house prices share."""

from __future__ import annotations

import numpy as np

from nbkeras.datasets._files import Published, fetch
from nbkeras.errors import ArgumentError


def load_shuffled(file: Published, path, test_split, seed, who: str, rows: int | None = None):
    """Load x and y, the first rows of them, and split them in Keras's order for the seed."""
    if not 0 <= test_split < 1:
        raise ArgumentError(f"{who}.load_data: expected test_split of at least 0 and below 1, got {test_split}.")
    with np.load(fetch(file, path), allow_pickle=False) as data:
        x, y = data["x"][:rows], data["y"][:rows]
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    cut = int(len(x) * (1 - test_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])
