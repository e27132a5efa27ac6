"""SwapEMAWeights: evaluation sees the averages, training its weights."""

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, optimizers
from nbkeras.callbacks import LambdaCallback, SwapEMAWeights
from nbkeras.errors import StateError

X = np.random.default_rng(0).standard_normal((32, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def fitted(callbacks, use_ema=True, epochs=3):
    nbkeras.utils.set_random_seed(0)
    model = nbkeras.Sequential([nbkeras.Input((3,)), layers.Dense(1)])
    model.compile(optimizers.SGD(0.05, use_ema=use_ema, ema_momentum=0.9), "mse")
    settings = {"batch_size": 8, "shuffle": False, "verbose": 0, "validation_data": (X, Y)}
    return model, model.fit(X, Y, epochs=epochs, callbacks=callbacks, **settings).history


def test_validation_sees_the_averages_and_training_does_not():
    averages = []

    def note(epoch, logs):
        averages.append([a.numpy() for a in model.optimizer._model_variables_moving_average])

    nbkeras.utils.set_random_seed(0)
    model = nbkeras.Sequential([nbkeras.Input((3,)), layers.Dense(1)])
    model.compile(optimizers.SGD(0.05, use_ema=True, ema_momentum=0.9), "mse")
    settings = {"batch_size": 8, "shuffle": False, "verbose": 0, "validation_data": (X, Y)}
    swapped = model.fit(
        X, Y, epochs=3, callbacks=[SwapEMAWeights(), LambdaCallback(on_epoch_end=note)], **settings
    ).history
    plain = fitted([])[1]
    np.testing.assert_array_equal(swapped["loss"], plain["loss"])
    assert not np.allclose(swapped["val_loss"], plain["val_loss"], rtol=1e-3)
    for (kernel, bias), loss in zip(averages, swapped["val_loss"], strict=True):
        assert np.mean((X @ kernel + bias - Y) ** 2) == pytest.approx(loss, rel=1e-5)
    weights = model.get_weights()
    model.predict(X, verbose=0, callbacks=[SwapEMAWeights()])
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))


def test_swapping_on_epochs_hands_the_averages_to_later_callbacks():
    seen = []
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(watch.model.get_weights()))
    model, history = fitted([SwapEMAWeights(swap_on_epoch=True), watch])
    other, plain = fitted([])
    np.testing.assert_array_equal(history["loss"], plain["loss"])
    for (kernel, bias), loss in zip(seen, history["val_loss"], strict=True):
        assert np.mean((X @ kernel + bias - Y) ** 2) == pytest.approx(loss, rel=1e-5)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_without_averages():
    with pytest.raises(StateError, match="the optimizer keeps no moving averages"):
        fitted([SwapEMAWeights()], use_ema=False)
