"""`nbkeras.warmup(model, shapes)`: a model needs no compiler after it, and is what it was before it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.errors import ArgumentError
from nbkeras.training import warming


def two_inputs():
    a, b = keras.Input((3,), name="a"), keras.Input((4,), dtype="int32", name="b")
    words = keras.layers.Flatten()(keras.layers.Embedding(5, 2)(b))
    joined = keras.layers.Dropout(0.5)(keras.layers.Concatenate()([a, words]))
    outputs = [keras.layers.Dense(2, activation="softmax", name="c")(joined), keras.layers.Dense(1, name="r")(joined)]
    model = keras.Model([a, b], outputs)
    model.compile("sgd", {"c": "categorical_crossentropy", "r": "mse"})
    return model


def test_the_model_stays_as_it_is():
    keras.utils.set_random_seed(3)
    model = two_inputs()
    before = model.get_weights()
    keras.warmup(model, [(8, 3), (8, 4)])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert int(model.optimizer.iterations) == 0
    draws = keras.random.normal((3,))
    keras.utils.set_random_seed(3)
    two_inputs()
    np.testing.assert_array_equal(draws, keras.random.normal((3,)))


def test_class_indices_labels_and_models_that_only_predict():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="softmax")])
    assert keras.warmup(model, (2, 3)) is not None
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    keras.warmup(model, (2, 3))
    keras.warmup(model, (2, 3), labels=np.array([3, 1]))


@pytest.mark.parametrize("structure", [list, lambda pair: {"z": pair[0], "y": pair[1]}])
def test_shapes_by_name_get_the_dtype_of_their_input(structure):
    words, numbers = keras.Input((3,), dtype="int32", name="words"), keras.Input((2,), name="numbers")
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(keras.layers.Embedding(5, 2)(words)), numbers])
    model = keras.Model(structure([words, numbers]), keras.layers.Dense(1)(joined))
    names = ["z", "y"] if isinstance(model.input, dict) else ["words", "numbers"]
    zeros = warming._zeros({names[1]: (4, 2), names[0]: (4, 3)}, model.inputs)
    assert [zeros[name].dtype for name in names] == ["int32", "float32"]


@pytest.mark.parametrize("shapes", [(), 32, None, [(8, 3), "x"], (8.0, 3)])
def test_shapes_that_are_none(shapes):
    with pytest.raises(ArgumentError, match="warmup: expected the shape of a batch"):
        keras.warmup(two_inputs(), shapes)


SCRIPT = """
import numpy as np, nbkeras as keras
from nbkeras.kernels.compilation import COMPILED
model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(3)])
model.compile("sgd", "mse", metrics=["mae"])
if {warm}:
    compiled = keras.warmup(model, (4, 5))
    assert compiled, compiled
else:
    x, y = np.ones((9, 5), "float32"), np.ones((9, 3), "float32")
    model.fit(x, y, batch_size=4, epochs=2, validation_split=0.3, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    assert not COMPILED, COMPILED
"""


def test_a_later_process_compiles_nothing(tmp_path):
    environment = {**os.environ, "NBKERAS_CACHE_DIR": str(tmp_path)}
    for warm in (True, False):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(warm=warm)], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
