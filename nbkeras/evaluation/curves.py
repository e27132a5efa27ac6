"""Learning curves: how the loss and each metric went, epoch by epoch."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nbkeras.errors import ArgumentTypeError, DataError
from nbkeras.evaluation._figure import BLUE, INK, RULE, VERMILION, new_figure, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Up to this many epochs each one gets a dot, so that a run of one epoch shows something.
MOST_EPOCHS_WITH_DOTS = 25


def plot_learning_curves(history, path: str | os.PathLike | None = None) -> Figure:
    """Draw the loss and each metric by epoch, training and validation side by side, one panel each.

    Args:
        history: what `fit` returned, or its dictionary of lists (`history.history`). When validation ran only every
            k-th epoch its points are drawn at those epochs.
        path: where to write the picture (.png, .pdf, .svg); None only returns it.

    Returns:
        The matplotlib figure, tied to no window.

    Raises:
        ArgumentTypeError: `history` is neither of the two.
        DataError: it holds no epoch, or values that are not numbers.
        ExtraMissing: matplotlib is not installed.

    Example:
        >>> figure = plot_learning_curves({"loss": [0.9, 0.4], "val_loss": [1.0, 0.6]})
    """
    logs, first = _logs(history)
    epochs = max(len(values) for values in logs.values())
    names = [name for name in logs if not (name.startswith("val_") and name[4:] in logs)]
    names.sort(key=lambda name: name.removeprefix("val_") != "loss")
    columns = min(len(names), 2 if len(names) <= 4 else 3)
    rows = math.ceil(len(names) / columns)
    figure = new_figure(1.0 + 4.8 * columns, 0.4 + 3.4 * rows)
    for index, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, index + 1)
        parts = {"training": name, "validation": f"val_{name}"}
        if name.startswith("val_"):
            parts = {"validation": name}
        curves = {part: logs[key] for part, key in parts.items() if key in logs}
        _panel(axes, name.removeprefix("val_"), curves, epochs, first)
    save(figure, path)
    return figure


def _logs(history) -> tuple[dict[str, np.ndarray], int]:
    """The lists by name as float arrays (epochs, values), and the number of the first epoch, counted from 1."""
    lists = getattr(history, "history", history)
    if not isinstance(lists, Mapping):
        raise ArgumentTypeError(
            f"plot_learning_curves: expected a History or a dictionary of lists, got {type(history).__name__}.",
            next="pass what model.fit(...) returned.",
        )
    logs = {name: _numbers(name, values) for name, values in lists.items()}
    logs = {name: values for name, values in logs.items() if len(values)}
    if not logs:
        raise DataError(
            "plot_learning_curves: expected at least one epoch, got an empty history.",
            next="train for one epoch or more before drawing.",
        )
    epochs = getattr(history, "epoch", None)
    return logs, (epochs[0] + 1 if epochs else 1)


def _numbers(name: str, values: Sequence) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        array = None
    if array is None or array.ndim == 0:
        raise DataError(
            f"plot_learning_curves: expected {name!r} to be a list of numbers, one an epoch, got {values!r}."
        )
    return array.reshape(len(array), math.prod(array.shape[1:]))


def _label(part: str, values: np.ndarray, alone: bool) -> str:
    last = f"last {values[-1, 0]:.4g}" if values.shape[1] == 1 else f"{values.shape[1]} values"
    return last if alone and part == "training" else f"{part}, {last}"


def _panel(axes, name: str, curves: Mapping[str, np.ndarray], epochs: int, first: int) -> None:
    from matplotlib.ticker import MaxNLocator

    styles = {"training": (BLUE, "-"), "validation": (VERMILION, "--")}
    for part, values in curves.items():
        colour, line = styles[part]
        # What validation_freq=k leaves behind: one entry after every k-th epoch.
        every = epochs // len(values)
        ticks = first - 1 + every * np.arange(1, len(values) + 1)
        drawn = axes.plot(ticks, values, line, color=colour, linewidth=1.8)
        drawn[0].set_label(_label(part, values, alone=len(curves) == 1))
        for curve in drawn:
            curve.set(marker="o" if len(values) <= MOST_EPOCHS_WITH_DOTS else "", markersize=3.5)
    axes.set_title(name.replace("_", " "), loc="left", color=INK, fontsize=12, fontweight="bold")
    axes.set_xlabel("epoch", color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(first - 0.5, first + epochs - 0.5)
    axes.grid(color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
