"""Single batches, and every kind of data, against Keras."""

import numpy as np
import pandas
import pytest

import nbkeras
from tests.oracle import models
from tests.oracle.compare import FORWARD, TRAINED, assert_same, by_name, data, same_weights, twins

D = data(rows=48)


def pair(keras, build=models.regressor, **compile):
    compile = {"optimizer": "adam", "loss": "mse", "metrics": ["mae"], **compile}
    theirs, ours = twins(keras, build)
    for model in (theirs, ours):
        model.compile(**compile)
    same_weights(theirs, ours)
    return (keras, theirs), (nbkeras, ours)


def test_train_on_batch(keras):
    found = []
    for _, model in pair(keras, weighted_metrics=["mae"]):
        results = []
        for start in range(0, 48, 16):
            rows = slice(start, start + 16)
            x, y, weights = D["x"][rows], D["number"][rows], D["weights"][rows]
            results.append(model.train_on_batch(x, y))
            results.append(model.train_on_batch(x, y, sample_weight=weights, return_dict=True))
            results.append(model.test_on_batch(x, y, sample_weight=weights))
            results.append(model.test_on_batch(x, y, return_dict=True))
        found.append([results, model.get_weights()])
    assert_same(*found, TRAINED)


def test_class_weight_on_batch(keras):
    compile = {"loss": "sparse_categorical_crossentropy", "metrics": None}
    found = [
        [model.train_on_batch(D["x"], D["classes"], class_weight={0: 3.0, 1: 0.2}) for _ in range(3)]
        for _, model in pair(keras, models.classifier, **compile)
    ]
    assert_same(*found, TRAINED)


@pytest.mark.parametrize("build", [models.two_by_two, models.two_by_two_dicts], ids=["lists", "dicts"])
def test_predictions_have_the_structure_of_the_outputs(keras, build):
    inputs = [D["x"], D["x2"]] if build is models.two_by_two else {"first": D["x"], "second": D["x2"]}
    found = [
        [by_name(model.predict_on_batch(inputs)), by_name(model.predict(inputs, batch_size=9, verbose=0))]
        for _, model in pair(keras, build, loss=None, metrics=None)
    ]
    assert_same(*found, FORWARD)


def generator(k, rows=16):
    def batches():
        while True:
            for start in range(0, 48, rows):
                yield D["x"][start : start + rows], D["number"][start : start + rows]

    return batches()


def dataset(k):
    class Batches(k.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            rows = slice(16 * index, 16 * index + 16)
            return D["x"][rows], D["number"][rows], D["weights"][rows]

    return Batches()


def frame(k):
    return pandas.DataFrame(D["x"].astype("float64"), columns=list("abcdef"))


SOURCES = {
    "generator": (generator, {"steps_per_epoch": 3}),
    "generator_part": (generator, {"steps_per_epoch": 2}),
    "dataset": (dataset, {}),
    "dataset_steps": (dataset, {"steps_per_epoch": 3}),
    "pandas": (frame, {"y": pandas.Series(D["number"][:, 0].astype("float64")), "batch_size": 16}),
    "lists": (lambda k: D["x"].tolist(), {"y": D["number"].tolist(), "batch_size": 16}),
    "float64": (lambda k: D["x"].astype("float64"), {"y": D["number"].astype("float64"), "batch_size": 16}),
    "integers": (lambda k: (D["x"] * 3).astype("int64"), {"y": (D["number"] * 2).astype("int32"), "batch_size": 16}),
}


def arrays(value):
    # Keras takes no lists of lists for x.
    return np.array(value, "float32") if isinstance(value, list) else value


@pytest.mark.parametrize("name", SOURCES)
def test_data(keras, name):
    make, settings = SOURCES[name]
    found = []
    for k, model in pair(keras):
        wrap = arrays if k is keras else (lambda value: value)
        given = {key: wrap(value) for key, value in settings.items()}
        history = model.fit(wrap(make(k)), epochs=2, shuffle=False, verbose=0, **given)
        found.append([history.history, model.get_weights()])
    assert_same(*found, TRAINED, name)


@pytest.mark.parametrize("name", ["dataset", "generator"])
def test_evaluate_and_predict(keras, name):
    make = SOURCES[name][0]
    steps = {"steps": 3} if name == "generator" else {}
    found = []
    for k, model in pair(keras):
        results = [
            model.evaluate(make(k), verbose=0, **steps),
            model.fit(D["x"], D["number"], verbose=0, shuffle=False, validation_data=make(k),
                      validation_steps=steps.get("steps")).history,
            model.predict(make(k), verbose=0, **steps),
        ]  # fmt: skip
        found.append(results)
    assert_same(*found, TRAINED, name)


def test_memory_map(keras, tmp_path):
    stored = np.memmap(tmp_path / "x", "float64", "w+", shape=(48, 6))
    stored[:] = D["x"]
    found = [
        model.fit(stored, D["number"], epochs=2, batch_size=16, shuffle=False, verbose=0).history
        for _, model in pair(keras)
    ]
    assert_same(*found, TRAINED)


def test_double_precision(keras):
    jax = pytest.importorskip("jax")
    found = []
    with jax.enable_x64(True):
        try:
            for k in (keras, nbkeras):
                k.config.set_floatx("float64")
            for _, model in pair(keras, weighted_metrics=["mae"]):
                history = model.fit(
                    D["x"].astype("f8"), D["number"].astype("f8"), sample_weight=D["weights"], epochs=3, batch_size=16,
                    shuffle=False, verbose=0,
                )  # fmt: skip
                assert all(w.dtype == "float64" for w in model.get_weights())
                found.append([history.history, model.get_weights(), model.predict(D["x"], verbose=0)])
        finally:
            for k in (keras, nbkeras):
                k.config.set_floatx("float32")
    # Keras on JAX computes parts of it in single precision; ours is held against NumPy.
    assert_same(*found, {"rtol": 1e-6, "atol": 1e-6})
    w, b, last, c = found[1][1]
    expected = np.tanh(D["x"].astype("f8") @ w + b) @ last + c
    np.testing.assert_allclose(found[1][2], expected, rtol=1e-12, atol=1e-14)
