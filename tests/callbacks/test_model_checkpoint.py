"""`ModelCheckpoint`: which files, when, and what is in them."""

import os

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.callbacks import ModelCheckpoint
from nbkeras.errors import ArgumentError, FileError, StateError

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = X[:, :1]


def model(metrics=("mae",)):
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    made.compile("sgd", "mse", metrics=list(metrics))
    return made


class Scripted(keras.callbacks.Callback):
    """Puts numbers of its own into the logs, as another callback would."""

    def __init__(self, **values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs.update({name: values[epoch] for name, values in self.values.items()})


def fit(checkpoint, trained=None, values=(), **options):
    trained = trained or model()
    callbacks = [Scripted(**values), checkpoint] if values else [checkpoint]
    options = {"epochs": 3, "batch_size": 4, "verbose": 0, **options}
    trained.fit(X, Y, callbacks=callbacks, **options)
    return trained


def test_each_epoch_with_numbers_in_the_name(tmp_path):
    trained = fit(ModelCheckpoint(tmp_path / "new" / "{epoch:02d}-{loss:.4f}.keras"))
    losses = trained.history.history["loss"]
    names = [f"{epoch + 1:02d}-{loss:.4f}.keras" for epoch, loss in enumerate(losses)]
    assert sorted(os.listdir(tmp_path / "new")) == names
    last = keras.saving.load_model(tmp_path / "new" / names[-1])
    np.testing.assert_array_equal(last.get_weights()[0], trained.get_weights()[0])
    assert int(last.optimizer.iterations) == 9


@pytest.mark.parametrize("every, found", [(1, range(1, 10)), (2, (2, 4, 6, 8)), (4, (4, 8)), (100, ())])
def test_each_so_many_batches(tmp_path, every, found):
    fit(ModelCheckpoint(tmp_path / "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=every))
    names = [f"{(n - 1) // 3 + 1}-{(n - 1) % 3 + 1}.weights.h5" for n in found]
    assert sorted(os.listdir(tmp_path)) == sorted(names)


def test_batches_that_run_in_groups(tmp_path):
    trained = model()
    trained.compile("sgd", "mse", steps_per_execution=2)
    fit(ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=3), trained)
    assert os.listdir(tmp_path)


@pytest.mark.parametrize(
    "name, values, mode, threshold, saved_epochs",
    [
        ("loss", [3.0, 2.0, 2.5], "auto", None, [1, 2]),
        ("mae", [3.0, 3.0, 1.0], "auto", None, [1, 3]),
        ("score", [1.0, 2.0, 1.5], "max", None, [1, 2]),
        ("score", [1.0, 2.0, 1.5], "min", 1.2, [1]),
        ("score", [np.nan, 2.0, np.nan], "max", None, [2]),
        ("score", [np.nan, np.nan, np.nan], "min", None, []),
        ("score", [np.inf, 5.0, -np.inf], "min", None, [1, 2, 3]),
    ],
)
def test_only_the_best(tmp_path, capsys, name, values, mode, threshold, saved_epochs):
    checkpoint = ModelCheckpoint(
        tmp_path / "{epoch}.keras", name, 1, True, mode=mode, initial_value_threshold=threshold
    )
    fit(checkpoint, values={name: values})
    assert sorted(os.listdir(tmp_path)) == [f"{epoch}.keras" for epoch in saved_epochs]
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert sum("improved from" in line for line in lines) == len(saved_epochs)
    assert sum("did not improve" in line for line in lines) == 3 - len(saved_epochs)


def test_the_best_of_validations_that_come_now_and_then(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", save_best_only=True)
    with pytest.warns(UserWarning, match="this epoch has no 'val_loss' and is passed over"):
        fit(checkpoint, epochs=4, validation_data=(X, Y), validation_freq=2)
    assert sorted(os.listdir(tmp_path)) == ["2.keras", "4.keras"]


def test_a_second_fit_does_not_forget_the_best(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "a.keras", "loss", save_best_only=True)
    fit(checkpoint, values={"loss": [1.0, 2.0, 3.0]})
    fit(checkpoint, values={"loss": [1.5, 2.0, 3.0]})
    assert checkpoint.best == 1.0


def test_no_logs_are_read_for_batches_unless_they_are_wanted(tmp_path):
    assert not keras.callbacks.CallbackList([ModelCheckpoint("a.keras")]).wants_train_batches
    assert keras.callbacks.CallbackList([ModelCheckpoint("a.keras", save_freq=2)]).wants_train_batches


def test_state():
    one, other = (ModelCheckpoint("a.keras", "loss", save_best_only=True, save_freq=3) for _ in range(2))
    one.best, one._batches, one._last_batch = 0.5, 2, 7
    other.set_state(one.get_state())
    assert (other.best, other._batches, other._last_batch) == (0.5, 2, 7)


def test_wrong_arguments(tmp_path):
    with pytest.raises(ArgumentError, match="save_freq must be 'epoch' or a number of batches, got 'batch'"):
        ModelCheckpoint("a.keras", save_freq="batch")
    with pytest.raises(ArgumentError, match=r"save_weights_only=True the file's name must end in '.weights.h5'"):
        ModelCheckpoint("a.keras", save_weights_only=True)
    with pytest.raises(ArgumentError, match=r"must end in '.keras', got 'a.weights'"):
        ModelCheckpoint("a.weights")
    with pytest.raises(ArgumentError, match=r"(?s)'val_loss' is known at the end of an epoch only.*save_freq='epoch'"):
        ModelCheckpoint("a.keras", save_best_only=True, save_freq=3)
    with pytest.raises(StateError, match="monitors 'val_loss', but fit has no validation data"):
        fit(ModelCheckpoint(tmp_path / "a.keras", save_best_only=True))
    with pytest.raises(KeyError, match=r"(?s)nothing is known for 'val_los' in .*did you mean 'val_loss'"):
        fit(ModelCheckpoint(tmp_path / "{val_los}.keras"), validation_data=(X, Y))
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(FileError, match="is a folder"):
        fit(ModelCheckpoint(tmp_path / "folder.keras"))
