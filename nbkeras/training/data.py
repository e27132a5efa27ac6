"""The one entry to all data: whatever users pass to `fit`, `evaluate` or `predict` becomes a `Source`.

| `x` | becomes | `shuffle=True` |
|---|---|---|
| arrays, memory maps, pandas, lists of numbers, nests of them | `ArraySource` | new row order each epoch |
| `utils.PyDataset` | `DatasetSource` | new batch order each epoch |
| generators, iterators, anything that yields batches | `StreamSource` | has no effect |

For the last two, `batch_size` has no effect: their batches are made by the user.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np

from nbkeras import config, tree
from nbkeras.errors import ArgumentError, ArgumentTypeError, DataError
from nbkeras.training.array_source import ArraySource
from nbkeras.training.batch_source import StreamSource
from nbkeras.training.columns import as_triple, check_rows, is_array_like
from nbkeras.training.dataset_source import DatasetSource
from nbkeras.training.sample_weights import check_class_weight, combine_weights
from nbkeras.training.source import Batch, Rows, Source
from nbkeras.utils.data import PyDataset

__all__ = ["Batch", "Rows", "Source", "check_count", "make_source"]


def make_source(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool | str = False,
    class_weight: dict | None = None,
    seed: int | None = None,
    caller: str = "fit",
) -> Source:
    """Make the source that a loop iterates over, after checking everything that can be checked before work starts.

    Args:
        x: the inputs; see the table above.
        y: the targets, only where x is arrays.
        sample_weight: weights per sample, only where x is arrays.
        batch_size: rows a batch; 32, or the rows divided by `steps`, if None.
        steps: batches per epoch, or None for all.
        shuffle: False, True, or `"batch"` for whole batches of adjacent rows.
        class_weight: weight by class index; see `sample_weights.py`.
        seed: fixes all orders; None draws one from NumPy's global generator, which `set_random_seed` fixes.
        caller: the method the user called, for messages.

    Returns:
        A `Source`; `nbkeras/training/source.py` says how to use it.

    Raises:
        DataError: the data cannot be used.
        ArgumentError, ArgumentTypeError: another argument is out of range or of the wrong kind.

    Example:
        >>> source = make_source(np.zeros((10, 3)), np.zeros(10), batch_size=4)
        >>> source.num_batches, source.num_samples, [len(rows.indices) for rows in source.batches(epoch=0)]
        (3, 10, [4, 4, 2])
    """
    batch_size = check_count(batch_size, "batch_size", caller)
    steps = check_count(steps, "steps_per_epoch" if caller == "fit" else "steps", caller)
    if not (isinstance(shuffle, (bool, np.bool_)) or shuffle == "batch"):
        raise ArgumentError(f"{caller}: shuffle must be True, False or 'batch', got {shuffle!r}.")
    if class_weight is not None:
        check_class_weight(class_weight, caller)
    if seed is None:
        # The global generator is what `set_random_seed`, as in Keras, has seeded.
        seed = int(np.random.randint(2**63 - 1, dtype=np.int64))  # noqa: NPY002
    if x is None:
        raise DataError(f"{caller}: x is None.", next="pass the input data as x.")

    if isinstance(x, PyDataset):
        _check_no_targets(x, y, sample_weight, caller)
        if config.max_steps_per_epoch() is not None:
            steps = _limited(steps, x.num_batches, caller)
        return DatasetSource(x, steps, shuffle, seed, class_weight, caller)
    if is_array_like(x):
        columns = as_triple((x, y, sample_weight), caller)
        check_rows(columns, caller)
        weights = combine_weights(columns[1], columns[2], class_weight, caller)
        if config.max_steps_per_epoch() is not None:
            batch_size = batch_size or (None if steps else 32)
            rows = tree.flatten(columns[0])[0].shape[0]
            steps = _limited(steps, -(-rows // batch_size) if batch_size else None, caller)
        return ArraySource((*columns[:2], weights), batch_size, steps, shuffle, seed, caller)
    if isinstance(x, Iterable) and not isinstance(x, (dict, list, tuple)):
        _check_no_targets(x, y, sample_weight, caller)
        return StreamSource(x, _limited(steps, None, caller), class_weight, caller)
    raise DataError(
        f"{caller}: x of type {type(x).__name__} is no data that can be read{_inner_kinds(x)}.",
        next="call it if it is a generator function; else pass arrays, a generator or a utils.PyDataset.",
    )


def check_count(value: Any, name: str, caller: str) -> int | None:
    """Return a positive integer or None unchanged, or raise.

    Example:
        >>> check_count(np.int64(32), "batch_size", "fit")
        32
    """
    if value is None:
        return None
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise ArgumentTypeError(
            f"{caller}: {name} must be a positive integer, got {value!r} of type {type(value).__name__}."
        )
    if value < 1:
        raise ArgumentError(f"{caller}: {name} must be at least 1, got {value}.")
    return int(value)


def _limited(steps: int | None, available: int | None, caller: str) -> int | None:
    """The steps, no more than `config.max_steps_per_epoch` allows."""
    limit = config.max_steps_per_epoch()
    if limit is None or limit >= min(steps or math.inf, available or math.inf):
        return steps
    warnings.warn(f"{caller}: only {limit} batches, by config.set_max_steps_per_epoch.", stacklevel=4)
    return limit


def _check_no_targets(x: Any, y: Any, sample_weight: Any, caller: str) -> None:
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise DataError(
                f"{caller}: {name} was given although x is a {type(x).__name__}, which makes whole batches.",
                next=f"let it yield (x, y, sample_weight) batches and leave out {name}.",
            )


def _inner_kinds(x: Any) -> str:
    if not isinstance(x, (dict, list, tuple)):
        return ""
    kinds = sorted({type(item).__name__ for item in (x.values() if isinstance(x, dict) else x)})
    return f": it holds {', '.join(kinds)}"
