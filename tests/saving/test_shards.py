"""Models in several files, as Keras writes them: weights in shards, a model in a folder; and nothing beyond them."""

import errno
import json
import os
import shutil

import numpy as np
import pytest

import nbkeras
from nbkeras.errors import ArgumentError, FileError
from nbkeras.saving import load_model
from tests.oracle import models

oracle = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]
with_keras = pytest.mark.parametrize("marks", [pytest.param(None, marks=oracle)], ids=[""])

#: GB of a file that has room for a few weights of these models.
SIZE = 3000 / 2**30


def built(k, build="classifier"):
    model = getattr(models, build)(k)
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    for variable in [*model.optimizer.variables, *model.variables]:
        variable.assign(rng.integers(0, 9, tuple(variable.shape)).astype(str(variable.dtype)))
    return model


def values(model):
    return [np.asarray(variable) for variable in [*model.weights, *model.optimizer.variables]]


def same(one, other):
    for a, b in zip(values(one), values(other), strict=True):
        np.testing.assert_array_equal(a, b)


@with_keras
@pytest.mark.parametrize("build", "classifier two_by_two nested shared".split())
def test_both_ways_with_keras(keras, tmp_path, build, marks):
    theirs, ours = built(keras, build), built(nbkeras, build)
    largest = max(value.nbytes for value in values(theirs)) / 2**30
    theirs.save_weights(tmp_path / "theirs.weights.json", max_shard_size=1.1 * largest)
    assert len(os.listdir(tmp_path)) > 3, "the model must need several files"
    for variable in ours.optimizer.variables + ours.variables:
        variable.assign(variable.numpy() + 1)
    report = ours.load_weights(tmp_path / "theirs.weights.json")
    assert report.complete and report.optimizer
    same(ours, theirs)
    for variable in [*ours.optimizer.variables, *ours.variables]:
        variable.assign(variable.numpy() + 1)
    ours.save_weights(tmp_path / "ours.weights.json", max_shard_size=1.1 * largest)
    theirs.load_weights(tmp_path / "ours.weights.json")
    same(ours, theirs)


@with_keras
@pytest.mark.parametrize("build", "classifier two_by_two nested".split())
def test_a_folder_of_keras(keras, tmp_path, build, marks):
    theirs = built(keras, build)
    theirs.save(tmp_path / "folder", zipped=False)
    ours = load_model(tmp_path / "folder")
    same(ours, theirs)
    assert load_model(str(tmp_path / "folder"), compile=False).optimizer is None


@pytest.fixture
def saved(tmp_path):
    model = nbkeras.Sequential([nbkeras.Input((20,)), nbkeras.layers.Dense(30), nbkeras.layers.Dense(20)])
    path = tmp_path / "a.weights.json"
    model.save_weights(path, max_shard_size=SIZE)
    return model, path


def test_each_file_keeps_to_its_size_and_a_later_saving_replaces_all(saved, tmp_path):
    model, path = saved
    names = sorted(os.listdir(tmp_path))
    assert names == ["a.weights.json", "a_00000.weights.h5", "a_00001.weights.h5"]
    model.set_weights([weight + 1 for weight in model.get_weights()])
    model.save_weights(path, max_shard_size=SIZE)
    assert sorted(os.listdir(tmp_path)) == names
    other = nbkeras.models.clone_model(model)
    assert other.load_weights(path).complete
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_mixture_of_two_savings_is_refused(saved, tmp_path):
    model, path = saved
    shutil.copy(tmp_path / "a_00001.weights.h5", tmp_path / "kept")
    model.save_weights(path, max_shard_size=SIZE)
    os.replace(tmp_path / "kept", tmp_path / "a_00001.weights.h5")
    with pytest.raises(FileError, match=r"(?s)of different savings.*save_weights\(name, max_shard_size"):
        model.load_weights(path)


def listing(change):
    """A hostile list of files: what it says is changed."""

    def make(path):
        listed = json.loads(path.read_text())
        path.write_text(json.dumps(change(listed)))

    return make


def mapped(name):
    return listing(lambda listed: {**listed, "weight_map": dict.fromkeys(listed["weight_map"], name)})


def linked(path):
    part = path.with_name("a_00001.weights.h5")
    part.rename(path.with_name("elsewhere"))
    part.symlink_to(path.with_name("elsewhere"))


HOSTILE = {
    "outside": mapped("../a_00000.weights.h5"),
    "absolute": mapped("/etc/passwd"),
    "another name": mapped("b_00000.weights.h5"),
    "no name": mapped(7),
    "a number too high": mapped("a_00007.weights.h5"),
    "nothing": listing(lambda listed: {}),
    "a list": listing(lambda listed: [1]),
    "an empty map": listing(lambda listed: {**listed, "weight_map": {}}),
    "a map of lists": listing(lambda listed: {**listed, "weight_map": {"/vars": [["x"]]}}),
    "odd metadata": listing(lambda listed: {**listed, "metadata": [1]}),
    "no JSON": lambda path: path.write_text("{"),
    "a link": linked,
    "a file missing": lambda path: os.unlink(path.with_name("a_00001.weights.h5")),
    "a file cut off": lambda path: os.truncate(path.with_name("a_00001.weights.h5"), 300),
    "the same twice": lambda path: shutil.copy(*(path.with_name(f"a_0000{n}.weights.h5") for n in (0, 1))),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_lists(saved, what):
    model, path = saved
    before = model.get_weights()
    HOSTILE[what](path)
    with pytest.raises(FileError):
        model.load_weights(path)
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_hostile_folders(tmp_path):
    from tests.saving import corpus

    for name, _, data in corpus.hostile():
        if name not in corpus.CONFIGS or name in ("names_as_paths", "many_large_layers"):
            continue
        folder = tmp_path / name
        folder.mkdir()
        config = corpus.CONFIGS[name]()
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "metadata.json").write_text("{}")
        (folder / "model.weights.h5").write_bytes(corpus.parts_once()[1])
        with pytest.raises(FileError):
            load_model(folder)
        assert data
    with pytest.raises(FileError, match="cannot read"):
        load_model(tmp_path)
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("/etc/hostname")
    with pytest.raises(FileError, match="it is a link"):
        load_model(folder)


def test_wrong_calls(saved, tmp_path):
    model, path = saved
    with pytest.raises(FileError, match=r"must end in '.weights.json'"):
        model.save_weights(tmp_path / "a.weights.h5", max_shard_size=1)
    with pytest.raises(ArgumentError, match="must be a number of GB above 0, got 0"):
        model.save_weights(path, max_shard_size=0)
    with pytest.raises(ArgumentError, match=r"(?s)has 2400 bytes, max_shard_size is 1000.*larger max_shard_size"):
        model.save_weights(path, max_shard_size=1000 / 2**30)
    with pytest.raises(FileError, match="overwrite is False"):
        model.save_weights(path, overwrite=False, max_shard_size=1)
    with pytest.raises(FileError, match="by_name=True is for files in the layout of Keras 2"):
        model.load_weights(path, by_name=True)


def test_a_disk_that_runs_full_leaves_the_old_set(saved, monkeypatch):
    """The disk says so when the second file is forced to it."""
    model, path = saved
    before = model.get_weights()
    model.set_weights([weight + 1 for weight in before])
    forced, left = os.fsync, [1]

    def full(file):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        forced(file)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left"):
        model.save_weights(path, max_shard_size=SIZE)
    monkeypatch.undo()
    assert len(os.listdir(path.parent)) == 3
    assert model.load_weights(path).complete
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
