"""Sequential, functional and subclassed models as objects: layers, shapes, weights, changes."""

import numpy as np
import pytest

import nbkeras
from nbkeras import layers
from nbkeras.errors import ArgumentError, ShapeError, StateError

X = np.random.default_rng(0).standard_normal((8, 4)).astype("float32")


def stack():
    return nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")], name="net")


def test_sequential_add_and_pop():
    model = stack()
    assert [layer.name for layer in model.layers] == ["a", "b"]
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    top = model.pop()
    assert top.name == "b" and model.output_shape == (None, 3) and model.predict(X, verbose=0).shape == (8, 3)
    model.add(layers.Dense(5))
    assert model.predict(X, verbose=0).shape == (8, 5)
    assert len(model.get_weights()) == 4


@pytest.mark.parametrize("argument", [{"input_shape": (4,)}, {"input_dim": 4}, {"batch_input_shape": (None, 4)}])
def test_shape_on_the_first_layer(argument):
    model = nbkeras.Sequential([layers.Dense(3, **argument), layers.Dense(2)])
    assert model.built and model.input_shape == (None, 4) and model.count_params() == 23


def test_delayed_building():
    model = nbkeras.Sequential([layers.Dense(3), layers.Dense(2)])
    assert not model.built
    with pytest.raises(StateError, match="not known"):
        _ = model.output_shape
    model(X)
    assert model.built and model.count_params() == 23


class Both(layers.Layer):
    def call(self, a, b):
        return a + b


def test_sequential_refuses():
    with pytest.raises(ArgumentError, match="expected a layer, got the function 'relu'"):
        nbkeras.Sequential([nbkeras.ops.relu])
    with pytest.raises(ArgumentError, match="there is a layer 'a' already"):
        nbkeras.Sequential([layers.Dense(2, name="a"), layers.Dense(2, name="a")])
    with pytest.raises(ArgumentError, match=r"gets one input, but call\(\) of 'both' \(Both\) takes a, b"):
        nbkeras.Sequential([Both(name="both")])
    with pytest.raises(StateError, match="no layers to pop"):
        nbkeras.Sequential().pop()


def test_get_layer():
    model = stack()
    assert model.get_layer("b") is model.get_layer(index=1) is model.layers[1]
    with pytest.raises(ArgumentError, match="no layer 'c'"):
        model.get_layer("c")
    with pytest.raises(ArgumentError, match="no index 7"):
        model.get_layer(index=7)


def test_set_weights_is_all_or_nothing():
    model = stack()
    before = model.get_weights()
    with pytest.raises(ArgumentError, match="takes 4 arrays, got 1"):
        model.set_weights(before[:1])
    with pytest.raises(ShapeError, match="has shape"):
        model.set_weights([before[0] + 1, *before[1:3], np.zeros(9)])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_call_predict_and_single_batches_agree():
    model = stack()
    expected = model(X)
    np.testing.assert_allclose(model.predict(X, verbose=0, batch_size=3), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(X), expected, rtol=1e-5, atol=1e-6)


def test_results_do_not_change_later():
    """What is returned is a copy of the program's memory."""
    model = stack()
    first = model.predict_on_batch(X)
    kept = first.copy()
    model.predict_on_batch(-X)
    assert np.array_equal(first, kept)


def test_functional_inner_model_shares_layers():
    a = nbkeras.Input((4,))
    hidden = layers.Dense(3)(a)
    whole = nbkeras.Model(a, layers.Dense(1)(hidden))
    part = nbkeras.Model(whole.input, hidden)
    whole.compile(optimizer="sgd", loss="mse")
    before = part.predict(X, verbose=0)
    whole.fit(X, np.ones((8, 1)), verbose=0, epochs=3)
    assert not np.allclose(before, part.predict(X, verbose=0))


def test_subclass_of_model_with_tensors_is_functional():
    class Named(nbkeras.Model):
        def hello(self):
            return "hello"

    a = nbkeras.Input((4,))
    model = Named(a, layers.Dense(1)(a))
    assert model.hello() == "hello" and model.output_shape == (None, 1)
