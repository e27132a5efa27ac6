"""A training that is interrupted anywhere ends with the same bits as one that is not."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.callbacks import BackupAndRestore, CSVLogger, EarlyStopping, LearningRateScheduler, ReduceLROnPlateau
from nbkeras.errors import ArgumentError, FileError, StateError
from nbkeras.random import global_seed
from nbkeras.saving import state_file
from nbkeras.training import randomness
from nbkeras.training.session import PARTS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(26, 4)).astype("float32")
Y = (X @ RNG.normal(size=(4, 2)) + 0.1 * RNG.normal(size=(26, 2))).astype("float32")
EPOCHS, BATCH = 6, 5
#: Of the long run: 60 steps.
LONG = 15
STEPS = 4  # Of an epoch: 20 of the rows are trained on.


class Off(Exception):
    """The machine is switched off."""


class SwitchOff(keras.callbacks.Callback):
    """Raises at a moment: (hook, how many times it was called before)."""

    def __init__(self, hook=None, count=0):
        super().__init__()
        self.hook, self.left = hook, count

    def _called(self, hook):
        if hook == self.hook:
            self.left -= 1
            if self.left < 0:
                raise Off

    def on_train_batch_begin(self, batch, logs=None):
        self._called("batch")

    def on_epoch_begin(self, epoch, logs=None):
        self._called("begin")

    def on_epoch_end(self, epoch, logs=None):
        self._called("end")

    def on_test_batch_begin(self, batch, logs=None):
        self._called("test")


def network():
    """Dropout, a statistic that moves if the layer is there, and weights that a seed decides."""
    layers = [keras.Input((4,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dropout(0.4)]
    if hasattr(keras.layers, "BatchNormalization"):
        layers.append(keras.layers.BatchNormalization())
    return keras.Sequential([*layers, keras.layers.Dense(2, kernel_regularizer="l2")])


def training(seed=3, schedule=False):
    """A new model as a new process would make it; only the first one's seed matters."""
    keras.utils.set_random_seed(seed)
    model = network()
    rate = keras.optimizers.schedules.CosineDecay(0.05, 30) if schedule else 0.05
    model.compile(keras.optimizers.Adam(rate, use_ema=True, ema_momentum=0.8), "mse", metrics=["mae"])
    return model


def callbacks_of(schedule):
    found = [EarlyStopping("val_loss", patience=4, restore_best_weights=True)]
    if not schedule:
        found += [ReduceLROnPlateau("val_loss", 0.5, patience=1), LearningRateScheduler(lambda e, lr: lr * 0.99)]
    return found


def fit(model, *more, schedule=False, epochs=EPOCHS, **options):
    callbacks = [*callbacks_of(schedule), *more]
    model.fit(X, Y, BATCH, epochs, 0, callbacks, validation_split=0.23, **options)
    return outcome(model, callbacks)


def outcome(model, callbacks):
    """All that a training leaves behind, as bytes and plain values."""
    variables = [*model.variables, *model.optimizer.variables, *(v for m in model.metrics for v in m.variables)]
    states = [c.get_state() for c in callbacks if not isinstance(c, (BackupAndRestore, SwitchOff))]
    plain = [
        {k: [w.tobytes() for w in v] if k == "best_weights" and v else v for k, v in state.items()} for state in states
    ]
    return [v.numpy().tobytes() for v in variables], model.history.history, model.history.epoch, plain


def interrupted(path, moment, schedule, every=1):
    """The outcome of a training that was switched off at a moment and taken up by another model object."""
    with pytest.raises(Off):
        fit(training(3, schedule), BackupAndRestore(path, every), SwitchOff(*moment), schedule=schedule)
    return fit(training(99, schedule), BackupAndRestore(path, every), SwitchOff(), schedule=schedule)


MOMENTS = [("batch", n) for n in range(1, STEPS * 4 + 2)] + [("begin", 1), ("begin", 3), ("end", 0), ("end", 2)]
MOMENTS += [("test", 0), ("test", 1), ("test", 3)]


@pytest.mark.parametrize("schedule", [False, True], ids=["plateau", "schedule"])
def test_after_every_step(tmp_path, schedule):
    whole = fit(training(3, schedule), SwitchOff(), schedule=schedule)
    assert len(whole[2]) > 4, "the training must not stop before the moments"
    for i, moment in enumerate(MOMENTS[2::3] if schedule else MOMENTS):
        assert interrupted(tmp_path / str(i), moment, schedule) == whole, moment
        assert os.listdir(tmp_path / str(i)) == []


