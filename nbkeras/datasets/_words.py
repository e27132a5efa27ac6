"""What the two sets of texts share: sequences of word numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def shuffled(sequences: np.ndarray, labels: np.ndarray, random) -> tuple[np.ndarray, np.ndarray]:
    """Both in another order."""
    order = np.arange(len(sequences))
    random.shuffle(order)
    return sequences[order], labels[order]


def marked(sequences: Sequence, start_char: int | None, index_from: int | None) -> list[list[int]]:
    """Word numbers from `index_from` on, after the mark of the start."""
    start = [] if start_char is None else [start_char]
    return [start + [word + (index_from or 0) for word in sequence] for sequence in sequences]


def shorter(sequences: list, labels: Sequence, maxlen: int | None) -> tuple[list, np.ndarray]:
    """Those with fewer words than `maxlen`."""
    labels = np.asarray(labels)
    if not maxlen:
        return sequences, labels
    keep = [len(sequence) < maxlen for sequence in sequences]
    return [sequence for sequence, kept in zip(sequences, keep, strict=True) if kept], labels[keep]


def limited(sequences: list, num_words: int | None, skip_top: int, oov_char: int | None) -> list[list[int]]:
    """The words with numbers from `skip_top` to below `num_words`; others become `oov_char`, or are left out."""
    most = num_words or max(max(sequence) for sequence in sequences)
    if oov_char is None:
        return [[word for word in sequence if skip_top <= word < most] for sequence in sequences]
    return [[word if skip_top <= word < most else oov_char for word in sequence] for sequence in sequences]


def as_objects(sequences: list) -> np.ndarray:
    """Lists of unlike lengths in an array (N,)."""
    array = np.empty(len(sequences), dtype=object)
    array[:] = sequences
    return array
