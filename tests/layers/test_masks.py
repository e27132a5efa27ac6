"""Masks from layer to layer: where they come from, who passes them on, who loses them, who gets them."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, ops
from nbkeras.graph.masks import Masked, get_mask, with_mask
from nbkeras.graph.traced import Traced

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 5)).astype("float32")
X[0, 2:] = X[1, 0] = 0
MASK = (X != 0).any(-1)
OTHER = RNG.random((3, 4)) < 0.5


def test_masking():
    marked = np.where(MASK[..., None], X, np.float32(9))
    for layer, x in ((layers.Masking(), X), (layers.Masking(9.0), marked)):
        y = layer(x)
        np.testing.assert_array_equal(get_mask(y), MASK)
        np.testing.assert_array_equal(y, X)
    assert not np.asarray(layers.Masking()(np.zeros((0, 4, 5), "float32"))).size
    made = layers.Masking()(nbkeras.Input((4, 5)))
    assert made._keras_mask.shape == (None, 4) and made._keras_mask.dtype == "bool"


def test_what_is_computed_from_a_masked_array_is_unmasked():
    y = with_mask(X, MASK)
    for value in (y + 1, y[0], y.copy(), np.exp(y), ops.relu(y)):
        assert get_mask(value) is None
    assert get_mask(X) is None and isinstance(y, Masked)


#: Constructor calls in both libraries; what the mask of the output is compared with Keras.
KEEP = {
    "Dense": lambda k: k.layers.Dense(2),
    "Activation": lambda k: k.layers.Activation("relu"),
    "ReLU": lambda k: k.layers.ReLU(),
    "LeakyReLU": lambda k: k.layers.LeakyReLU(),
    "ELU": lambda k: k.layers.ELU(),
    "PReLU": lambda k: k.layers.PReLU(),
    "Dropout": lambda k: k.layers.Dropout(0.5),
    "SpatialDropout1D": lambda k: k.layers.SpatialDropout1D(0.5),
    "GaussianNoise": lambda k: k.layers.GaussianNoise(0.5),
    "GaussianDropout": lambda k: k.layers.GaussianDropout(0.5),
    "AlphaDropout": lambda k: k.layers.AlphaDropout(0.5),
    "Identity": lambda k: k.layers.Identity(),
    "Rescaling": lambda k: k.layers.Rescaling(2.0),
    "Normalization": lambda k: k.layers.Normalization(mean=0.5, variance=2.0),
    "ActivityRegularization": lambda k: k.layers.ActivityRegularization(0.1),
    "TimeDistributed": lambda k: k.layers.TimeDistributed(k.layers.Dense(2)),
    "Masking": lambda k: k.layers.Masking(0.25),
    "Flatten": lambda k: k.layers.Flatten(),
    "Reshape": lambda k: k.layers.Reshape((5, 4)),
    "Permute": lambda k: k.layers.Permute((2, 1)),
    "EinsumDense": lambda k: k.layers.EinsumDense("abc,cd->abd", (None, 3)),
    "Lambda": lambda k: k.layers.Lambda(lambda x: x * 2),
}


def assert_same_mask(theirs, ours):
    assert (theirs is None) == (ours is None)
    if theirs is not None:
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", KEEP)
def test_masks_of_outputs_as_keras(name):
    keras = pytest.importorskip("keras")
    theirs, ours = KEEP[name](keras), KEEP[name](nbkeras)
    before, x = keras.layers.Masking()(X), layers.Masking()(X)
    expected = getattr(theirs(before), "_keras_mask", None)
    assert_same_mask(expected, get_mask(ours(x)))
    # Symbols carry masks as arrays do, and so do Keras tensors.
    step = Traced(lambda v: _mask_or_nothing(ours(layers.Masking()(v))))
    assert_same_mask(expected, step(X)[0] if expected is not None else None)
    made = ours(layers.Masking()(nbkeras.Input((4, 5))))
    assert (getattr(made, "_keras_mask", None) is None) == (expected is None)
    assert ours.supports_masking == theirs.supports_masking


def _mask_or_nothing(y):
    return [] if get_mask(y) is None else [get_mask(y)]


MERGING = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Concatenate1", "Dot"]


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MERGING)
def test_merging_as_keras(name):
    """Values and masks, with both inputs masked, with one, and with none."""
    keras = pytest.importorskip("keras")
    options = {"Concatenate1": {"axis": 1}, "Dot": {"axes": (2, 2)}}.get(name, {})
    one, other = RNG.normal(size=(2, 3, 4, 5)).astype("float32")
    for masks in ((MASK, OTHER), (MASK, None), (None, OTHER), (None, None)):
        results = []
        for k in (keras, nbkeras):
            inputs = []
            for value, mask in zip((one, other), masks, strict=True):
                value = k.ops.convert_to_tensor(value)
                if mask is not None and k is keras:
                    value._keras_mask = k.ops.convert_to_tensor(mask)
                elif mask is not None:
                    value = with_mask(value, mask)
                inputs.append(value)
            results.append(getattr(k.layers, name.rstrip("1"))(**options)(inputs))
        np.testing.assert_allclose(results[1], np.asarray(results[0]), rtol=1e-5, atol=1e-6)
        assert_same_mask(*(getattr(y, "_keras_mask", None) for y in results))


class Filled(layers.Layer):
    """Takes a mask, and supports it by having compute_mask."""

    def call(self, inputs, mask=None):
        return inputs if mask is None else ops.where(ops.expand_dims(mask, -1), inputs, 7.0)

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[:, 1:]


def test_a_call_that_takes_a_mask_gets_it():
    layer = Filled()
    assert layer.supports_masking
    expected = np.where(MASK[..., None], X, np.float32(7))
    y = layer(layers.Masking()(X))
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(get_mask(y), MASK[:, 1:])
    np.testing.assert_array_equal(layer(X), X)
    np.testing.assert_array_equal(layer(layers.Masking()(X), mask=OTHER), np.where(OTHER[..., None], X, np.float32(7)))
    a = nbkeras.Input((4, 5))
    for model in (
        nbkeras.Model(a, layer(layers.Dropout(0.5)(layers.Masking()(a)))),
        nbkeras.Sequential([a, layers.Masking(), layers.Dropout(0.5), layer]),
        nbkeras.Sequential([layers.Masking(), nbkeras.Sequential([layers.Identity(), layer])]),
    ):
        np.testing.assert_array_equal(model(X), expected)
        np.testing.assert_array_equal(model.predict(X, verbose=0), expected)


def test_several_arguments_get_their_own_masks():
    class Attend(layers.Layer):
        def call(self, query, value, query_mask=None, value_mask=None):
            given = [m is not None for m in (query_mask, value_mask)]
            return query * float(given[0]) + value * float(given[1]) * 2

    plain, masked = X[1:] + 1, with_mask(X[1:] + 1, MASK[1:])
    with pytest.warns(UserWarning, match="does not support masking"):
        np.testing.assert_array_equal(Attend()(masked, plain), plain)
    np.testing.assert_array_equal(Attend()(plain, masked), plain * 2)


def test_explicit_masks_in_functional_models():
    a = nbkeras.Input((4,), dtype="int32")
    embedding = layers.Embedding(6, 5, mask_zero=True)
    x = embedding(a)
    mask = embedding.compute_mask(a)
    tokens = np.array([[1, 0, 3, 0]])
    for given in (mask, x._keras_mask):
        model = nbkeras.Model(a, Filled()(ops.relu(x), mask=given))
        y = model(tokens)
        assert (y[0, 1] == 7).all() and (y[0, 0] != 7).all()
        again = nbkeras.models.clone_model(model)
        assert (again(tokens)[0, 3] == 7).all()


def test_the_loss_of_the_mask_is_said_once():
    layer = layers.Flatten(name="flat")
    a = nbkeras.Input((4, 5))
    x = layers.Masking()(a)
    with pytest.warns(UserWarning, match="layer 'flat' .Flatten. was given an input that carries a mask") as caught:
        y = layer(x)
    assert len(caught) == 1
    nbkeras.Model(a, y).predict(X, verbose=0)


def test_subclassed_models_pass_masks():
    class Tower(nbkeras.Model):
        def __init__(self):
            super().__init__()
            self.masking, self.dense, self.filled = layers.Masking(), layers.Dense(5), Filled()

        def call(self, inputs):
            return self.filled(self.dense(self.masking(inputs)))

    y = Tower()(X)
    assert (y[~MASK] == 7).all() and (y[MASK] != 7).all()


def test_compute_mask_of_merging_refuses():
    with pytest.raises(ValueError, match="a list of masks"):
        layers.Add().compute_mask([X, X], MASK)
    with pytest.raises(ValueError, match="2 inputs and 1 masks"):
        layers.Concatenate().compute_mask([X, X], [MASK])
