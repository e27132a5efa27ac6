"""Embedding against Keras and its own promises."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, ops
from nbkeras.errors import ArgumentError
from nbkeras.graph.gradient import gradient
from nbkeras.graph.masks import get_mask
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


REVERSIBLE = [
    {},
    {"tie_weights": False, "logit_soft_cap": 0.5},
    {"reverse_dtype": "float64", "embeddings_regularizer": "l2", "mask_zero": True},
]


@pytest.mark.parametrize("options", REVERSIBLE)
def test_a_table_read_backwards(options):
    layer = layers.ReversibleEmbedding(7, 3, **options)
    vectors = layer(X)
    table = layer.embeddings.numpy()
    np.testing.assert_array_equal(vectors, table[X])
    assert (get_mask(vectors) is not None) == options.get("mask_zero", False)
    backwards = layer.reverse_embeddings.numpy() if "tie_weights" in options else table.T
    scores, expected = layer(vectors, reverse=True), table[X] @ backwards
    if "logit_soft_cap" in options:
        expected = 0.5 * np.tanh(expected / 0.5)
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    assert scores.dtype == options.get("reverse_dtype", "float32") and get_mask(scores) is None
    for given, flags in (((None, 5), {}), ((None, 5, 3), {"reverse": True})):
        made = layer(nbkeras.Input(given[1:], dtype="float32" if flags else "int32"), **flags)
        assert made.shape == layer.compute_output_shape(given, **flags) == (None, 5, 7 if flags else 3)
        assert (get_mask(made) is not None) == (options.get("mask_zero", False) and not flags)
    again = layers.ReversibleEmbedding.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_a_reversible_table_from_the_start():
    table = np.arange(6.0).reshape(3, 2)
    layer = layers.ReversibleEmbedding(3, 2, weights=table)
    np.testing.assert_array_equal(layer(layer(np.array([2])), reverse=True), [[5, 23, 41]])
    layer.build()
    assert len(layer.weights) == 1


def test_a_language_model_reads_and_writes_with_one_table(tmp_path):
    """Predicts the next of numbers that go round; its file gives the same scores."""
    numbers = nbkeras.Input((4,), dtype="int32")
    table = layers.ReversibleEmbedding(7, 8)
    model = nbkeras.Model(numbers, table(layers.Dense(8)(table(numbers)), reverse=True))
    model.compile(nbkeras.optimizers.Adam(0.05), nbkeras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = (np.arange(7)[:, None] + np.arange(4)) % 7
    model.fit(x, (x + 1) % 7, epochs=60, verbose=0)
    scores = model.predict(x, verbose=0)
    np.testing.assert_array_equal(scores.argmax(-1), (x + 1) % 7)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(nbkeras.models.load_model(tmp_path / "model.keras").predict(x, verbose=0), scores)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", REVERSIBLE[:2])
def test_a_table_read_backwards_as_in_keras(options):
    keras = pytest.importorskip("keras")
    theirs, ours = (k.layers.ReversibleEmbedding(7, 3, **options) for k in (keras, nbkeras))
    theirs(X), ours(X)
    assert [w.path.split("/")[1:] for w in ours.weights] == [w.path.split("/")[1:] for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    scores = [np.asarray(layer(layer(X), reverse=True)) for layer in (ours, theirs)]
    np.testing.assert_allclose(*scores, rtol=1e-5, atol=1e-7)
    assert set(ours.get_config()) == set(theirs.get_config())
