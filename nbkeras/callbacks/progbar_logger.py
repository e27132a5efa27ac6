"""`ProgbarLogger`: the progress bar of `fit` as a callback, for loops that users write themselves."""

from __future__ import annotations

from nbkeras.callbacks.callback import Callback, Logs
from nbkeras.training.progress import Progress


class ProgbarLogger(Callback):
    """Shows the progress that `fit`, `evaluate` and `predict` show by themselves.

    They leave it to this callback where they are given one. `CallbackList(add_progbar=True, ...)` adds it for a loop of
    one's own, whose `params` say what to show: `epochs`, `steps` and `verbose` (1 where it is missing).

    Example:
        >>> import nbkeras as keras
        >>> callbacks = keras.callbacks.CallbackList(add_progbar=True, epochs=2, steps=3, verbose=2)
        >>> callbacks.on_train_begin()
        >>> for epoch in range(2):
        ...     callbacks.on_epoch_begin(epoch)
        ...     for step in range(3):
        ...         callbacks.on_train_batch_end(step, {"loss": 0.5})
        ...     callbacks.on_epoch_end(epoch, {"loss": 0.5})  # doctest: +ELLIPSIS
        Epoch 1/2 - 3/3 - 0s - ... - loss: 0.5000
        Epoch 2/2 - 3/3 - 0s - ... - loss: 0.5000
        >>> callbacks.on_train_end()
    """

    def __init__(self):
        super().__init__()
        self._progress: Progress | None = None
        self._in_fit = False

    def _start(self, epochs: int) -> None:
        params = self.params or {}
        self._progress = Progress(epochs, params.get("steps"), params.get("verbose", 1))

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.close()
            self._progress = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self._in_fit = True
        self._start((self.params or {}).get("epochs", 1))

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self._progress is None:
            self.on_train_begin()
        self._progress.epoch_begin(epoch)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._progress.batch_end(batch, lambda: logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._progress.epoch_end(logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self._in_fit = False
        self._stop()

    def on_test_begin(self, logs: Logs = None) -> None:
        self._begin_pass()

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._step_of_pass(batch, logs)

    def on_test_end(self, logs: Logs = None) -> None:
        self._end_pass(logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._begin_pass()

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        # The logs are the predictions.
        self._step_of_pass(batch, {})

    def on_predict_end(self, logs: Logs = None) -> None:
        self._end_pass({})

    # The validation of a `fit` is part of its epoch, and shows nothing of its own.

    def _begin_pass(self) -> None:
        if not self._in_fit:
            self._start(1)
            self._progress.epoch_begin(0)

    def _step_of_pass(self, batch: int, logs: Logs) -> None:
        if not self._in_fit:
            self._progress.batch_end(batch, lambda: logs or {})

    def _end_pass(self, logs: Logs) -> None:
        if not self._in_fit:
            self._progress.epoch_end(logs)
            self._stop()
