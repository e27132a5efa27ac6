"""Embedding against Keras and its own promises."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, ops
from nbkeras.errors import ArgumentError
from nbkeras.graph.gradient import gradient
from nbkeras.graph.traced import Traced

X = np.array([[4, 0, 2, 2], [0, 6, 6, 6]])


def test_rows_of_the_table():
    layer = layers.Embedding(7, 3)
    for x in (X, X.astype("float32"), X.astype("uint8"), X[:1], X[:0], X[0]):
        np.testing.assert_array_equal(layer(x), layer.embeddings.numpy()[x.astype(int)])
    assert layer.compute_output_shape((None, 5)) == (None, 5, 3)
    made = layer(nbkeras.Input((None,), dtype="int32"))
    assert made.shape == (None, None, 3) and made.dtype == "float32"
    assert layers.Embedding(7, 3, dtype="float64")(X).dtype == "float64"


def test_the_gradient_adds_up_what_equal_numbers_get():
    layer = layers.Embedding(7, 3, dtype="float64")
    layer(X)
    weight = np.random.default_rng(0).normal(size=(2, 4, 3))

    def slope(x):
        y = layer(x)
        return gradient(ops.sum(ops.square(y) * weight), [layer.embeddings.value])[0]

    expected = np.zeros((7, 3))
    np.add.at(expected, X, 2 * layer.embeddings.numpy()[X] * weight)
    np.testing.assert_allclose(Traced(slope)(X), expected, rtol=1e-12)


def test_options():
    table = np.arange(6.0).reshape(3, 2)
    for given in (table, [table]):
        np.testing.assert_array_equal(layers.Embedding(3, 2, weights=given)(np.array([2])), [[4, 5]])
    layer = layers.Embedding(3, 2, embeddings_regularizer="l2", embeddings_constraint="max_norm", weights=table)
    assert float(layer.losses[0]) == pytest.approx(0.01 * (table**2).sum())
    config = layer.get_config()
    again = layers.Embedding.from_config(config)
    assert again.get_config() == config and not again.built
    with pytest.warns(UserWarning, match="input_length is no longer needed"):
        layers.Embedding(3, 2, input_length=4)


@pytest.mark.parametrize("sizes", [(0, 3), (3, -1), (3, 2.5), (True, 2)])
def test_refuses(sizes):
    with pytest.raises(ArgumentError, match="must be a positive whole number"):
        layers.Embedding(*sizes)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mask_zero", [False, True])
def test_trains_as_keras(mask_zero):
    """With a masked loss if 0 is padding."""
    keras = pytest.importorskip("keras")
    y = np.random.default_rng(1).normal(size=(2, 4, 1)).astype("float32")

    def build(k):
        model = k.Sequential(
            [
                k.Input((4,), dtype="int32"),
                k.layers.Embedding(7, 3, mask_zero=mask_zero, embeddings_regularizer="l2"),
                k.layers.Dense(1),
            ]
        )
        model.compile("adam", "mse", metrics=["mae"], weighted_metrics=["mse"])
        return model

    theirs, ours = build(keras), build(nbkeras)
    ours.set_weights(theirs.get_weights())
    for weights in (None, np.random.default_rng(2).uniform(size=(2, 4)).astype("float32")):
        settings = {"epochs": 3, "shuffle": False, "verbose": 0, "sample_weight": weights}
        # Keras on JAX loses the masks of outputs between its gradient and its metrics, so those are compared below.
        expected = theirs.fit(X, y, **settings).history["loss"]
        np.testing.assert_allclose(ours.fit(X, y, **settings).history["loss"], expected, rtol=1e-4)
        found = [m.evaluate(X, y, verbose=0, sample_weight=weights, return_dict=True) for m in (theirs, ours)]
        assert list(found[0]) == list(found[1])
        np.testing.assert_allclose(list(found[1].values()), list(found[0].values()), rtol=1e-4)
    for one, other in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-6)
    config = theirs.layers[0].get_config()
    assert set(config) == set(ours.layers[0].get_config())
    assert layers.Embedding.from_config(config).mask_zero == mask_zero
