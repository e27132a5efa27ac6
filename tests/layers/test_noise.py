"""Layers that draw random numbers: distributions, seeds, what they keep, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from nbkeras import layers
from nbkeras.errors import ArgumentError
from nbkeras.graph.traced import Traced

X = np.ones((400, 50), "float32")
N = X.size

LAYERS = {
    "GaussianNoise": lambda **k: layers.GaussianNoise(0.3, **k),
    "GaussianDropout": lambda **k: layers.GaussianDropout(0.2, **k),
    "AlphaDropout": lambda **k: layers.AlphaDropout(0.2, **k),
    "SpatialDropout1D": lambda **k: layers.SpatialDropout1D(0.5, **k),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def shaped(name):
    return X.reshape(400, 5, 10) if name.startswith("Spatial") else X


@every_layer
def test_seeds_and_training(name):
    x = shaped(name)
    one, other = LAYERS[name](seed=3), LAYERS[name](seed=3)
    first, second = one(x, training=True), one(x, training=True)
    assert (first != second).any()
    step = Traced(lambda value: other(value, training=True))
    # A chain of elementwise work may round differently in one pass than in several.
    np.testing.assert_allclose(step(x), first, rtol=1e-6)
    np.testing.assert_allclose(step(x), second, rtol=1e-6)
    for flag in (False, None):
        np.testing.assert_array_equal(one(x, training=flag), x)
    assert one(x.astype("float64")).dtype == "float32"
    assert len(one.variables) == 1 and not one.weights


def test_moments():
    """Means and variances within five deviations of what they should be."""
    noise = layers.GaussianNoise(0.3, seed=1)(X, training=True) - 1
    assert abs(noise.mean()) < 5 * 0.3 / N**0.5 and abs(noise.std() - 0.3) < 5 * 0.3 / (2 * N) ** 0.5
    product = layers.GaussianDropout(0.2, seed=1)(X, training=True)
    assert abs(product.mean() - 1) < 5 * 0.5 / N**0.5 and abs(product.std() - 0.5) < 5 * 0.5 / (2 * N) ** 0.5


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(rate):
    x = np.random.default_rng(0).normal(size=(400, 200)).astype("float32")
    y = layers.AlphaDropout(rate, seed=1)(x, training=True)
    assert abs(y.mean()) < 0.03 and abs(y.std() - 1) < 0.03
    values, counts = np.unique(y, return_counts=True)
    assert abs(counts.max() / y.size - rate) < 0.01
    dropped = values[counts.argmax()]
    alpha = -1.7580993408473766
    scale = ((1 - rate) * (1 + rate * alpha**2)) ** -0.5
    np.testing.assert_allclose(dropped, scale * alpha - scale * alpha * rate, rtol=1e-5)
    shared = layers.AlphaDropout(rate, noise_shape=(None, 1), seed=1)(np.ones((50, 4), "float32"), training=True)
    assert (shared == shared[:, :1]).all() and len(np.unique(shared)) == 2


FORMATS = [(1, "channels_last"), *((rank, f"channels_{end}") for rank in (2, 3) for end in ("last", "first"))]


@pytest.mark.parametrize("rank, data_format", FORMATS)
def test_spatial_dropout_drops_channels(rank, data_format):
    options = {} if rank == 1 else {"data_format": data_format}
    layer = getattr(layers, f"SpatialDropout{rank}D")(0.5, seed=1, **options)
    y = layer(np.ones((20, *(3,) * rank, 3), "float32"), training=True)
    axis = 1 if data_format == "channels_first" else -1
    channels = np.moveaxis(y, axis, 1).reshape(20, 3, -1)
    assert (channels == channels[:, :, :1]).all() and 0.2 < (channels == 0).mean() < 0.8


@pytest.mark.parametrize("make", [layers.GaussianNoise, layers.GaussianDropout, layers.AlphaDropout])
def test_refuses(make):
    for value in (-0.1, 1.5):
        with pytest.raises(ArgumentError, match="to be a number from 0 up to 1, got"):
            make(value)
    assert make(0.0).seed_generator is None
    np.testing.assert_array_equal(make(0.0)(X, training=True), X)


def test_rate_1():
    with pytest.raises(ArgumentError, match="the noise has no bounds"):
        layers.GaussianDropout(1.0)(X, training=True)
