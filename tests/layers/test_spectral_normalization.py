"""SpectralNormalization against Keras and against the singular values of NumPy."""

import numpy as np
import pytest

import nbkeras
from nbkeras import layers
from nbkeras.errors import ArgumentError

X = np.random.default_rng(0).standard_normal((3, 6, 5, 4)).astype("float32")
INSIDE = {
    "dense": lambda k: k.layers.Dense(3, name="inside"),
    "convolution": lambda k: k.layers.Conv2D(3, 2, name="inside"),
}


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", INSIDE)
@pytest.mark.parametrize("iterations", [1, 3])
def test_as_keras(name, iterations):
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")
    theirs, ours = (k.layers.SpectralNormalization(INSIDE[name](k), iterations) for k in (keras, nbkeras))
    theirs(X), ours(X)
    assert [(w.name, tuple(w.shape)) for w in ours.weights] == [(w.name, tuple(w.shape)) for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    for training in (True, False, True):
        expected = np.asarray(theirs(X, training=training))
        np.testing.assert_allclose(ours(X, training=training), expected, rtol=1e-5, atol=1e-5)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    assert set(ours.get_config()) == set(theirs.get_config())


def test_the_largest_singular_value_becomes_one():
    layer = layers.SpectralNormalization(layers.Dense(5), power_iterations=50)
    again = layers.SpectralNormalization.from_config(layer.get_config())
    for made in (layer, again):
        made(X, training=True)
        kernel = made.layer.kernel.numpy()
        assert np.linalg.svd(kernel, compute_uv=False)[0] == pytest.approx(1, rel=1e-3)


def test_it_learns():
    model = nbkeras.Sequential(
        [nbkeras.Input((4,)), layers.SpectralNormalization(layers.Dense(8)), layers.ReLU(), layers.Dense(1)]
    )
    model.compile("adam", "mse")
    x = X.reshape(-1, 4)
    history = model.fit(x, x[:, :1], epochs=8, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_zeros_stay_zeros():
    layer = layers.SpectralNormalization(layers.Dense(2, kernel_initializer="zeros"))
    np.testing.assert_array_equal(layer(X, training=True), 0)


def test_bad_arguments():
    with pytest.raises(ArgumentError, match="power_iterations to be an integer from 1 on, got 0"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations=0)
    with pytest.raises(ArgumentError, match="Flatten has no 'kernel' and no 'embeddings'"):
        layers.SpectralNormalization(layers.Flatten())(X)
