"""Callbacks: every hook in Keras's order, with its logs; those that steer training do so alike."""

import numpy as np
import pytest

import nbkeras
from tests.oracle import models
from tests.oracle.compare import TRAINED, assert_same, data, same_weights, twins
from tests.oracle.recorder import recorder

D, V = data(), data(rows=21, seed=1)


def pair(keras, build=models.regressor, **compile):
    compile = {"optimizer": "sgd", "loss": "mse", "metrics": ["mae"], **compile}
    theirs, ours = twins(keras, build)
    for model in (theirs, ours):
        model.compile(**compile)
    same_weights(theirs, ours)
    return (keras, theirs), (nbkeras, ours)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_hooks_and_logs(keras, steps):
    found = []
    for k, model in pair(keras, steps_per_execution=steps):
        callback = recorder(k)
        settings = {"batch_size": 16, "verbose": 0, "callbacks": [callback]}
        model.fit(D["x"], D["number"], epochs=2, shuffle=False, validation_data=(V["x"], V["number"]), **settings)
        model.evaluate(V["x"], V["number"], **settings)
        model.predict(V["x"], **settings)
        found.append(callback.calls)
    assert [call[:2] for call in found[0]] == [call[:2] for call in found[1]]
    assert_same(*found_logs(found), TRAINED, "logs")


def found_logs(found):
    return [[call[2] for call in calls] for calls in found]


def stopping(k):
    return [k.callbacks.EarlyStopping("val_loss", patience=1, min_delta=0.5, restore_best_weights=True)]


def plateau(k):
    return [k.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.5, min_lr=0.001)]


def schedule(k):
    return [k.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch else rate)]


def by_lambda(k):
    rates = []
    return [k.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: rates.append((epoch, sorted(logs))))]


class Stop:
    """After some batches, or epochs."""

    def __init__(self, hook, position):
        self.hook, self.position = hook, position

    def __call__(self, k):
        hook, position = self.hook, self.position

        class Stopper(k.callbacks.Callback):
            pass

        def stop(self, at, logs=None):
            if at == position:
                self.model.stop_training = True

        setattr(Stopper, hook, stop)
        return [Stopper()]


class Assign:
    """Change weights in the middle of training."""

    def __call__(self, k):
        class Halver(k.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                self.model.set_weights([0.5 * w for w in self.model.get_weights()])
                self.model.optimizer.learning_rate = 0.02

        return [Halver()]


STEERING = {
    "early_stopping": stopping,
    "plateau": plateau,
    "schedule": schedule,
    "lambda": by_lambda,
    "stop_in_epoch": Stop("on_train_batch_end", 1),
    "stop_after_epoch": Stop("on_epoch_end", 2),
    "assign": Assign(),
}


@pytest.mark.parametrize("name", STEERING)
def test_steering(keras, name):
    found = []
    for k, model in pair(keras, optimizer="sgd"):
        history = model.fit(
            D["x"], D["number"], epochs=6, batch_size=16, shuffle=False, verbose=0, callbacks=STEERING[name](k),
            validation_data=(V["x"], V["number"]),
        )  # fmt: skip
        assert model.history is history
        assert model.stop_training == (name.startswith("stop") or len(history.epoch) < 6)
        rate = float(np.asarray(model.optimizer.learning_rate))
        found.append([history.epoch, history.history, model.get_weights(), rate])
    assert_same(*found, TRAINED, name)


def test_two_times_fit_goes_on(keras):
    """Two epochs and three more are what the optimizer makes of five; the second history has only its own epochs."""
    found = []
    for _, model in pair(keras, optimizer="adam"):
        settings = {"batch_size": 16, "shuffle": False, "verbose": 0}
        first = model.fit(D["x"], D["number"], epochs=2, **settings)
        second = model.fit(D["x"], D["number"], epochs=5, initial_epoch=2, **settings)
        found.append([first.epoch, first.history, second.epoch, second.history, model.get_weights()])
    assert_same(*found, TRAINED)
