"""Any object from its configuration."""

import json

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.errors import ArgumentError
from nbkeras.saving import custom_object_scope, deserialize_keras_object, serialize_keras_object

OBJECTS = [
    keras.layers.Dense(3, name="mine"),
    keras.losses.MeanSquaredError(name="m"),
    keras.metrics.MeanSquaredError(name="m"),
    keras.metrics.Mean(name="m"),
    keras.optimizers.SGD(0.5, name="s"),
    keras.optimizers.schedules.CosineDecay(0.1, 5),
    keras.initializers.Identity(2.0),
    keras.layers.Identity(name="i"),
    keras.regularizers.L2(0.1),
    keras.constraints.MaxNorm(2),
    keras.Sequential([keras.Input((2,), name="x"), keras.layers.Dense(1, name="d")], name="s"),
]


@pytest.mark.parametrize("thing", OBJECTS, ids=lambda thing: type(thing).__name__)
def test_every_family_there_and_back(thing):
    config = serialize_keras_object(thing)
    found = deserialize_keras_object({"a": [config, 3, None], "b": "text"})
    again = found["a"][0]
    assert type(again) is type(thing) and again.get_config() == thing.get_config()
    assert found["a"][1:] == [3, None] and found["b"] == "text"


def test_values_that_json_lacks():
    for value in (slice(1, None, 2), Ellipsis, b"bytes"):
        assert deserialize_keras_object(serialize_keras_object(value)) == value
    array = deserialize_keras_object({"class_name": "__numpy__", "config": {"value": [[1, 2]], "dtype": "int32"}})
    assert array.dtype == "int32" and array.tolist() == [[1, 2]]
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": [None, 3], "dtype": "float32"}}
    assert deserialize_keras_object(tensor).shape == (None, 3)


class Shout(keras.layers.Layer):
    def call(self, x):
        return 2 * x


def shout(x):
    return 2 * x


def test_objects_of_ones_own():
    config, function = serialize_keras_object(Shout(name="s")), serialize_keras_object(shout)
    mine = {"Shout": Shout, "shout": shout}
    assert type(deserialize_keras_object(config, mine)) is Shout
    assert deserialize_keras_object(function, mine) is shout
    with custom_object_scope(mine):
        assert type(deserialize_keras_object(config)) is Shout
    for unknown in (config, function):
        with pytest.raises(ArgumentError, match=r"(?s)unknown object '[Ss]hout'.*custom_objects="):
            deserialize_keras_object(unknown)


class Holds(Shout):
    """Gives its configuration as it has it: a function, a layer, an array."""

    def __init__(self, function=None, inner=None, values=None, **kwargs):
        super().__init__(**kwargs)
        self.function, self.inner, self.values = function, inner, values

    def get_config(self):
        return {**super().get_config(), "function": self.function, "inner": self.inner, "values": self.values}

    @classmethod
    def from_config(cls, config):
        return cls(**deserialize_keras_object(config))


def test_configurations_may_hold_objects():
    layer = Holds(shout, keras.layers.Dense(2, name="in"), np.arange(3), name="h")
    text = json.dumps(serialize_keras_object(layer))
    found = deserialize_keras_object(json.loads(text), {"Holds": Holds, "shout": shout})
    assert found.function is shout and found.inner.units == 2 and list(found.values) == [0, 1, 2]


@pytest.mark.parametrize(
    "config",
    [
        {"module": "os", "class_name": "system", "config": {}},
        {"module": "builtins", "class_name": "function", "config": "eval"},
        {"class_name": "__lambda__", "config": {"code": "x"}},
        {"class_name": "__numpy__", "config": {"value": [1], "dtype": "no dtype"}},
        {"class_name": "__numpy__", "config": {"value": 1, "dtype": "(1000,1000)f4"}},
        {"class_name": "__tensor__", "config": {"value": 10**30, "dtype": "int32"}},
        {"class_name": "__keras_tensor__", "config": {}},
        {"class_name": ["Dense"], "config": {}},
        {"class_name": "Dense", "config": {"units": None}},
    ],
)
def test_wrong_ones_end_in_one_error(config):
    with pytest.raises(ArgumentError):
        deserialize_keras_object(config)


def test_names_are_where_keras_has_them(tmp_path):
    model = OBJECTS[-1]
    keras.models.save_model(model, tmp_path / "a.keras")
    x = np.ones((1, 2), "float32")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "a.keras")(x), model(x))


def test_bare_names_of_registered_functions():
    """Files that leave the package out are understood where only one function can be meant."""

    def twice(x):
        return 2 * x

    table = keras.saving.get_custom_objects()
    keras.saving.register_keras_serializable("one")(twice)
    entry = {"class_name": "function", "module": "mine", "config": "twice", "registered_name": "twice"}
    try:
        for name in ("twice", entry):
            assert keras.activations.get(name) is twice
            assert keras.layers.Dense.from_config({"units": 2, "activation": name}).activation is twice
            assert keras.losses.deserialize(name) is twice
        assert deserialize_keras_object(entry) is twice
        table["two>twice"] = shout
        with pytest.raises(ArgumentError, match=r"any of \['one>twice', 'two>twice'\]"):
            keras.activations.get("twice")
        assert keras.activations.deserialize("twice", {"twice": shout}) is shout
        # What ships is never hidden by a bare name.
        table["three>relu"] = shout
        assert keras.activations.get("relu") is keras.activations.relu
    finally:
        for name in ("one>twice", "two>twice", "three>relu"):
            table.pop(name, None)


def test_seed_generators():
    made = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(keras.random.SeedGenerator(3, name="mine"))
    )
    assert made.name == "mine" and made.state.numpy().tolist() == [3, 0]


def test_arrays_keep_their_dtype():
    for value in (np.array([0, 1]), np.array([[0.5]], "float32")):
        described = keras.saving.serialize_keras_object({"x": value})
        back = keras.saving.deserialize_keras_object(json.loads(json.dumps(described)))["x"]
        assert back.dtype == value.dtype
        np.testing.assert_array_equal(back, value)


def test_a_class_that_no_file_could_keep_cannot_be_registered():
    with pytest.raises(ArgumentError, match="class 'Nothing' has no get_config"):

        @keras.saving.register_keras_serializable()
        class Nothing:
            pass
