"""`ReduceLROnPlateau`: a smaller learning rate when a number has stopped improving."""

from __future__ import annotations

import numpy as np

from nbkeras.arguments import NUMBER, SIZE, TEXT, VERBOSE, accepts, number
from nbkeras.callbacks.callback import Logs
from nbkeras.callbacks.monitor import MonitorCallback
from nbkeras.callbacks.rates import learning_rates, optimizers_of
from nbkeras.errors import ArgumentError


class ReduceLROnPlateau(MonitorCallback):
    """Multiply the learning rate by `factor` when the monitored number has not improved for `patience` epochs.

    It adds `learning_rate`, as it was during the epoch, to the epoch's logs.

    Args:
        monitor: the number's name in the logs.
        factor: what the learning rate is multiplied by; below 1.
        patience: epochs without improvement before it acts.
        verbose: 1 prints when it acts.
        mode: `"min"`, `"max"` or `"auto"`.
        min_delta: how much better a value must be to count.
        cooldown: epochs after an action in which patience does not run out.
        min_lr: the learning rate never gets smaller than this.

    Raises:
        ArgumentError: `factor` is 1 or more; also see `MonitorCallback`.

    Example:
        >>> from nbkeras.callbacks import ReduceLROnPlateau
        >>> ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=5, min_lr=0.001).factor
        0.2

    Source: arguments and rules are those of `keras.callbacks.ReduceLROnPlateau`, but for NaN.
    """

    STATE = (*MonitorCallback.STATE, "wait", "cooldown_counter")

    @accepts(
        verbose=VERBOSE,
        monitor=TEXT,
        factor=SIZE,
        patience=number(0, infinite=True),
        mode=TEXT,
        min_delta=NUMBER,
        cooldown=SIZE,
        min_lr=SIZE,
    )
    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ArgumentError(
                f"ReduceLROnPlateau: factor must be below 1, got {factor}.",
                next="the new learning rate is the old one times factor; try 0.1.",
            )
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def in_cooldown(self) -> bool:
        """True while an action is so recent that patience does not run out."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs = None) -> None:
        super().on_train_begin(logs)
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        logs.update(learning_rates(self.model))
        value = self.monitored(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_improvement(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        for name, optimizer in optimizers_of(self.model).items():
            old = float(optimizer.learning_rate)
            # The optimizer keeps float32, in which min_lr may be a little more than it is here.
            if old <= np.float32(self.min_lr):
                continue
            new = max(old * self.factor, self.min_lr)
            optimizer.learning_rate = new
            self.cooldown_counter = self.cooldown
            self.wait = 0
            if self.verbose > 0:
                print(f"Epoch {epoch + 1}: ReduceLROnPlateau reducing {name.replace('_', ' ', 1)} to {new}.")
