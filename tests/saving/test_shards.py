"""Models in several files, as Keras writes them: weights in shards, a model in a folder; and nothing beyond them."""

import errno
import json
import os
import shutil
import subprocess
import sys

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
def test_folders_both_ways_with_keras(keras, tmp_path, build, marks):
    theirs = built(keras, build)
    theirs.save(tmp_path / "folder", zipped=False)
    ours = load_model(tmp_path / "folder")
    same(ours, theirs)
    assert load_model(str(tmp_path / "folder"), compile=False).optimizer is None
    ours.save(f"{tmp_path}/new/ours/", zipped=False)
    assert sorted(os.listdir(tmp_path / "new" / "ours")) == ["config.json", "metadata.json", "model.weights.h5"]
    same(keras.saving.load_model(tmp_path / "new" / "ours"), theirs)


def test_what_else_is_in_a_folder_stays(tmp_path):
    model = built(nbkeras)
    (tmp_path / "notes").write_text("mine")
    model.save(tmp_path, zipped=False)
    with pytest.raises(FileError, match="overwrite is False"):
        model.save(tmp_path, overwrite=False, zipped=False)
    model.save(tmp_path, zipped=False)
    assert (tmp_path / "notes").read_text() == "mine" and len(os.listdir(tmp_path)) == 4
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileError, match="cannot make the folder"):
        model.save(tmp_path / "file", zipped=False)


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


#: Saves ones over zeros and is killed at the Nth call to the system that changes the folder.
KILLED = """
import os, sys
import numpy as np
import nbkeras as keras
kind, path, left = sys.argv[1], sys.argv[2], [int(sys.argv[3])]
model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(30), keras.layers.Dense(20)])
model.set_weights([np.ones(weight.shape, "float32") for weight in model.get_weights()])

def counted(call):
    def change(*args, **kwargs):
        if not left[0]:
            os._exit(9)
        left[0] -= 1
        return call(*args, **kwargs)
    return change

for name in ("replace", "unlink", "fsync", "open"):
    setattr(os, name, counted(getattr(os, name)))
if kind == "shards":
    model.save_weights(path, max_shard_size=3000 / 2**30)
else:
    model.save(path, zipped=False)
"""


def filled(value):
    model = nbkeras.Sequential([nbkeras.Input((20,)), nbkeras.layers.Dense(30), nbkeras.layers.Dense(20)])
    model.set_weights([np.full(weight.shape, value, "float32") for weight in model.get_weights()])
    return model


SETS = {
    "shards": (
        "a.weights.json",
        lambda model, path: model.save_weights(path, max_shard_size=SIZE),
        lambda path: _loaded(filled(7), path),
    ),
    "folder": ("model", lambda model, path: model.save(path, zipped=False), load_model),
}


def _loaded(model, path):
    assert model.load_weights(path).complete
    return model


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", SETS)
def test_a_kill_at_any_step_leaves_the_old_set_or_the_new(keras, tmp_path, kind):
    """nbkeras reads one of the two, Keras one of the two or none, and the next saving clears up."""
    name, save, load = SETS[kind]
    seen = []
    for step in range(1000):
        path = tmp_path / str(step) / name
        path.parent.mkdir()
        save(filled(0), path)
        command = [sys.executable, "-c", KILLED, kind, str(path), str(step)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 9), done.stderr
        found = {float(value) for weight in load(path).get_weights() for value in weight.flat}
        assert len(found) == 1, found
        seen.append(found.pop())
        theirs = _by_keras(keras, kind, path)
        assert theirs in ({0.0}, {1.0}, None), theirs
        save(filled(2), path)
        assert {float(weight.max()) for weight in load(path).get_weights()} == {2.0}
        assert not [file for file in _files(path) if file.endswith(".record")]
        if done.returncode == 0:
            break
    assert seen == sorted(seen) and {0.0, 1.0} <= set(seen[:-1]), seen


def _files(path):
    return os.listdir(path if path.is_dir() else path.parent)


def _by_keras(keras, kind, path):
    model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(30), keras.layers.Dense(20)])
    try:
        if kind == "folder":
            model = keras.saving.load_model(path)
        else:
            model.load_weights(path)
    except (FileNotFoundError, OSError, ValueError):
        return None
    return {float(value) for weight in model.get_weights() for value in weight.flat}


def test_a_stranger_s_record_renames_no_other_files(saved):
    """Saving into a folder that a stranger packed: what he left for it to rename is not renamed."""
    model, path = saved
    path.with_name("train.py").write_text("mine")
    path.with_name(".train.py.1.2.tmp").write_text("his")
    path.with_name(".a_00000.weights.h5.1.2.tmp").symlink_to("/etc/hostname")
    for record in ("1.2", "../1.2", "1.2/..", "", "x" * 10_000):
        path.with_name(".a.weights.json.record").write_text(record)
        if record == "1.2":
            with pytest.raises(FileError, match="it is a link"):
                model.load_weights(path)
            path.with_name(".a_00000.weights.h5.1.2.tmp").unlink()
        assert model.load_weights(path).complete
        model.save_weights(path, max_shard_size=SIZE)
        assert model.load_weights(path).complete
    assert path.with_name("train.py").read_text() == "mine"


def test_a_pipe_is_no_file(saved):
    """Opening it would wait for its writer."""
    model, path = saved
    part = path.with_name("a_00001.weights.h5")
    part.unlink()
    os.mkfifo(part)
    with pytest.raises(FileError, match="no regular file"):
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


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("kind", SETS)
def test_a_disk_that_runs_full_leaves_the_old_set(tmp_path, monkeypatch, kind, old):
    """The disk says so when the second file is forced to it."""
    name, save, load = SETS[kind]
    if old:
        save(filled(0), tmp_path / name)
    before = sorted(tmp_path.rglob("*"))
    forced, left = os.fsync, [1]

    def full(file):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        forced(file)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left"):
        save(filled(1), tmp_path / name)
    monkeypatch.undo()
    assert sorted(tmp_path.rglob("*")) == before
    if old:
        assert {float(weight.max()) for weight in load(tmp_path / name).get_weights()} == {0.0}
