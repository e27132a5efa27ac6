"""Which files of a folder belong to a data set, and to which class."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from nbkeras.errors import ArgumentError, DataError


def index_directory(
    directory, labels, formats, class_names=None, shuffle=True, seed=None, follow_links=False, verbose=True
) -> tuple[list[str], np.ndarray | None, list[str] | None]:
    """Files with their labels, as Keras's `*_dataset_from_directory` functions list them.

    Args:
        directory: the folder; with `labels="inferred"`, each folder in it is a class.
        labels: `"inferred"`, None, or a number for each file, in the order of their sorted paths.
        formats: endings of file names to take, such as `".png"`.
        class_names: with inferred labels, which folders, in which order; all, sorted, by default.
        shuffle: whether the files are shuffled, once.
        seed: fixes their order.
        follow_links: whether links to folders are followed.
        verbose: whether the number of files is printed.

    Returns:
        Paths, labels (or None), names of the classes (or None).

    Raises:
        ArgumentError: class names that are not there, or without inferred labels; DataError: no folder, or another
            number of labels than of files.
    """
    directory = os.fspath(directory)
    if not os.path.isdir(directory):
        raise DataError(f"expected a folder with files, but there is no folder {directory!r}.")
    if labels == "inferred":
        found = sorted(
            entry.name for entry in os.scandir(directory) if entry.is_dir() and not entry.name.startswith(".")
        )
        if class_names is not None and not set(class_names) <= set(found):
            raise ArgumentError(
                f"class_names must be names of folders in {directory!r}: there are {found}, got {list(class_names)}."
            )
        folders = list(found if class_names is None else class_names)
    elif class_names is not None:
        raise ArgumentError("class_names can only be given with labels='inferred'.")
    else:
        folders = [""]
    per_folder = [_files(os.path.join(directory, name), formats, follow_links) for name in folders]
    paths = [path for files in per_folder for path in files]
    if labels == "inferred":
        labels, names = np.repeat(np.arange(len(folders), dtype="int32"), [len(files) for files in per_folder]), folders
    elif labels is None:
        names = None
    else:
        if len(labels) != len(paths):
            raise DataError(f"expected a label for each of the {len(paths)} files in {directory!r}, got {len(labels)}.")
        labels, names = np.asarray(labels), [str(label) for label in sorted(set(labels))]
    if verbose:
        print(f"Found {len(paths)} files" + (f" belonging to {len(names)} classes." if names is not None else "."))
    if shuffle:
        # Keras's order for a seed, so that a split made there and one made here agree.
        order = np.arange(len(paths))
        np.random.RandomState(seed).shuffle(order)
        paths, labels = [paths[index] for index in order], None if labels is None else labels[order]
    return paths, labels, names


def check_split(validation_split, subset, shuffle, seed, who: str) -> None:
    """Check the arguments that take a part of the files."""
    if validation_split and not 0 < validation_split < 1:
        raise ArgumentError(f"{who}: expected validation_split between 0 and 1, got {validation_split}.")
    if bool(validation_split) != bool(subset):
        raise ArgumentError(f"{who}: validation_split and subset must be given together.")
    if subset not in ("training", "validation", "both", None):
        raise ArgumentError(f"{who}: expected subset 'training', 'validation' or 'both', got {subset!r}.")
    if validation_split and shuffle and seed is None:
        raise ArgumentError(
            f"{who}: validation_split of shuffled files needs a seed, or the two parts would overlap.",
            next="pass the same seed to both calls, or subset='both', or shuffle=False.",
        )


def part_of(items: Sequence, validation_split, subset):
    """The training files, which come first, or the validation files; all without a split."""
    if not validation_split or items is None:
        return items
    held_out = int(validation_split * len(items))
    return items[: len(items) - held_out] if subset == "training" else items[len(items) - held_out :]


def _files(folder: str, formats, follow_links: bool) -> list[str]:
    found = []
    for root, _, names in sorted(os.walk(folder, followlinks=follow_links)):
        found += [os.path.join(root, name) for name in sorted(names) if name.lower().endswith(tuple(formats))]
    return found
