"""Windows of a time series as batches."""

from __future__ import annotations

import itertools

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.utils.dataset import Dataset, HostArray


def timeseries_dataset_from_array(
    data,
    targets,
    sequence_length,
    sequence_stride=1,
    sampling_rate=1,
    batch_size=128,
    shuffle=False,
    seed=None,
    start_index=None,
    end_index=None,
    format="tf",
):
    """Sliding windows over a series, with a target each, as a `Dataset` of batches.

    Args:
        data: the series, time along the first axis.
        targets: `targets[i]` belongs to the window that starts at `data[i]`; None for windows alone.
        sequence_length: steps of a window.
        sequence_stride: steps from the start of a window to that of the next.
        sampling_rate: steps of the series from a step of a window to the next.
        batch_size: windows a batch; None for single windows.
        shuffle: a new order each pass, or the order of time.
        seed: fixes the orders; None draws one from NumPy's global generator.
        start_index, end_index: only this part of the series is used.
        format: accepted; the result is nbkeras's own `Dataset`.

    Shapes:
        data (T, ...); targets (T, ...); batches (N, sequence_length, ...), with targets also (N, ...).

    Raises:
        ArgumentError: an argument out of range.

    Example:
        >>> data = np.arange(7)
        >>> windows = timeseries_dataset_from_array(data[:-2], data[2:], sequence_length=2, batch_size=3)
        >>> [(x.tolist(), y.tolist()) for x, y in windows]
        [([[0, 1], [1, 2], [2, 3]], [2, 3, 4]), ([[3, 4]], [5])]

    Source: arguments and windows are those of `keras.utils.timeseries_dataset_from_array`; the order of a shuffle is
        ours.
    """
    data = np.asarray(data)
    _check(len(data), sequence_length, sequence_stride, sampling_rate, start_index, end_index, format)
    part = data[start_index or 0 : len(data) if end_index is None else end_index]
    count = len(part) - (sequence_length - 1) * sampling_rate
    if targets is not None:
        # As Keras has it: all of the targets bound the number, those from the start on are taken.
        count = min(count, len(targets))
        targets = np.asarray(targets)[start_index or 0 :]
    starts = np.arange(0, max(count, 0), sequence_stride)
    if targets is not None:
        starts = starts[starts < len(targets)]
    offsets = np.arange(sequence_length) * sampling_rate
    if shuffle and seed is None:
        seed = int(np.random.randint(2**31))  # noqa: NPY002 - `set_random_seed` fixes it
    size = batch_size or 1

    passes = itertools.count()

    def make():
        order = np.random.default_rng([seed, next(passes)]).permutation(starts) if shuffle else starts
        for first in range(0, len(order), size):
            chosen = order[first : first + size] if batch_size else order[first]
            x = np.asarray(part[np.add.outer(chosen, offsets)]).view(HostArray)
            yield x if targets is None else (x, np.asarray(targets[chosen]).view(HostArray))

    return Dataset(make, -(-len(starts) // size))


def _check(steps, sequence_length, sequence_stride, sampling_rate, start_index, end_index, format) -> None:
    who = "timeseries_dataset_from_array"
    if start_index and not 0 <= start_index < steps:
        raise ArgumentError(f"{who}: expected start_index from 0 to {steps - 1}, got {start_index}.")
    if end_index is not None and not (start_index or 0) < end_index < steps:
        raise ArgumentError(
            f"{who}: expected end_index above start_index ({start_index or 0}) and below the length of the data, "
            f"{steps}, got {end_index}."
        )
    if not isinstance(sequence_length, (int, np.integer)) or sequence_length < 1:
        raise ArgumentError(f"{who}: expected sequence_length to be at least 1, got {sequence_length!r}.")
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if not 0 < value < steps:
            raise ArgumentError(f"{who}: expected {name} from 1 to {steps - 1}, got {value}.")
    if format not in ("tf", "grain"):
        raise ArgumentError(f"{who}: expected format to be 'tf' or 'grain', got {format!r}.")
