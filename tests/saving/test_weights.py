"""`.weights.h5` files: Keras's layout to the letter, both ways, and strict reading with a report."""

import re

import h5py
import numpy as np
import pytest

import nbkeras
from nbkeras.errors import FileError, StateError
from nbkeras.saving.walk import states
from tests.oracle import models

BUILDS = "classifier reshaping two_by_two two_by_two_dicts shared nested operators subclassed penalized frozen".split()

oracle = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]


def scattered(k):
    """A subclass with layers in attributes of every kind, public and private, in lists and dicts inside each other."""

    class Scattered(k.Model):
        def __init__(self):
            super().__init__()
            layers = k.layers
            self.zeta = layers.Dense(2)
            self._alpha = layers.Dense(3)
            self.nest = [layers.Dense(4), [layers.Dense(5), (layers.Dense(6),)], {"b": layers.Dense(7)}]
            self.by_name = {"z": layers.Dense(8), "a": k.Sequential([layers.Dense(9), layers.Dense(10)])}
            self.again = self.zeta
            self.label = "text"
            self.shape = [1, 2, [3]]

        def all_layers(self):
            nest = self.nest
            return [self.zeta, self._alpha, nest[0], nest[1][0], nest[1][1][0], nest[2]["b"], *self.by_name.values()]

        def call(self, x):
            return k.ops.concatenate([layer(x) for layer in self.all_layers()], axis=-1)

    return Scattered()


def built(k, build):
    model = build(k) if callable(build) else getattr(models, build)(k)
    if not model.built:
        model(np.zeros((1, 6), "float32"))
    return model


def contents(path):
    """name -> shape, kind of number and attributes of everything in an HDF5 file; names without their numbers."""
    found = {}

    def note(name, thing):
        kind = (thing.shape, thing.dtype.kind) if isinstance(thing, h5py.Dataset) else None
        found[name] = (kind, {key: re.sub(r"_\d+$", "", value) for key, value in thing.attrs.items()})

    with h5py.File(path) as file:
        file.visititems(note)
    return found


@pytest.mark.parametrize("build", [*BUILDS, scattered], ids=str)
@pytest.mark.parametrize("marks", [pytest.param(None, marks=oracle)], ids=[""])
def test_both_ways_with_keras(keras, tmp_path, build, marks):
    keras.backend.clear_session()
    nbkeras.naming.reset()
    theirs, ours = built(keras, build), built(nbkeras, build)
    for model in (theirs, ours):
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    for variable in [*theirs.optimizer.variables, *theirs.variables]:
        variable.assign(rng.integers(0, 9, variable.shape).astype(str(variable.dtype)))
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    report = ours.load_weights(tmp_path / "theirs.weights.h5")
    assert report.complete and report.optimizer and len(report.loaded) == len(ours.weights)
    pairs = list(zip(theirs.weights, ours.weights, strict=True))
    pairs += zip(theirs.optimizer.variables, ours.optimizer.variables, strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(np.asarray(one), other.numpy())
        other.assign(other.numpy() + 1)
    ours.save_weights(tmp_path / "ours.weights.h5")
    theirs.load_weights(tmp_path / "ours.weights.h5")
    for one, other in pairs:
        np.testing.assert_array_equal(np.asarray(one), other.numpy())
    assert contents(tmp_path / "ours.weights.h5") == contents(tmp_path / "theirs.weights.h5")


def dense(*units, name=None, inputs=3):
    layers = [nbkeras.Input((inputs,)), *(nbkeras.layers.Dense(n) for n in units)]
    return nbkeras.Sequential(layers, name=name)


@pytest.fixture
def saved(tmp_path):
    model = dense(4, 5)
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save_weights(tmp_path / "a.weights.h5")
    return model, tmp_path / "a.weights.h5"


def test_names_of_layers_do_not_matter(saved):
    model, path = saved
    other = nbkeras.Sequential([nbkeras.Input((3,)), nbkeras.layers.Dense(4, name="x"), nbkeras.layers.Dense(5)])
    assert other.load_weights(path).complete
    for one, other_one in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other_one)


@pytest.mark.parametrize(
    "units, message",
    [
        ((4, 5, 6), r"4 weights loaded; not in the file: layers/dense_2/vars/0, layers/dense_2/vars/1\."),
        ((4,), r"2 weights loaded; not in the model: layers/dense_1/vars/0, layers/dense_1/vars/1\."),
        ((4, 6), r"2 weights loaded; of another shape: layers/dense_1/vars/0 \(model \(4, 6\), file \(4, 5\)\)"),
    ],
)
def test_strict_and_all_or_nothing(saved, units, message):
    model, path = saved
    other = dense(*units)
    before = other.get_weights()
    with pytest.raises(FileError, match=r"(?s)are not those of this model: " + message + ".*skip_mismatch=True"):
        other.load_weights(path)
    for one, now in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, now)
    report = other.load_weights(path, skip_mismatch=True)
    assert not report.complete
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


def test_a_weight_too_many_in_a_layer_is_unexpected(saved):
    model, path = saved
    with h5py.File(path, "a") as file:
        file["layers/dense/vars/2"] = np.zeros(3)
        file["layers/dense/vars/01"] = np.zeros(3)
    report = model.load_weights(path, skip_mismatch=True)
    assert sorted(report.unexpected) == ["layers/dense/vars/01", "layers/dense/vars/2"]
    with pytest.raises(FileError, match="not in the model: layers/dense/vars"):
        model.load_weights(path)


