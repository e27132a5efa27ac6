"""`.keras` files of nbkeras's own: custom objects, names, what is left out, wrong calls."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.errors import ArgumentError, FileError
from nbkeras.saving import load_model

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = X[:, :1] * 2


def regressor():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


def same(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def saved(model, **options):
    file = io.BytesIO()
    model.save(file)
    return load_model(io.BytesIO(file.getvalue()), **options)


def test_training_goes_on_with_the_same_bits(tmp_path):
    model = regressor()
    model.fit(X, Y, epochs=3, batch_size=5, verbose=0)
    model.save(tmp_path / "a.keras")
    other = load_model(tmp_path / "a.keras")
    same(model, other)
    assert int(other.optimizer.iterations) == 9
    for each in (model, other):
        each.fit(X, Y, epochs=3, batch_size=5, shuffle=False, verbose=0)
    same(model, other)


def test_without_compiling(tmp_path):
    model = regressor()
    model.train_on_batch(X, Y)
    other = saved(model, compile=False)
    assert not other.compiled
    same(model, other)
    uncompiled = saved(keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]))
    assert not uncompiled.compiled


class Scale(keras.layers.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="w")

    def call(self, x):
        return x * self.w * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def closeness(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


class Own(keras.Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first, self.last = keras.layers.Dense(units), keras.layers.Dense(1)

    def call(self, x):
        return self.last(self.first(x))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_objects_of_ones_own_are_given_by_the_caller(tmp_path):
    path = tmp_path / "a.keras"
    model = keras.Sequential([keras.Input((4,)), Scale(3.0), keras.layers.Dense(1)])
    model.compile("sgd", closeness, metrics=[closeness])
    model.fit(X, Y, verbose=0)
    model.save(path)
    mine = {"Scale": Scale, "closeness": closeness}
    other = load_model(path, custom_objects=mine)
    assert other.layers[0].factor == 3.0 and other.loss is closeness
    same(model, other)
    with keras.saving.custom_object_scope(mine):
        same(model, load_model(path))
    with pytest.raises(FileError, match=r"(?s)written for Keras 3.15.*unknown layer 'Scale'.*custom_objects={'Scale'"):
        load_model(path)
    with pytest.raises(FileError, match="unknown loss 'closeness'"):
        load_model(path, custom_objects={"Scale": Scale})


def test_a_class_of_ones_own_is_not_taken_for_one_that_ships():
    class Dense(Scale):
        pass

    model = keras.Sequential([keras.Input((4,)), Dense(3.0)])
    with pytest.raises(FileError, match="unknown layer 'Dense'"):
        saved(model)
    assert type(saved(model, custom_objects={"Dense": Dense}).layers[0]) is Dense


def test_registered_objects():
    @keras.saving.register_keras_serializable("tests_of_saving")
    class Shift(Scale):
        def call(self, x):
            return x + self.w * self.factor

    model = keras.Sequential([keras.Input((4,)), Shift(0.5)])
    assert model.layers[0].get_config()["factor"] == 0.5
    assert type(saved(model).layers[0]) is Shift
    del keras.saving.get_custom_objects()["tests_of_saving>Shift"]


def test_a_registered_subclass_that_hands_on_tensors():
    @keras.saving.register_keras_serializable("tests_of_saving")
    class Handed(keras.Model):
        def __init__(self, units=3, **kwargs):
            x = keras.Input((4,))
            super().__init__(x, keras.layers.Dense(units)(x), **kwargs)
            self.units = units

        def get_config(self):
            return {"units": self.units}

    model = Handed(5)
    other = saved(model)
    assert other.units == 5 and isinstance(other, Handed)
    same(model, other)
    del keras.saving.get_custom_objects()["tests_of_saving>Handed"]


def test_a_subclass_of_model(tmp_path):
    model = Own(7)
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    other = saved(model, custom_objects={"Own": Own})
    assert other.units == 7
    same(model, other)


def test_what_cannot_be_saved_of_compile_is_left_out_with_a_warning(tmp_path):
    model = regressor()
    model.compile("adam", lambda y, p: keras.ops.mean(y - p))
    with pytest.warns(UserWarning, match=r"without what it was compiled with.*a lambda cannot be saved"):
        other = saved(model)
    assert not other.compiled
    same(model, other)
    with pytest.warns(UserWarning, match=r"without what it was compiled with.*a lambda cannot be saved") as told:
        model.save(tmp_path / "m.h5")
    assert told[0].filename == __file__
    same(model, load_model(tmp_path / "m.h5", compile=False))


def test_a_model_that_is_not_built_is_saved_with_a_warning():
    with pytest.warns(UserWarning, match="saved before it is built"):
        other = saved(keras.Sequential([keras.layers.Dense(3)]))
    assert not other.built and other.layers[0].units == 3


def test_a_compile_of_ones_own():
    class Trained(Own):
        def compile(self, strength=1.0, **kwargs):
            super().compile(**kwargs)
            self.strength = strength

        def get_compile_config(self):
            return {"strength": self.strength}

        def compile_from_config(self, config):
            self.compile(strength=config["strength"], optimizer="sgd", loss="mse")

    class Forgets(Trained):
        compile_from_config = keras.Model.compile_from_config

    for cls in (Trained, Forgets):
        model = cls()
        model.compile(strength=3.0, optimizer="sgd", loss="mse")
        model(X)
        if cls is Trained:
            assert saved(model, custom_objects={"Trained": cls}).strength == 3.0
        else:
            with pytest.warns(UserWarning, match="has a compile\\(\\) of its own"):
                assert not saved(model, custom_objects={"Forgets": cls}).compiled


def test_wrong_calls(tmp_path):
    model = regressor()
    with pytest.raises(
        ArgumentError, match=r"must end in '.keras', or '.h5' for the layout of Keras 2, got '.*m.kears'"
    ):
        model.save(tmp_path / "m.kears")
    with pytest.raises(ValueError, match="unknown argument 'sav'"):
        model.save(tmp_path / "m.keras", sav=1)
    with pytest.raises(ArgumentError, match=r"(?s)zipped=False writes a folder.*model.save\('.*/m', zipped=False\)"):
        model.save(tmp_path / "m.keras", zipped=False)
    with pytest.raises(ArgumentError, match=r"(?s)zipped=False writes a folder, got an open file.*name of a folder"):
        model.save(io.BytesIO(), zipped=False)
    with pytest.raises(ArgumentError, match=r"include_optimizer=False is for \.h5 files"):
        model.save(tmp_path / "m", zipped=False, include_optimizer=False)
    assert not list(tmp_path.iterdir())
    model.save(tmp_path / "m.keras")
    with pytest.raises(FileError, match="overwrite is False"):
        model.save(tmp_path / "m.keras", overwrite=False)
    with pytest.raises(FileError, match=r"cannot read .*absent"):
        load_model(tmp_path / "absent.keras")
    with pytest.raises(FileError, match=r"must end in '.keras', '.h5' or '.hdf5', got .*'.*m.pkl'"):
        load_model(tmp_path / "m.pkl")
    (tmp_path / "text.keras").write_text("hello")
    with pytest.raises(FileError, match=r"is not a .keras file that is read here"):
        load_model(tmp_path / "text.keras")


def edited(model, edit):
    """The model's file with another configuration."""
    file, changed = io.BytesIO(), io.BytesIO()
    model.save(file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                config = json.loads(data)
                edit(config)
                data = json.dumps(config)
            new.writestr(name, data)
    return io.BytesIO(changed.getvalue())


def test_unknown_keys_are_named_with_the_version_that_wrote_them():
    def layer_key(config):
        config["config"]["layers"][1]["config"]["frobnicate"] = 1

    def compile_key(config):
        config["compile_config"]["optimiser"] = "adam"

    with pytest.raises(FileError, match=r"(?s)written for Keras 3\.15\.0: .*'frobnicate'"):
        load_model(edited(regressor(), layer_key))
    with pytest.raises(FileError, match=r"unknown argument 'optimiser'; did you mean 'optimizer'"):
        load_model(edited(regressor(), compile_key))


def test_a_file_of_weights_alone_or_of_a_whole_model_gives_weights(tmp_path):
    model, other = regressor(), regressor()
    model.save(tmp_path / "a.keras")
    report = other.load_weights(tmp_path / "a.keras")
    assert report.complete and len(report.loaded) == 4
    same(model, other)


def test_text_and_configuration(tmp_path):
    model = regressor()
    other = keras.models.model_from_json(model.to_json())
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other(X), model(X))
    with pytest.raises(FileError, match="does not fit into what is left of this machine's memory"):
        keras.models.model_from_json(model.to_json().replace('"units": 5', '"units": 1000000000000'))
    with pytest.raises(FileError, match="is no JSON"):
        keras.models.model_from_json("{")


