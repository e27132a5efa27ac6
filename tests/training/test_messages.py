"""What a user reads when a step goes wrong: sizes that are unknown, places in a model, NaN, wrong logs, Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import threading

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, ops
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError

X = np.random.default_rng(0).standard_normal((20, 4)).astype("float32")


class Multiplies(layers.Layer):
    def call(self, x):
        return ops.matmul(x, ops.ones((7, 2)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: ops.add(x, nbkeras.Input((5,))), "add: shapes (None, 4) and (None, 5) do not broadcast"),
        (lambda x: ops.reshape(x, (3, 7)), "reshape: (None, 4) has None elements, (3, 7) has 21"),
        (lambda x: Multiplies(name="bad")(x), "layer 'bad' (Multiplies): matmul: (None, 4) and (7, 2) do not fit"),
    ],
)
def test_unknown_sizes_stay_unknown(make, message):
    with pytest.raises(ShapeError, match=re.escape(message)):
        make(nbkeras.Input((4,)))


def test_a_layer_in_a_model_is_named_with_its_place():
    class Wrong(nbkeras.Model):
        def __init__(self):
            super().__init__(name="mlp")
            self.first, self.fc1 = layers.Dense(5), layers.Dense(3, name="fc1")
            self.fc1.build((None, 64))

        def call(self, x):
            return self.fc1(self.first(x))

    wanted = "layer 'fc1' (Dense, 2nd of 'mlp') was built for 64 input features but got shape (20, 5)."
    with pytest.raises(ShapeError, match=re.escape(wanted)):
        Wrong()(X)


@pytest.mark.parametrize("kind", ["forward", "backward"])
def test_check_names_where_nan_comes_from(kind, monkeypatch, capsys):
    monkeypatch.setenv("NBKERAS_CHECK", "1")

    class Root(layers.Layer):
        def call(self, x):
            # The root of 0 is a number, its slope is not.
            return ops.log(x) if kind == "forward" else ops.sqrt(ops.relu(x))

    model = nbkeras.Sequential(
        [nbkeras.Input((4,)), layers.Dense(8, name="first"), Root(name="root"), layers.Dense(1)], name="mlp"
    )
    model.compile("sgd", "mse")
    model.layers[0].set_weights([np.zeros((4, 8), "float32"), np.full(8, 1.0, "float32")])
    model.train_on_batch(X * 0, X[:, :1])
    assert "NaN" not in capsys.readouterr().err
    model.layers[0].set_weights([np.zeros((4, 8), "float32"), np.full(8, -1.0, "float32")])
    if kind == "backward":
        model.layers[0].set_weights([np.zeros((4, 8), "float32"), np.zeros(8, "float32")])
    model.train_on_batch(X * 0, X[:, :1])
    lines = [line for line in capsys.readouterr().err.splitlines() if "NaN" in line]
    of = "the output of" if kind == "forward" else "the gradient of"
    assert "first NaN or inf of step 2 comes from" in lines[0]
    assert f"in {of} layer 'mlp/root'" in lines[0]


@pytest.mark.parametrize(
    ("method", "value", "error", "message"),
    [
        ("compute_loss", None, ArgumentError, r"model 'own': compute_loss\(\) returned None"),
        ("train_step", {"a": "b"}, ArgumentTypeError, "logs of a step must be numbers or tensors, got 'b' for 'a'"),
        ("train_step", {"a": [1, 2]}, ArgumentTypeError, r"must be numbers or tensors, got \[1, 2\] for 'a'"),
        ("train_step", None, ArgumentTypeError, "a step must return a dict of logs, got NoneType"),
    ],
)
def test_wrong_results_of_own_steps(method, value, error, message):
    own = type("Own", (nbkeras.Sequential,), {method: lambda self, *args, **kwargs: value})
    model = own([nbkeras.Input((4,)), layers.Dense(1)], name="own")
    model.compile("sgd", "mse")
    with pytest.raises(error, match=message):
        model.fit(X, X[:, :1], verbose=0)


@pytest.fixture
def heard():
    """Control-C is heard, also where the tests run in the background of a shell, which has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_control_c_ends_fit_between_steps_and_the_model_is_usable():
    model = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(8, "relu"), layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, X[:, :1], verbose=0)
    before = model.get_weights()
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, X[:, :1], epochs=10_000_000, batch_size=4, verbose=0)
    timer.join()
    stopped = int(model.optimizer.iterations)
    assert stopped > 1
    assert not np.array_equal(before[0], model.get_weights()[0])
    history = model.fit(X, X[:, :1], epochs=2, batch_size=4, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert int(model.optimizer.iterations) == stopped + 10