def test_the_report_tells_of_each_weight(saved):
    _, path = saved
    report = dense(4, 6, 7).load_weights(path, skip_mismatch=True)
    assert report.loaded == ["layers/dense/vars/0", "layers/dense/vars/1"]
    assert report.missing == ["layers/dense_2/vars/0", "layers/dense_2/vars/1"]
    assert report.mismatched == {
        "layers/dense_1/vars/0": ((4, 6), (4, 5)),
        "layers/dense_1/vars/1": ((6,), (5,)),
    }
    assert report.unexpected == [] and not report.optimizer


def test_layers_to_skip(saved):
    model, path = saved
    other = dense(4, 5)
    before = other.get_weights()
    other.load_weights(path, objects_to_skip=[other.layers[1]])
    after = other.get_weights()
    np.testing.assert_array_equal(after[0], model.get_weights()[0])
    np.testing.assert_array_equal(after[2], before[2])


def test_the_state_of_the_optimizer(saved):
    model, path = saved
    model.fit(np.ones((4, 3)), np.ones((4, 5)), epochs=3, verbose=0)
    model.save_weights(path)
    other = dense(4, 5)
    other.compile("adam", "mse")  # Its slots do not exist yet.
    assert other.load_weights(path).optimizer
    for one, other_one in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other_one.numpy())
    for each in (model, other):
        each.fit(np.ones((4, 3)), np.zeros((4, 5)), epochs=2, verbose=0)
    for one, other_one in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other_one)


def test_the_state_of_another_optimizer_is_left_with_a_warning(saved):
    _, path = saved
    other = dense(4, 5)
    other.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="the state of its optimizer 'sgd.*' was not loaded: the file has that of"):
        report = other.load_weights(path)
    assert report.complete and not report.optimizer and int(other.optimizer.iterations) == 0


def test_layers_with_ways_of_their_own(tmp_path):
    class Own(nbkeras.layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(2,), name="w")

        def call(self, x):
            return x * self.w

        def save_own_variables(self, store):
            store["mine"] = 2 * self.w.numpy()

        def load_own_variables(self, store):
            assert list(store.keys()) == ["mine"] and "mine" in store and len(store) == 1
            self.w.assign(store["mine"] / 2)

    one, other = (nbkeras.Sequential([nbkeras.Input((2,)), Own()]) for _ in range(2))
    one.save_weights(tmp_path / "a.weights.h5")
    other.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(one.get_weights()[0], other.get_weights()[0])
    plain = type("Own", (nbkeras.layers.Layer,), {"build": Own.build, "call": Own.call})
    nbkeras.Sequential([nbkeras.Input((2,)), plain()]).save_weights(tmp_path / "b.weights.h5")
    with pytest.raises(FileError, match=r"layer 'own.*' \(Own\) could not load its weights"):
        other.load_weights(tmp_path / "b.weights.h5")


def test_wrong_calls(saved, tmp_path):
    model, path = saved
    with pytest.raises(FileError, match=r"must end in '.weights.h5', got .*a.h5"):
        model.save_weights(tmp_path / "a.h5")
    with pytest.raises(FileError, match="exists and overwrite is False"):
        model.save_weights(path, overwrite=False)
    with pytest.raises(StateError, match="save_weights before the model is built"):
        nbkeras.Sequential([nbkeras.layers.Dense(1)]).save_weights(path)
    with pytest.raises(StateError, match="load_weights before the model is built"):
        nbkeras.Sequential([nbkeras.layers.Dense(1)]).load_weights(path)
    with pytest.raises(FileError, match=r"cannot read .*nowhere"):
        model.load_weights(tmp_path / "nowhere.weights.h5")
    with pytest.raises(ValueError, match="unknown argument 'by_nam'"):
        model.load_weights(path, by_nam=True)
    with pytest.raises(FileError, match="by_name=True is for files in the layout of Keras 2"):
        model.load_weights(path, by_name=True)
    (tmp_path / "b.weights.h5").write_bytes(b"")
    with pytest.raises(FileError, match="is no HDF5 file"):
        model.load_weights(tmp_path / "b.weights.h5")


def test_state_is_found_once_and_in_order():
    model = built(nbkeras, scattered)
    found = [path for path, _ in states(model)]
    assert found == [
        "", "again", "by_name/dense", "by_name/sequential", "by_name/sequential/layers/dense",
        "by_name/sequential/layers/dense_1", "layers/dense_1", "layers/dense_2", "layers/dense_3", "layers/dense_4",
        "layers/dense_5",
    ]  # fmt: skip
    assert len({id(thing) for _, thing in states(model)}) == len(found)


def test_a_weight_that_a_layer_leaves_out_stays_as_it_was_made(tmp_path):
    class Half(nbkeras.layers.Layer):
        def build(self, input_shape):
            self.kept = self.add_weight((3,), "ones", name="kept")
            self.drawn = self.add_weight((3,), nbkeras.initializers.RandomNormal(seed=4), name="drawn")

        def call(self, x):
            return x * self.kept + self.drawn

        def save_own_variables(self, store):
            store["0"] = self.kept.numpy()

        def load_own_variables(self, store):
            self.kept.assign(store["0"])

    model = nbkeras.Sequential([nbkeras.Input((3,)), Half()])
    model.layers[0].kept.assign([1.0, 2.0, 3.0])
    model.save(tmp_path / "m.keras")
    loaded = nbkeras.saving.load_model(tmp_path / "m.keras", custom_objects={"Half": Half}).layers[0]
    assert loaded.kept.numpy().tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(loaded.drawn.numpy(), model.layers[0].drawn.numpy())
