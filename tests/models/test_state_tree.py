"""A model's state as nested dicts."""

import numpy as np
import pytest

import nbkeras
from nbkeras import layers
from nbkeras.errors import ArgumentError, ShapeError

X, Y = np.ones((4, 3), "float32"), np.zeros((4, 1), "float32")


def trained():
    body = [nbkeras.Input((3,)), layers.BatchNormalization(name="norm"), layers.Dense(1, name="top")]
    model = nbkeras.Sequential(body, name="net")
    # Without a name the second Adam would be adam_1, and its variables at other keys.
    model.compile(
        nbkeras.optimizers.Adam(name="adam"), "mse", metrics=[nbkeras.metrics.MeanAbsoluteError(name="error")]
    )
    model.fit(X, Y, verbose=0)
    return model


def test_there_and_back():
    model, other = trained(), trained()
    other.fit(X, Y + 2, verbose=0)
    state = model.get_state_tree(value_format="numpy_array")
    assert set(state["trainable_variables"]["net"]["top"]) == {"kernel", "bias"}
    assert set(state["non_trainable_variables"]["net"]["norm"]) == {"moving_mean", "moving_variance"}
    assert state["optimizer_variables"]["adam"]["iteration"] == 1
    assert set(state["metrics_variables"]) == {"loss", "error"}
    assert state["metrics_variables"]["loss"]["count"] == 4
    other.set_state_tree(state)
    # What was read is a copy: training goes on and leaves it as it is.
    for part in (model, other):
        part.fit(X, Y, verbose=0, shuffle=False)
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))
    assert state["optimizer_variables"]["adam"]["iteration"] == 1
    other.set_state_tree({"trainable_variables": {"net": {"top": {"bias": [3.0]}}}})
    assert other.get_state_tree()["trainable_variables"]["net"]["top"]["bias"] == 3


@pytest.mark.oracle
def test_keys_are_those_of_keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    body = [keras.Input((3,)), keras.layers.BatchNormalization(name="norm"), keras.layers.Dense(1, name="top")]
    theirs = keras.Sequential(body, name="net")
    theirs.compile(keras.optimizers.Adam(name="adam"), "mse", metrics=[keras.metrics.MeanAbsoluteError(name="error")])
    theirs.fit(X, Y, verbose=0)

    def keys(state):
        return {k: keys(v) for k, v in state.items()} if isinstance(state, dict) else np.shape(state)

    assert keys(trained().get_state_tree()) == keys(theirs.get_state_tree())


def test_errors():
    model = trained()
    with pytest.raises(ArgumentError, match="value_format must be one of"):
        model.get_state_tree("torch")
    with pytest.raises(ArgumentError, match="unknown key 'optimizer'; did you mean 'optimizer_variables'"):
        model.set_state_tree({"optimizer": {}})
    with pytest.warns(UserWarning, match=r"no trainable_variables \['net/left/bias'\]: not set"):
        model.set_state_tree({"trainable_variables": {"net": {"left": {"bias": [1.0]}}}})
    with pytest.raises(ShapeError):
        model.set_state_tree({"trainable_variables": {"net": {"top": {"bias": [1.0, 2.0]}}}})

    class Twice(nbkeras.Model):
        def __init__(self):
            super().__init__(name="twice")
            self.first, self.second = layers.Dense(3, name="same"), layers.Dense(1, name="same")

        def call(self, x):
            return self.second(self.first(x))

    twins = Twice()
    twins(X)
    with pytest.raises(ArgumentError, match="two variables have the path 'twice/same/kernel'"):
        twins.get_state_tree()
