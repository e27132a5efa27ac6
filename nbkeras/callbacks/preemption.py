"""Callbacks that end a training in time: before a scheduler kills the job."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import warnings
from collections.abc import Iterable, Iterator

from nbkeras.arguments import INTEGER, PATH, SIZE, TEXT, accepts, either, optional, sequence
from nbkeras.callbacks.backup import Backup
from nbkeras.callbacks.callback import Callback, Logs
from nbkeras.errors import ArgumentError, nearest

SIGNAL = either(TEXT, INTEGER)


class PreemptionCheckpoint(Backup):
    """End in good order when a signal comes: keep the state of the training, then stop.

    The signal's handler only sets a flag, which `fit`, `evaluate` and `predict` look at after each batch, in
    validation too, and `fit` and `evaluate` after each kernel that they compile. The handler that was there before is
    called too, and is put back when the training ends.

    Args:
        signals: names or numbers.
        path: of the file for the state; None leaves it to `fit(resume=...)` or to `BackupAndRestore`.
        grace: seconds that the scheduler leaves between the signal and the kill; a warning tells if keeping the state
            takes more than a third of them.
        max_restarts: as in `BackupAndRestore`; needs `path`.

    Raises:
        ArgumentError: a signal is unknown, or `max_restarts` is not what it may be.

    Example:
        >>> import os, signal, tempfile, numpy as np, nbkeras as keras
        >>> class Preempted(keras.callbacks.Callback):
        ...     def on_epoch_begin(self, epoch, logs=None):
        ...         if epoch == 1: os.kill(os.getpid(), signal.SIGUSR1)
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> stop = PreemptionCheckpoint(["SIGUSR1"], path=tempfile.mkdtemp() + "/state")
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=3, verbose=0, callbacks=[stop, Preempted()])
        SIGUSR1: the training ends before step 2 of epoch 2. Its state is in ...; the same fit goes on from there.
        >>> history.epoch, stop.preempted
        ([0], True)
    """

    @accepts(signals=either(SIGNAL, sequence(SIGNAL)), path=optional(PATH), grace=SIZE)
    def __init__(
        self,
        signals: Iterable[str | int] = ("SIGTERM", "SIGUSR1"),
        path: str | os.PathLike | None = None,
        grace: float = 30.0,
        max_restarts: int | None = None,
    ):
        if max_restarts is not None and path is None:
            raise ArgumentError("PreemptionCheckpoint: max_restarts needs a path, beside which restarts are counted.")
        super().__init__(None if path is None else os.fspath(path), None, max_restarts=max_restarts)
        self.signals = tuple(_signal(given) for given in ([signals] if isinstance(signals, (str, int)) else signals))
        self.grace = grace
        self._received: int | None = None
        self._before: dict = {}

    @property
    def preempted(self) -> bool:
        """Whether a signal came."""
        return self._received is not None

    def interruption(self) -> str | None:
        """The name of the signal that came."""
        return None if self._received is None else signal.Signals(self._received).name

    def _note(self, number, frame) -> None:
        # Nothing else may happen here: a signal can come at any moment, in the middle of any library.
        self._received = number
        before = self._before.get(number)
        if callable(before) and before is not signal.default_int_handler:
            before(number, frame)

    @contextlib.contextmanager
    def around(self) -> Iterator[None]:
        """The signals are noted inside; afterwards the handlers are those that were there before."""
        if self._before:  # a callback evaluates the model inside `fit`
            yield
            return
        self._received = None
        if threading.current_thread() is not threading.main_thread():
            warnings.warn("PreemptionCheckpoint: signals reach the main thread only; this training is in another.")
            yield
            return
        self._before = {number: signal.getsignal(number) for number in self.signals}
        try:
            for number in self.signals:
                signal.signal(number, self._note)
            yield
        finally:
            for number, before in self._before.items():
                # None: a handler that was not set from Python, and cannot be from here.
                signal.signal(number, signal.SIG_DFL if before is None else before)
            self._before = {}

    def write(self, state: dict) -> None:
        super().write(state)
        if self.seconds > self.grace / 3:
            warnings.warn(
                f"PreemptionCheckpoint: keeping the state took {self.seconds:.1f} s, of {self.grace:.0f} s that there "
                "are before the kill.",
                stacklevel=4,
            )


class TimeLimit(Callback):
    """End in good order before the job's time is over: the state of the training is kept, then it stops.

    Args:
        minutes: from the start of the training; None asks SLURM when the job ends (`SLURM_JOB_END_TIME`).
        margin: minutes to stop before that, for keeping the state and for all that comes after `fit`.

    Raises:
        ArgumentError: no minutes are given and this is no SLURM job, or a number is negative.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=3, verbose=0, callbacks=[TimeLimit(0)])
        TimeLimit: the training ends before step 2 of epoch 1. Nothing keeps its state.
    """

    @accepts(minutes=optional(SIZE), margin=SIZE)
    def __init__(self, minutes: float | None = None, margin: float = 0.0):
        super().__init__()
        if minutes is None and not os.environ.get("SLURM_JOB_END_TIME", "").isdecimal():
            raise ArgumentError(
                "TimeLimit: no minutes were given, and SLURM does not say when this job ends (SLURM_JOB_END_TIME).",
                next="give the minutes.",
            )
        self.minutes, self.margin = minutes, margin
        self._end = float("inf")

    def on_train_begin(self, logs: Logs = None) -> None:
        left = 60 * self.minutes if self.minutes is not None else int(os.environ["SLURM_JOB_END_TIME"]) - time.time()
        self._end = time.monotonic() + left - 60 * self.margin

    def on_train_end(self, logs: Logs = None) -> None:
        self._end = float("inf")

    def interruption(self) -> str | None:
        """Says that the time is over."""
        return "TimeLimit" if time.monotonic() >= self._end else None


def _signal(given: str | int) -> signal.Signals:
    names = [each.name for each in signal.Signals]
    try:
        found = signal.Signals[given] if isinstance(given, str) else signal.Signals(given)
    except (KeyError, ValueError):
        raise ArgumentError(f"PreemptionCheckpoint: unknown signal {given!r}; {nearest(str(given), names)}") from None
    if found in (signal.SIGKILL, signal.SIGSTOP):
        raise ArgumentError(f"PreemptionCheckpoint: {found.name} cannot be caught.", next="use SIGTERM or SIGUSR1.")
    return found
