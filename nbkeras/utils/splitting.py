"""A data set in two parts."""

from __future__ import annotations

import random

import numpy as np

from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.utils.dataset import Dataset


def split_dataset(dataset, left_size=None, right_size=None, shuffle=False, seed=None, preferred_backend=None):
    """Split data into a left and a right part, such as for training and testing.

    Args:
        dataset: an array, a list, tuple or dict of arrays with one number of rows, a `Dataset` of elements, or
            another library's: anything with `__len__` and `__getitem__`, or that can be iterated over again and again.
        left_size, right_size: a share in (0, 1) or a number of elements; what one leaves is the other's, if that is
            None.
        shuffle: whether the elements are shuffled before; else the left part has the first ones, the right the last.
        seed: fixes the order; None draws one from Python's global generator.
        preferred_backend: accepted; both parts are nbkeras's own `Dataset`.

    Returns:
        Two `Dataset`s of elements, which are held in memory.

    Raises:
        ArgumentTypeError, ArgumentError: sizes of another type, out of range, or that leave a part empty.

    Example:
        >>> left, right = split_dataset(np.arange(10), left_size=0.8)
        >>> len(left), [int(element) for element in right]
        (8, [8, 9])

    Source: arguments, sizes and order are those of `keras.utils.split_dataset`.
    """
    if left_size is None and right_size is None:
        raise ArgumentError("split_dataset: expected left_size or right_size, got neither.")
    elements = _elements(dataset)
    if shuffle:
        random.Random(random.randint(0, int(1e6)) if seed is None else seed).shuffle(elements)
    left, right = _sizes(left_size, right_size, len(elements))
    return _of(elements[:left]), _of(elements[-right:])


def _elements(dataset) -> list:
    if isinstance(dataset, (np.ndarray, list, tuple, dict)):
        return list(Dataset.from_tensor_slices(dataset))
    # A generator may have no end.
    if not isinstance(dataset, (str, bytes)) and not hasattr(dataset, "__next__"):
        if hasattr(dataset, "__iter__"):
            return list(dataset)
        if hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__"):
            return [dataset[i] for i in range(len(dataset))]
    raise ArgumentTypeError(
        f"split_dataset: expected arrays or a data set, got a {type(dataset).__name__}.",
        next="collect batches into arrays, or make a Dataset with Dataset.from_generator.",
    )


def _of(elements: list) -> Dataset:
    return Dataset(lambda: iter(elements), len(elements))


def _sizes(left_size, right_size, total: int) -> tuple[int, int]:
    counts = {}
    for name, size in (("left_size", left_size), ("right_size", right_size)):
        if size is None:
            continue
        if type(size) not in (int, float):
            raise ArgumentTypeError(
                f"split_dataset: expected {name} to be an int, a float or None, got a {type(size).__name__}."
            )
        if not 0 < size < (total if type(size) is int else 1):
            raise ArgumentError(
                f"split_dataset: expected {name} to be a number of elements below {total}, or a share between 0 and 1, "
                f"got {size}."
            )
        counts[name] = size if type(size) is int else round(size * total)
    if type(left_size) is type(right_size) is float and left_size + right_size > 1:
        raise ArgumentError(f"split_dataset: the shares {left_size} and {right_size} are more than 1 together.")
    left = counts["left_size"] if "left_size" in counts else total - counts["right_size"]
    right = counts["right_size"] if "right_size" in counts else total - left
    if left + right > total:
        raise ArgumentError(f"split_dataset: {left} and {right} elements are more than there are, {total}.")
    if not (left and right):
        raise ArgumentError(
            f"split_dataset: of {total} elements, left_size={left_size} and right_size={right_size} leave one part "
            "without any."
        )
    return left, right
