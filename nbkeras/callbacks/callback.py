"""The base class of all callbacks: one method for each moment of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

Logs = Mapping[str, Any] | None

#: Every hook that a callback may override.
HOOKS = (
    "on_train_begin",
    "on_train_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_batch_begin",
    "on_batch_end",
    "on_test_begin",
    "on_test_end",
    "on_test_batch_begin",
    "on_test_batch_end",
    "on_predict_begin",
    "on_predict_end",
    "on_predict_batch_begin",
    "on_predict_batch_end",
)


class Callback:
    """Something that looks at a running training and may act on it.

    Override the hooks of interest. `logs` holds the averages so far of the losses and metrics, by name; at the end of
    an epoch also those of the validation, with `val_` before the name. A callback that overrides no batch hook costs
    nothing per batch, as the logs are then not even read.

    Attributes:
        params: dict with `verbose`, `epochs`, `steps` and what else the loop tells.
        model: the model that is trained, evaluated or asked to predict.

    Example:
        >>> class PrintLoss(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, logs["loss"])
        >>> PrintLoss().on_epoch_end(0, {"loss": 0.5})
        0 0.5

    Source: the hooks are those of `keras.callbacks.Callback`.
    """

    #: Attributes that make up the state of a training, for `get_state`.
    STATE: tuple[str, ...] = ()

    def __init__(self):
        self.params = None
        self._model = None

    def interruption(self) -> str | None:
        """Why the training should end now, in good order and with its state kept; None to go on."""
        return None

    def around(self) -> contextlib.AbstractContextManager:
        """What `fit`, `evaluate` and `predict` run in: it gives back what it takes, even where they end in an error."""
        return contextlib.nullcontext()

    def get_state(self) -> dict:
        """What a training that is interrupted must keep of this callback: plain values and arrays, by name.

        Override it, with `set_state`, in a callback that counts or remembers anything.
        """
        return {name: getattr(self, name) for name in self.STATE}

    def set_state(self, state: dict) -> None:
        """Take up what `get_state` gave, after `on_train_begin`."""
        for name in self.STATE:
            setattr(self, name, state[name])

    def set_params(self, params: dict | None) -> None:
        """Called before the first hook with what the loop knows about itself."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called before the first hook with the model."""
        self._model = model

    @property
    def model(self) -> Any:
        """The model at work."""
        # Callbacks written for Keras 2 may not call super().__init__, which Keras forgives.
        return self.__dict__.get("_model")

    def on_train_begin(self, logs: Logs = None) -> None:
        """Called when `fit` starts."""

    def on_train_end(self, logs: Logs = None) -> None:
        """Called when `fit` ends, with the last epoch's logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Called before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Called after an epoch and its validation.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> class Tell(keras.callbacks.Callback):
            ...     def on_epoch_end(self, epoch, logs=None):
            ...         print(epoch, sorted(logs))
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> x = np.ones((4, 2), "float32")
            >>> history = model.fit(x, x.sum(axis=1), epochs=2, verbose=0, callbacks=[Tell()])
            0 ['loss']
            1 ['loss']
        """

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a training batch, counted from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a training batch."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Older name of `on_train_batch_end`."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Called when `evaluate`, or the validation in `fit`, starts."""

    def on_test_end(self, logs: Logs = None) -> None:
        """Called when `evaluate`, or the validation in `fit`, ends."""

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a batch of `evaluate` or of the validation in `fit`."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a batch of `evaluate` or of the validation in `fit`."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Called when `predict` starts."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """Called when `predict` ends."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a batch of `predict`, with `{"outputs": ...}`."""


def overrides(callback: Callback, hook: str) -> bool:
    """True if a callback does something at a hook, by its class or by an attribute of its own.

    Example:
        >>> overrides(Callback(), "on_epoch_end")
        False
    """
    method = getattr(callback, hook)
    return getattr(method, "__func__", method) is not getattr(Callback, hook)
