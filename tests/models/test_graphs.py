"""What functional and Sequential models take and refuse: structures, missing inputs, broken graphs, odd layers."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, ops
from nbkeras.errors import ArgumentError, GraphError, MissingAttribute, ShapeError

X = np.random.default_rng(0).standard_normal((8, 4)).astype("float32")


def test_nested_dicts():
    a, b = nbkeras.Input((4,)), nbkeras.Input((2,))
    model = nbkeras.Model({"a": a, "more": {"b": b}}, {"sum": layers.Dense(2)(a) + b, "more": {"b": b * 2}})
    y = model({"a": X, "more": {"b": X[:, :2]}})
    np.testing.assert_allclose(y["more"]["b"], 2 * X[:, :2])
    again = nbkeras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again({"a": X, "more": {"b": X[:, :2]}})["sum"], y["sum"])


def test_inputs_that_may_be_left_out():
    class AddIfThere(layers.Layer):
        def call(self, x, y=None):
            return x if y is None else x + y

    a, b = nbkeras.Input((4,), name="a"), nbkeras.Input((4,), name="b", optional=True)
    model = nbkeras.Model([a, b], AddIfThere()(a, b))
    np.testing.assert_array_equal(model([X, None]), X)
    np.testing.assert_array_equal(model([X, X]), 2 * X)
    with pytest.raises(ArgumentError, match="the input 'a' is not optional"):
        model([None, X])


def test_parts_of_a_model():
    a = nbkeras.Input((4,))
    hidden = layers.Dense(3, name="hidden")(a)
    model = nbkeras.Model(a, layers.Dense(2, name="top")(ops.relu(hidden)))
    tail = nbkeras.Model(hidden, model.output)
    # An operation without a name of its own gets one that tells how many came before it in this process.
    assert [op.name for op in tail.operations][1:] == [op.name for op in model.operations][2:]
    assert tail.operations[1].name.startswith("relu") and tail.operations[2].name == "top"
    h = nbkeras.Model(a, hidden)(X)
    np.testing.assert_allclose(tail(h), model(X), rtol=1e-6)
    assert tail.layers[-1] is model.get_layer("top")
    again = nbkeras.Model.from_config(tail.get_config())
    assert again.input_shape == (None, 3)
    # The whole stays as it was.
    np.testing.assert_allclose(copy.deepcopy(model)(X), model(X), rtol=1e-6)
    assert layers.Dense(2)(hidden).shape == (None, 2)


def test_broken_graphs():
    a, b = nbkeras.Input((4,), name="a"), nbkeras.Input((4,), name="b")
    with pytest.raises(GraphError, match="depend on 'b', which is not among the inputs"):
        nbkeras.Model(a, layers.Add()([a, b]))
    with pytest.raises(GraphError, match="the name 'same' is used 2 times"):
        nbkeras.Model(a, layers.Dense(2, name="same")(layers.Dense(2, name="same")(a)))
    with pytest.raises(GraphError, match="each input must be a Keras tensor, got str"):
        nbkeras.Model({"a": "a"}, outputs=a)
    with pytest.raises(GraphError, match="an input is given twice"):
        nbkeras.Model([a, a], layers.Dense(2)(a))


def test_attributes_that_are_not_there():
    assert not hasattr(layers.Dense(2), "input") and not hasattr(nbkeras.Sequential([layers.Dense(2)]), "output_shape")
    for model in (nbkeras.Sequential(), nbkeras.Model(*[nbkeras.Input((2,))] * 2)):
        with pytest.raises(MissingAttribute, match="cannot be set"):
            model.layers = []
    with pytest.raises(ArgumentError, match="takes either a name or an index"):
        nbkeras.Sequential().get_layer()
    with pytest.raises(NotImplementedError, match="add_metric is gone"):
        layers.Dense(2).add_metric(1.0)
    a = nbkeras.Input((2,))
    with pytest.raises(NotImplementedError, match="add_loss in the call"):
        nbkeras.Model(a, layers.Dense(1)(a)).add_loss(1.0)


def test_sequential_over_several_inputs():
    class Sum(layers.Layer):
        def call(self, inputs):
            return inputs["a"] + inputs["b"] if isinstance(inputs, dict) else inputs[0] + inputs[1]

    for inputs in ({"a": X, "b": X}, [X, X]):
        model = nbkeras.Sequential([Sum(), layers.Dense(2)])
        y = model(inputs)
        np.testing.assert_allclose(y, 2 * X @ model.layers[1].kernel.numpy(), rtol=1e-5, atol=1e-6)
        assert len(model.weights) == 2


def test_sequential_with_a_layer_of_unknown_shape():
    class Unknown(layers.Layer):
        def compute_output_spec(self, inputs):
            raise NotImplementedError

        def call(self, inputs):
            return inputs * 2

    model = nbkeras.Sequential([nbkeras.Input((4,)), Unknown(), layers.Dense(2)])
    assert not hasattr(model, "output_shape")
    assert model(X).shape == (8, 2) and model.predict_on_batch(X).shape == (8, 2)


def test_a_sequential_without_an_input_takes_batches_of_other_lengths():
    model = nbkeras.Sequential([layers.Flatten()])
    for shape in ((2, 3, 4), (5, 3, 4), (2, 6, 2)):
        assert model(np.ones(shape, "float32")).shape == (shape[0], 12)
    model = nbkeras.Sequential([layers.Dense(2)])
    model(X)
    with pytest.raises(ShapeError, match="built for 4 input features"):
        model(X[:, :3])


def test_a_sequential_first_in_a_sequential():
    inner = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(3)])
    model = nbkeras.Sequential([inner, layers.Dense(2)])
    assert model.built and model.output_shape == (None, 2) and model.layers[0] is inner


def test_clones_and_copies_are_compiled_alike():
    model = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(2)])
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, X[:, :2], verbose=0)
    for made in (nbkeras.models.clone_model(model), copy.deepcopy(model)):
        assert made.compiled and made.optimizer is not model.optimizer
        made.set_weights(model.get_weights())
        before = model.get_weights()
        assert made.evaluate(X, X[:, :2], verbose=0) == model.evaluate(X, X[:, :2], verbose=0)
        made.fit(X, X[:, :2], verbose=0)
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_layers_without_weights_are_built_when_made():
    class Own(layers.Dropout):
        def build(self, input_shape):
            self.seen = tuple(input_shape)

    made = [layers.Activation("relu"), layers.ReLU(), layers.Softmax(), layers.Dropout(0.5), layers.Masking()]
    assert all(layer.built for layer in made) and not layers.Dense(2).built
    layer = Own(0.5)
    assert not layer.built
    layer(X)
    assert layer.seen == (8, 4)


def test_paths():
    class Tower(nbkeras.Model):
        def __init__(self):
            super().__init__(name="tower")
            self.dense = layers.Dense(2, name="inside")

        def call(self, inputs):
            return self.dense(inputs)

    model = Tower()
    assert model.dense.path is None
    model(X)
    assert model.dense.path == "tower/inside" and model.dense.kernel.path == "tower/inside/kernel"


def test_stateless_call_refuses():
    layer = layers.Dense(2)
    layer.build((None, 4))
    with pytest.raises(ArgumentError, match="takes 2 trainable_variables, got 1"):
        layer.stateless_call([X], [], X)
    penalized = layers.Dense(2, kernel_regularizer="l2")
    penalized.build((None, 4))
    values = [np.ones((4, 2), "float32"), np.zeros(2, "float32")]
    y, fixed, losses = penalized.stateless_call(values, [], X, return_losses=True)
    assert fixed == [] and float(losses[0]) == pytest.approx(0.08)
    np.testing.assert_allclose(y, X @ values[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("noise_shape", ["ab", 3, (0, 1), (-1,), (1.5,)])
def test_dropout_noise_shape(noise_shape):
    with pytest.raises(ArgumentError, match="noise_shape must hold whole numbers"):
        layers.Dropout(0.5, noise_shape=noise_shape)


def test_a_fixed_batch_size_is_no_demand():
    """`Input(batch_size=...)` says what to plan for; as in Keras, other batches, such as the last, pass."""
    inputs = layers.Input((2,), batch_size=3)
    model = nbkeras.Model(inputs, layers.Dense(1, kernel_initializer="ones")(inputs))
    model.compile("sgd", "mse")
    assert model.output_shape == (3, 1)
    np.testing.assert_array_equal(model(np.ones((2, 2))), [[2.0]] * 2)
    assert model.predict(np.ones((7, 2)), batch_size=3, verbose=0).shape == (7, 1)
    model.fit(np.ones((7, 2)), np.ones((7, 1)), batch_size=3, verbose=0)
