"""The loops of fit, evaluate and predict: batches, hooks, logs, progress."""

from __future__ import annotations

import contextlib
import warnings

from nbkeras.graph import interruptions
from nbkeras.training.collector import Collector
from nbkeras.training.logs import numbers


def fit(model, session, validation, due, epochs, progress) -> None:
    """Train a model epoch by epoch.

    Args:
        model: compiled and checked.
        session: a `Session`: the place to start from, the data and the callbacks.
        validation: where batches of validation come from, or None.
        due: says whether to validate after an epoch, counted from 0.
        epochs: where to stop.
        progress: a `Progress`.
    """
    callbacks, source = session.callbacks, session.source
    session.find()
    if session.finished and (session.stopping or session.epoch >= epochs):
        session.take_up(between=True)
        return
    model.stop_training = interrupted = False
    callbacks.on_train_begin()
    try:
        for epoch in range(session.epoch, epochs):
            session.take_up(between=True)
            if session.stopping:
                break
            model.reset_metrics()
            progress.epoch_begin(epoch)
            callbacks.on_epoch_begin(epoch)
            session.inside = True
            session.take_up(between=False)
            logs = run_epoch(model, "train", source, epoch, callbacks, progress, session)
            interrupted = callbacks.interruption() is not None
            if logs is None or interrupted:
                break
            if validation is not None and due(epoch):
                session.before_validation(logs)
                validation.rewind()
                results = evaluate(model, validation, callbacks)
                interrupted = session.interrupted()
                if interrupted:
                    break
                logs.update({f"val_{name}": value for name, value in results.items()})
            progress.epoch_end(logs)
            callbacks.on_epoch_end(epoch, logs)
            stopping = model.stop_training or source.exhausted
            session.after_epoch(epoch, logs, stopping)
            interrupted = not stopping and epoch + 1 < epochs and session.interrupted()
            if stopping or interrupted:
                break
        session.take_up(between=True)
    finally:
        progress.close()
        if epochs > 0:
            model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end(session.last_logs)
    if not interrupted:
        session.end()


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


def run_epoch(model, kind, source, epoch, callbacks, progress, session=None) -> dict | None:
    """All batches of an epoch of training ("train") or evaluation ("test"), from the session's place on.

    Returns:
        The logs after the last batch, as numbers; None if there was no batch.
    """
    steps, columns, every = model._untracked_steps[kind], source.columns, model.steps_per_execution
    wanted = getattr(callbacks, f"wants_{kind}_batches")
    begin, end = (getattr(callbacks, f"on_{kind}_batch_{what}") for what in ("begin", "end"))
    flag = "stop_training" if kind == "train" else "stop_evaluating"
    start = 0 if session is None else session.step
    silent, traced, step = progress is None or progress.silent, None, start - 1
    if start and getattr(model, flag):
        return dict(session.logs)  # Interrupted after a callback had stopped the epoch.
    try:
        with (
            interruptions.heeded(_heeded(source, callbacks)),
            contextlib.closing(source.batches(epoch, start) if start else source.batches(epoch)) as batches,
        ):
            for step, batch in enumerate(batches, start):
                if wanted and step % every == 0:
                    begin(step)
                with steps.scratch.lock:
                    traced = steps.run(batch, columns)
                if wanted and (step + 1) % every == 0:
                    end(step, numbers(traced.result()))
                if not silent:
                    progress.batch_end(step, lambda traced=traced: numbers(traced.result()))
                if session is not None:
                    session.after_step(step, lambda traced=traced: numbers(traced.result()))
                    if session.interrupted(lambda traced=traced: numbers(traced.result())):
                        break
                elif callbacks.interruption() is not None:
                    break
                if getattr(model, flag):
                    break
    except interruptions.Interrupted:
        # While kernels were compiled: this step is not done.
        logs = None if traced is None else (lambda: numbers(traced.result()))
        if session is not None:
            session.interrupted(logs)
        return logs() if logs else {}
    if traced is None and start:
        return dict(session.logs)  # Interrupted after the last batch.
    if traced is None:
        warnings.warn(f"model {model.name!r}: the data gave no batch.", stacklevel=5)
        return None
    logs = numbers(traced.result())
    if wanted and (step + 1) % every:
        end(step - step % every + every - 1, logs)
    return logs


def _heeded(source, callbacks):
    """What ends the making of a plan; rows can be taken again, but a batch of a stream is out: it is done first."""
    return None if source.columns is None else callbacks.interruption


def predict(model, source, callbacks, progress):
    """The outputs of a model for all batches of a source, as NumPy arrays; None if it was interrupted before any."""
    steps, every = model._untracked_steps["predict"], model.steps_per_execution
    rows = source.num_samples
    if rows is not None and source.steps:
        rows = min(rows, source.steps * source.batch_size)
    collector = Collector(rows)
    model.stop_predicting = False
    callbacks.on_predict_begin()
    wanted = callbacks.wants_predict_batches
    progress.epoch_begin(0)
    interrupted = False
    try:
        with (
            interruptions.heeded(_heeded(source, callbacks)),
            contextlib.closing(source.batches(0)) as batches,
        ):
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
                if model.stop_predicting or callbacks.interruption() is not None:
                    break
            if group.at:
                callbacks.on_predict_batch_end(step - step % every + every - 1, {"outputs": group.result()})
        progress.epoch_end({})
    except interruptions.Interrupted:
        interrupted = True  # while kernels were compiled: this batch is not done
    finally:
        progress.close()
    callbacks.on_predict_end()
    return None if interrupted and not collector.at else collector.result()
