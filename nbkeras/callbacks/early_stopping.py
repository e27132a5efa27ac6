"""`EarlyStopping`: end the training when a number has stopped improving."""

from __future__ import annotations

import numpy as np

from nbkeras.arguments import FLAG, NUMBER, SIZE, TEXT, VERBOSE, accepts, number, optional
from nbkeras.callbacks.callback import Logs
from nbkeras.callbacks.monitor import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Stop when the monitored number has not improved for `patience` epochs.

    | baseline | the epoch's value | best | patience |
    |---|---|---|---|
    | None | better than best | becomes it | starts anew |
    | given | better than best and than baseline | becomes it | starts anew |
    | given | better than best, not than baseline | becomes it | goes on running out |
    | any | not better than best, or NaN | stays | goes on running out |

    The best weights are restored however the training ends: patience, all epochs done, or another callback's stop.
    If no epoch ever had a number (all NaN), they are those of the first epoch watched. Restored weights give the best
    validation value again, exactly; the `loss` of an epoch is an average over weights that changed meanwhile.

    Args:
        monitor: the number's name in the logs.
        min_delta: how much better a value must be to count.
        patience: epochs without improvement before the training stops; it never stops after the first epoch.
        verbose: 1 prints when it acts.
        mode: `"min"`, `"max"` or `"auto"`.
        baseline: a value that must be beaten for the patience to start anew.
        restore_best_weights: whether the model ends with the weights of its best epoch.
        start_from_epoch: epochs before this one are not watched.

    Raises:
        ArgumentError, StateError: see `MonitorCallback`.

    Example:
        >>> from nbkeras.callbacks import EarlyStopping
        >>> EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True).patience
        3

    Source: arguments and rules are those of `keras.callbacks.EarlyStopping`, but for NaN.
    """

    STATE = (*MonitorCallback.STATE, "wait", "stopped_epoch", "best_epoch", "best_weights")

    @accepts(
        verbose=VERBOSE,
        monitor=TEXT,
        min_delta=NUMBER,
        patience=number(0, infinite=True),
        mode=TEXT,
        baseline=optional(number(infinite=True)),
        restore_best_weights=FLAG,
        start_from_epoch=SIZE,
    )
    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: list[np.ndarray] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        super().on_train_begin(logs)
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        value = self.monitored(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        improved = self.is_improvement(value, self.best)
        if improved:
            self.best = value
            if self.baseline is None or self.is_improvement(value, self.baseline):
                self.wait = 0
        if improved or self.best_weights is None:
            self._keep_weights(epoch)
        if not improved and self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _keep_weights(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = [np.array(weight) for weight in self.model.get_weights()]

    def on_train_end(self, logs: Logs = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose > 0:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
