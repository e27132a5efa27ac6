"""Texts and sounds in folders, as data sets of batches."""

from __future__ import annotations

import wave

import numpy as np
import pytest

from nbkeras import preprocessing, utils
from nbkeras.errors import ArgumentError, DataError

QUIET = {"verbose": False, "shuffle": False}


@pytest.fixture
def texts(tmp_path):
    for name, words in {
        "bad/1.txt": "nein",
        "bad/2.txt": "schlecht",
        "good/1.txt": "schön, ja",
        "good/x.md": "-",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(words, encoding="utf-8")
    return tmp_path


def sound(path, values, rate=8000, channels=1, width=2):
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(np.asarray(values, "<i2" if width == 2 else "u1").tobytes())


@pytest.fixture
def sounds(tmp_path):
    sound(tmp_path / "high/1.wav", [16384, -32768, 8192])
    sound(tmp_path / "high/2.wav", [1, 2])
    sound(tmp_path / "low/1.wav", [-16384] * 5)
    return tmp_path


def test_texts(texts):
    data = utils.text_dataset_from_directory(texts, batch_size=2, **QUIET)
    (first, ones), (second, others) = list(data)
    assert first.tolist() == ["nein", "schlecht"] and second.tolist() == ["schön, ja"]
    assert ones.tolist() == [0, 0] and others.tolist() == [1] and ones.dtype == "int32"
    assert data.class_names == ["bad", "good"] and len(data.file_paths) == 3
    cut = utils.text_dataset_from_directory(texts, label_mode="binary", batch_size=None, max_length=4, **QUIET)
    assert [(text, label.tolist()) for text, label in cut] == [("nein", [0.0]), ("schl", [0.0]), ("schö", [1.0])]
    alone = preprocessing.text_dataset_from_directory(texts, labels=None, **QUIET)
    assert sorted(next(iter(alone))) == ["nein", "schlecht", "schön, ja"]
    lengths = data.map(lambda words, label: (np.array([[len(w)] for w in words]), label))
    assert next(iter(lengths))[0].tolist() == [[4], [8]]
    training, validation = utils.text_dataset_from_directory(
        texts, validation_split=0.4, subset="both", seed=1, verbose=False
    )
    assert len(training.file_paths) == 2 and len(validation.file_paths) == 1
    orders = {tuple(next(iter(utils.text_dataset_from_directory(texts, seed=s, verbose=False)))[0]) for s in range(9)}
    assert len(orders) > 1


def test_sounds(sounds):
    data = utils.audio_dataset_from_directory(sounds, label_mode="categorical", **QUIET)
    ((values, labels),) = list(data)
    assert values.shape == (3, 5, 1) and values.dtype == "float32"
    np.testing.assert_array_equal(values[..., 0], [[0.5, -1, 0.25, 0, 0], [2**-15, 2**-14, 0, 0, 0], [-0.5] * 5])
    np.testing.assert_array_equal(labels, [[1, 0], [1, 0], [0, 1]])
    even = utils.audio_dataset_from_directory(sounds, labels=None, output_sequence_length=4, batch_size=None, **QUIET)
    assert [one.shape for one in even] == [(4, 1)] * 3
    sound(sounds / "low/2.wav", [1, 2, 3, 4], channels=2)
    both = utils.audio_dataset_from_directory(sounds, batch_size=None, sampling_rate=8000, **QUIET)
    np.testing.assert_array_equal(list(both)[-1][0] * 32768, [[1, 2], [3, 4]])


def test_what_does_not_fit(texts, sounds):
    with pytest.raises(ArgumentError, match=r"text_dataset_from_directory: expected label_mode .* got 'float'"):
        utils.text_dataset_from_directory(texts, label_mode="float")
    with pytest.raises(ArgumentError, match="expected labels 'inferred', None, or a list"):
        utils.text_dataset_from_directory(texts, labels="guessed")
    with pytest.raises(DataError, match=r"found no .*sounds in .*\(\.wav\)"):
        utils.audio_dataset_from_directory(texts / "bad", labels=None, verbose=False)
    with pytest.raises(ArgumentError, match="ragged tensors are not supported"):
        utils.audio_dataset_from_directory(sounds, ragged=True)
    with pytest.raises(ArgumentError, match="sampling_rate must be a whole number"):
        utils.audio_dataset_from_directory(sounds, sampling_rate=0.5)
    for name, message in (
        ("rate", "8000 samples a second, not 44100"),
        ("width", "8 bits a sample"),
        ("text", "no sound"),
    ):
        folder = sounds / name
        if name == "text":
            folder.mkdir()
            (folder / "1.wav").write_text("RIFF")
        else:
            sound(folder / "1.wav", [1, 2], width=1 if name == "width" else 2)
        rate = 44100 if name == "rate" else None
        data = utils.audio_dataset_from_directory(folder, labels=None, sampling_rate=rate, **QUIET)
        with pytest.raises(DataError, match=message):
            list(data)
