"""The same seed gives the same bits, whatever the number of threads and however often it is run."""

import os
import subprocess
import sys

import numpy as np
import pytest

import nbkeras
from nbkeras import layers
from nbkeras.kernels import threads

rng = np.random.default_rng(3)
X = rng.standard_normal((512, 784)).astype("float32")
Y = rng.integers(0, 10, 512)


def train(epochs=2, **settings):
    """Weights and history of a network that is large enough to be shared among threads."""
    nbkeras.utils.set_random_seed(11)
    model = nbkeras.Sequential(
        [
            nbkeras.Input((784,)),
            layers.Dense(512, activation="relu", kernel_regularizer="l2"),
            layers.Dropout(0.3),
            layers.Dense(512, activation="tanh"),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = nbkeras.optimizers.Adam(1e-3, global_clipnorm=1.0)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, batch_size=128, epochs=epochs, verbose=0, validation_split=0.2, **settings)
    return model.get_weights(), history.history


def digest(result):
    """All bits of the weights and the history."""
    weights, history = result
    return [w.tobytes() for w in weights], {name: np.array(values).tobytes() for name, values in history.items()}


@pytest.fixture
def seven_allowed(monkeypatch):
    # More threads than processors are slow, but what they compute is what matters here.
    monkeypatch.setattr(threads, "_most", threads.Count(7, "test"))
    monkeypatch.setattr(threads, "_wanted", None)
    yield
    threads.ready = False


def test_same_bits_at_any_number_of_threads(seven_allowed):
    found = []
    for count in (1, 2, 3, 7):
        with threads.set_num_threads(count):
            assert threads.get_num_threads() == count
            found.append(digest(train()))
    assert all(result == found[0] for result in found)


def train_on_images():
    """Weights, moving statistics and history of what convolutional networks are made of."""
    nbkeras.utils.set_random_seed(11)
    model = nbkeras.Sequential(
        [
            nbkeras.Input((21, 19, 3)),
            layers.Conv2D(20, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(3, strides=2, padding="same"),
            layers.AveragePooling2D(2, strides=1),
            layers.LayerNormalization(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(np.resize(X, (192, 21, 19, 3)), Y[:192], batch_size=96, verbose=0)
    return model.get_weights(), history.history


def test_same_bits_of_images_at_any_number_of_threads(seven_allowed):
    found = []
    for count in (1, 2, 7):
        with threads.set_num_threads(count):
            found.append(digest(train_on_images()))
    assert all(result == found[0] for result in found)


def test_two_runs_are_equal():
    assert digest(train()) == digest(train())


def test_other_seed_differs():
    kernels = []
    for seed in (12, 13):
        nbkeras.utils.set_random_seed(seed)
        layer = layers.Dense(4)
        layer.build((None, 3))
        kernels.append(layer.get_weights()[0])
    assert not np.array_equal(*kernels)


def test_number_of_threads_from_the_environment():
    code = (
        "import hashlib, pickle, tests.training.test_determinism as t;"
        "print(hashlib.sha256(pickle.dumps(t.digest(t.train(1)))).hexdigest(), t.threads.get_num_threads())"
    )
    results = []
    for count in ("1", str(min(2, os.cpu_count()))):
        environment = {**os.environ, "NBKERAS_NUM_THREADS": count, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        digest_of, used = done.stdout.split()[-2:]
        assert used == count
        results.append(digest_of)
    assert results[0] == results[1]


def test_batches_of_an_epoch_do_not_depend_on_how_often_fit_is_called():
    """Without shuffling, 2 epochs and 2 more are 4, dropout included."""

    def in_parts(parts):
        nbkeras.utils.set_random_seed(5)
        model = nbkeras.Sequential([nbkeras.Input((784,)), layers.Dropout(0.5), layers.Dense(10)])
        model.compile(optimizer=nbkeras.optimizers.SGD(0.01, momentum=0.9), loss="mse")
        losses = []
        for epochs in parts:
            history = model.fit(X, np.eye(10, dtype="float32")[Y], epochs=epochs, shuffle=False, verbose=0)
            losses += history.history["loss"]
        return model.get_weights(), {"loss": losses}

    assert digest(in_parts([4])) == digest(in_parts([2, 2]))
