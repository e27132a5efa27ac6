"""What users see of a running loop: a live bar on a terminal, one line an epoch everywhere else.

Where the stream is no terminal (a log file, a pipe, a batch job), no backspace, carriage return or escape byte is ever
written, whatever `verbose` is, and each epoch is one line, flushed at once (K1 of the requirements):

    Epoch 3/10 - 128/128 - 1s - 3ms/step - accuracy: 0.9812 - loss: 0.0541

Seconds of an epoch that went into compiling kernels are named, and are in no time per step (N2):

    Epoch 1/10 - 128/128 - 9s (8s compiling) - 3ms/step - accuracy: 0.6012 - loss: 1.3041

On a terminal, `verbose=1` draws a bar while the epoch runs and leaves the same line behind.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import numpy as np

from nbkeras import config, device
from nbkeras.config import setting
from nbkeras.errors import ArgumentError
from nbkeras.training.live_bar import LiveBar

#: Seconds between two drawings of the live bar; reading the logs for each step would cost more than the step.
REDRAW_SECONDS = 0.1


class Progress:
    """Reports the epochs of one `fit`, or the single pass of an `evaluate` or `predict`.

    Args:
        epochs: epochs in all; with 1, lines have no `Epoch 1/1`.
        steps: batches per epoch, None if unknown (it is learned from the first epoch).
        verbose: 0 silent, 1 bar, 2 a line an epoch, `"auto"` 1 on a terminal and 2 elsewhere.
        stream: where to write; None is `sys.stdout` as it is now, or the logger after
            `config.disable_interactive_logging()`.

    Attributes:
        silent: True if nothing is to be written, so that the loop need not call `batch_end`.

    Example:
        >>> progress = Progress(epochs=2, steps=4, verbose=0)
        >>> progress.epoch_begin(0)
        >>> for step in range(4):
        ...     progress.batch_end(step, lambda: {"loss": 0.5})
        >>> progress.epoch_end({"loss": 0.5})
        >>> progress.close()
    """

    def __init__(
        self, epochs: int, steps: int | None, verbose: int | str | bool = "auto", stream: TextIO | None = None
    ):
        self.epochs = epochs
        self.steps = steps
        if stream is None:
            stream = sys.stdout if config.is_interactive_logging_enabled() else LogStream()
        self.stream = stream
        self.verbose = resolve_verbose(verbose, self.stream)
        self.silent = self.verbose == 0
        self._live = self.verbose == 1 and is_terminal(self.stream)
        self._bar: LiveBar | None = None
        self._title = ""
        self._clock = StepClock()
        self._next_drawing = 0.0

    def epoch_begin(self, epoch: int) -> None:
        """Start an epoch, counted from 0."""
        if self.silent:
            return
        self._clock = StepClock()
        self._title = f"Epoch {epoch + 1}/{self.epochs}" if self.epochs > 1 else ""
        if self._live:
            self._bar = LiveBar(self.stream, self.steps, self._title)
            self._next_drawing = 0.0

    def batch_end(self, step: int, logs_getter: Callable[[], Mapping[str, Any]] | None = None) -> None:
        """Note that a step, counted from 0, is done.

        Args:
            step: the step's number in the epoch.
            logs_getter: returns the logs; it is called only when the bar is drawn, about ten times a second.
        """
        if self.silent:
            return
        now = self._clock.tick(step + 1)
        if self._bar is not None and now >= self._next_drawing:
            self._next_drawing = now + REDRAW_SECONDS
            logs = logs_getter() if logs_getter is not None else {}
            self._bar.draw(step + 1, format_parts([self._clock.per_step(), *format_logs(logs)]))

    def epoch_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Write the epoch's line."""
        if self.silent:
            return
        self.close()
        self.steps = self.steps or self._clock.steps
        self.stream.write(
            format_parts([self._title, *self._clock.summary(self.steps), *format_logs(logs or {})]) + "\n"
        )
        self.stream.flush()

    def close(self) -> None:
        """Take the bar off the terminal, also after an error; it may be called more than once."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class LogStream:
    """A stream whose lines are records of the logger `nbkeras`.

    Example:
        >>> logging.getLogger("nbkeras").isEnabledFor(logging.INFO)
        False
        >>> LogStream().write("unseen")
    """

    def write(self, text: str) -> None:
        """Log a line."""
        logging.getLogger("nbkeras").info(text.rstrip("\n"))

    def flush(self) -> None:
        """Records are written at once."""

    def isatty(self) -> bool:
        """A log is no terminal."""
        return False


class StepClock:
    """Times the steps of one epoch; the first, which may compile kernels, is left out of the time per step.

    Example:
        >>> clock = StepClock("sample")
        >>> clock.per_step()
        '0s/sample'
    """

    def __init__(self, unit: str = "step"):
        self.unit = unit
        self._compiled_before = device.compile_seconds()
        self.steps = 0
        self._start = self._first = self._last = time.perf_counter()
        self._first_steps = 0

    def tick(self, steps: int) -> float:
        """Note how many steps are done; returns the time now."""
        self._last = time.perf_counter()
        if self.steps == 0:
            self._first, self._first_steps = self._last, steps
        self.steps = steps
        return self._last

    def seconds_per_step(self) -> float:
        """Seconds a step took on average."""
        if self.steps > self._first_steps:
            return (self._last - self._first) / (self.steps - self._first_steps)
        return (self._last - self._start) / self.steps if self.steps else 0.0

    def per_step(self) -> str:
        """The time per step as text, such as `3ms/step`."""
        seconds = self.seconds_per_step()
        if seconds >= 1 or seconds == 0:
            return f"{seconds:.0f}s/{self.unit}"
        return f"{seconds * 1e3:.0f}ms/{self.unit}" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/{self.unit}"

    def summary(self, total: int | None) -> list[str]:
        """The parts of an epoch's line that speak of time: steps, seconds so far, time per step."""
        elapsed = f"{time.perf_counter() - self._start:.0f}s"
        compiling = device.compile_seconds() - self._compiled_before
        if compiling >= 0.5:
            elapsed += f" ({compiling:.0f}s compiling)"
        return [f"{self.steps}/{total or self.steps}", elapsed, self.per_step()]


