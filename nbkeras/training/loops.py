"""The loops of fit, evaluate and predict: batches, hooks, logs, progress."""

from __future__ import annotations

import contextlib
import warnings

from nbkeras.training.collector import Collector
from nbkeras.training.logs import numbers


def fit(model, source, validation, due, callbacks, epochs, initial_epoch, progress) -> None:
    """Train a model epoch by epoch.

    Args:
        model: compiled and checked.
        source, validation: where batches come from; the latter may be None.
        due: says whether to validate after an epoch, counted from 0.
        callbacks: a `CallbackList`.
        epochs, initial_epoch: where to stop and to start counting.
        progress: a `Progress`.
    """
    model.stop_training = False
    logs = {}
    callbacks.on_train_begin()
    try:
        for epoch in range(initial_epoch, epochs):
            model.reset_metrics()
            progress.epoch_begin(epoch)
            callbacks.on_epoch_begin(epoch)
            found = run_epoch(model, "train", source, epoch, callbacks, progress)
            if found is None:
                break
            logs = dict(found)
            if validation is not None and due(epoch):
                validation.rewind()
                results = evaluate(model, validation, callbacks)
                logs.update({f"val_{name}": value for name, value in results.items()})
            progress.epoch_end(logs)
            callbacks.on_epoch_end(epoch, logs)
            if model.stop_training or source.exhausted:
                break
    finally:
        progress.close()
        if getattr(model.optimizer, "use_ema", False) and epochs > 0:
            model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end(logs)


def evaluate(model, source, callbacks, progress=None) -> dict:
    """The results of a model's metrics over a source, by name."""
    model.stop_evaluating = False
    callbacks.on_test_begin()
    model.reset_metrics()
    if progress is not None:
        progress.epoch_begin(0)
    logs = run_epoch(model, "test", source, 0, callbacks, progress) or {}
    if progress is not None:
        progress.epoch_end(logs)
    callbacks.on_test_end(logs)
    return dict(sorted(logs.items()))


def run_epoch(model, kind, source, epoch, callbacks, progress) -> dict | None:
    """All batches of an epoch of training ("train") or evaluation ("test").

    Returns:
        The logs after the last batch, as numbers; None if there was no batch.
    """
    steps, columns, every = model._untracked_steps[kind], source.columns, model.steps_per_execution
    wanted = getattr(callbacks, f"wants_{kind}_batches")
    begin, end = (getattr(callbacks, f"on_{kind}_batch_{what}") for what in ("begin", "end"))
    flag = "stop_training" if kind == "train" else "stop_evaluating"
    silent, traced, step = progress is None or progress.silent, None, -1
    with contextlib.closing(source.batches(epoch)) as batches:
        for step, batch in enumerate(batches):
            if wanted and step % every == 0:
                begin(step)
            with steps.scratch.lock:
                traced = steps.run(batch, columns)
            if wanted and (step + 1) % every == 0:
                end(step, numbers(traced.result()))
            if not silent:
                progress.batch_end(step, lambda traced=traced: numbers(traced.result()))
            if getattr(model, flag):
                break
    if traced is None:
        warnings.warn(f"model {model.name!r}: the data gave no batch.", stacklevel=5)
        return None
    logs = numbers(traced.result())
    if wanted and (step + 1) % every:
        end(step - step % every + every - 1, logs)
    return logs


def predict(model, source, callbacks, progress):
    """The outputs of a model for all batches of a source, as NumPy arrays."""
    steps, every = model._untracked_steps["predict"], model.steps_per_execution
    rows = source.num_samples
    if rows is not None and source.steps:
        rows = min(rows, source.steps * source.batch_size)
    collector = Collector(rows)
    model.stop_predicting = False
    callbacks.on_predict_begin()
    wanted = callbacks.wants_predict_batches
    progress.epoch_begin(0)
    try:
        with contextlib.closing(source.batches(0)) as batches:
            # What one call of the hooks covers.
            group = Collector(None)
            for step, batch in enumerate(batches):
                if wanted and step % every == 0:
                    callbacks.on_predict_batch_begin(step)
                with steps.scratch.lock:
                    outputs = steps.run(batch, source.columns).result()
                    collector.add(outputs)
                    if wanted:
                        group.add(outputs)
                if wanted and (step + 1) % every == 0:
                    callbacks.on_predict_batch_end(step, {"outputs": group.result()})
                    group = Collector(None)
                if not progress.silent:
                    progress.batch_end(step)
                if model.stop_predicting:
                    break
            if group.at:
                callbacks.on_predict_batch_end(step - step % every + every - 1, {"outputs": group.result()})
        progress.epoch_end({})
    finally:
        progress.close()
    callbacks.on_predict_end()
    return collector.result()
