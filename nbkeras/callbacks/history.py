"""`History`: what `fit` returns."""

from __future__ import annotations

from typing import Any

from nbkeras import device
from nbkeras.callbacks.callback import Callback, Logs


class History(Callback):
    """Keeps the logs of each epoch.

    Attributes:
        history: dict from name to the list of its values, one per epoch.
        epoch: the numbers of the epochs, from 0.
        compile_seconds: how long of this training kernels were compiled; 0 if all were in the cache.

    Example:
        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history, history.epoch
        ({'loss': [0.5]}, [0])
    """

    STATE = ("history", "epoch")

    def __init__(self):
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []
        self.compile_seconds = self._compiled_before = 0.0

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []
        self._compiled_before = device.compile_seconds()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        self.compile_seconds = device.compile_seconds() - self._compiled_before
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self
