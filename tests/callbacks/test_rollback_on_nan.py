"""RollbackOnNaN: training goes on from the last good epoch with a smaller learning rate."""

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, optimizers
from nbkeras.callbacks import RollbackOnNaN
from nbkeras.errors import ArgumentError, StateError

X = np.linspace(-1, 1, 64, dtype="float32").reshape(-1, 1)


def model(rate):
    nbkeras.utils.set_random_seed(0)
    made = nbkeras.Sequential([nbkeras.Input((1,)), layers.Dense(1)])
    made.compile(optimizers.SGD(rate, momentum=0.9), "mse")
    return made


def test_a_rate_that_is_too_large_is_cut_until_it_learns(capsys):
    made = model(1e20)
    callback = RollbackOnNaN(factor=1e-11, verbose=1)
    losses = made.fit(X, X * 3, epochs=30, batch_size=8, verbose=0, callbacks=[callback]).history["loss"]
    assert callback.rollbacks == 2
    assert np.isfinite(losses).all() and losses[-1] < 0.1 < losses[0]
    assert float(made.optimizer.learning_rate) == pytest.approx(0.01, rel=1e-5)
    assert "back to the start of the epoch, learning rate" in capsys.readouterr().out


def test_the_start_of_the_epoch_comes_back_whole():
    made = model(0.01)
    made.fit(X, X * 3, batch_size=8, verbose=0)
    state = [v.numpy() for v in (*made.variables, *made.optimizer.variables)]
    bad = np.concatenate([X, np.full((8, 1), np.nan, "float32")])
    made.fit(bad, bad, batch_size=8, shuffle=False, verbose=0, callbacks=[RollbackOnNaN(0.5)])
    rate = made.optimizer.learning_rate
    for before, variable in zip(state, (*made.variables, *made.optimizer.variables), strict=True):
        assert np.array_equal(before * (0.5 if variable is rate else 1), variable.numpy())


def test_it_gives_up():
    made, callback = model(0.01), RollbackOnNaN(max_rollbacks=2)
    bad = np.full((32, 1), np.nan, "float32")
    assert len(made.fit(bad, bad, batch_size=8, epochs=5, verbose=0, callbacks=[callback]).history["loss"]) == 1
    assert callback.rollbacks == 2


def test_what_cannot_be():
    with pytest.raises(ArgumentError, match="factor to be a number above 0 below 1, got 1"):
        RollbackOnNaN(1)
    made = model(optimizers.schedules.ExponentialDecay(0.1, 1, 0.9))
    with pytest.raises(StateError, match="follows a schedule and cannot be cut"):
        made.fit(X, X, verbose=0, callbacks=[RollbackOnNaN()])