def test_states_of_every_epoch(tmp_path):
    whole = fit(training(), SwitchOff())
    for i, moment in enumerate([("batch", 6), ("end", 2), ("begin", 3)]):
        assert interrupted(tmp_path / str(i), moment, False, "epoch") == whole, moment


def test_several_interruptions(tmp_path):
    whole = fit(training(), SwitchOff())
    for seed, moment in enumerate([("batch", 3), ("batch", 2), ("test", 1), ("batch", 5), ("end", 0)]):
        with pytest.raises(Off):
            fit(training(3 + seed), BackupAndRestore(tmp_path, 1), SwitchOff(*moment))
    assert fit(training(50), BackupAndRestore(tmp_path, 1), SwitchOff()) == whole


def test_resume_is_the_same_and_does_nothing_after_the_end(tmp_path):
    path = tmp_path / "run.state"
    whole = fit(training(), SwitchOff())
    with pytest.raises(Off):
        fit(training(), SwitchOff("batch", 9), resume=path)
    assert fit(training(9), SwitchOff(), resume=path) == whole
    before = path.read_bytes()
    # Any hook would raise now.
    assert fit(training(8), SwitchOff("begin"), resume=path) == whole
    assert path.read_bytes() == before
    model = training(7)
    history = model.fit(X, Y, BATCH, EPOCHS, 0, [*callbacks_of(False), SwitchOff("batch")], resume=str(path),
                        validation_split=0.23)  # fmt: skip
    assert history.epoch == whole[2]


def test_more_epochs_go_on_from_a_finished_training(tmp_path):
    def run(epochs):
        model = training()
        return model.fit(X, Y, BATCH, epochs, 0, resume=tmp_path / "a").epoch

    assert run(2) == [0, 1] and run(2) == [0, 1] and run(4) == [0, 1, 2, 3] and run(3) == [0, 1, 2, 3]


def batches(k=None):
    for start in range(0, 1000):
        rows = np.random.randint(0, len(X), 3)  # noqa: NPY002 - a user's own draws are kept too
        yield X[rows], Y[rows] + 0 * start


class Endless:
    """A stream that can say where it is."""

    def __init__(self):
        self.at = 0

    def __iter__(self):
        while True:
            self.at += 1
            rows = np.arange(self.at, self.at + 3) % len(X)
            yield X[rows], Y[rows]

    def get_state(self):
        return {"at": self.at}

    def set_state(self, state):
        self.at = state["at"]