def resolve_verbose(verbose: int | str | bool, stream: TextIO) -> int:
    """Say whether to be silent (0), draw a bar (1) or write lines (2).

    `"auto"` is what `NBKERAS_VERBOSE` says, else 1 on a terminal and 2 elsewhere.

    Raises:
        ArgumentError: any other value.

    Example:
        >>> import io
        >>> resolve_verbose("auto", io.StringIO()), resolve_verbose(False, io.StringIO())
        (2, 0)
    """
    asked, where = verbose, "verbose"
    if verbose == "auto":
        asked, where = setting("NBKERAS_VERBOSE") or "auto", "NBKERAS_VERBOSE"
        asked = int(asked) if asked in ("0", "1", "2") else asked
    if asked == "auto":
        return 1 if is_terminal(stream) else 2
    if isinstance(asked, (int, np.integer)) and asked in (0, 1, 2):
        return int(asked)
    raise ArgumentError(f"{where} must be 'auto', 0, 1 or 2, got {asked!r}.")


def is_terminal(stream: TextIO) -> bool:
    """True if control characters on this stream move a cursor instead of littering a file."""
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty()) and os.environ.get("TERM") != "dumb"


def format_logs(logs: Mapping[str, Any]) -> list[str]:
    """Each log as `name: value`, four digits as in Keras.

    Example:
        >>> format_logs({"loss": 0.25, "learning_rate": 1e-5})
        ['loss: 0.2500', 'learning_rate: 1.0000e-05']
    """
    return [f"{name}: {format_value(value)}" for name, value in logs.items()]


def format_value(value: Any) -> str:
    """A log's value in four digits; arrays by their mean, anything but numbers as text."""
    try:
        number = float(np.mean(value))
    except (TypeError, ValueError):
        return str(value)
    return f"{number:.4f}" if abs(number) > 1e-3 or number != number else f"{number:.4e}"


def format_parts(parts: list[str]) -> str:
    """Join the parts of a line, leaving out empty ones."""
    return " - ".join(part for part in parts if part)
