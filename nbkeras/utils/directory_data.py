"""Data sets of the files in a folder, whatever the files hold."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from nbkeras.errors import ArgumentError, DataError
from nbkeras.utils.dataset import Dataset
from nbkeras.utils.directory import check_split, index_directory, part_of


def directory_dataset(
    who: str,
    what: str,
    load: Callable,
    formats,
    directory,
    labels,
    label_mode,
    class_names,
    batch_size,
    shuffle,
    seed,
    validation_split,
    subset,
    follow_links,
    verbose,
    collate: Callable | None = None,
):
    """The files of a folder as a `Dataset` of batches.

    Args:
        who: the function the user called, for messages.
        what: what the files are, for messages.
        load: path -> what the data set has of a file.
        formats: endings of file names to take.
        collate: makes a batch of a list of what `load` gave; rows are stacked by default.

    The other arguments, the result and the errors are those of `image_dataset_from_directory`.
    """
    if not (labels is None or isinstance(labels, (list, tuple)) or (isinstance(labels, str) and labels == "inferred")):
        raise ArgumentError(f"{who}: expected labels 'inferred', None, or a list of numbers, got {labels!r}.")
    if label_mode not in ("int", "categorical", "binary", None):
        raise ArgumentError(f"{who}: expected label_mode 'int', 'categorical', 'binary' or None, got {label_mode!r}.")
    check_split(validation_split, subset, shuffle, seed, who)
    labels, label_mode = (None, None) if labels is None or label_mode is None else (labels, label_mode)
    if seed is None:
        seed = int(np.random.randint(1e6))  # noqa: NPY002 - `set_random_seed` fixes it
    paths, numbers, names = index_directory(
        directory, labels, formats, class_names, shuffle, seed, follow_links, verbose
    )
    if label_mode == "binary" and len(names) != 2:
        raise ArgumentError(f"{who}: label_mode='binary' needs two classes, got {names}.")

    def make(part):
        chosen, own = (part_of(items, validation_split, part) for items in (paths, numbers))
        if not chosen:
            raise DataError(f"{who}: found no {part or ''} {what} in {os.fspath(directory)!r} ({', '.join(formats)}).")
        if verbose and part:
            print(f"Using {len(chosen)} files for {part}.")
        targets = None if label_mode is None else _targets(own, label_mode, len(names))
        rows = Dataset.from_tensor_slices(np.arange(len(chosen)))
        if shuffle and part != "validation":
            rows = rows.shuffle((batch_size or 128) * 8, seed)

        def example(row):
            value = load(chosen[int(row)])
            return value if targets is None else (value, targets[int(row)])

        def batch(group):
            value = collate([load(chosen[int(row)]) for row in group])
            return value if targets is None else (value, targets[group])

        workers = len(os.sched_getaffinity(0))
        if batch_size is None:
            data = rows.map(example, num_parallel_calls=workers)
        elif collate is None:
            data = rows.map(example, num_parallel_calls=workers).batch(batch_size)
        else:
            data = rows.batch(batch_size).map(batch, num_parallel_calls=workers)
        data = data.prefetch(2)
        data.class_names, data.file_paths = names, list(chosen)
        return data

    return [make("training"), make("validation")] if subset == "both" else make(subset)


def _targets(numbers: np.ndarray, label_mode: str, classes: int) -> np.ndarray:
    if label_mode == "binary":
        return numbers.astype("float32")[:, None]
    if label_mode == "categorical":
        return np.eye(classes, dtype="float32")[numbers]
    return numbers.astype("int32")
