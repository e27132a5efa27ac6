"""MultiOptimizer and OptimizerMap: each weight has its optimizer, as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import callbacks, optimizers
from nbkeras.errors import ArgumentError, ArgumentTypeError, MissingAttribute
from tests.oracle.compare import TRAINED

X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def fitted(keras, wrap=lambda keras, optimizer: optimizer, **sgd):
    """A model of two layers after some steps, the second trained by Adam."""
    rules = keras.optimizers.OptimizerMap(
        keras.optimizers.SGD(0.05, name="sgd", **sgd), {".*second/.*": keras.optimizers.Adam(0.1, name="adam")}
    )
    ones = {"kernel_initializer": "ones"}
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2, name="first", **ones), keras.layers.Dense(1, name="second", **ones)]
    )
    model.compile(wrap(keras, keras.optimizers.MultiOptimizer(rules)), "mse")
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    return model


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sgd", [{}, {"momentum": 0.9, "clipnorm": 0.5}, {"use_ema": True, "ema_momentum": 0.5}])
@pytest.mark.parametrize("scaled", [False, True])
def test_training_as_keras(sgd, scaled):
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")

    def wrap(keras, optimizer):
        return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=8.0) if scaled else optimizer

    for ours, theirs in zip(
        fitted(nbkeras, wrap, **sgd).get_weights(), fitted(keras, wrap, **sgd).get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, **TRAINED)


def test_its_state_and_configuration_make_an_equal_one(tmp_path):
    model = fitted(nbkeras)
    assert [len(o.variables) for o in model.optimizer.optimizers] == [6, 2]
    assert int(model.optimizer.iterations) == 8
    model.save(tmp_path / "m.keras")
    again = nbkeras.saving.load_model(tmp_path / "m.keras")
    for one in (model, again):
        one.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_callbacks_change_the_rate_of_each():
    model = fitted(nbkeras)
    adam, sgd = model.optimizer.optimizers
    history = model.fit(X, Y, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)])
    assert np.isclose(float(adam.learning_rate), 0.05) and np.isclose(float(sgd.learning_rate), 0.025)
    assert {"learning_rate_adam", "learning_rate_sgd"} <= set(history.history)
    plateau = callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=100.0)
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[plateau])
    assert np.isclose(float(adam.learning_rate), 0.005) and np.isclose(float(sgd.learning_rate), 0.0025)
    with pytest.raises(MissingAttribute, match=r"(?s)no learning rate of its own.*each of its `optimizers`"):
        model.optimizer.learning_rate = 1.0


def test_maps_say_what_does_not_fit():
    sgd, adam = optimizers.SGD(), optimizers.Adam()
    rules = optimizers.OptimizerMap(sgd, {"a/.*": adam})
    assert rules["a/b"] is adam and rules["b"] is sgd and list(rules) == ["a/.*"]
    rules[".*/b"] = sgd
    with pytest.raises(ArgumentError, match=r"the patterns \['a/\.\*', '\.\*/b'\] all fit 'a/b'"):
        rules["a/b"]
    with pytest.raises(ArgumentError, match="not taken, got 'a/"):
        rules["a/.*"] = sgd
    with pytest.raises(ArgumentTypeError, match="optimizer as default, got 'sgd'"):
        optimizers.OptimizerMap("sgd")
    nested = optimizers.MultiOptimizer(rules)
    for wrong in (nested, optimizers.LossScaleOptimizer(sgd), "adam"):
        with pytest.raises(ArgumentError, match="expected a plain optimizer for c"):
            rules["c"] = wrong
        with pytest.raises(ArgumentError, match="expected a plain optimizer for v"):
            optimizers.MultiOptimizer(lambda v, wrong=wrong: wrong).build([nbkeras.Variable(1.0, name="v")])
