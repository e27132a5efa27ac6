"""Wrapper and TimeDistributed."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, naming, ops
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.masks import get_mask, with_mask

X = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
MASK = np.array([[True, True, False, True]] * 3)


class Centered(layers.Layer):
    """Depends on the other samples, so it must be called step by step."""

    def call(self, inputs):
        return inputs - ops.mean(inputs, axis=0)


INSIDE = {
    "dense": lambda k: k.layers.Dense(2, activation="tanh"),
    "flatten": lambda k: k.layers.Flatten(),
    "stack": lambda k: k.Sequential([k.layers.Dense(3, activation="relu"), k.layers.Dense(2)]),
    "penalized": lambda k: k.layers.Dense(2, activity_regularizer="l2"),
    "twice": lambda k: k.layers.TimeDistributed(k.layers.Dense(2)),
}


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", INSIDE)
def test_time_distributed_as_keras(name):
    keras = pytest.importorskip("keras")
    keras.backend.clear_session()
    naming.reset()
    x = X[..., None] if name in ("flatten", "twice") else X
    theirs, ours = (k.layers.TimeDistributed(INSIDE[name](k)) for k in (keras, nbkeras))
    expected = np.asarray(theirs(x))
    ours(x)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(x), expected, rtol=1e-5, atol=1e-6)
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    assert len(ours.losses) == len(theirs.losses)
    shape = (None, *x.shape[1:])
    assert tuple(ours.compute_output_shape(shape)) == tuple(theirs.compute_output_shape(shape))
    assert ours(nbkeras.Input((None, *x.shape[2:]))).shape == (None, None, *expected.shape[2:])
    again = layers.TimeDistributed.from_config(theirs.get_config())
    again(x)
    again.set_weights(theirs.get_weights())
    np.testing.assert_allclose(again(x), expected, rtol=1e-5, atol=1e-6)


def test_steps_are_calls_of_their_own_where_samples_matter_to_each_other():
    np.testing.assert_allclose(layers.TimeDistributed(Centered())(X), X - X.mean(axis=0), rtol=1e-5, atol=1e-6)


def test_masks():
    layer = layers.TimeDistributed(layers.Dense(2))
    np.testing.assert_array_equal(get_mask(layer(with_mask(X, MASK))), MASK)
    for mask in (MASK[:, :2], MASK[0]):
        with pytest.raises(ShapeError, match="does not fit an input"):
            layer(X, mask=mask)

    class Filled(layers.Layer):
        def call(self, inputs, mask=None):
            return ops.where(ops.expand_dims(mask, -1), inputs, 7.0)

    y = layers.TimeDistributed(Filled())(X, mask=MASK)
    np.testing.assert_array_equal(y, np.where(MASK[..., None], X, np.float32(7)))


def test_dropout_inside_draws_for_each_step():
    y = layers.TimeDistributed(layers.Dropout(0.5, seed=1))(np.ones((50, 4, 5), "float32"), training=True)
    assert 0.4 < (y == 0).mean() < 0.6 and (y[:, 0] != y[:, 1]).any()


def test_wrapper():
    class Doubled(layers.Wrapper):
        def call(self, inputs):
            return 2 * self.layer(inputs)

    layer = Doubled(layers.Dense(2, name="inside"))
    y = layer(X)
    assert len(layer.weights) == 2 and layer.layer.built
    again = Doubled.from_config(layer.get_config())
    again(X)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(X), y)


def test_refuses():
    with pytest.raises(ArgumentError, match="expected a layer to wrap, got 3"):
        layers.TimeDistributed(3)
    with pytest.raises(ShapeError, match="rank at least 3"):
        layers.TimeDistributed(layers.Dense(2))(X[0])
