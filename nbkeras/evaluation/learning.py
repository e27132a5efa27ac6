"""Would more data help? Scores by the number of training rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nbkeras.errors import ArgumentError, nearest
from nbkeras.evaluation import _table
from nbkeras.evaluation._figure import BLUE, INK, RULE, VERMILION, new_figure, save
from nbkeras.evaluation.cross_validation import check_data
from nbkeras.evaluation.folds import make_splits
from nbkeras.evaluation.runs import Job, run_all, seeds

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class LearningCurve:
    """The results of `learning_curve`. Printed, it is a table.

    Attributes:
        sizes: numbers of training rows, (sizes,).
        train_scores: name -> values on the rows trained on, (sizes, folds).
        test_scores: name -> values on held-out rows, (sizes, folds).

    Example:
        >>> scores = {"loss": np.array([[0.9, 0.7], [0.5, 0.5]])}
        >>> print(LearningCurve(np.array([10, 20]), scores, scores))
        2 folds at each size
        rows       loss, train        loss, test
        ────────────────────────────────────────
        10     0.8000 ± 0.1000   0.8000 ± 0.1000
        20     0.5000 ± 0.0000   0.5000 ± 0.0000
    """

    sizes: np.ndarray
    train_scores: dict[str, np.ndarray]
    test_scores: dict[str, np.ndarray]

    def __rich__(self):
        names = list(self.test_scores)
        columns = ["rows", *(f"{name}, {part}" for name in names for part in ("train", "test"))]
        rows = [
            (str(size),)
            + tuple(
                _table.spread(scores[name][index]) for name in names for scores in (self.train_scores, self.test_scores)
            )
            for index, size in enumerate(self.sizes)
        ]
        folds = next(iter(self.test_scores.values())).shape[1]
        return _table.make_table(f"{folds} folds at each size", columns, rows)

    def __str__(self):
        return _table.as_text(self)


def learning_curve(
    build_fn: Callable,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    train_sizes: Sequence[float] = (0.1, 0.325, 0.55, 0.775, 1.0),
    cv: Any = 5,
    kind: str = "auto",
    groups: Sequence | None = None,
    params: dict | None = None,
    scoring: dict[str, Callable] | None = None,
    seed: int = 0,
    n_jobs: int | None = 1,
    **fit_arguments,
) -> LearningCurve:
    """Train on growing parts of each fold's training rows, and evaluate on these and on the rows held out.

    A gap between the two that is still closing says that more rows would help; two curves that have met say that
    they would not. The smaller parts lie inside of the larger ones.

    Args:
        build_fn: returns a new compiled model.
        x, y, sample_weight: as in `fit`: arrays, nests of them, or pandas frames.
        train_sizes: shares in (0, 1] of the smallest fold's training rows, or numbers of rows.
        cv, kind, groups, params, scoring, seed, n_jobs: as in `cross_validate`.
        fit_arguments: passed to `fit`.

    Returns:
        LearningCurve: for `plot_learning_curve_by_size`; prints as a table.

    Raises:
        The errors of `cross_validate`; ArgumentError: sizes out of range.

    Example:
        >>> import nbkeras as keras
        >>> def build():
        ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", "mse")
        ...     return model
        >>> x = np.arange(24.0).reshape(12, 2) / 24
        >>> curve = learning_curve(build, x, x.sum(axis=1), train_sizes=[0.5, 1.0], cv=2, epochs=1)
        >>> curve.sizes, curve.test_scores["loss"].shape
        (array([3, 6]), (2, 2))

    Source: the sizes are chosen as in scikit-learn's `learning_curve`.
    """
    who = "learning_curve"
    columns, rows = check_data(x, y, sample_weight, fit_arguments, False, who)
    splits = make_splits(cv, kind, columns[1], groups, rows, seed, who)
    sizes = _sizes(train_sizes, min(len(split.train) for split in splits), who)
    fold_seeds = seeds(seed, len(splits))
    folds = [
        (np.random.default_rng(one).permutation(split.train), split.test, one)
        for split, one in zip(splits, fold_seeds, strict=True)
    ]
    jobs = [
        Job(
            build_fn=build_fn,
            params=params or {},
            fit_arguments=fit_arguments,
            columns=columns,
            train=order[:size],
            test=test,
            seed=one,
            scoring=scoring or {},
            train_scores=True,
            keep=False,
            who=who,
        )
        for size in sizes
        for order, test, one in folds
    ]
    runs = list(run_all(jobs, n_jobs))

    def collect(part):
        names = getattr(runs[0], part)
        found = {name: np.array([np.mean(getattr(run, part)[name]) for run in runs]) for name in names}
        return {name: values.reshape(len(sizes), len(splits)) for name, values in found.items()}

    return LearningCurve(sizes, collect("train_scores"), collect("scores"))


def plot_learning_curve_by_size(
    curve: LearningCurve, score: str | None = None, path: str | os.PathLike | None = None
) -> Figure:
    """Draw a score by the number of training rows: the mean over the folds, and its standard deviation as a band.

    Args:
        curve: what `learning_curve` returned.
        score: which score; the first metric, or the loss if there is none, unless given.
        path: where to write the picture (.png, .pdf, .svg); None only returns it.

    Returns:
        The matplotlib figure, tied to no window.

    Raises:
        ArgumentError: an unknown score; ExtraMissing: matplotlib is not installed.

    Example:
        >>> scores = {"loss": np.array([[0.9, 0.7], [0.5, 0.5]])}
        >>> figure = plot_learning_curve_by_size(LearningCurve(np.array([10, 20]), scores, scores))
    """
    names = list(curve.test_scores)
    if score is None:
        score = next((name for name in names if name != "loss"), "loss")
    if score not in names:
        raise ArgumentError(f"plot_learning_curve_by_size: there is no score {score!r}; {nearest(score, names)}")
    figure = new_figure(6.2, 4.2)
    axes = figure.add_subplot()
    parts = (("rows trained on", curve.train_scores, BLUE, "-"), ("rows held out", curve.test_scores, VERMILION, "--"))
    for label, scores, colour, line in parts:
        mean, std = scores[score].mean(axis=1), scores[score].std(axis=1)
        axes.fill_between(curve.sizes, mean - std, mean + std, color=colour, alpha=0.15, linewidth=0)
        axes.plot(curve.sizes, mean, line, color=colour, marker="o", markersize=4, linewidth=1.8)
        axes.lines[-1].set_label(f"{label}, last {mean[-1]:.4g}")
    folds = curve.test_scores[score].shape[1]
    axes.set_title(score.replace("_", " "), loc="left", color=INK, fontsize=12, fontweight="bold")
    axes.set_xlabel(f"training rows (mean and standard deviation of {folds} folds)", color=INK)
    axes.grid(color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    save(figure, path)
    return figure


def _sizes(train_sizes: Sequence[float], most: int, who: str) -> np.ndarray:
    given = np.asarray(train_sizes, dtype=float).reshape(-1)
    shares = np.asarray(train_sizes).dtype.kind == "f"
    sizes = (given * most).astype(int) if shares else given.astype(int)
    if not given.size or not np.all(given > 0) or sizes.max() > most or sizes.min() < 1:
        raise ArgumentError(
            f"{who}: expected train_sizes to be shares in (0, 1], or from 1 to {most} rows, got {list(train_sizes)}."
        )
    return np.unique(sizes)
