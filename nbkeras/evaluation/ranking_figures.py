"""ROC and precision-recall curves as pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.evaluation._figure import BLUE, INK, RULE, new_figure, save
from nbkeras.evaluation.ranking import (
    average_precision,
    one_vs_rest,
    precision_recall_curve,
    roc_auc,
    roc_curve,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Eight colours that colour-blind readers tell apart (Okabe and Ito, 2008); more classes repeat them with other lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#B8A800")
LINES = ("-", "--", ":", "-.")


def plot_roc_curve(
    y_true, y_score, class_names: Sequence[str] | None = None, path: str | os.PathLike | None = None
) -> Figure:
    """Draw the ROC curve of a classifier; with more than two classes, one curve each against all others.

    Args:
        y_true: class numbers, or one-hot rows.
        y_score: the model's output: the probability of class 1, or of each class.
        class_names: a name for each class; its number unless given.
        path: where to write the picture (.png, .pdf, .svg); None only returns it.

    Shapes:
        y_true (N,), (N, 1) or (N, C); y_score (N,), (N, 1) or (N, C).

    Returns:
        The matplotlib figure, tied to no window. The legend has the area under each curve.

    Raises:
        ShapeError, DataError, ArgumentError: labels, scores or names that do not fit; ExtraMissing: matplotlib is not
            installed.

    Example:
        >>> figure = plot_roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    """
    pairs = one_vs_rest(y_true, y_score, "plot_roc_curve")
    curves = [roc_curve(*pair) for pair in pairs]
    areas = [roc_auc(*pair) for pair in pairs]
    axes = _axes("ROC", "share of negatives taken for positives", "share of positives found")
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1.0, linestyle=(0, (2, 3)))
    points = [(curve.false_positive_rate, curve.true_positive_rate) for curve in curves]
    _draw(axes, points, areas, "area", class_names, "plot_roc_curve", drawstyle="default")
    save(axes.figure, path)
    return axes.figure


def plot_precision_recall_curve(
    y_true, y_score, class_names: Sequence[str] | None = None, path: str | os.PathLike | None = None
) -> Figure:
    """Draw precision against recall; with more than two classes, one curve each against all others.

    Args, Shapes, Returns, Raises: as for `plot_roc_curve`; the legend has each curve's average precision.

    Example:
        >>> figure = plot_precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    """
    pairs = one_vs_rest(y_true, y_score, "plot_precision_recall_curve")
    curves = [precision_recall_curve(*pair) for pair in pairs]
    areas = [average_precision(*pair) for pair in pairs]
    axes = _axes("Precision and recall", "recall: share of positives found", "precision: share that are positive")
    points = [(curve.recall, curve.precision) for curve in curves]
    # A precision holds from its recall down to the next one: that is what average precision sums.
    _draw(axes, points, areas, "average", class_names, "plot_precision_recall_curve", drawstyle="steps-post")
    save(axes.figure, path)
    return axes.figure


def _axes(title: str, x: str, y: str):
    axes = new_figure(5.4, 5.2).add_subplot()
    axes.set_title(title, loc="left", color=INK, fontsize=12, fontweight="bold")
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.grid(color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _draw(axes, points, areas: list[float], word: str, class_names, who: str, drawstyle: str) -> None:
    if len(points) == 1:
        axes.plot(*points[0], color=BLUE, linewidth=1.8, drawstyle=drawstyle, label=f"{word} {areas[0]:.4f}")
    else:
        names = [str(name) for name in (range(len(points)) if class_names is None else class_names)]
        if len(names) != len(points):
            raise ArgumentError(f"{who}: expected {len(points)} class_names, one a class, got {len(names)}.")
        for index, (name, curve, area) in enumerate(zip(names, points, areas, strict=True)):
            axes.plot(
                *curve,
                color=COLOURS[index % len(COLOURS)],
                linestyle=LINES[index // len(COLOURS) % len(LINES)],
                linewidth=1.5,
                drawstyle=drawstyle,
                label=f"{name}: {area:.4f}",
            )
        axes.plot([], [], " ", label=f"mean {word} {np.mean(areas):.4f}")
    axes.legend(frameon=False, fontsize=8, loc="lower left" if drawstyle != "default" else "lower right")
