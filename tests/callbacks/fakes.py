"""A model and a loop that are just enough to drive callbacks."""

from types import SimpleNamespace

import numpy as np

from nbkeras.callbacks import CallbackList


class FakeModel:
    """Has one weight, which is the number of epochs trained."""

    def __init__(self, metrics=(), learning_rate=1.0):
        self.optimizer = SimpleNamespace(learning_rate=learning_rate)
        self.metrics = [SimpleNamespace(name=name, direction=direction) for name, direction in metrics]
        self.stop_training = False
        self.weights = [np.zeros(1)]

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights

    def trained(self):
        return float(self.weights[0][0])


def fit(model, callbacks, logs_of_epochs, **params):
    """Play `fit`: one epoch for each dict of logs, until a callback stops it."""
    callbacks = CallbackList(callbacks, add_history=True, model=model, **params)
    callbacks.on_train_begin()
    for epoch, logs in enumerate(logs_of_epochs):
        callbacks.on_epoch_begin(epoch)
        callbacks.on_train_batch_begin(0)
        model.weights[0][0] = epoch + 1
        callbacks.on_train_batch_end(0, logs)
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    callbacks.on_train_end(logs_of_epochs[-1])
    return callbacks.history