class Pieces(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return X[index::4], Y[index::4]


@pytest.mark.parametrize(
    "data, options",
    [
        (batches, {"steps_per_epoch": 4}),
        (lambda: [(X[i : i + 3], Y[i : i + 3]) for i in range(0, 18, 3)].__iter__(), {"steps_per_epoch": 2}),
        (Endless, {"steps_per_epoch": 4}),
        (Pieces, {}),
        (Pieces, {"steps_per_epoch": 2}),
        (Pieces, {"shuffle": False}),
        (lambda: X, {"y": Y, "steps_per_epoch": 3, "shuffle": "batch"}),
        (lambda: X, {"y": Y, "batch_size": 6, "shuffle": False, "sample_weight": np.abs(X[:, 0])}),
    ],
    ids="generator iterator stream dataset dataset-steps dataset-ordered rows weighted".split(),
)
def test_every_kind_of_data(tmp_path, data, options):
    def run(seed, *callbacks):
        model = training(seed)
        model.fit(data(), epochs=3, verbose=0, callbacks=list(callbacks), **options)
        return outcome(model, callbacks)

    whole = run(3, SwitchOff())
    for i, moment in enumerate([("batch", 1), ("batch", 3), ("batch", 5)]):
        path = tmp_path / str(i)
        with pytest.raises(Off):
            run(3, BackupAndRestore(path, 1), SwitchOff(*moment))
        assert run(77, BackupAndRestore(path, 1), SwitchOff()) == whole, moment


def test_layers_metrics_and_steps_of_ones_own(tmp_path):
    class Counting(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2)
            self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")
            self.noise = keras.random.SeedGenerator(5)
            self.norm = keras.metrics.Mean(name="norm")

        def call(self, x, training=False):
            if training:
                x = x + 0.1 * keras.random.normal(x.shape, seed=self.noise) + keras.random.uniform(x.shape) * 0.01
            return self.dense(x)

        def train_step(self, data):
            logs = super().train_step(data)
            self.seen.assign_add(1.0)
            self.norm.update_state(keras.ops.mean(data[0]) * self.seen)
            return {**logs, "norm": self.norm.result()}

    class Remembers(keras.callbacks.Callback):
        STATE = ("losses",)

        def __init__(self):
            super().__init__()
            self.losses = []

        def on_train_batch_end(self, batch, logs=None):
            self.losses.append(logs["loss"])

    def run(seed, *callbacks):
        keras.utils.set_random_seed(seed)
        model = Counting()
        model.compile("rmsprop", "mse")
        callbacks = [Remembers(), *callbacks]
        model.fit(X, Y, BATCH, 3, 0, callbacks)
        return outcome(model, callbacks)

    whole = run(1, SwitchOff())
    for i, moment in enumerate([("batch", 1), ("batch", 5), ("batch", 9), ("end", 1)]):
        with pytest.raises(Off):
            run(1, BackupAndRestore(tmp_path / str(i), 1), SwitchOff(*moment))
        assert run(2, BackupAndRestore(tmp_path / str(i), 1), SwitchOff()) == whole


def test_a_log_has_each_epoch_once(tmp_path):
    whole, log = tmp_path / "whole.csv", tmp_path / "log.csv"
    fit(training(), CSVLogger(whole), SwitchOff())
    for seed, moment in enumerate([("batch", 6), ("end", 1), ("test", 1)]):
        with pytest.raises(Off):
            fit(training(3 + seed), CSVLogger(log), BackupAndRestore(tmp_path / "b", 3), SwitchOff(*moment))
    fit(training(30), CSVLogger(log), BackupAndRestore(tmp_path / "b", 3), SwitchOff())
    assert log.read_text() == whole.read_text()


def test_a_damaged_state_costs_one_state_only(tmp_path):
    whole = fit(training(), SwitchOff())
    with pytest.raises(Off):
        fit(training(), BackupAndRestore(tmp_path, 1), SwitchOff("batch", 6))
    path = tmp_path / "training.state"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.warns(UserWarning, match="its checksum is wrong"):
        assert fit(training(5), BackupAndRestore(tmp_path, 1), SwitchOff()) == whole
    for name in ("training.state", "training.state.previous"):
        (tmp_path / name).write_bytes(b"?")
    with pytest.warns(UserWarning, match="not the state"), pytest.raises(FileError, match="not the state"):
        fit(training(), BackupAndRestore(tmp_path, 1))


def test_other_trainings_are_refused(tmp_path):
    with pytest.raises(Off):
        fit(training(), BackupAndRestore(tmp_path), SwitchOff("begin", 1))
    with pytest.raises(StateError, match=r"(?s)was interrupted with callbacks \['EarlyStopping', .*same callbacks in"):
        training().fit(X, Y, BATCH, 2, 0, [BackupAndRestore(tmp_path)])
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    other.compile("adam", "mse")
    with pytest.raises(StateError, match="had another model, optimizer or metrics"):
        fit(other, BackupAndRestore(tmp_path), SwitchOff())
    for x, options in ((X[:-1], {}), (X + 1, {}), (X, {"batch_size": 6})):
        with pytest.raises(StateError, match="was interrupted with data"):
            training().fit(x, Y[: len(x)], options.get("batch_size", BATCH), EPOCHS, 0,
                           [*callbacks_of(False), SwitchOff(), BackupAndRestore(tmp_path)],
                           validation_split=0.23)  # fmt: skip
    path = tmp_path / "training.state"
    state = state_file.read(path)
    state_file.write(path, {**state, "versions": ["nbkeras 0.0"]})
    with pytest.warns(UserWarning, match="goes on with other versions"):
        fit(training(), BackupAndRestore(tmp_path), SwitchOff())
    state_file.write(path, {**state, "form": 0})
    with pytest.raises(FileError, match="has form 0; this version reads 2"):
        fit(training(), BackupAndRestore(tmp_path), SwitchOff())


@pytest.mark.parametrize(
    "change",
    [
        *(lambda state, name=name: state.pop(name) for name in PARTS),
        *(lambda state, name=name: state.update({name: "x"}) for name in PARTS),
        lambda state: state["variables"].__setitem__(0, 3),
        lambda state: state["callbacks"].__setitem__(0, ["EarlyStopping"]),
        lambda state: state["callbacks"][0][1].pop("wait"),
        lambda state: state["randomness"].pop("numpy"),
        lambda state: state["randomness"].update(python=[1, 2, 3]),
        lambda state: state["randomness"].update(seeds=None),
    ],
)
def test_a_whole_file_of_a_wrong_state_is_an_error_that_is_documented(tmp_path, change):
    with pytest.raises(Off):
        fit(training(), BackupAndRestore(tmp_path), SwitchOff("begin", 1))
    path = tmp_path / "training.state"
    state = state_file.read(path)
    change(state)
    state_file.write(path, state)
    with pytest.raises(FileError, match=r"(?s)state of .*remove its file"):
        fit(training(), BackupAndRestore(tmp_path), SwitchOff())
    state_file.write(path, [1, 2])
    with pytest.raises(FileError, match="has form None; this version reads 2"):
        fit(training(), BackupAndRestore(tmp_path), SwitchOff())


def test_a_training_that_always_fails_at_one_place_is_not_taken_up_for_ever(tmp_path):
    def run(moment, most=2):
        return fit(training(), BackupAndRestore(tmp_path, 1, max_restarts=most), SwitchOff(*moment))

    whole = fit(training(), SwitchOff())
    # Each of these comes one step further: they do not count.
    for _ in range(4):
        with pytest.raises(Off):
            run(("batch", 1))
    for _ in range(2):
        with pytest.raises(Off):
            run(("batch", 0))
    place = r"(?s)taken up 2 times at step 5 of epoch 1 and never came further.*raise max_restarts"
    with pytest.raises(StateError, match=place):
        run(("batch", 0))
    with pytest.raises(StateError, match=place):
        run(())
    assert run((), 9) == whole
    for most in (-1, 1.5, "2"):
        with pytest.raises(ArgumentError, match="max_restarts must be a number from 0 on or None"):
            BackupAndRestore(tmp_path, max_restarts=most)


def test_a_generator_that_was_not_there_yet_starts_as_it_would_have(monkeypatch):
    monkeypatch.setattr(global_seed, "_generator", None)
    keras.utils.set_random_seed(5)
    before = randomness.get_state()
    assert before["generator"] is None
    first = keras.random.uniform((3,)).tolist()
    randomness.set_state(before)
    assert keras.random.uniform((3,)).tolist() == first


def test_only_own_files_are_removed(tmp_path):
    (tmp_path / "mine").write_text("x")
    fit(training(), BackupAndRestore(tmp_path))
    assert os.listdir(tmp_path) == ["mine"]
    fit(training(), BackupAndRestore(tmp_path, delete_checkpoint=False))
    assert sorted(os.listdir(tmp_path)) == ["mine", "training.state", "training.state.previous"]
    assert state_file.read(tmp_path / "training.state")["finished"]


def test_wrong_arguments():
    with pytest.raises(ArgumentError, match="backup_dir must be the name of a folder"):
        BackupAndRestore("")
    for save_freq in (0, "batch", None, 1.5):
        with pytest.raises(ArgumentError, match="save_freq must be 'epoch' or a number of steps"):
            BackupAndRestore("a", save_freq)


SCRIPT = """
import hashlib, os, sys
sys.path.insert(0, {tests!r})
from tests.saving import test_resume as t
path, at, seed, epochs = sys.argv[1], *map(int, sys.argv[2:])
class Kill(t.SwitchOff):
    def _called(self, hook):
        if hook == "batch" and at >= 0:
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), 9)
found = t.fit(t.training(seed), t.BackupAndRestore(path, 1), Kill("batch", at), epochs=epochs)
print(hashlib.sha256(repr(found).encode()).hexdigest())
"""


def in_a_process(path, at, seed, epochs, threads):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(tests=root), str(path), str(at), str(seed), str(epochs)],
        env={**os.environ, "NBKERAS_NUM_THREADS": str(threads)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.strip(), done.stderr


def digest(epochs):
    """Of the outcome of a run that nothing interrupts."""
    whole = fit(training(), SwitchOff(), epochs=epochs)
    assert len(whole[2]) == epochs, "early stopping must not end the run"
    return hashlib.sha256(repr(whole).encode()).hexdigest()


def kill_and_resume(path, at, threads, whole, epochs=EPOCHS):
    """Kill a process before a step, go on in another one with other threads: the bits are those of one run."""
    code, _, errors = in_a_process(path, at, 3, epochs, threads[0])
    assert code == -9, errors
    assert os.path.exists(path / "training.state") == (at > 0)
    # The seed of the second process does not matter, unless there is nothing to go on from.
    code, resumed, errors = in_a_process(path, -1, 99 if at else 3, epochs, threads[1])
    assert code == 0, errors
    assert resumed == whole


def test_processes_that_are_killed_at_other_numbers_of_threads(tmp_path):
    whole = digest(EPOCHS)
    for at, threads in ((0, (2, 1)), (9, (1, 2))):
        kill_and_resume(tmp_path / str(at), at, threads, whole)
