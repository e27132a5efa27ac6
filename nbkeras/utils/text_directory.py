"""Texts in folders as a data set of batches."""

from __future__ import annotations

import numpy as np

from nbkeras.utils.directory_data import directory_dataset


def text_dataset_from_directory(
    directory,
    labels="inferred",
    label_mode="int",
    class_names=None,
    batch_size=32,
    max_length=None,
    shuffle=True,
    seed=None,
    validation_split=None,
    subset=None,
    follow_links=False,
    format="tf",
    verbose=True,
):
    """Text files (`.txt`, UTF-8) in folders, one folder a class, as a `Dataset` of batches (texts, labels).

    Args:
        directory: the folder; with `labels="inferred"`, each folder in it is a class.
        labels: `"inferred"`, None, or a number for each file, in the order of their sorted paths.
        label_mode: `"int"`; `"categorical"` for one-hot rows; `"binary"` for 0.0 and 1.0; None for texts alone.
        class_names: which folders, in which order; all, sorted, by default.
        batch_size: texts a batch; None for single texts.
        max_length: texts are cut to so many characters.
        shuffle: whether the files are shuffled, and the order of each pass within some batches.
        seed: fixes the order.
        validation_split: this part of the files is for validation.
        subset: `"training"`, `"validation"`, or `"both"` for two data sets.
        follow_links: whether links to folders are followed.
        format: accepted; the result is nbkeras's own `Dataset`.
        verbose: whether the number of files is printed.

    Shapes:
        texts (N,), Python's strings in an array of objects; make numbers of them with `map`.

    Returns:
        A `Dataset` with `class_names` and `file_paths`; a list of two with `subset="both"`.

    Raises:
        ArgumentError, DataError: arguments out of range, folders or labels that do not fit.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("bad", "good"):
        ...         pathlib.Path(folder, name).mkdir()
        ...         _ = pathlib.Path(folder, name, "1.txt").write_text(f"a {name} film")
        ...     data = text_dataset_from_directory(folder, shuffle=False, verbose=False)
        ...     [(texts.tolist(), labels.tolist()) for texts, labels in data]
        [(['a bad film', 'a good film'], [0, 1])]

    Source: arguments are those of `keras.utils.text_dataset_from_directory`.
    """

    def load(path):
        with open(path, encoding="utf-8") as file:
            return file.read(-1 if max_length is None else max_length)

    def collate(texts):
        batch = np.empty(len(texts), object)
        batch[:] = texts
        return batch

    return directory_dataset(
        "text_dataset_from_directory", "texts", load, (".txt",), directory, labels, label_mode, class_names,
        batch_size, shuffle, seed, validation_split, subset, follow_links, verbose, collate,
    )  # fmt: skip
