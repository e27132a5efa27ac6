"""Files that are replaced whole or not at all: errors, full disks, and processes that are killed while they write."""

import errno
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from nbkeras.errors import FileError
from nbkeras.saving import atomic
from nbkeras.saving.atomic import STALE_SECONDS, replacing, write_bytes


def test_the_new_file_takes_the_place_of_the_old(tmp_path):
    path = tmp_path / "a"
    write_bytes(path, b"old")
    os.chmod(path, 0o640)
    write_bytes(path, b"new", b"er")
    assert path.read_bytes() == b"newer"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a"]


def test_a_new_file_has_the_permissions_that_the_user_asks_for(tmp_path):
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "a", b"1")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a"
    write_bytes(path, b"old")

    def interrupted():
        with replacing(path) as file:
            file.write(b"half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_what_killed_writers_left_is_swept_away_when_it_is_old(tmp_path):
    old, young = tmp_path / ".a.1.1.tmp", tmp_path / ".a.2.2.tmp"
    for path in (old, young, tmp_path / ".b.1.1.tmp"):
        path.write_bytes(b"?")
        if path != young:
            os.utime(path, (0, time.time() - STALE_SECONDS - 5))
    write_bytes(tmp_path / "a", b"1")
    assert sorted(os.listdir(tmp_path)) == [".a.2.2.tmp", ".b.1.1.tmp", "a"]


def test_errors_say_what_to_do(tmp_path):
    with pytest.raises(FileError, match=r"(?s)cannot write .*nowhere/a.*make the folder first"):
        write_bytes(tmp_path / "nowhere" / "a", b"1")
    with pytest.raises(FileError, match="it is a folder"):
        write_bytes(tmp_path, b"1")


#: Saves a small model, then a large one, in a process whose files may not grow beyond 20 kB, as on a disk that is full.
#: A process of its own, for the limit also holds for the file that pytest's own output may go to.
FULL = """
import os, resource, sys
import nbkeras as keras
from nbkeras.errors import FileError
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
small = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
large = keras.Sequential([keras.Input((100,)), keras.layers.Dense(100)])
for name in ("a.weights.h5", "a.keras"):
    path = os.path.join(sys.argv[1], name)
    save = keras.Model.save_weights if name.endswith("h5") else keras.Model.save
    save(small, path)
    before = open(path, "rb").read()
    try:
        save(large, path)
    except FileError as error:
        assert "untouched" in str(error), error
    else:
        raise AssertionError(f"{name} was written in spite of the limit")
    assert open(path, "rb").read() == before
"""


def test_a_full_disk_keeps_the_old_file(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(tmp_path)) == ["a.keras", "a.weights.h5"]


#: Fills a small file system of its own, which vanishes with the process: all that writes keeps the old file whole.
FILLED = """
import os, subprocess, sys
folder = sys.argv[1]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder], check=True)
print("mounted", flush=True)
import numpy as np
import nbkeras as keras
from nbkeras.errors import FileError
from nbkeras.saving import load_model, state_file

def network(units):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model

x, y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
small, large = network(3), network(40_000)
saves = {
    "a.keras": lambda model, path: model.save(path),
    "a.weights.h5": lambda model, path: model.save_weights(path),
    "a.weights.json": lambda model, path: model.save_weights(path, max_shard_size=1),
    "a.h5": lambda model, path: model.save(path),
    "a.state": lambda model, path: state_file.write(path, {"variables": model.get_weights()}),
    "c/e.keras": lambda model, path: model.fit(
        x, y, epochs=1, verbose=0, callbacks=[keras.callbacks.ModelCheckpoint(path)]),
}
for name, save in saves.items():
    path = os.path.join(folder, name)
    save(small, path)
    before = {n: open(os.path.join(folder, n), "rb").read() for n in os.listdir(folder) if n.startswith("a.")}
    try:
        save(large, path)
    except FileError as error:
        assert "No space left" in str(error) and "untouched" in str(error), error
    else:
        raise AssertionError(f"{name} was written in spite of the full disk")
    for n, content in before.items():
        assert open(os.path.join(folder, n), "rb").read() == content, n
    left = [n for n in os.listdir(folder) if n.endswith(".tmp")]
    assert not left, left
assert load_model(os.path.join(folder, "a.keras")).count_params() == small.count_params()
small.load_weights(os.path.join(folder, "a.weights.json"))
# Rows of a log: whole ones only.
path = os.path.join(folder, "log.csv")
log = keras.callbacks.CSVLogger(path)
log.on_train_begin()
log.on_epoch_end(0, {"loss": 1.0})
with open(os.path.join(folder, "filler"), "wb", buffering=0) as filler:
    try:
        while True:
            filler.write(bytes(4096))
    except OSError:
        pass
before = open(path).read()
try:
    log.on_epoch_end(1, {"loss": 0.5})
    raise AssertionError("a row was written in spite of the full disk")
except FileError:
    assert open(path).read() == before
os.unlink(os.path.join(folder, "filler"))
log.on_epoch_end(1, {"loss": 0.5})
assert len(open(path).read().split()) == 3
print("done")
"""


def test_a_file_system_that_is_full(tmp_path):
    command = [sys.executable, "-c", FILLED, str(tmp_path)]
    for unshare in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        done = subprocess.run([*unshare, *command], capture_output=True, text=True, check=False)
        if "mounted" in done.stdout:
            break
    else:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()[-100:]}")
    assert done.returncode == 0 and done.stdout.endswith("done\n"), done.stderr
    assert os.listdir(tmp_path) == []