def test_deep_and_large_texts_are_refused():
    for text, message in (
        ("[" * 100_000, "is no JSON"),
        ("[" * 300 + "]" * 300, "values inside values"),
        ("[" + "1," * 500_000 + "1]", "up to 500001 values"),
        ("9" * 5000, "is no JSON"),
    ):
        with pytest.raises(FileError, match=message):
            keras.models.model_from_json(text)


def test_files_that_cannot_go_back():
    """A pipe or a socket: what is written stays."""

    class OneWay(io.RawIOBase):
        def __init__(self):
            self.data = bytearray()

        def writable(self):
            return True

        def write(self, data):
            self.data += data
            return len(data)

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    file = OneWay()
    model.save(file)
    again = load_model(io.BytesIO(bytes(file.data)))
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    with zipfile.ZipFile(io.BytesIO(bytes(file.data))) as archive:
        assert archive.testzip() is None


def test_an_activation_with_weights_of_a_model_that_was_not_called(tmp_path):
    prelu = keras.layers.PReLU
    with pytest.warns(UserWarning, match="before it is built"):
        keras.Sequential([keras.layers.Dense(2, activation=prelu())]).save(tmp_path / "a.keras")
    assert isinstance(load_model(tmp_path / "a.keras").layers[0].activation, prelu)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation=prelu("ones"))])
    model.save(tmp_path / "b.keras")
    x = np.array([[-1.0, 2.0, 3.0]], "float32")
    np.testing.assert_array_equal(load_model(tmp_path / "b.keras")(x), model(x))


