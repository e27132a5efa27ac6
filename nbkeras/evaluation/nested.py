"""Nested cross-validation: choose hyper-parameters, and estimate honestly how good the choice is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nbkeras.errors import ArgumentError, nearest
from nbkeras.evaluation import _table
from nbkeras.evaluation.cross_validation import CrossValidation, check_data
from nbkeras.evaluation.folds import Split, is_splitter, make_splits
from nbkeras.evaluation.runs import Job, Run, run_all, seeds
from nbkeras.extras import need
from nbkeras.training.structure import map_leaves

#: Parameters with this prefix go to `fit`, all others to `build_fn`.
FIT = "fit__"


@dataclass
class Candidate:
    """One choice of parameters inside of an outer fold.

    Attributes:
        params: the choice.
        scores: the score in each inner fold, (inner folds,).
        runs: the inner trainings.
    """

    params: dict
    scores: np.ndarray
    runs: list[Run]

    @property
    def mean(self) -> float:
        """The mean over the inner folds, by which candidates are compared."""
        return float(self.scores.mean())


@dataclass
class NestedCrossValidation:
    """The results of `nested_cross_validate`. Printed, it is a table.

    Attributes:
        outer: the outer folds, as `cross_validate` gives them: each trained with the parameters that its own inner
            folds chose.
        search: for each outer fold all candidates, in the grid's order.
        score: what was compared.
        direction: `"max"` or `"min"`, whichever is better.

    Example:
        >>> import nbkeras as keras
        >>> def build(units):
        ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units), keras.layers.Dense(1)])
        ...     model.compile("sgd", "mse")
        ...     return model
        >>> x = np.arange(24.0).reshape(12, 2) / 24
        >>> result = nested_cross_validate(build, {"units": [1, 2]}, x, x.sum(axis=1), outer=2, inner=2, epochs=1)
        >>> [candidate.params for candidate in result.search[0]], result.score, result.direction
        ([{'units': 1}, {'units': 2}], 'loss', 'min')
    """

    outer: CrossValidation
    search: list[list[Candidate]]
    score: str
    direction: str

    @property
    def best_params(self) -> list[dict]:
        """The parameters chosen in each outer fold. If they differ much, the choice means little."""
        return [best(candidates, self.direction).params for candidates in self.search]

    @property
    def scores(self) -> dict[str, np.ndarray]:
        """Name -> the value of each outer fold: the estimate of how good the whole procedure is."""
        return self.outer.scores

    def mean(self, name: str) -> float:
        """The mean of a score over the outer folds."""
        return self.outer.mean(name)

    def std(self, name: str) -> float:
        """The standard deviation of a score over the outer folds."""
        return self.outer.std(name)

    def __rich__(self):
        names = list(self.scores)
        rows = []
        for index, (candidates, run) in enumerate(zip(self.search, self.outer.runs, strict=True)):
            chosen = best(candidates, self.direction)
            cells = [_table.number(run.scores[name]) for name in names]
            rows.append((str(index + 1), _table.settings(chosen.params), _table.number(chosen.mean), *cells))
        inner = [best(candidates, self.direction).mean for candidates in self.search]
        footer = ("mean ± std", "", _table.spread(inner), *(_table.spread(self.scores[name]) for name in names))
        inner_folds, choices = len(self.search[0][0].runs), len(self.search[0])
        title = f"{len(rows)} outer folds, {choices} choices compared by {self.score} in {inner_folds} inner folds"
        return _table.make_table(title, ["fold", "chosen", f"inner {self.score}", *names], rows, [footer])

    def __str__(self):
        return _table.as_text(self)


def nested_cross_validate(
    build_fn: Callable,
    param_grid: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    outer: Any = 5,
    inner: Any = 3,
    kind: str = "auto",
    groups: Sequence | None = None,
    score: str | None = None,
    mode: str = "auto",
    scoring: dict[str, Callable] | None = None,
    seed: int = 0,
    n_jobs: int | None = 1,
    verbose: int = 0,
    **fit_arguments,
) -> NestedCrossValidation:
    """Choose parameters by cross-validation inside of each outer fold, and test the choice on the rows held out.

    The rows that judge the choice had no part in it, so the outer scores are what a model found in this way can be
    expected to reach. The inner score of the chosen parameters is not: the best of many is partly luck.

    Args:
        build_fn: returns a new compiled model; takes the parameters by name.
        param_grid: name -> list of values, or a list of such dicts, or an iterable of dicts such as scikit-learn's
            `ParameterSampler`. Names that begin with `fit__` go to `fit`: `{"units": [8, 16], "fit__epochs": [5, 9]}`.
        x, y, sample_weight: as in `fit`: arrays, nests of them, or pandas frames.
        outer, inner: the folds: numbers, scikit-learn splitters, or for `outer` (train rows, test rows) pairs.
        kind, groups: as in `cross_validate`, for both.
        score: which score decides: `"loss"`, a metric's name or a key of `scoring`; the first metric, or the loss if
            there is none, unless given.
        mode: `"max"`, `"min"`, or `"auto"` to ask the metric.
        scoring: as in `cross_validate`.
        seed: from which everything random follows. All candidates of an inner fold have the same seed.
        n_jobs: processes that train at the same time, -1 for one a processor.
        verbose: 1 prints a line an outer fold.
        fit_arguments: passed to `fit`, where the grid does not say otherwise.

    Returns:
        NestedCrossValidation: the outer folds, all candidates of each, the parameters chosen; prints as a table.

    Raises:
        The errors of `cross_validate`; ArgumentError: an empty grid, an unknown score, or one whose direction nobody
            knows.

    Example:
        >>> import nbkeras as keras
        >>> def build(units):
        ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units), keras.layers.Dense(1)])
        ...     model.compile("sgd", "mse")
        ...     return model
        >>> x = np.arange(24.0).reshape(12, 2) / 24
        >>> result = nested_cross_validate(build, {"units": [1, 2]}, x, x.sum(axis=1), outer=2, inner=2, epochs=1)
        >>> len(result.best_params), result.scores["loss"].shape
        (2, (2,))

    Source: S. Varma and R. Simon, Bias in error estimation when using cross-validation for model selection, 2006.
    """
    who = "nested_cross_validate"
    columns, rows = check_data(x, y, sample_weight, fit_arguments, False, who)
    choices = _choices(param_grid, who)
    if isinstance(inner, Iterable) and not is_splitter(inner):
        raise ArgumentError(
            f"{who}: expected inner to be a number of folds or a splitter, got a {type(inner).__name__}.",
            next="each outer fold has inner folds of its own, so they cannot be listed once.",
        )
    splits = make_splits(outer, kind, columns[1], groups, rows, seed, who)
    outer_seeds = seeds(seed, len(splits))
    inside = [
        _inner_splits(inner, kind, columns[1], groups, split.train, one, who)
        for split, one in zip(splits, outer_seeds, strict=True)
    ]

    def job(choice, split, one, keep):
        return Job(
            build_fn=build_fn,
            params={name: value for name, value in choice.items() if not name.startswith(FIT)},
            fit_arguments={
                **fit_arguments,
                **{name.removeprefix(FIT): value for name, value in choice.items() if name.startswith(FIT)},
            },
            columns=columns,
            train=split.train,
            test=split.test,
            seed=one,
            scoring=scoring or {},
            keep=keep,
            who=who,
        )

    plan = [
        (fold, choice, split, one)
        for fold, inner_splits in enumerate(inside)
        for choice in choices
        for split, one in zip(inner_splits, seeds(outer_seeds[fold], len(inner_splits)), strict=True)
    ]
    runs = list(run_all([job(choice, split, one, False) for _, choice, split, one in plan], n_jobs))
    score, direction = _score_and_direction(runs[0], score, mode, who)
    search = _collect(runs, inside, choices, score)
    chosen = [best(candidates, direction).params for candidates in search]
    final = []
    jobs = [job(choice, split, one, True) for choice, split, one in zip(chosen, splits, outer_seeds, strict=True)]
    for number, (run, choice) in enumerate(zip(run_all(jobs, n_jobs), chosen, strict=True), start=1):
        final.append(run)
        if verbose:
            value = _table.number(run.scores[score])
            print(f"outer fold {number}/{len(jobs)} - {_table.settings(choice)} - {score}: {value}", flush=True)
    return NestedCrossValidation(CrossValidation(final, rows, build_fn), search, score, direction)


def best(candidates: Sequence[Candidate], direction: str) -> Candidate:
    """The candidate with the best mean; the first of equals, and never one that is NaN if another is not."""
    sign = 1.0 if direction == "max" else -1.0
    means = [sign * candidate.mean for candidate in candidates]
    return candidates[int(np.argmax(np.where(np.isnan(means), -np.inf, means)))]


def _choices(param_grid: Any, who: str) -> list[dict]:
    is_grid = isinstance(param_grid, dict) or (
        isinstance(param_grid, (list, tuple)) and all(isinstance(part, dict) for part in param_grid)
    )
    try:
        found = need("sklearn.model_selection", who).ParameterGrid(param_grid) if is_grid else param_grid
        choices = [dict(choice) for choice in found]
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{who}: param_grid cannot be read: {error}", next="pass a dict from names to lists of values."
        ) from error
    if not choices or (is_grid and not param_grid):
        raise ArgumentError(f"{who}: param_grid is empty.", next="pass a dict from names to lists of values.")
    return choices


def _inner_splits(inner, kind, y, groups, train: np.ndarray, seed: int, who: str) -> list[Split]:
    """Folds of an outer fold's training rows, as row numbers of the whole data."""
    part = map_leaves(lambda column: column[train], y)
    own = None if groups is None else np.asarray(groups)[train]
    return [
        Split(train[split.train], train[split.test])
        for split in make_splits(inner, kind, part, own, len(train), seed, who)
    ]


def _score_and_direction(run: Run, score: str | None, mode: str, who: str) -> tuple[str, str]:
    if score is None:
        score = next((name for name in run.scores if name != "loss"), "loss")
    if score not in run.scores:
        raise ArgumentError(f"{who}: there is no score {score!r}; {nearest(score, run.scores)}")
    if mode not in ("auto", "min", "max"):
        raise ArgumentError(f"{who}: expected mode to be 'auto', 'min' or 'max', got {mode!r}.")
    direction = run.directions[score] if mode == "auto" else mode
    if direction is None:
        raise ArgumentError(
            f"{who}: cannot tell whether {score!r} is to be minimized or maximized.", next="pass mode='min' or 'max'."
        )
    return score, direction


def _collect(runs: list[Run], inside: list[list[Split]], choices: list[dict], score: str) -> list[list[Candidate]]:
    remaining, search = iter(runs), []
    for splits in inside:
        candidates = []
        for choice in choices:
            own = [next(remaining) for _ in splits]
            candidates.append(Candidate(choice, np.array([np.mean(run.scores[score]) for run in own]), own))
        search.append(candidates)
    return search
