"""What belongs to a layer, when it may be added, and what freezing does to it: as Keras has it."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras.errors import ArgumentError, DataError, StateError

X = np.ones((2, 3), "float32")


def trained(keras):
    """Which weights train after freezing and thawing in all ways, as text."""
    seen = []

    def note(layer):
        seen.append(" ".join(f"{w.name}:{w.trainable}" for w in layer.weights))
        seen.append(" ".join(w.name for w in layer.trainable_weights))

    dense = keras.layers.Dense(2)
    dense.build((None, 3))
    for value in (False, True):
        dense.trainable = value
        note(dense)
    dense.kernel.trainable = False
    note(dense)
    dense.trainable = True
    note(dense)
    frozen = keras.layers.Dense(2, trainable=False)
    frozen.build((None, 3))
    note(frozen)
    frozen.trainable = True
    note(frozen)
    normalization = keras.layers.BatchNormalization()
    normalization.build((None, 3))
    for value in (False, True):
        normalization.trainable = value
        note(normalization)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.BatchNormalization()])
    model.trainable = False
    note(model)
    model.layers[0].trainable = True
    note(model)
    model.trainable = True
    model.layers[0].bias.trainable = False
    note(model)
    return seen


@pytest.mark.oracle
def test_freezing_sets_the_weights_that_were_made_trainable():
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")

    assert trained(nbkeras) == trained(keras)


def additions(keras):
    """Each way to add something to a layer or model, and whether it is refused."""

    class Late(keras.layers.Layer):
        def call(self, x):
            self.w = self.add_weight(shape=())
            return x

    class Lazy(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.first = keras.layers.Dense(2)

        def call(self, x):
            if not hasattr(self, "second"):
                self.second = keras.layers.Dense(2)
            return self.second(self.first(x))

    class Extended(keras.layers.Dense):
        def build(self, shape):
            super().build(shape)
            self.scale = self.add_weight(shape=(), name="scale")

    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = keras.layers.Dense(2)

        def call(self, x):
            return self.inner(x)

    def built():
        layer = keras.layers.Dense(2)
        layer.build((None, 3))
        return layer

    def called(model):
        model(X)
        return model

    def chain():
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])

    ways = {
        "in call": lambda: Late()(X),
        "lazily": lambda: Lazy()(X),
        "in a build that goes on": lambda: Extended(2)(X),
        "build twice": lambda: built().build((None, 3)),
        "weight": lambda: setattr(built(), "extra", keras.Variable(1.0)),
        "layer": lambda: setattr(built(), "extra", keras.layers.Dense(1)),
        "metric": lambda: setattr(built(), "extra", keras.metrics.Mean()),
        "number": lambda: setattr(built(), "extra", 3),
        "the same weight": lambda: (lambda layer: setattr(layer, "again", layer.kernel))(built()),
        "subclassed model": lambda: setattr(called(Subclassed()), "extra", keras.layers.Dense(1)),
        "sequential model": lambda: setattr(chain(), "extra", keras.layers.Dense(1)),
        "sequential add": lambda: called(chain()).add(keras.layers.Dense(1)),
    }
    refused = []
    for name, way in ways.items():
        try:
            way()
        except ValueError:
            refused.append(name)
    return refused


@pytest.mark.oracle
def test_built_layers_take_nothing_more():
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")

    assert additions(nbkeras) == additions(keras)


def test_the_refusal_says_what_to_do():
    layer = nbkeras.layers.Dense(2, name="fc")
    layer.build((None, 3))
    with pytest.raises(StateError, match=r"(?s)'fc' \(Dense\) is already built: .*extra.*in __init__\(\) or"):
        layer.extra = nbkeras.Variable(1.0, name="extra")


@pytest.mark.parametrize("entry", [None, nbkeras.Input((5, 3))])
def test_a_sequential_takes_other_lengths_than_its_first(entry):
    layers = nbkeras.layers
    stack = [layers.Conv1D(4, 3), layers.GlobalAveragePooling1D(), layers.Dense(2)]
    model = nbkeras.Sequential(stack if entry is None else [entry, *stack])
    model(np.ones((2, 5, 3), "float32"))
    longer = np.ones((2, 7, 3), "float32")
    for own in (model, nbkeras.models.clone_model(model), nbkeras.Sequential.from_config(model.get_config())):
        own.set_weights(model.get_weights())
        np.testing.assert_allclose(own(longer), model.predict(longer, verbose=0), rtol=1e-6)


def test_a_layers_own_word_on_its_shape_is_taken():
    calls = []

    class Halved(nbkeras.layers.Layer):
        def call(self, a, b):
            calls.append(a.shape)
            return a[:, : a.shape[1] // 2] + b

        def compute_output_shape(self, a_shape, b_shape):
            return [a_shape[0], a_shape[1] // 2]

    y = Halved()(nbkeras.Input((6,)), b=nbkeras.Input((3,)))
    assert y.shape == (None, 3) and y.dtype == "float32" and not calls


def test_embedding_refuses_numbers_outside_of_its_table():
    layer = nbkeras.layers.Embedding(4, 2, name="words")
    for number in (4, -5, 4.0):
        with pytest.raises(DataError, match=rf"layer 'words' \(Embedding\): index {number} is outside .* 4 rows"):
            layer(np.array([[1, number]]))
    np.testing.assert_array_equal(layer(np.array([-1])), layer(np.array([3])))


def test_normalization_adapts_to_batches_of_all_kinds():
    x = np.arange(24, dtype="float32").reshape(6, 4)

    class Batches(nbkeras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return x[3 * i : 3 * i + 3], np.zeros(3)

    images = nbkeras.utils.timeseries_dataset_from_array(x, None, sequence_length=1, batch_size=2)
    for data in (x, [x[:3], x[3:]], (part for part in (x[:1], x[1:])), Batches(), images.map(lambda b: b[:, 0])):
        layer = nbkeras.layers.Normalization()
        layer.adapt(data)
        np.testing.assert_allclose(layer.mean, x.mean(axis=0, keepdims=True), rtol=1e-6)
        np.testing.assert_allclose(layer.variance, x.var(axis=0, keepdims=True), rtol=1e-6)


def test_what_may_be_set_later():
    layer = nbkeras.layers.Dense(2, "relu")
    layer.dtype_policy = "float64"
    assert layer.dtype_policy == nbkeras.DTypePolicy("float64") and layer(X).dtype == "float64"
    layer.activation = None
    np.testing.assert_array_equal(layer(-X), -X.astype("float64") @ layer.kernel.numpy())


def test_a_sequential_is_built_once():
    model = nbkeras.Sequential([nbkeras.Input((2,), batch_size=3), nbkeras.layers.Dense(2)], name="net")
    model.build((3, 2))
    model.build((None, 2))
    for shape in ((3, 4), (4, 2), (3, 2, 2)):
        with pytest.raises(ArgumentError, match=r"'net': it has an input of shape \(3, 2\) already"):
            model.build(shape)
