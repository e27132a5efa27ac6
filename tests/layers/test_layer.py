"""The base of layers: tracking, names, the training flag, losses, trainable, building."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import Variable, layers, metrics, naming, ops
from nbkeras.errors import ArgumentError, StateError

X = np.ones((2, 3), "float32")


class Seen(layers.Layer):
    """Remembers the flag of its last call."""

    def call(self, inputs, training=None):
        self._untracked_flag = training
        return inputs


class Outer(layers.Layer):
    def __init__(self, inner=None, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner if inner is not None else Seen()

    def call(self, inputs):
        return self.inner(inputs)


def test_names_are_numbered():
    naming.reset()
    assert [layers.Dense(1).name for _ in range(3)] == ["dense", "dense_1", "dense_2"]
    assert layers.LeakyReLU().name == "leaky_re_lu"
    assert layers.Dense(1, name="mine").name == "mine"
    assert layers.Dense(1).name == "dense_3"


@pytest.mark.parametrize("flag", [True, False])
def test_the_training_flag_reaches_inner_layers(flag):
    deep = Outer(Outer(Seen()))
    deep(X, training=flag)
    assert deep.inner.inner._untracked_flag is flag
    deep(X)
    assert deep.inner.inner._untracked_flag is None


def test_an_explicit_flag_wins_inside():
    class Forced(Outer):
        def call(self, inputs, training=None):
            return self.inner(inputs, training=False)

    layer = Forced()
    layer(X, training=True)
    assert layer.inner._untracked_flag is False


def test_the_default_of_call_is_used_without_a_flag():
    class Default(Seen):
        def call(self, inputs, training=True):
            return super().call(inputs, training)

    layer = Default()
    layer(X)
    assert layer._untracked_flag is True


class Nested(layers.Layer):
    def __init__(self):
        super().__init__()
        self.alone = layers.Dense(1)
        self.listed = [layers.Dense(2), [layers.Dense(3)]]
        self.named = {"a": layers.Dense(4)}
        self.paired = (layers.Dense(5), layers.Dense(6))
        self.listed.append(layers.Dense(7))
        self.named["b"] = layers.Dense(8)

    def call(self, inputs):
        every = [self.alone, self.listed[0], self.listed[1][0], self.listed[2], *self.named.values(), *self.paired]
        return ops.concatenate([layer(inputs) for layer in every], -1)


def test_layers_in_lists_dicts_and_tuples_are_tracked():
    layer = Nested()
    assert layer(X).shape == (2, 36)
    assert [inner.units for inner in layer._layers] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert len(layer.weights) == len(layer.trainable_weights) == 16


def test_layers_taken_out_of_a_list_are_forgotten():
    layer = Nested()
    gone = layer.listed.pop()
    assert gone.units == 7 and gone not in layer._layers
    del layer.named["b"]
    layer.listed.remove(layer.listed[0])
    del layer.alone
    assert [inner.units for inner in layer._layers] == [3, 4, 5, 6]


def test_weights_own_first_trainable_before_others():
    class Mixed(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(2)
            self.free = Variable(1.0, name="free")

        def build(self, input_shape):
            self.count = self.add_weight(name="count", initializer="zeros", trainable=False)
            self.scale = self.add_weight((3,), name="scale", initializer="ones")

        def call(self, inputs):
            return self.inner(inputs * self.scale) + self.free

    layer = Mixed()
    layer(X)
    assert [w.name for w in layer.weights] == ["free", "scale", "count", "kernel", "bias"]
    assert [w.name for w in layer.trainable_weights] == ["free", "scale", "kernel", "bias"]
    assert [w.name for w in layer.non_trainable_weights] == ["count"]
    assert layer.weights[3].path == f"{layer.name}/{layer.inner.name}/kernel"
    layer.inner.trainable = False
    assert [w.name for w in layer.trainable_weights] == ["free", "scale"]
    layer.trainable = False
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 5
    layer.trainable = True
    assert len(layer.trainable_weights) == 4 and layer.inner.trainable
    assert [w.name for w in layer.weights] == ["free", "scale", "count", "kernel", "bias"]


def test_losses_are_those_of_the_last_call():
    class Penalty(layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2, kernel_regularizer="l2", activity_regularizer="l1")

        def call(self, inputs):
            y = self.dense(inputs)
            self.add_loss(ops.sum(y) * 0 + 3)
            return y

    layer = Penalty()
    for _ in range(2):
        y = layer(X)
        values = sorted(float(v) for v in layer.losses)
        weights = layer.dense.kernel.numpy()
        expected = sorted([3, 0.01 * (weights**2).sum(), 0.01 * np.abs(y).sum() / 2])
        np.testing.assert_allclose(values, expected, rtol=1e-5)
    layer(layers.Input((3,)))
    assert len(layer.losses) == 1  # the weights' penalty alone: nothing was computed


def test_build_gets_the_shapes_that_it_names():
    class Two(layers.Layer):
        def build(self, a_shape, b_shape):
            self.shapes = (a_shape, b_shape)

        def call(self, a, b):
            return a + ops.sum(b)

    layer = Two()
    layer(X, np.ones((4,), "float32"))
    assert layer.shapes == ((2, 3), (4,)) and layer.built


def test_build_may_leave_shapes_out_but_not_ask_for_more():
    class Some(layers.Layer):
        def build(self, inputs_shape, weights_shape=None):
            self.shapes = (inputs_shape, weights_shape)

        def call(self, inputs, other=None, weights=None):
            return inputs

    layer = Some()
    layer(X, X[:1], np.ones((4,), "float32"))
    assert layer.shapes == ((2, 3), (4,))
    layer = Some()
    layer(X)
    assert layer.shapes == ((2, 3), None)


def test_weights_are_made_by_place_or_by_name():
    layer = layers.Layer()
    by_place = layer.add_weight((2, 3), "ones", "float64")
    by_name = layer.add_weight(shape=(2, 3), initializer="ones", dtype="float64")
    for weight in (by_place, by_name, layer.add_variable((2, 3), "ones", "float64")):
        assert (weight.shape, weight.dtype, weight.trainable) == ((2, 3), "float64", True)
        np.testing.assert_array_equal(weight.numpy(), np.ones((2, 3)))


def test_a_built_layer_is_unlocked_to_change_its_weights():
    layer = layers.Dense(2, name="dense")
    nbkeras.Sequential([nbkeras.Input((3,)), layer], name="model")
    assert layer._tracker.locked
    with pytest.raises(StateError, match="is already built"):
        layer.more = layer.add_weight((2,), name="more")
    layer._tracker.unlock()
    layer.more = layer.add_weight((2,), name="more")
    assert [w.path for w in layer.weights] == ["model/dense/kernel", "model/dense/bias", "model/dense/more"]
    layer.bias = layer._untrack_variable(layer.bias)
    layer._tracker.lock()
    assert layer.bias is None and [w is layer.more for w in layer.weights] == [False, True]
    np.testing.assert_allclose(layer(X), X @ layer.kernel.numpy(), rtol=1e-6)


def test_a_layer_may_return_nothing():
    class Penalty(layers.Layer):
        def __init__(self):
            super().__init__(activity_regularizer="l2")

        def call(self, x, mask=None):
            self.add_loss(ops.sum(x))

    class Penalized(nbkeras.Model):
        def __init__(self):
            super().__init__()
            self.penalty = Penalty()

        def call(self, x):
            self.penalty(x)
            return x

    assert Penalty()(X) is None
    model = Penalized()
    model.compile(loss="mse")
    assert model.evaluate(X, X, verbose=0) == pytest.approx(X.sum(), rel=1e-6)


def test_a_model_with_nothing_to_say_is_refused_where_its_outputs_are_needed():
    class Silent(nbkeras.Model):
        def call(self, x):
            pass

    model = Silent(name="silent")
    model.compile(loss="mse")
    for use in (model.predict, lambda x, verbose: model.fit(x, x, verbose=verbose)):
        with pytest.raises(ArgumentError, match=r"'silent' \(Silent\): call\(\) returned None"):
            use(X, verbose=0)
    with pytest.raises(ArgumentError, match=r"takes 1 inputs, got None.\n  Next: end the call\(\) of the layer before"):
        layers.Dense(2)(None)


def test_inputs_are_cast_to_the_layers_dtype():
    layer = layers.Dense(2)
    assert layer(X.astype("float64")).dtype == "float32"
    assert layer(layers.Input((3,), dtype="float64")).dtype == "float32"
    assert layer(np.ones((2, 3), "int32")).dtype == "float32"
    exact = layers.Dense(2, dtype="float64")
    assert exact(X).dtype == "float64" and exact.kernel.dtype == "float64"


def test_a_config_without_get_config_has_the_constructors_arguments():
    class Scaled(layers.Layer):
        def __init__(self, factor, offset=1, **kwargs):
            super().__init__(**kwargs)
            self.factor, self.offset = factor, offset

        def call(self, inputs):
            return inputs * self.factor + self.offset

    config = Scaled(3, name="mine").get_config()
    assert config == {"factor": 3, "offset": 1, "name": "mine", "trainable": True, "dtype": config["dtype"]}
    assert config["dtype"]["config"] == {"name": "float32"}
    np.testing.assert_array_equal(Scaled.from_config(config)(X), X * 3 + 1)


def test_a_constructor_gets_the_dtype_by_name():
    class Scaled(layers.Layer):
        def __init__(self, dtype=None, **kwargs):
            super().__init__(dtype=dtype, **kwargs)
            self.factor = np.full((3,), 2, dtype)

        def call(self, x):
            return x * self.factor

    model = nbkeras.Sequential([nbkeras.Input((3,)), Scaled("float64")])
    for again in (Scaled.from_config(model.layers[0].get_config()), nbkeras.models.clone_model(model).layers[0]):
        assert again.factor.dtype == again.compute_dtype == "float64"
    text = model.to_json()
    assert nbkeras.models.model_from_json(text, {"Scaled": Scaled}).layers[0].factor.dtype == "float64"


def test_softmax_leaves_out_what_is_masked():
    mask = np.array([[True, True, False], [False, False, False]])
    y = layers.Softmax()(X, mask=mask)
    np.testing.assert_allclose(y, [[0.5, 0.5, 0], [0, 0, 0]])


def test_metrics_are_no_variables_of_a_layer():
    layer = Seen()
    layer.mean = metrics.Mean()
    outer = Outer(layer)
    assert outer.variables == outer.non_trainable_variables == []
    assert outer.metrics_variables == layer.mean.variables


def test_an_open_axis_of_einsum_is_as_long_as_the_inputs():
    layer = layers.EinsumDense("abc,cd->abd", output_shape=(None, 4), bias_axes="d")
    assert layer.compute_output_shape((None, 2, 3)) == layer(layers.Input((2, 3))).shape == (None, 2, 4)
    assert layer.compute_output_shape((None, None, 3)) == (None, None, 4)
    assert layer(np.ones((5, 2, 3), "float32")).shape == (5, 2, 4)


def test_the_layer_of_an_input():
    layer = layers.InputLayer((3,))
    assert (layer.sparse, layer.ragged, layer.trainable, layer.call()) == (False, False, True, None)
    with pytest.warns(UserWarning, match=r"input_shape has a new name; write shape="):
        assert layers.InputLayer(input_shape=(3,)).batch_shape == (None, 3)


def test_placeholders_are_equal_to_themselves_alone():
    one, other = layers.Input((3,)), layers.Input((3,))
    assert one == one and not one == other  # noqa: SIM201
    assert [one, other].index(other) == 1 and one not in [other] and len({one, other}) == 2
    assert (one == 0).dtype == (one != other).dtype == "bool"


def test_input_spec():
    spec = layers.InputSpec(shape=(None, 3), axes={-1: 3})
    assert layers.InputSpec.from_config(spec.get_config()).ndim == 2
    layer = Seen()
    layer.input_spec = [layers.InputSpec(ndim=2), layers.InputSpec(max_ndim=1)]
    with pytest.raises(ArgumentError, match="takes 2 inputs, got 1"):
        layer(X)


def test_reshape_of_open_axes():
    made = layers.Reshape((4, 2))(layers.Input((None, None)))
    assert made.shape == (None, 4, 2)
    assert layers.Reshape((-1, 2))(layers.Input((None, 4))).shape == (None, None, 2)


def test_input_spec_prints_what_it_asks_for():
    spec = layers.InputSpec(shape=(None, 3), axes={-1: 3})
    assert repr(spec) == "InputSpec(shape=(None, 3), ndim=2, axes={-1: 3})"
    assert repr(layers.InputSpec()) == "InputSpec()"
