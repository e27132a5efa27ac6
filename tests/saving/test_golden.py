"""Files that released versions wrote are read for ever: Keras 2.15, eight of Keras 3, our own; see `golden/make.py`."""

from __future__ import annotations

import pathlib
import zipfile

import numpy as np
import pytest

import nbkeras as keras
from tests.saving.golden.make import inputs

GOLDEN = sorted(pathlib.Path(__file__).parent.glob("golden/*.zip"))
X, Y = inputs()


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def release(request, tmp_path):
    """A folder with the files of one release."""
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def expected(folder):
    with np.load(folder / "expected.npz") as arrays:
        return arrays["before"], arrays["after"]


def test_there_are_releases():
    names = {path.stem for path in GOLDEN}
    assert {"2.15.0", "3.0.5", "3.15.1", "nbkeras-0.1.0"} <= names
    assert sum(path.stat().st_size for path in GOLDEN) < 1 << 20


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_a_model_predicts_and_trains_on(release, name):
    before, after = expected(release)
    model = keras.saving.load_model(release / name)
    np.testing.assert_allclose(model.predict(X, verbose=0), before, rtol=1e-5, atol=1e-6)
    model.train_on_batch(X, Y)
    # Adam's fourth step: with its moments of the three before, which came along in the file.
    np.testing.assert_allclose(model.predict(X, verbose=0), after, rtol=1e-4, atol=1e-5)


def test_weights_go_into_a_model_that_is_there(release):
    before, _ = expected(release)
    model = keras.saving.load_model(release / "m.keras")
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    model.load_weights(release / "m.weights.h5")
    np.testing.assert_allclose(model.predict(X, verbose=0), before, rtol=1e-5, atol=1e-6)
