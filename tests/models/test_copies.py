"""clone_model, copy, pickle."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, tree
from nbkeras.errors import ArgumentError, ArgumentTypeError, FileError, StateError
from tests.models.graphs import GRAPHS, chain, draw, nests


class Tower(nbkeras.Model):
    def __init__(self, units=3, head=None, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(units, activation="tanh")
        self.noise = layers.Dropout(0.5, seed=1)
        self.head = head if head is not None else layers.Dense(1)

    def call(self, inputs):
        return self.head(self.noise(self.first(inputs)))


def tower():
    model = Tower(4, layers.Dense(7))
    model(np.ones((2, 3), "float32"))
    return model


def dense():
    layer = layers.Dense(2)
    layer(np.ones((2, 3), "float32"))
    return layer


COPIES = [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]


@pytest.mark.parametrize("make", [dense, tower, lambda: nests(nbkeras)], ids=["dense", "tower", "nests"])
@pytest.mark.parametrize("copied", COPIES, ids=["copy", "deepcopy", "pickle"])
def test_copies_are_equal_and_independent(make, copied):
    model = make()
    for variable in model.variables:
        variable.assign(variable + 1)
    again = copied(model)
    assert type(again) is type(model) and again.name == model.name
    assert [w.name for w in again.weights] == [w.name for w in model.weights]
    before = [v.numpy() for v in model.variables]
    for variable, value in zip(again.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    again.set_weights([w * 2 + 1 for w in again.get_weights()])
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_unbuilt_layers_are_copied_unbuilt():
    assert not copy.deepcopy(layers.Dense(3)).built


def test_a_layer_whose_configuration_lacks_its_weights_says_so():
    class Late(layers.Layer):
        scaled = False

        def build(self, input_shape):
            if self.scaled:
                self.scale = self.add_weight((), "ones", name="scale")

        def call(self, inputs):
            return inputs * self.scale if self.scaled else inputs

    layer = Late()
    layer.scaled = True
    layer(np.ones((1, 2), "float32"))
    with pytest.raises(StateError, match="gives 0 variables where the original has 1"):
        copy.deepcopy(layer)


@pytest.mark.parametrize("build", GRAPHS, ids=lambda build: build.__name__)
def test_clone(build):
    model = build(nbkeras)
    clone = nbkeras.models.clone_model(model)
    assert clone.name == model.name
    assert [layer.name for layer in clone.layers] == [layer.name for layer in model.layers]
    assert not {id(w) for w in clone.weights} & {id(w) for w in model.weights}
    clone.set_weights(model.get_weights())
    x = draw(model)
    for a, b in zip(tree.flatten(model(x)), tree.flatten(clone(x)), strict=True):
        np.testing.assert_array_equal(a, b)


def doubled(layer):
    config = layer.get_config()
    return type(layer).from_config({**config, "units": 2 * config["units"]} if "units" in config else config)


def test_clone_with_functions():
    model = chain(nbkeras)
    clone = nbkeras.models.clone_model(model, clone_function=doubled)
    assert [layer.units for layer in clone.layers[1:]] == [6, 4]

    def noisy(layer, *args, **kwargs):
        return layers.Dropout(0.1)(layer(*args, **kwargs))

    clone = nbkeras.models.clone_model(model, call_function=noisy)
    assert [type(layer).__name__ for layer in clone.layers] == ["InputLayer", "Dense", "Dropout", "Dense", "Dropout"]
    given = nbkeras.Input((4,), batch_size=3)
    assert nbkeras.models.clone_model(model, input_tensors=given).output_shape == (3, 2)


@pytest.mark.parametrize("recursive", [False, True])
def test_clone_of_models_inside(recursive):
    inner = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(3)], name="inner")
    a = nbkeras.Input((4,))
    outer = nbkeras.Model(a, inner(a))

    def clone_function(layer):
        return doubled(layer)

    clone = nbkeras.models.clone_model(outer, clone_function=clone_function, recursive=recursive)
    assert clone.output_shape == (None, 6 if recursive else 3)
    stack = nbkeras.models.clone_model(inner, clone_function=clone_function)
    assert stack.output_shape == (None, 6) and stack.name == "inner"


def test_clone_refuses():
    stack = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(3)])
    with pytest.raises(ArgumentError, match="call_function is for functional models"):
        nbkeras.models.clone_model(stack, call_function=lambda layer, x: layer(x))
    with pytest.raises(ArgumentError, match="takes no clone_function"):
        nbkeras.models.clone_model(tower(), clone_function=lambda layer: layer)
    with pytest.raises(ArgumentTypeError, match="expected a model, got 3"):
        nbkeras.models.clone_model(3)
    with pytest.raises(ArgumentTypeError, match="must be Keras tensors"):
        nbkeras.models.clone_model(chain(nbkeras), input_tensors=np.ones(3))
    with pytest.raises(ArgumentError, match="structure of the model's inputs"):
        nbkeras.models.clone_model(chain(nbkeras), input_tensors=[nbkeras.Input((4,))] * 2)
    with pytest.raises(ArgumentError, match="takes one Keras tensor"):
        nbkeras.models.clone_model(stack, input_tensors=[nbkeras.Input((4,))] * 2)


def test_a_clone_may_take_more_calls_than_a_stranger_may_ask_for():
    model = nbkeras.Sequential([nbkeras.Input((2,)), nbkeras.layers.Identity()])
    for _ in range(3):
        x = y = nbkeras.Input((2,))
        for _ in range(30):
            y = model(y)
        model = nbkeras.Model(x, y)
    assert nbkeras.models.clone_model(model).count_params() == 0
    with pytest.raises(FileError, match="take more than 20000 calls of layers"):
        nbkeras.models.model_from_json(model.to_json())
