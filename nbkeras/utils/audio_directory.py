"""Sounds in folders as a data set of batches."""

from __future__ import annotations

import wave

import numpy as np

from nbkeras.errors import ArgumentError, DataError
from nbkeras.utils.directory_data import directory_dataset


def audio_dataset_from_directory(
    directory,
    labels="inferred",
    label_mode="int",
    class_names=None,
    batch_size=32,
    sampling_rate=None,
    output_sequence_length=None,
    ragged=False,
    shuffle=True,
    seed=None,
    validation_split=None,
    subset=None,
    follow_links=False,
    verbose=True,
):
    """Sounds (`.wav`, 16 bits a sample) in folders, one folder a class, as a `Dataset` of batches (sounds, labels).

    Args:
        directory: the folder; with `labels="inferred"`, each folder in it is a class.
        labels: `"inferred"`, None, or a number for each file, in the order of their sorted paths.
        label_mode: `"int"`; `"categorical"` for one-hot rows; `"binary"` for 0.0 and 1.0; None for sounds alone.
        class_names: which folders, in which order; all, sorted, by default.
        batch_size: sounds a batch; None for single sounds.
        sampling_rate: samples a second that all files must have; nothing is resampled.
        output_sequence_length: sounds are cut, or padded with zeros, to so many samples; by default a batch is as
            long as its longest sound.
        ragged: not supported; must be False.
        shuffle: whether the files are shuffled, and the order of each pass within some batches.
        seed: fixes the order.
        validation_split: this part of the files is for validation.
        subset: `"training"`, `"validation"`, or `"both"` for two data sets.
        follow_links: whether links to folders are followed.
        verbose: whether the number of files is printed.

    Shapes:
        sounds (N, samples, channels), float32, -1 to 1.

    Returns:
        A `Dataset` with `class_names` and `file_paths`; a list of two with `subset="both"`.

    Raises:
        ArgumentError, DataError: arguments out of range, folders, labels or files that do not fit.

    Example:
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with wave.open(os.path.join(folder, "1.wav"), "wb") as file:
        ...         file.setparams((1, 2, 8000, 0, "NONE", ""))
        ...         file.writeframes(np.array([16384, -16384], "<i2").tobytes())
        ...     data = audio_dataset_from_directory(folder, labels=None, verbose=False)
        ...     [sounds.tolist() for sounds in data]
        [[[[0.5], [-0.5]]]]

    Source: arguments are those of `keras.utils.audio_dataset_from_directory`.
    """
    who = "audio_dataset_from_directory"
    if ragged:
        raise ArgumentError(f"{who}: ragged tensors are not supported.", next="leave it out: batches are padded.")
    for name, value in (("sampling_rate", sampling_rate), ("output_sequence_length", output_sequence_length)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ArgumentError(f"{who}: {name} must be a whole number from 1 on, got {value!r}.")

    def load(path):
        return _samples(path, sampling_rate, output_sequence_length, who)

    def collate(sounds):
        longest = max(len(sound) for sound in sounds)
        return np.stack([np.pad(sound, ((0, longest - len(sound)), (0, 0))) for sound in sounds])

    return directory_dataset(
        who, "sounds", load, (".wav",), directory, labels, label_mode, class_names, batch_size, shuffle, seed,
        validation_split, subset, follow_links, verbose, collate,
    )  # fmt: skip


def _samples(path, sampling_rate, length, who: str) -> np.ndarray:
    try:
        with wave.open(path, "rb") as file:
            width, rate, channels = file.getsampwidth(), file.getframerate(), file.getnchannels()
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError(f"{who}: {path} is no sound in plain samples: {error}.") from error
    if width != 2:
        raise DataError(f"{who}: {path} has {8 * width} bits a sample.", next="store 16 bits a sample.")
    if sampling_rate not in (None, rate):
        raise DataError(
            f"{who}: {path} has {rate} samples a second, not {sampling_rate}, and nothing is resampled here.",
            next="resample the files, or leave sampling_rate out.",
        )
    sound = np.frombuffer(frames, "<i2").reshape(-1, channels).astype("float32") / np.float32(32768)
    if length is None:
        return sound
    return np.pad(sound[:length], ((0, max(0, length - len(sound))), (0, 0)))
