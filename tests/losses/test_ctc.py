"""The loss of label sequences against Keras's: as a function, as an object, in training."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras.errors import ShapeError

RNG = np.random.default_rng(3)
LABELS = np.array([[1, 2, 3], [2, 2, 0], [3, 0, 0], [0, 0, 0]], "int32")
LOGITS = RNG.normal(size=(4, 7, 5)).astype("float32")


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_as_in_keras():
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")
    np.testing.assert_allclose(nbkeras.losses.ctc(LABELS, LOGITS), keras.losses.ctc(LABELS, LOGITS), rtol=1e-5)
    for arguments in ({}, {"reduction": "sum"}, {"reduction": None, "name": "x"}):
        ours, theirs = nbkeras.losses.CTC(**arguments), keras.losses.CTC(**arguments)
        np.testing.assert_allclose(ours(LABELS, LOGITS), theirs(LABELS, LOGITS), rtol=1e-5)
        assert ours.get_config() == theirs.get_config()
        again = nbkeras.losses.deserialize(nbkeras.losses.serialize(ours))
        assert again.get_config() == ours.get_config()


def test_training_lowers_it():
    model = nbkeras.Sequential([nbkeras.Input((7, 5)), nbkeras.layers.Dense(5)])
    model.compile(optimizer=nbkeras.optimizers.Adam(0.05), loss="ctc")
    history = model.fit(LOGITS, LABELS, epochs=8, verbose=0).history["loss"]
    assert history[-1] < 0.8 * history[0]


def test_shapes():
    with pytest.raises(ShapeError, match=r"expected labels \(N, L\) and logits \(N, T, C\)"):
        nbkeras.losses.ctc(LABELS[0], LOGITS)
