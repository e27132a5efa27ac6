"""Cross-validation: how good a kind of model is on rows that it has not seen, and how much that varies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nbkeras import tree
from nbkeras.errors import ArgumentError, ArgumentTypeError, DataError
from nbkeras.evaluation import _table
from nbkeras.evaluation.folds import make_splits
from nbkeras.evaluation.runs import Job, Run, build, run_all, seeds
from nbkeras.training.columns import as_triple, check_rows, is_array_like


@dataclass
class CrossValidation:
    """The results of `cross_validate`. Printed, it is a table.

    Attributes:
        runs: one `Run` a fold: rows, seed, history, scores, predictions, weights, seconds.
        rows: how many rows the data has.
        build_fn: what made the models.

    Example:
        >>> import nbkeras as keras
        >>> def build():
        ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", "mse")
        ...     return model
        >>> x = np.arange(24.0).reshape(12, 2) / 24
        >>> result = cross_validate(build, x, x.sum(axis=1), cv=2, epochs=1)
        >>> [run.test for run in result.runs], result.rows
        ([array([ 2,  4,  6,  8, 10, 11]), array([0, 1, 3, 5, 7, 9])], 12)
    """

    runs: list[Run]
    rows: int
    build_fn: Callable

    @property
    def scores(self) -> dict[str, np.ndarray]:
        """Name -> the value of each fold, (folds,); the loss first."""
        return {name: np.array([run.scores[name] for run in self.runs]) for name in self.runs[0].scores}

    @property
    def histories(self) -> list[dict[str, list]]:
        """The history of each fold."""
        return [run.history for run in self.runs]

    def mean(self, name: str) -> float:
        """The mean of a score over the folds."""
        return float(np.mean(self.scores[name]))

    def std(self, name: str) -> float:
        """The standard deviation of a score over the folds."""
        return float(np.std([np.mean(value) for value in self.scores[name]]))

    @property
    def predictions(self) -> Any:
        """What the model that had not seen a row predicts for it, (N, ...) in the order of the data.

        A row that no fold tests is NaN; of a row that several folds test, the last one counts.
        """

        def place(*parts):
            together = np.full((self.rows, *parts[0].shape[1:]), np.nan, dtype=np.result_type(parts[0], np.float32))
            for run, part in zip(self.runs, parts, strict=True):
                together[run.test] = part
            return together

        return tree.map_structure(place, *(run.predictions for run in self.runs))

    def model(self, fold: int):
        """A new model with the weights that a fold ended with."""
        run = self.runs[fold]
        model = build(self.build_fn, run.params, "cross_validate")
        if not model.built:
            raise ArgumentError(
                "CrossValidation.model: build_fn returns a model that is not built, so weights have no place yet.",
                next="start the model with an Input.",
            )
        model.set_weights(run.weights)
        return model

    def __rich__(self):
        names = list(self.scores)
        rows = [
            (str(index + 1), f"{len(run.train)}", f"{len(run.test)}", str(len(run.epochs)))
            + tuple(_table.number(run.scores[name]) for name in names)
            + (f"{run.seconds:.1f}",)
            for index, run in enumerate(self.runs)
        ]
        footer = ("mean ± std", "", "", "", *(_table.spread(self.scores[name]) for name in names), "")
        return _table.make_table(
            f"{len(self.runs)} folds", ["fold", "train", "test", "epochs", *names, "seconds"], rows, [footer]
        )

    def __str__(self):
        return _table.as_text(self)


def cross_validate(
    build_fn: Callable,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    cv: Any = 5,
    kind: str = "auto",
    groups: Sequence | None = None,
    params: dict | None = None,
    scoring: dict[str, Callable] | None = None,
    track_test: bool = False,
    seed: int = 0,
    n_jobs: int | None = 1,
    verbose: int = 0,
    **fit_arguments,
) -> CrossValidation:
    """Train a fresh model on each fold's training rows and evaluate it on the rows held out.

    Every fold has a seed of its own, made from `seed`, so weights and shuffling differ from fold to fold and are the
    same in each call, whatever `n_jobs`. The script's own random numbers go on as if none had been drawn here.

    Args:
        build_fn: returns a new compiled model.
        x, y, sample_weight: as in `fit`: arrays, nests of them, or pandas frames.
        cv: the number of folds, a scikit-learn splitter, or (train rows, test rows) pairs.
        kind: where `cv` is a number: 'plain', 'stratified', 'grouped', 'time' (training rows come before test rows),
            or 'auto': grouped if groups are given, stratified if y holds classes, else plain.
        groups: a label a row; rows of one group are never on both sides.
        params: arguments for `build_fn`.
        scoring: name -> function of (y_true, predictions), scores beside the loss and the compiled metrics.
        track_test: evaluate the held-out rows after each epoch, so that histories have `val_` values. No callback may
            act on these: a model that stops by its test rows is tested too well. For early stopping pass
            validation_split, which is taken from the training rows.
        seed: from which everything random follows.
        n_jobs: processes that train at the same time, -1 for one a processor. `build_fn` and what it needs reaches
            them by value, so it may be a lambda or live in a notebook.
        verbose: 1 prints a line a fold.
        fit_arguments: passed to `fit`: epochs, batch_size, class_weight, validation_split, callbacks (a list, copied
            for each fold, or a function that makes one), ...

    Returns:
        CrossValidation: scores, histories, predictions for held-out rows, weights; prints as a table.

    Raises:
        ArgumentError, ArgumentTypeError, DataError: folds that cannot be made, data that is not arrays, arguments
            that the folds themselves set; ExtraMissing: scikit-learn is not installed.

    Example:
        >>> import nbkeras as keras
        >>> def build():
        ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", "mse")
        ...     return model
        >>> x = np.arange(24.0).reshape(12, 2) / 24
        >>> result = cross_validate(build, x, x.sum(axis=1), cv=3, epochs=2)
        >>> result.scores["loss"].shape, len(result.histories), result.predictions.shape
        ((3,), 3, (12, 1))

    Source: ours; the folds are scikit-learn's.
    """
    who = "cross_validate"
    columns, rows = check_data(x, y, sample_weight, fit_arguments, track_test, who)
    splits = make_splits(cv, kind, columns[1], groups, rows, seed, who)
    jobs = [
        Job(
            build_fn=build_fn,
            params=params or {},
            fit_arguments=fit_arguments,
            columns=columns,
            train=train,
            test=test,
            seed=one,
            scoring=scoring or {},
            track_test=track_test,
            who=who,
        )
        for (train, test), one in zip(splits, seeds(seed, len(splits)), strict=True)
    ]
    runs = []
    for number, run in enumerate(run_all(jobs, n_jobs), start=1):
        runs.append(run)
        if verbose:
            scores = " - ".join(f"{name}: {_table.number(value)}" for name, value in run.scores.items())
            print(f"fold {number}/{len(jobs)} - {run.seconds:.1f} s - {scores}", flush=True)
    return CrossValidation(runs, rows, build_fn)


def check_data(x, y, sample_weight, fit_arguments: dict, track_test: bool, who: str) -> tuple[tuple, int]:
    """The data as columns, and its number of rows, after a look at the arguments for `fit`."""
    if not is_array_like(x) or x is None:
        raise DataError(
            f"{who}: expected arrays as x, got a {type(x).__name__}.",
            next="folds are made of rows: collect the batches into arrays.",
        )
    for name in ("validation_data", "x", "y", "sample_weight"):
        if name in fit_arguments:
            raise ArgumentTypeError(
                f"{who}: fit's argument {name!r} cannot be given: it follows from the fold.",
                next="use validation_split or track_test for validation.",
            )
    if track_test and fit_arguments.get("validation_split"):
        raise ArgumentError(f"{who}: give track_test or validation_split, not both.")
    columns = as_triple((x, y, sample_weight), who)
    return columns, check_rows(columns, who)
