"""EarlyStopping and the rules that all monitoring callbacks share (K2 to K6 of the requirements)."""

import math
import os
import random
import signal

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.callbacks import EarlyStopping, LambdaCallback, MonitorCallback
from nbkeras.errors import ArgumentError, StateError
from tests.callbacks.fakes import FakeModel, fit

NAN, INF = math.nan, math.inf


def losses(*values):
    return [{"loss": 0.0, "val_loss": value} for value in values]


def stop(model, values, **arguments):
    """The epochs that ran, and the callback."""
    callback = EarlyStopping(**arguments)
    return len(fit(model, [callback], losses(*values)).epoch), callback


@pytest.mark.parametrize(
    ("values", "patience", "epochs"),
    [
        ([3, 2, 1, 2, 2, 2], 1, 4),
        ([3, 2, 1, 2, 2, 2], 2, 5),
        ([3, 2, 1, 0], 0, 4),
        ([1, 1, 1], 0, 2),
        ([5, 5, 5, 5], 2, 3),
    ],
)
def test_patience(values, patience, epochs):
    assert stop(FakeModel(), values, patience=patience)[0] == epochs


def test_restored_weights_after_patience_and_after_the_last_epoch():
    for values in ([3, 1, 2, 2, 2, 2], [3, 1, 2]):
        model = FakeModel()
        _, callback = stop(model, values, patience=3, restore_best_weights=True)
        assert model.trained() == 2
        assert (callback.best, callback.best_epoch) == (1, 1)


def test_restored_weights_when_another_callback_stops():
    model = FakeModel()
    stopper = LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch == 2))
    fit(model, [EarlyStopping(patience=9, restore_best_weights=True), stopper], losses(3, 1, 2, 2, 2))
    assert model.trained() == 2


def test_kept_weights_are_copies():
    # The fake trains its weight in place, as a parameter arena does.
    model = FakeModel()
    stop(model, [1, 2, 3], patience=9, restore_best_weights=True)
    assert model.trained() == 1


@pytest.mark.parametrize(
    ("values", "best", "restored"),
    [
        ([NAN, NAN, NAN], None, 1),
        ([NAN, 5, 4], 4, 3),
        ([INF, 5, 6], 5, 2),
        ([INF, INF], INF, 1),
        ([-INF, 1], -INF, 1),
        ([2, NAN, 1], 1, 3),
        ([1, 1, 1], 1, 1),
    ],
)
def test_nan_and_infinity(values, best, restored):
    model = FakeModel()
    _, callback = stop(model, values, patience=9, restore_best_weights=True)
    assert (callback.best, model.trained()) == (best, restored)


def test_all_nan_runs_out_of_patience():
    assert stop(FakeModel(), [NAN] * 9, patience=3)[0] == 3


@pytest.mark.parametrize(
    ("values", "baseline", "epochs", "restored"),
    [
        ([5, 4, 3, 2], 6, 4, 4),  # better than baseline from the start
        ([5, 4, 3, 2], 1, 4, 4),  # each better than the best: no epoch is without improvement
        ([5, 4, 6, 6, 6], 1, 3, 2),  # baseline never met: patience runs from the first epoch
        ([5, 4, 0.5, 6, 6, 6], 1, 5, 3),  # baseline met at the third
        ([NAN, NAN, NAN], 1, 2, 1),
    ],
)
def test_baseline(values, baseline, epochs, restored):
    model = FakeModel()
    ran, _ = stop(model, values, baseline=baseline, patience=2, restore_best_weights=True)
    assert (ran, model.trained()) == (epochs, restored)


def test_start_from_epoch():
    assert stop(FakeModel(), [1, 2, 3, 4, 5, 6], patience=1, start_from_epoch=3)[0] == 5
    model = FakeModel()
    _, callback = stop(model, [1, 2], start_from_epoch=9, restore_best_weights=True)
    assert (callback.best, model.trained()) == (None, 2)


def test_it_can_be_used_for_another_fit():
    callback = EarlyStopping(patience=1)
    for _ in range(2):
        assert len(fit(FakeModel(), [callback], losses(1, 2, 3)).epoch) == 2


def test_messages(capsys):
    stop(FakeModel(), [1, 2, 3], verbose=1, restore_best_weights=True)
    assert capsys.readouterr().out == (
        "Epoch 2: early stopping\nRestoring model weights from the end of the best epoch: 1.\n"
    )


class CopyingModel(FakeModel):
    """Real Keras relies on copies."""

    def get_weights(self):
        return [weight.copy() for weight in self.weights]


