"""`LearningRateScheduler`: a learning rate for each epoch, from a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from nbkeras.arguments import VERBOSE, accepts
from nbkeras.callbacks.callback import Callback, Logs
from nbkeras.callbacks.rates import learning_rates, optimizers_of
from nbkeras.errors import ArgumentTypeError


class LearningRateScheduler(Callback):
    """Set the learning rate at the start of each epoch.

    It adds `learning_rate` to the epoch's logs.

    Args:
        schedule: a function of the epoch, counted from 0, and the learning rate so far (or of the epoch alone) that
            returns the new learning rate.
        verbose: 1 prints each value.

    Raises:
        ArgumentTypeError: the schedule cannot be called, or returns no number.

    Example:
        >>> from nbkeras.callbacks import LearningRateScheduler
        >>> scheduler = LearningRateScheduler(lambda epoch, lr: lr if epoch < 10 else lr * 0.9)
        >>> round(scheduler.rate(10, 0.1), 3)
        0.09

    Source: arguments and rules are those of `keras.callbacks.LearningRateScheduler`.
    """

    @accepts(verbose=VERBOSE)
    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        super().__init__()
        if not callable(schedule):
            raise ArgumentTypeError(
                f"LearningRateScheduler: schedule must be a function of epoch and learning rate, got {schedule!r}."
            )
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes_two(schedule)

    def rate(self, epoch: int, old: float) -> float:
        """The learning rate of an epoch, as a checked float."""
        new: Any = self.schedule(epoch, old) if self._takes_rate else self.schedule(epoch)
        if isinstance(new, bool) or np.ndim(new) != 0 or np.asarray(new).dtype.kind not in "fiu":
            raise ArgumentTypeError(
                f"LearningRateScheduler: the schedule must return a float, but for epoch {epoch} it returned {new!r}.",
                next="return the old learning rate where it should stay as it is.",
            )
        return float(new)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        for name, optimizer in optimizers_of(self.model).items():
            new = self.rate(epoch, float(optimizer.learning_rate))
            optimizer.learning_rate = new
            if self.verbose > 0:
                print(f"Epoch {epoch + 1}: LearningRateScheduler setting {name.replace('_', ' ', 1)} to {new}.")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if logs is not None:
            logs.update(learning_rates(self.model))


def _takes_two(schedule: Callable) -> bool:
    """Trying and catching TypeError, the other way to find out, would hide the schedule's own mistakes."""
    try:
        inspect.signature(schedule).bind(0, 0.1)
    except TypeError:
        return False
    except ValueError:
        return True  # A built-in function that does not tell its arguments.
    return True