class Refusing:
    """A file that the disk refuses at a moment, with an error of its own."""

    def __init__(self, file, moment, number):
        self._file, self._moment, self._number = file, moment, number

    def __getattr__(self, name):
        if name == self._moment:
            raise OSError(self._number, os.strerror(self._number))
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        if self._moment == "close":
            raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize("number, told", [(errno.EDQUOT, "quota"), (errno.ENOSPC, "space"), (errno.EIO, "error")])
@pytest.mark.parametrize("moment", ["write", "flush", "fsync", "close", "rename"])
def test_a_disk_that_refuses(tmp_path, monkeypatch, number, told, moment):
    """Network file systems tell of a quota late: when a file is forced to the disk, or closed."""
    path = tmp_path / "a"
    write_bytes(path, b"old")

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    if moment == "fsync":
        monkeypatch.setattr(atomic.os, "fsync", refuse)
    elif moment == "rename":
        monkeypatch.setattr(atomic.os, "replace", refuse)
    else:
        monkeypatch.setattr(atomic, "open", lambda *a: Refusing(open(*a), moment, number), raising=False)  # noqa: SIM115
    with pytest.raises(FileError, match=f"(?s)cannot write .*{told}"):
        write_bytes(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a"]


#: Forks processes that save without end, kills each at a random moment, and reads what is there.
KILLS = """
import os, random, signal, sys, time
import numpy as np
import nbkeras as keras
folder, kills = sys.argv[1], int(sys.argv[2])
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(500), keras.layers.Dense(64)])
other = keras.models.clone_model(model)
model.compile("adam", "mse")
model.optimizer.build(model.trainable_variables)
def save(value):
    model.set_weights([np.full(w.shape, value, "float32") for w in model.weights])
    model.save(folder + "/a.keras")
    model.save_weights(folder + "/a.weights.h5")
save(0.0)
start = time.perf_counter()
save(0.0)
unit = time.perf_counter() - start
rng = random.Random(0)
seen = set()
for kill in range(kills):
    child = os.fork()
    if child == 0:
        value = float(kill)
        while True:
            value += 1
            save(value)
    time.sleep(rng.uniform(0.0, 4 * unit))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for load in (lambda: other.load_weights(folder + "/a.weights.h5"),
                 lambda: other.set_weights(keras.saving.load_model(folder + "/a.keras").get_weights())):
        load()
        values = {float(v) for w in other.get_weights() for v in w.ravel()}
        assert len(values) == 1, values
        seen |= values
print("left over", len([n for n in os.listdir(folder) if n.endswith(".tmp")]) > 0, "seen", len(seen))
"""


def kill_writers(folder, kills):
    done = subprocess.run(
        [sys.executable, "-c", KILLS, str(folder), str(kills)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # Some were killed in the middle of a file, and some finished at least one: else the test tests nothing.
    words = done.stdout.split()
    assert words[2] == "True" and int(words[4]) > 3, done.stdout


def test_writers_that_are_killed_leave_a_whole_file(tmp_path):
    kill_writers(tmp_path, 25)


def test_what_is_written_is_what_is_read(tmp_path):
    data = np.random.default_rng(0).bytes(3_000_000)
    write_bytes(tmp_path / "a", data)
    assert (tmp_path / "a").read_bytes() == data
