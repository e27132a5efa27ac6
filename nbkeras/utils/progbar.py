"""`utils.Progbar`, the progress bar for training loops that users write themselves."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.training.live_bar import LiveBar
from nbkeras.training.progress import StepClock, format_logs, format_parts, is_terminal


class Progbar:
    """Shows progress towards a number of steps, on `sys.stdout`.

    On a terminal a bar is drawn; elsewhere only the final line is written, without control characters.

    Args:
        target: steps in all, None if unknown.
        width: characters of the bar.
        verbose: 0 silent, 1 bar, 2 only the final line.
        interval: least seconds between two drawings.
        stateful_metrics: names whose last value is shown; all others are averaged over the steps.
        stateless_metrics: names that are averaged; the last value of all others is shown. Give one of the two.
        unit_name: what a step is called.

    Raises:
        ArgumentError: both lists of names were given.

    Example:
        >>> bar = Progbar(target=2, verbose=2)
        >>> bar.add(1, values=[("loss", 1.0)])
        >>> bar.add(1, values=[("loss", 0.5)])
        2/2 - 0s - .../step - loss: 0.5000

    Source: the interface is that of `keras.utils.Progbar`.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ArgumentError(
                "Progbar: give stateful_metrics or stateless_metrics, not both.",
                next="names in neither list follow from the one that is given.",
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = None if stateful_metrics is None else set(stateful_metrics)
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._sums: dict[str, tuple[float, int]] = {}
        self._clock = StepClock(unit_name)
        self._bar: LiveBar | None = None
        self._next_drawing = 0.0

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Say how many steps are done.

        Args:
            current: steps done so far.
            values: pairs of name and value of the last step; as in Keras, the final call shows its values as they are.
            finalize: whether this is the last call; None means when `current` reaches the target.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._collect(values or (), max(current - self._clock.steps, 1), finalize)
        self._clock.tick(current)
        if self.verbose == 1 and not finalize and is_terminal(sys.stdout):
            self._draw(current)
        if finalize and self.verbose:
            self._finish()

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Say that `n` more steps are done."""
        self.update(self._clock.steps + n, values)

    def _collect(self, values: Iterable[tuple[str, Any]], steps: int, finalize: bool) -> None:
        for name, value in values:
            number = float(np.mean(value))
            if finalize or not self._is_averaged(name):
                self._sums[name] = (number, 1)
            else:
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = (total + number * steps, count + steps)

    def _is_averaged(self, name: str) -> bool:
        if self.stateless_metrics is not None:
            return name in self.stateless_metrics
        return name not in (self.stateful_metrics or ())

    def _logs(self) -> list[str]:
        return format_logs({name: total / count for name, (total, count) in self._sums.items()})

    def _draw(self, current: int) -> None:
        now = time.perf_counter()
        if now < self._next_drawing:
            return
        self._next_drawing = now + self.interval
        if self._bar is None:
            self._bar = LiveBar(sys.stdout, self.target, "", self.width)
        self._bar.draw(current, format_parts([self._clock.per_step(), *self._logs()]))

    def _finish(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        sys.stdout.write(format_parts([*self._clock.summary(self.target), *self._logs()]) + "\n")
        sys.stdout.flush()