@pytest.mark.oracle
@pytest.mark.parametrize("mode", ["min", "max"])
def test_epochs_and_weights_match_real_keras(mode, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    dice = random.Random(0)
    for _ in range(30):
        arguments = {
            "mode": mode,
            "min_delta": dice.choice([0, 0.25]),
            "patience": dice.randrange(4),
            "baseline": dice.choice([None, 1.0]),
            "restore_best_weights": dice.choice([True, False]),
            "start_from_epoch": dice.randrange(3),
        }
        logs = losses(*(dice.randrange(16) / 8 for _ in range(12)))
        ours, theirs = FakeModel(), CopyingModel()
        mine = len(fit(ours, [EarlyStopping(**arguments)], logs).epoch)
        other = len(fit(theirs, [keras.callbacks.EarlyStopping(**arguments)], logs).epoch)
        assert (mine, ours.trained()) == (other, theirs.trained()), (arguments, logs)


# What to watch, and in which direction.


@pytest.mark.parametrize(
    ("monitor", "metrics", "direction"),
    [
        ("loss", [], "min"),
        ("val_loss", [], "min"),
        ("val_out_loss", [], "min"),
        ("val_auc", [("auc", "max")], "max"),
        ("auc", [("auc", "up")], "max"),
        ("val_mae", [("mae", "down")], "min"),
        ("val_out_accuracy", [("accuracy", "max")], "max"),
        ("val_out_binary_accuracy", [("accuracy", "min"), ("binary_accuracy", "max")], "max"),
    ],
)
def test_direction_is_the_metrics(monitor, metrics, direction):
    callback = MonitorCallback(monitor)
    callback.set_model(FakeModel(metrics))
    callback.on_train_begin()
    assert callback.direction() == direction


@pytest.mark.parametrize("metrics", [[("accuracy", "max")], [("f1", None), ("accuracy", "max")]])
def test_unknown_direction_is_an_error_when_fit_starts(metrics):
    names = ", ".join(name for name, _ in metrics)
    with pytest.raises(ArgumentError) as info:
        fit(FakeModel(metrics), [EarlyStopping("val_f1")], [{"loss": 1}])
    assert str(info.value) == (
        "EarlyStopping: cannot tell whether 'val_f1' is to be minimized or maximized; "
        f"the model's metrics are: {names}.\n  Next: pass mode='min' or mode='max', or correct the name."
    )


def test_misspelt_name_is_an_error_after_the_first_epoch():
    with pytest.raises(StateError) as info:
        fit(FakeModel(), [EarlyStopping("val_acuracy", mode="max")], [{"loss": 1, "val_accuracy": 1, "val_loss": 1}])
    assert str(info.value) == (
        "EarlyStopping: monitors 'val_acuracy', which the first epoch did not log.\n"
        "  Next: did you mean 'val_accuracy'? Known names: loss, val_accuracy, val_loss."
    )


def test_no_validation_data_is_an_error_when_fit_starts():
    with pytest.raises(StateError) as info:
        fit(FakeModel(), [EarlyStopping()], [{"loss": 1}], do_validation=False)
    assert str(info.value) == (
        "EarlyStopping: monitors 'val_loss', but fit has no validation data.\n"
        "  Next: pass validation_data or validation_split to fit, or monitor='loss'."
    )


def test_epochs_without_validation_are_passed_over_with_one_warning():
    logs = [{"loss": 1}, {"loss": 1, "val_loss": 1}, {"loss": 1}, {"loss": 1, "val_loss": 2}, {"loss": 1}]
    with pytest.warns(UserWarning, match=r"this epoch has no 'val_loss' and is passed over. It logged: loss") as caught:
        history = fit(FakeModel(), [EarlyStopping(patience=1)], logs)
    assert len(caught) == 1
    assert len(history.epoch) == 4


def test_unknown_mode_warns_as_in_keras():
    with pytest.warns(UserWarning, match="EarlyStopping: mode 'maximum' is unknown; taking 'auto'"):
        assert EarlyStopping(mode="maximum").mode == "auto"


@pytest.mark.parametrize("stop_after", [3, 30])
def test_restored_weights_give_the_logged_value_again(stop_after):
    """K4: whatever ends the training, what is restored evaluates to the best value that was logged, to the bit."""
    import numpy as np

    import nbkeras

    nbkeras.utils.set_random_seed(3)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 5)).astype("float32"), rng.normal(size=(80, 1)).astype("float32")
    model = nbkeras.Sequential([nbkeras.Input((5,)), nbkeras.layers.Dense(64, "relu"), nbkeras.layers.Dense(1)])
    model.compile(nbkeras.optimizers.SGD(0.3), "mse", metrics=["mae"])
    stopping = EarlyStopping("val_loss", patience=4, restore_best_weights=True)
    validation = (x[50:], y[50:])
    history = model.fit(
        x[:50], y[:50], epochs=stop_after, validation_data=validation, callbacks=[stopping], verbose=0
    ).history
    best = int(np.argmin(history["val_loss"]))
    found = model.evaluate(*validation, verbose=0, return_dict=True)
    assert found == {"loss": history["val_loss"][best], "mae": history["val_mae"][best]}
    assert best < len(history["val_loss"]) - 1


class _End(keras.callbacks.Callback):
    """Ends a training in its fourth epoch, in one of the ways in which trainings end."""

    def __init__(self, how):
        super().__init__()
        self.how = how

    def on_train_batch_begin(self, batch, logs=None):
        if len(self.model.history.epoch) == 3 and batch == 1:
            if self.how == "signal":
                os.kill(os.getpid(), signal.SIGTERM)
            elif self.how == "NaN":
                self.model.set_weights([np.full_like(w, np.nan) for w in self.model.get_weights()])
            elif self.how == "callback":
                self.model.stop_training = True


@pytest.mark.parametrize("how", ["signal", "NaN", "callback", "epochs"])
def test_best_weights_come_back_however_a_training_ends(how, tmp_path):
    """K2: the second epoch has the best validation loss; later ones learn too fast."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    x = np.random.default_rng(0).random((32, 2), dtype="float32")
    y = x.sum(axis=1)

    def rate(epoch):
        return 0.05 if epoch < 2 else 3.0

    callbacks = [
        keras.callbacks.LearningRateScheduler(rate),
        EarlyStopping("val_loss", patience=99, restore_best_weights=True),
        keras.callbacks.TerminateOnNaN(),
        _End(how),
    ]
    stop = keras.callbacks.PreemptionCheckpoint(("SIGTERM",), path=tmp_path / "state")
    history = model.fit(x, y, epochs=5, batch_size=8, verbose=0, callbacks=[*callbacks, stop], validation_data=(x, y))
    assert stop.preempted == (how == "signal")
    seen = history.history["val_loss"]
    assert np.nanargmin(seen) == 1
    assert model.evaluate(x, y, verbose=0) == pytest.approx(seen[1], rel=1e-6)
