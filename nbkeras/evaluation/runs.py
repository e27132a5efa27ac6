"""One training and its evaluation on held-out rows, and many of them, one after another or in parallel processes."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nbkeras import naming
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.extras import need
from nbkeras.random.global_seed import seeded_apart
from nbkeras.training.columns import take_rows
from nbkeras.training.structure import map_leaves


@dataclass(frozen=True)
class Job:
    """What is to be trained on which rows.

    Args:
        build_fn: returns a compiled model.
        params: its arguments.
        fit_arguments: those of `fit`; `callbacks` may be a function that makes them.
        columns: `(x, y, sample_weight)`, nests of arrays.
        train, test: row numbers.
        seed: fixes weights, shuffling and dropout.
        scoring: name -> function of true and predicted values; beside the loss and the metrics.
        track_test: evaluate the test rows after each epoch too, so that the history shows them.
        train_scores: evaluate the training rows too.
        keep: whether predictions and weights are kept.
        who: the function that the user called, for messages.
    """

    build_fn: Callable
    params: dict
    fit_arguments: dict
    columns: tuple
    train: np.ndarray
    test: np.ndarray
    seed: int
    scoring: dict = field(default_factory=dict)
    track_test: bool = False
    train_scores: bool = False
    keep: bool = True
    who: str = "cross_validate"


@dataclass
class Run:
    """What came of a job.

    Attributes:
        train, test, seed, params: as asked for.
        history: name -> list of values, one an epoch.
        epochs: the numbers of the epochs, from 0.
        scores: name -> value on the test rows; the loss first.
        train_scores: likewise on the training rows, or empty.
        directions: name -> `"max"` or `"min"`, whichever is better, or None where nobody knows.
        predictions: the outputs for the test rows, in their order, or None.
        weights: of the trained model, or None.
        seconds: how long it took.
    """

    train: np.ndarray
    test: np.ndarray
    seed: int
    params: dict
    history: dict[str, list]
    epochs: list[int]
    scores: dict[str, float]
    train_scores: dict[str, float]
    directions: dict[str, str | None]
    predictions: Any
    weights: list[np.ndarray] | None
    seconds: float


def run(job: Job) -> Run:
    """Build, train and evaluate a model; everything in it follows from the job alone."""
    start = time.perf_counter()
    # A second AUC would be called auc_1 otherwise, and scores of two folds would not have the same names.
    with naming.counted_apart(), seeded_apart(job.seed):
        model = build(job.build_fn, job.params, job.who)
        x, y, weight = _rows(job.columns, job.train)
        held_out = _rows(job.columns, job.test)
        arguments = {"verbose": 0, **job.fit_arguments, "callbacks": _callbacks(job.fit_arguments.get("callbacks"))}
        if job.track_test:
            arguments["validation_data"] = held_out
        history = model.fit(x, y, sample_weight=weight, **arguments)
        batch_size = job.fit_arguments.get("batch_size")
        predictions = model.predict(held_out[0], batch_size=batch_size, verbose=0) if job.keep or job.scoring else None
        scores = _scores(model, held_out, batch_size, predictions, job.scoring)
        train_scores = {}
        if job.train_scores:
            outputs = model.predict(x, batch_size=batch_size, verbose=0) if job.scoring else None
            train_scores = _scores(model, (x, y, weight), batch_size, outputs, job.scoring)
    return Run(
        train=job.train,
        test=job.test,
        seed=job.seed,
        params=job.params,
        history=history.history,
        epochs=history.epoch,
        scores=scores,
        train_scores=train_scores,
        directions={name: _direction(model, name) for name in scores},
        predictions=predictions if job.keep else None,
        weights=model.get_weights() if job.keep else None,
        seconds=time.perf_counter() - start,
    )


def run_all(jobs: Sequence[Job], n_jobs: int | None) -> Iterator[Run]:
    """The results of many jobs, in their order.

    With several processes, each has its share of the processors (or NBKERAS_NUM_THREADS, if set): they are started
    anew, never forked, so that they are safe after kernels have run here. Large arrays reach them as memory-mapped
    files, once.
    """
    processes = _processes(n_jobs, jobs[0].who)
    processes = min(processes, len(jobs))
    if processes == 1:
        yield from map(run, jobs)
        return
    joblib = need("joblib", f"{jobs[0].who} with n_jobs={n_jobs}")
    threads = max(1, joblib.cpu_count() // processes)
    with joblib.parallel_config("loky", inner_max_num_threads=threads):
        pool = joblib.Parallel(n_jobs=processes, return_as="generator")
        yield from pool(joblib.delayed(_run_in_worker)(job, threads) for job in jobs)


def seeds(seed: int, count: int) -> list[int]:
    """Independent seeds, one a fold.

    Example:
        >>> seeds(0, 2) == seeds(0, 3)[:2], len(set(seeds(0, 100)))
        (True, 100)
    """
    return np.random.SeedSequence(seed).generate_state(count).tolist()


def build(build_fn: Callable, params: dict, who: str):
    """Call the user's function and check that it gives a compiled model."""
    if not callable(build_fn) or hasattr(build_fn, "fit"):
        raise ArgumentTypeError(
            f"{who}: expected build_fn to be a function that returns a new compiled model, got a "
            f"{type(build_fn).__name__}.",
            next="each fold needs a fresh model: pass the function that makes one.",
        )
    model = build_fn(**params)
    if not getattr(model, "compiled", False):
        raise ArgumentError(
            f"{who}: expected build_fn to return a compiled model, got {_what(model)}.",
            next="call model.compile(...) in it, and return the model.",
        )
    return model


def _run_in_worker(job: Job, threads: int) -> Run:
    # Threads are counted at the first launch; a worker that is used again keeps what it has.
    os.environ.setdefault("NBKERAS_NUM_THREADS", str(threads))
    return run(job)


def _processes(n_jobs: int | None, who: str) -> int:
    if n_jobs in (None, 1):
        return 1
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)) or n_jobs == 0:
        raise ArgumentError(
            f"{who}: expected n_jobs to be a number of processes, or -1 for all processors, got {n_jobs!r}."
        )
    if n_jobs > 0:
        return int(n_jobs)
    return max(1, need("joblib", f"{who} with n_jobs={n_jobs}").cpu_count() + 1 + int(n_jobs))


def _rows(columns: tuple, rows: np.ndarray) -> tuple:
    return tuple(map_leaves(lambda column: take_rows(column, rows), part) for part in columns)


def _callbacks(given: Any) -> Any:
    # Callbacks remember; each fold starts with ones that have seen nothing.
    return given() if callable(given) else copy.deepcopy(given)


def _scores(model, data: tuple, batch_size, predictions, scoring: dict) -> dict[str, float]:
    x, y, weight = data
    found = model.evaluate(x, y, sample_weight=weight, batch_size=batch_size, verbose=0, return_dict=True)
    scores = {"loss": found["loss"], **found}
    scores.update({name: function(y, predictions) for name, function in scoring.items()})
    return {name: float(value) if np.ndim(value) == 0 else np.asarray(value) for name, value in scores.items()}


def _direction(model, name: str) -> str | None:
    from nbkeras.callbacks import MonitorCallback

    watcher = MonitorCallback(name)
    watcher.set_model(model)
    try:
        return watcher.direction()
    except ArgumentError:
        return None


def _what(model: Any) -> str:
    return "one that is not compiled" if hasattr(model, "compile") else f"a {type(model).__name__}"
