"""What callbacks that watch one number share: its name, its direction, and what counts as better.

The direction (`mode="auto"`) is that of the metric object with that name; losses are to be minimized. A number whose
direction nobody knows is an error when `fit` starts, and a name that the first epoch does not log is an error then,
not a warning in each epoch (K6 of the requirements).

NaN is never better than anything, and any other number is better than NaN, so that one NaN at the start cannot stay
"best" for ever (K3).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

from nbkeras.arguments import NUMBER, TEXT, accepts, number, optional
from nbkeras.callbacks.callback import Callback, Logs
from nbkeras.errors import ArgumentError, StateError, nearest

_DIRECTIONS = {"min": "min", "down": "min", "max": "max", "up": "max"}


class MonitorCallback(Callback):
    """The base of `EarlyStopping`, `ReduceLROnPlateau` and others that compare a logged number with its best.

    Args:
        monitor: the number's name in the logs.
        mode: `"min"`, `"max"`, or `"auto"` to ask the metric; anything else warns and is taken as auto, as in Keras.
        baseline: the first value to beat, or None.
        min_delta: how much better a value must be to count.

    Raises:
        ArgumentError: at the start of `fit`: auto was asked for and nobody knows the direction.
        StateError: at the start of `fit`: a validation result is watched but there is no validation; at the end of
            the first epoch: the logs have no such name.

    Example:
        >>> watcher = MonitorCallback("loss", min_delta=0.1)
        >>> watcher.is_improvement(0.85, 1.0), watcher.is_improvement(0.95, 1.0), watcher.is_improvement(2.0, math.nan)
        (True, False, True)
    """

    STATE = ("best", "_seen", "_warned")

    @accepts(monitor=TEXT, mode=TEXT, baseline=optional(number(infinite=True)), min_delta=NUMBER)
    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0
    ):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(f"{type(self).__name__}: mode {mode!r} is unknown; taking 'auto'.", stacklevel=3)
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self._direction = None if mode == "auto" else mode
        self._seen = False
        self._warned = False

    def on_train_begin(self, logs: Logs = None) -> None:
        self._seen = self._warned = False
        if self.monitor.startswith("val_") and (self.params or {}).get("do_validation") is False:
            raise StateError(
                f"{type(self).__name__}: monitors {self.monitor!r}, but fit has no validation data.",
                next=f"pass validation_data or validation_split to fit, or monitor={self.monitor[4:]!r}.",
            )
        self.direction()

    def direction(self) -> str:
        """`"min"` or `"max"`, whichever is better."""
        if self._direction is None:
            self._direction = self._find_direction()
        return self._direction

    def is_improvement(self, value: float, reference: float | None) -> bool:
        """True if a value is better than the reference by more than `min_delta`; see above for NaN and None."""
        if math.isnan(value):
            return False
        if reference is None or math.isnan(reference):
            return True
        if self.direction() == "min":
            return value + self.min_delta < reference
        return value - self.min_delta > reference

    def monitored(self, logs: Logs) -> float | None:
        """The number in an epoch's logs, or None in an epoch without validation (`validation_freq`)."""
        logs = logs or {}
        if self.monitor in logs:
            self._seen = True
            return float(logs[self.monitor])
        if not self._seen and not self._awaits_validation(logs):
            raise StateError(
                f"{type(self).__name__}: monitors {self.monitor!r}, which the first epoch did not log.",
                next=nearest(self.monitor, logs),
            )
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"{type(self).__name__}: this epoch has no {self.monitor!r} and is passed over. "
                f"It logged: {', '.join(logs)}.",
                stacklevel=3,
            )
        return None

    def _awaits_validation(self, logs: Logs) -> bool:
        """True if the name may still come, with a later epoch's validation."""
        validated = any(name.startswith("val_") for name in logs)
        return self._seen or (self.monitor.startswith("val_") and self.monitor[4:] in logs and not validated)

    def _find_direction(self) -> str:
        name = self.monitor.removeprefix("val_")
        metrics = {metric.name: metric for metric in _all_metrics(getattr(self.model, "metrics", ()))}
        # With several outputs, the logs put the output's name before the metric's.
        matching = [known for known in metrics if name == known or name.endswith(f"_{known}")]
        metric = metrics[max(matching, key=len)] if matching else None
        declared = _DIRECTIONS.get(getattr(metric, "direction", None))
        if declared is not None:
            return declared
        if name == "loss" or name.endswith("_loss"):
            return "min"
        raise ArgumentError(
            f"{type(self).__name__}: cannot tell whether {self.monitor!r} is to be minimized or maximized; "
            f"the model's metrics are: {', '.join(metrics) or 'none'}.",
            next="pass mode='min' or mode='max', or correct the name.",
        )


def _all_metrics(metrics: Iterable[Any]) -> Iterable[Any]:
    """The metrics, and those inside of metrics that hold others."""
    for metric in metrics:
        yield metric
        yield from _all_metrics(getattr(metric, "metrics", ()))
