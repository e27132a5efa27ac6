"""Dropout: its rate, its seed, its gradient, its options."""

from __future__ import annotations

import numpy as np
import pytest

from nbkeras import layers, ops
from nbkeras.graph.gradient import gradient
from nbkeras.graph.traced import Traced

X = np.ones((200, 50), "float32")


def mask(layer, x=X):
    return layer(x, training=True)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_rate(rate):
    y = mask(layers.Dropout(rate, seed=1))
    assert set(np.unique(y)) <= {0.0, np.float32(1 / (1 - rate))}
    # Four deviations of the mean of 10,000 draws.
    assert abs((y == 0).mean() - rate) < 4 * (rate * (1 - rate) / X.size) ** 0.5


def test_same_seed_same_masks_and_every_step_another():
    first, second = layers.Dropout(0.5, seed=3), layers.Dropout(0.5, seed=3)
    a, b = [mask(first) for _ in range(2)], [mask(second) for _ in range(2)]
    np.testing.assert_array_equal(a, b)
    assert (a[0] != a[1]).mean() > 0.4
    assert (mask(layers.Dropout(0.5, seed=4)) != a[0]).mean() > 0.4


def test_a_traced_step_draws_anew_and_as_the_eager_one():
    traced, eager = layers.Dropout(0.5, seed=3), layers.Dropout(0.5, seed=3)
    step = Traced(lambda x: traced(x, training=True))
    for _ in range(2):
        np.testing.assert_array_equal(step(X), mask(eager))


def test_without_training_nothing_changes():
    layer = layers.Dropout(0.5)
    for flag in (False, None):
        np.testing.assert_array_equal(layer(X, training=flag), X)
    np.testing.assert_array_equal(layer(X), X)
    assert (layer(X, training=True) == 0).any()


def test_the_gradient_has_the_mask_of_the_output():
    layer = layers.Dropout(0.5, seed=1)

    def step(x):
        y = layer(x, training=True)
        return y, gradient(ops.sum(y), [x])[0]

    y, slope = Traced(step)(X)
    np.testing.assert_array_equal(slope, y)


def test_noise_shape_shares_decisions():
    for shape in ((None, 1), (200, 1)):
        y = mask(layers.Dropout(0.5, noise_shape=shape, seed=1))
        assert (y == y[:, :1]).all() and 0 < (y[:, 0] == 0).mean() < 1


def test_extremes():
    np.testing.assert_array_equal(mask(layers.Dropout(0)), X)
    np.testing.assert_array_equal(mask(layers.Dropout(1), X * np.inf), np.zeros_like(X))
    assert layers.Dropout(0).seed_generator is None


def test_the_seed_state_is_no_weight_but_a_variable():
    layer = layers.Dropout(0.5, seed=1)
    assert layer.weights == [] and len(layer.variables) == 1
