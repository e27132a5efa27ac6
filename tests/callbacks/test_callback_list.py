"""The base class, the list, History and LambdaCallback."""

import inspect
import math

import numpy as np
import pytest

from nbkeras import device
from nbkeras.callbacks import Callback, CallbackList, History, LambdaCallback, TerminateOnNaN
from nbkeras.callbacks.callback import HOOKS
from nbkeras.callbacks.terminate_on_nan import NonFiniteLoss
from nbkeras.errors import ArgumentTypeError
from tests.callbacks.fakes import FakeModel, fit


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def __getattribute__(self, name):
        if name in HOOKS:
            return lambda *arguments, logs=None: self.calls.append((name, *arguments))
        return super().__getattribute__(name)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_reaches_the_callback(hook):
    recorder = Recorder()
    arguments = (3,) if "batch" in hook or "epoch" in hook else ()
    getattr(CallbackList([recorder]), hook)(*arguments, {"loss": np.float32(0.5)})
    assert recorder.calls == [(hook, *arguments, {"loss": 0.5})]


@pytest.mark.oracle
def test_hooks_and_their_arguments_are_those_of_real_keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    theirs = {name for name in dir(keras.callbacks.Callback) if name.startswith("on_")}
    assert theirs == set(HOOKS)
    for hook in HOOKS:
        mine, other = (inspect.signature(getattr(base, hook)) for base in (Callback, keras.callbacks.Callback))
        assert list(mine.parameters) == list(other.parameters)


def test_older_batch_hooks_are_called_by_the_newer():
    class Older(Callback):
        def on_batch_begin(self, batch, logs=None):
            calls.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            calls.append(("end", batch, logs["loss"]))

    calls = []
    callbacks = CallbackList([Older()])
    assert callbacks.wants_train_batches
    callbacks.on_train_batch_begin(1)
    callbacks.on_train_batch_end(1, {"loss": 2})
    assert calls == [("begin", 1), ("end", 1, 2.0)]


@pytest.mark.parametrize(
    ("hook", "phase"),
    [
        ("on_batch_end", "train"),
        ("on_train_batch_begin", "train"),
        ("on_test_batch_end", "test"),
        ("on_predict_batch_end", "predict"),
        ("on_epoch_end", None),
    ],
)
def test_list_knows_which_batch_hooks_are_wanted(hook, phase):
    by_class = type("ByClass", (Callback,), {hook: lambda self, *arguments, logs=None: None})()
    by_attribute = LambdaCallback(**{hook: lambda *arguments: None})
    for callback in (by_class, by_attribute):
        callbacks = CallbackList([Callback(), callback], add_history=True)
        wanted = {name: getattr(callbacks, f"wants_{name}_batches") for name in ("train", "test", "predict")}
        assert wanted == {name: name == phase for name in wanted}


def test_appended_callbacks_and_late_hooks_are_noticed():
    callbacks = CallbackList()
    callbacks.append(TerminateOnNaN())
    assert callbacks.wants_train_batches
    late = Callback()
    callbacks = CallbackList(late)
    late.on_test_batch_end = print
    callbacks.on_test_begin()
    assert callbacks.wants_test_batches


def test_model_params_and_nested_lists():
    model = FakeModel()
    one, two = Callback(), Callback()
    callbacks = CallbackList([one, [two]], add_history=True, model=model, epochs=3, steps=None)
    assert [callback.model for callback in callbacks] == [model] * 3
    assert two.params == {"epochs": 3, "steps": None}
    assert model.history is callbacks.history
    own = History()
    assert CallbackList([own], add_history=True).history is own


def test_a_callback_that_forgot_super_init_works():
    class Forgot(Callback):
        def __init__(self):
            pass

    assert Forgot().model is None
    CallbackList([Forgot()], model=FakeModel(), epochs=1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([History], "expected callbacks.Callback objects, got <class '.*History'>.\n  Next: write History\\(\\)."),
        ("early", "expected callbacks.Callback objects, got 'early'.\n  Next: subclass callbacks.Callback."),
    ],
)
def test_what_is_no_callback(given, message):
    with pytest.raises(ArgumentTypeError, match=message):
        CallbackList(given)


def test_history_sees_what_earlier_callbacks_added():
    def add(epoch, logs):
        logs["extra"] = epoch * 10

    history = fit(FakeModel(), [LambdaCallback(on_epoch_end=add)], [{"loss": 1}, {"loss": np.float32(0.5)}])
    assert history.history == {"loss": [1.0, 0.5], "extra": [0, 10]}
    assert history.epoch == [0, 1]


def test_history_keeps_epochs_of_the_last_fit_only_and_values_of_all():
    history = History()
    for _ in range(2):
        fit(FakeModel(), [history], [{"loss": 1}])
    assert (history.epoch, history.history) == ([0], {"loss": [1, 1]})


def test_history_tells_seconds_of_compiling_apart(monkeypatch):
    spent = iter([100.0, 103.0, 107.5])
    monkeypatch.setattr(device, "compile_seconds", lambda: next(spent))
    assert fit(FakeModel(), [], [{"loss": 1}, {"loss": 2}]).compile_seconds == 7.5


def test_lambda_callback_with_other_argument_names():
    calls = []
    callback = LambdaCallback(
        on_epoch_begin=lambda number, _: calls.append(number),
        on_train_batch_end=lambda b, l: calls.append(l["loss"]),
        on_train_end=lambda final: calls.append(final),
        on_test_end=None,
    )
    fit(FakeModel(), callback, [{"loss": 3}])
    assert calls == [0, 3.0, {"loss": 3.0}]


def test_lambda_callback_with_a_misspelt_hook():
    with pytest.warns(UserWarning, match="there is no hook 'on_epoch_ends'.*did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_ends=print)
    assert LambdaCallback(note=3).note == 3
    with pytest.raises(ArgumentTypeError, match="on_epoch_end must be a function, got 3 of type int"):
        LambdaCallback(on_epoch_end=3)


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_terminate_on_nan(loss, capsys):
    model = FakeModel()
    history = fit(model, [TerminateOnNaN()], [{"loss": 1.0}, {"loss": loss}, {"loss": 1.0}])
    assert len(history.epoch) == 2
    assert capsys.readouterr().out == "Batch 0: Invalid loss, terminating training\n"
    with pytest.raises(NonFiniteLoss, match=f"the loss after batch 0 is {loss}") as info:
        fit(FakeModel(), [TerminateOnNaN(raise_error=True)], [{"loss": loss}])
    assert isinstance(info.value, RuntimeError)
