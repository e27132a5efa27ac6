"""Functional and Sequential models as configurations: there and back, to Keras and from Keras."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, naming, tree
from nbkeras.errors import ArgumentError, GraphError
from nbkeras.graph.keras_tensor import Function
from nbkeras.models import operations
from nbkeras.ops.common import FUNCTIONS
from nbkeras.saving.registry import custom_object_scope
from tests.models.graphs import GRAPHS, draw, shared_layer_and_operators

every_graph = pytest.mark.parametrize("build", GRAPHS, ids=lambda build: build.__name__)


def assert_same_outputs(one, other, x):
    for a, b in zip(tree.flatten(one(x)), tree.flatten(other(x)), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-5)


#: Arguments that Keras writes although nobody gave them.
DEFAULTS = [("mask", None), ("keepdims", False), ("initial", None)]


def plain(config):
    """A configuration as JSON, without what Keras writes in other words: policies, and what a nested model lacks."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return config["config"]["name"]
        left_out = ("build_config", "compile_config", "registered_name")
        entries = {key: plain(value) for key, value in config.items() if key not in left_out}
        return {key: value for key, value in entries.items() if (key, value) not in DEFAULTS}
    return [plain(part) for part in config] if isinstance(config, (list, tuple)) else config


@every_graph
def test_there_and_back(build):
    model = build(nbkeras)
    config = json.loads(json.dumps(model.get_config()))
    again = type(model).from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    again.set_weights(model.get_weights())
    assert_same_outputs(model, again, draw(model))


@pytest.fixture
def keras():
    return pytest.importorskip("keras", reason="the extra 'oracle' is not installed")


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@every_graph
def test_as_keras_both_ways(keras, build):
    keras.backend.clear_session()
    naming.reset()
    theirs, ours = build(keras), build(nbkeras)
    assert plain(json.loads(ours.to_json())) == plain(json.loads(theirs.to_json()))
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    x = draw(ours)
    assert_same_outputs(theirs, ours, x)
    read_here = nbkeras.models.model_from_json(theirs.to_json())
    read_there = keras.models.model_from_json(ours.to_json())
    read_here.set_weights(theirs.get_weights())
    read_there.set_weights(theirs.get_weights())
    assert_same_outputs(theirs, read_here, x)
    assert_same_outputs(theirs, read_there, x)


@pytest.mark.oracle
def test_arguments_of_operations_are_those_of_keras(keras):
    """Every function that Keras has a class for: the same arguments are operands and settings, in the same module."""
    import importlib
    import inspect

    compared = 0
    for name, function in FUNCTIONS.items():
        cls = operations.class_name(name)
        module = importlib.import_module(operations.MODULES.get(cls, operations.NUMPY))
        theirs = getattr(module, cls, None)
        if theirs is None:
            continue
        ours = [p for p in inspect.signature(function).parameters if p in operations.OPERANDS]
        ours = [p for p in ours if p not in operations.SETTINGS.get(cls, ())]
        expected = [p for p in inspect.signature(theirs.call).parameters if p != "self"]
        assert ours == [p for p in expected if p in inspect.signature(function).parameters], name
        compared += 1
    assert compared > 200


@pytest.mark.parametrize("given", [True, False])
def test_sequential(given):
    stack = [layers.Dense(3, name="a"), layers.Dropout(0.5), layers.Dense(2, name="b")]
    model = nbkeras.Sequential([nbkeras.Input((4,)), *stack] if given else stack, name="net")
    unbuilt = nbkeras.Sequential.from_config(json.loads(json.dumps(model.get_config())))
    assert unbuilt.built == given
    model.build((None, 4))
    config = json.loads(json.dumps(model.get_config()))
    assert config["build_input_shape"] == [None, 4]
    again = nbkeras.Sequential.from_config(config)
    assert again.built and again.get_build_config() == {"input_shape": (None, 4)}
    again.set_weights(model.get_weights())
    assert_same_outputs(model, again, np.ones((2, 4), "float32"))


def test_layers_of_ones_own():
    class Twice(layers.Layer):
        def __init__(self, times=2, **kwargs):
            super().__init__(**kwargs)
            self.times = times

        def call(self, inputs):
            return inputs * self.times

    a = nbkeras.Input((3,))
    model = nbkeras.Model(a, Twice(5, name="mine")(a))
    config = model.get_config()
    with pytest.raises(ArgumentError, match="unknown layer 'Twice'"):
        nbkeras.models.Functional.from_config(config)
    again = nbkeras.models.Functional.from_config(config, custom_objects={"Twice": Twice})
    assert again.get_layer("mine").times == 5
    with custom_object_scope({"Twice": Twice}):
        assert nbkeras.models.Functional.from_config(config).get_layer("mine").times == 5


def twice(x):
    return x + x


def test_functions_of_ones_own_in_operations(tmp_path):
    entry = nbkeras.Input((3,))
    model = nbkeras.Model(entry, nbkeras.ops.vectorized_map(twice, entry))
    model.save(tmp_path / "model.keras")
    loaded = nbkeras.models.load_model(tmp_path / "model.keras", custom_objects={"twice": twice})
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(loaded(x), 2 * x)
    with pytest.raises(Exception, match="unknown function 'twice'"):
        nbkeras.models.load_model(tmp_path / "model.keras")


def test_subclass_made_from_tensors_keeps_its_class():
    class Named(nbkeras.Model):
        def hello(self):
            return "hello"

    a = nbkeras.Input((4,))
    model = Named(a, layers.Dense(1)(a))
    again = type(model).from_config(model.get_config())
    assert again.hello() == "hello" and again.output_shape == (None, 1)


def broken(change):
    config = json.loads(json.dumps(shared_layer_and_operators(nbkeras).get_config()))
    change(config)
    return nbkeras.models.Functional.from_config(config)


def history(config, layer, place):
    entry = next(e for e in config["layers"] if e["name"].startswith(layer))
    entry["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = place


def rename(config, field, value):
    next(e for e in config["layers"] if e["name"].startswith("relu"))[field] = value


BROKEN = {
    "cycle": (lambda c: history(c, "relu", ["concatenate", 0, 0]), "cycle or a missing layer"),
    "no layer": (lambda c: history(c, "relu", ["nowhere", 0, 0]), "no layer 'nowhere'"),
    "no output": (lambda c: history(c, "relu", ["a", 0, 7]), "'a' has 1 outputs"),
    "no call": (lambda c: c.update(output_layers=["a", 9, 0]), "no call"),
    "operation": (lambda c: rename(c, "class_name", "Evil"), "unknown operation 'Evil'"),
    "argument": (lambda c: rename(c, "config", {"name": "r", "evil": 1}), "'relu' has no argument 'evil'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_configurations(name):
    change, text = BROKEN[name]
    naming.reset()
    with pytest.raises((ArgumentError, GraphError), match=text):
        broken(change)


def test_operations_are_numbered():
    naming.reset()
    a = nbkeras.Input((3,))
    model = nbkeras.Model(a, (a + 1) + (a + 2))
    assert [op.name for op in model.operations if isinstance(op, Function)] == ["add", "add_1", "add_2"]