def test_layers_by_their_other_names():
    names = [n for n in keras.layers.__all__ if n[0].isupper() and getattr(keras.layers, n).__name__ != n]
    assert len(names) > 10
    for name in names:
        cls = getattr(keras.layers, name)
        options = {"pool_size": 2} if name[:7] in ("MaxPool", "AvgPool") else {"filters": 2, "kernel_size": 1}
        options = {} if name.startswith("Global") else options
        config = {**keras.layers.serialize(cls(**options)), "class_name": name}
        assert type(keras.layers.deserialize(config)) is cls
        assert type(keras.saving.deserialize_keras_object(config)) is cls


def test_a_pickled_model_goes_on_with_its_training():
    x, y = np.ones((6, 3), "float32"), np.zeros((6, 2), "float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(x, y, epochs=2, verbose=0)
    again = pickle.loads(pickle.dumps(model))
    for one in (model, again):
        one.fit(x, y, epochs=2, verbose=0, shuffle=False)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert int(again.optimizer.iterations) == 4


def test_configurations_keep_to_the_memory_of_the_machine():
    config = {"name": "s", "layers": [{"class_name": "InputLayer", "config": {"batch_shape": [None, 10**6]}},
                                      {"class_name": "Dense", "config": {"units": 10**9}}]}  # fmt: skip
    with pytest.raises(FileError, match="does not fit into what is left of this machine's memory"):
        keras.Sequential.from_config(config)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    huge = keras.layers.Dense(10**12)
    with pytest.raises(FileError, match="this machine's memory"):
        keras.models.clone_model(model, input_tensors=keras.Input((10**6,)), clone_function=lambda layer: huge)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_no_random_numbers_are_drawn_for_weights_that_a_file_has(tmp_path, monkeypatch, ending):
    """And they are read into the weights' own memory."""
    model = regressor()
    model.fit(X, Y, epochs=1, verbose=0)
    model.save(tmp_path / f"a{ending}")
    monkeypatch.setattr(keras.initializers.GlorotUniform, "__call__", None)
    again = load_model(tmp_path / f"a{ending}")
    same(model, again)
    monkeypatch.undo()
    assert np.ptp(regressor().get_weights()[0]) > 0, "outside of loading they are drawn"
    again.fit(X, Y, epochs=1, verbose=0)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5", "m"])
def test_a_folder_that_is_missing_costs_no_training(tmp_path, name):
    model, path = regressor(), tmp_path / "a" / "b" / name
    if "weights" in name:
        model.save_weights(path)
        model.load_weights(path)
    else:
        model.save(path, zipped="." in name)
        keras.saving.load_model(path)
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="cannot write"):
        model.save(tmp_path / "file" / "m.keras")
