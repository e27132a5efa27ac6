"""Where weights count (K12): every cell of the table in `sample_weights.py`, held against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import layers

rng = np.random.default_rng(0)
CLASS_WEIGHT = {0: 0.25, 1: 2.0, 2: 4.0}
ROWS, VALIDATION = 23, 11


def draw(kind, rows):
    """Inputs, targets in the form asked for, class numbers, sample weights."""
    positions = (rows, 5) if kind.startswith("steps") else (rows,)
    x = rng.standard_normal((*positions, 4)).astype("float32")
    labels = rng.integers(0, 3, positions)
    y = {"indices": labels, "column": labels[:, None], "steps indices": labels[..., None]}.get(kind)
    y = nbkeras.utils.to_categorical(labels, 3) if y is None else y
    return x, y, labels, rng.uniform(0.1, 3.0, positions).astype("float32")


def expected(probabilities, labels, weights):
    """Loss, metric, and weighted metric of all rows."""
    loss = -np.log(np.take_along_axis(probabilities, labels[..., None], -1)[..., 0])
    right = (probabilities.argmax(-1) == labels).astype(float)
    weights = np.ones(labels.shape) if weights is None else weights
    return [(loss * weights).mean(), right.mean(), (right * weights).sum() / weights.sum()]


@pytest.mark.parametrize(("by", "validation_weighted"), [("nothing", True), ("class", False), ("sample", True)])
@pytest.mark.parametrize("kind", ["indices", "column", "one-hot", "steps indices", "steps one-hot"])
def test_cell(kind, by, validation_weighted):
    x, y, labels, weights = draw(kind, ROWS)
    val_x, val_y, val_labels, val_weights = draw(kind, VALIDATION)
    model = nbkeras.Sequential([nbkeras.Input(x.shape[1:]), layers.Dense(3, "softmax")])
    loss = "categorical_crossentropy" if kind.endswith("one-hot") else "sparse_categorical_crossentropy"
    model.compile(nbkeras.optimizers.SGD(0.0), loss, metrics=["accuracy"], weighted_metrics=["accuracy"])
    given = {"class": {"class_weight": CLASS_WEIGHT}, "sample": {"sample_weight": weights}}.get(by, {})
    validation = (val_x, val_y, val_weights) if validation_weighted else (val_x, val_y)
    logs = model.fit(x, y, batch_size=8, verbose=0, validation_data=validation, **given).history
    counting = {"class": np.vectorize(CLASS_WEIGHT.get)(labels), "sample": weights}.get(by)
    wanted = expected(model.predict(x, verbose=0).astype(float), labels, counting)
    val_wanted = expected(
        model.predict(val_x, verbose=0).astype(float), val_labels, val_weights if validation_weighted else None
    )
    names = ["loss", "accuracy", "weighted_accuracy"]
    found = [logs[name][0] for name in (*names, *(f"val_{name}" for name in names))]
    np.testing.assert_allclose(found, [*wanted, *val_wanted], rtol=1e-5)
