"""ReduceLROnPlateau and LearningRateScheduler."""

import math
import random

import numpy as np
import pytest

from nbkeras.callbacks import LearningRateScheduler, ReduceLROnPlateau
from nbkeras.errors import ArgumentError, ArgumentTypeError
from tests.callbacks.fakes import FakeModel, fit


def losses(*values):
    return [{"loss": value} for value in values]


def rates(callback, *values, start=1.0):
    return fit(FakeModel(learning_rate=start), [callback], losses(*values)).history["learning_rate"]


def test_rate_falls_when_patience_is_out_and_not_below_the_least():
    callback = ReduceLROnPlateau("loss", factor=0.5, patience=2, min_lr=0.2)
    assert rates(callback, *[1] * 10) == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2]


def test_cooldown():
    callback = ReduceLROnPlateau("loss", factor=0.5, patience=1, cooldown=2)
    assert rates(callback, *[1] * 7) == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_small_improvements_do_not_count_and_nan_is_none():
    assert rates(ReduceLROnPlateau("loss", patience=1, min_delta=0.5), 1, 0.9, 0.8) == [1, 1, 0.1]
    callback = ReduceLROnPlateau("loss", patience=1)
    rates(callback, math.nan, 3, 2)
    assert callback.best == 2


def test_message(capsys):
    rates(ReduceLROnPlateau("loss", factor=0.5, patience=1, verbose=1), 1, 1)
    assert capsys.readouterr().out == "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.5.\n"


def test_factor_of_one():
    with pytest.raises(ArgumentError, match=r"ReduceLROnPlateau: factor must be below 1, got 1\.0\.\n  Next: the new"):
        ReduceLROnPlateau(factor=1.0)


@pytest.mark.oracle
def test_rates_match_real_keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    dice = random.Random(1)
    for _ in range(30):
        arguments = {
            "monitor": "loss",
            "mode": dice.choice(["min", "max"]),
            "factor": 0.5,
            "patience": dice.randrange(1, 4),
            "min_delta": dice.choice([0, 0.25]),
            "cooldown": dice.randrange(3),
            "min_lr": dice.choice([0.0, 0.125]),
        }
        values = [dice.randrange(16) / 8 for _ in range(15)]
        mine = rates(ReduceLROnPlateau(**arguments), *values)
        assert mine == rates(keras.callbacks.ReduceLROnPlateau(**arguments), *values), (arguments, values)


def test_schedule_of_epoch_and_rate_or_of_epoch_alone(capsys):
    assert rates(LearningRateScheduler(lambda epoch, rate: rate / 2), 1, 1, 1) == [0.5, 0.25, 0.125]
    assert rates(LearningRateScheduler(lambda epoch: 1.0 / (epoch + 1)), 1, 1) == [1.0, 0.5]
    assert rates(LearningRateScheduler(lambda epoch, rate: np.float32(0.5), verbose=1), 1) == [0.5]
    assert capsys.readouterr().out == "Epoch 1: LearningRateScheduler setting learning rate to 0.5.\n"


def test_type_error_inside_a_schedule_is_not_hidden():
    def broken(epoch, rate):
        return rate + "a"

    with pytest.raises(TypeError, match="unsupported operand"):
        rates(LearningRateScheduler(broken), 1)


@pytest.mark.parametrize("returned", [None, "0.1", True, [0.1]])
def test_schedule_that_returns_no_number(returned):
    with pytest.raises(ArgumentTypeError, match="the schedule must return a float, but for epoch 0 it returned"):
        rates(LearningRateScheduler(lambda epoch, rate: returned), 1)


def test_schedule_that_cannot_be_called():
    with pytest.raises(ArgumentTypeError, match=r"schedule must be a function of epoch and learning rate, got 0\.1"):
        LearningRateScheduler(0.1)
