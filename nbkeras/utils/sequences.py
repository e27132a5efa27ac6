"""Sequences of unlike lengths as one array."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import ArgumentError, DataError


def pad_sequences(sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0.0):
    """One array from sequences of unlike lengths: short ones are filled up, long ones cut.

    Args:
        sequences: N sequences of numbers, or of rows with one shape.
        maxlen: the length T of all; the longest one's, unless given.
        dtype: of the result; `object` for text of any length.
        padding: `"pre"` or `"post"`: where short ones are filled up.
        truncating: `"pre"` or `"post"`: where long ones lose what is too much.
        value: what they are filled up with.

    Shapes:
        result (N, T, ...).

    Raises:
        DataError: anything but sequences, or rows of unlike shapes.
        ArgumentError: another word for padding or truncating, or text as value of numbers.

    Example:
        >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
        array([[0, 1],
               [2, 3],
               [5, 6]], dtype=int32)

    Source: arguments and results are those of `keras.utils.pad_sequences`.
    """
    for name, word in (("padding", padding), ("truncating", truncating)):
        if word not in ("pre", "post"):
            raise ArgumentError(f"pad_sequences: expected {name} to be 'pre' or 'post', got {word!r}.")
    if not hasattr(sequences, "__len__") or isinstance(sequences, str):
        raise DataError(f"pad_sequences: expected a list of sequences, got a {type(sequences).__name__}.")
    is_text = np.issubdtype(dtype, np.str_) or np.issubdtype(dtype, np.bytes_) or np.dtype(dtype) == object
    if isinstance(value, str) and not is_text:
        raise ArgumentError(
            f"pad_sequences: the value {value!r} is text, but dtype is {dtype!r}.",
            next="pass dtype=object for text of any length.",
        )
    for index, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__"):
            raise DataError(f"pad_sequences: expected sequences, but number {index} is {sequence!r}.")
    lengths = [len(sequence) for sequence in sequences]
    row = next((np.asarray(sequence).shape[1:] for sequence in sequences if len(sequence)), ())
    if maxlen is None:
        maxlen = max(lengths, default=0)
    result = np.full((len(sequences), maxlen, *row), value, dtype=dtype)
    for index, sequence in enumerate(sequences):
        if not len(sequence) or not maxlen:
            continue
        kept = np.asarray(sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen], dtype=dtype)
        if kept.shape[1:] != row:
            raise DataError(
                f"pad_sequences: sequence {index} has rows of shape {kept.shape[1:]}, those before it {row}."
            )
        place = slice(None, len(kept)) if padding == "post" else slice(maxlen - len(kept), None)
        result[index, place] = kept
    return result
