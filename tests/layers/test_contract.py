"""What every layer promises, checked for each row of the table: shapes, weights, configuration, gradients, Keras."""

from __future__ import annotations

import numpy as np
import pytest

from nbkeras import Input, Model, layers, tree
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.graph.traced import Traced
from tests.graph.differences import check_gradients
from tests.layers.table import IDS, ROWS, TABLE, alone, draw

every_row = pytest.mark.parametrize("name, options, shapes", TABLE, ids=IDS)


#: Layers that take whole numbers, functions or other layers: test_embedding.py, test_lambda.py, test_wrappers.py,
#: test_spectral_normalization.py.
ELSEWHERE = {"Embedding", "Lambda", "ReversibleEmbedding", "SpectralNormalization", "TimeDistributed", "Wrapper"}


def make(kind, options, **more):
    return getattr(layers, kind)(**options, **more)


def test_every_layer_has_a_row():
    classes = {getattr(layers, name).__name__ for name in layers.__all__ if name[0].isupper()}  # not their aliases
    assert {row[0] for row in TABLE} == classes - {"Input", "InputLayer", "InputSpec", "Layer"} - ELSEWHERE


@every_row
def test_shapes(name, options, shapes):
    layer = make(name, options)
    output = layer(draw(shapes))
    given = alone([(None, *s) for s in shapes])
    assert tuple(layer.compute_output_shape(given)) == (None, *output.shape[1:])
    made = layer(alone([KerasTensor((None, *s)) for s in shapes]))
    assert made.shape == (None, *output.shape[1:])
    assert made.dtype == output.dtype == "float32"


@every_row
def test_traced_and_functional_give_what_the_call_gives(name, options, shapes):
    layer, x = make(name, options), draw(shapes)
    expected = layer(x)
    np.testing.assert_allclose(Traced(layer)(x), expected, rtol=1e-6, atol=1e-7)
    inputs = alone([Input(s) for s in shapes])
    model = Model(inputs, layer(inputs))
    np.testing.assert_allclose(model(x), expected, rtol=1e-6, atol=1e-7)


@every_row
def test_configuration(name, options, shapes):
    frozen = {} if name.startswith("SpatialDropout") else {"trainable": False}
    layer = make(name, options, name="mine", **frozen)
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    assert again.name == "mine" and again.trainable == (not frozen)
    x = draw(shapes)
    layer(x), again(x)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), layer(x))


@every_row
def test_gradients(name, options, shapes):
    layer = make(name, options, dtype="float64")
    inputs = tree.flatten(draw(shapes, "float64"))
    assert layer(alone(inputs)).dtype == "float64"
    check_gradients(lambda *parts: layer(alone(list(parts))), inputs, rtol=1e-5, atol=1e-6)


@pytest.fixture
def keras():
    return pytest.importorskip("keras", reason="the extra 'oracle' is not installed")


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@every_row
def test_as_keras(keras, name, options, shapes):
    ours, theirs = make(name, options), getattr(keras.layers, name)(**options)
    x = draw(shapes)
    ours(x), theirs(x)
    assert [(w.name, tuple(w.shape)) for w in ours.weights] == [(w.name, tuple(w.shape)) for w in theirs.weights]
    assert [w.path.split("/")[1:] for w in ours.weights] == [w.path.split("/")[1:] for w in theirs.weights]
    rng = np.random.default_rng(2)
    values = [rng.normal(size=w.shape).astype("float32") for w in ours.weights]
    values = [abs(v) if "variance" in w.name else v for v, w in zip(values, ours.weights, strict=True)]
    ours.set_weights(values)
    theirs.set_weights(values)
    if name == "Normalization":
        theirs.finalize_state()
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        [float(v) for v in ours.losses], [float(v) for v in theirs.losses], rtol=1e-5
    )
    assert set(ours.get_config()) == set(theirs.get_config())
    given = alone([(None, *s) for s in shapes])
    assert tuple(ours.compute_output_shape(given)) == tuple(theirs.compute_output_shape(given))


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@every_row
def test_configuration_of_keras_is_read(keras, name, options, shapes):
    theirs = getattr(keras.layers, name)(**options)
    ours = getattr(layers, name).from_config(theirs.get_config())
    x = draw(shapes)
    ours(x), theirs(x)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-5, atol=1e-6)


def test_rows_of_any_number():
    layer = layers.Dense(2)
    whole = layer(draw([(4,)]))
    assert whole.shape == (ROWS, 2)
    assert layer(np.zeros((0, 4), "float32")).shape == (0, 2)
