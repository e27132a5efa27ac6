"""Signals and time limits: the training ends in good order in every phase, and goes on with the same bits."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.callbacks import BackupAndRestore, PreemptionCheckpoint, TimeLimit
from nbkeras.errors import ArgumentError
from nbkeras.graph import interruptions
from nbkeras.kernels._jit import Kernel
from nbkeras.saving import state_file
from tests.saving.test_resume import BATCH, EPOCHS, X, Y, callbacks_of, outcome, training


class SignalAt(keras.callbacks.Callback):
    """Sends a signal to this process at a moment, once."""

    def __init__(self, hook=None, count=0, number=signal.SIGUSR1):
        super().__init__()
        self.hook, self.left, self.number = hook, count, number
        if hook is not None:
            setattr(self, hook, self._called)

    def _called(self, *arguments, **logs):
        self.left -= 1
        if self.left == -1:
            os.kill(os.getpid(), self.number)


def run(path, sender, seed=3):
    model = training(seed)
    callbacks = [*callbacks_of(False), sender]
    stop = PreemptionCheckpoint(path=path)
    model.fit(X, Y, BATCH, EPOCHS, 0, [stop, *callbacks], validation_split=0.23)
    found = outcome(model, callbacks)
    return found, stop


@pytest.mark.parametrize(
    "hook, count",
    [
        ("on_train_begin", 0), ("on_train_batch_begin", 0), ("on_train_batch_end", 2), ("on_train_batch_end", 3),
        ("on_test_begin", 1), ("on_test_batch_end", 1), ("on_epoch_end", 1), ("on_epoch_begin", 2),
    ],
)  # fmt: skip
def test_in_every_phase_of_fit(tmp_path, capsys, hook, count):
    before = signal.getsignal(signal.SIGUSR1), signal.getsignal(signal.SIGTERM)
    whole, _ = run(None, SignalAt())
    _, stop = run(tmp_path / "state", SignalAt(hook, count))
    assert stop.preempted
    assert re.search(
        r"SIGUSR1: the training ends before step \d+ of epoch \d+. Its state is in .*state", capsys.readouterr().out
    )
    state = state_file.read(tmp_path / "state")
    assert not state["finished"] and state["epoch"] < EPOCHS
    found, stop = run(tmp_path / "state", SignalAt(), seed=42)
    assert found == whole and not stop.preempted
    assert state_file.read(tmp_path / "state")["finished"]
    assert (signal.getsignal(signal.SIGUSR1), signal.getsignal(signal.SIGTERM)) == before


def slow_compilation(monkeypatch, at):
    """Kernels take long to be ready, and while one is, a signal comes; returns the names of those asked for."""
    names, compile = [], Kernel.compile

    def slow(kernel, dtype):
        if len(names) == at:
            os.kill(os.getpid(), signal.SIGUSR1)
        names.append(kernel.name)
        time.sleep(0.001)
        return compile(kernel, dtype)

    monkeypatch.setattr(interruptions, "LONG", 0.0)
    monkeypatch.setattr(Kernel, "compile", slow)
    return names


@pytest.mark.parametrize("kernels", [0, 1, 7, 1000])
def test_between_two_kernels_that_are_compiled(tmp_path, monkeypatch, kernels):
    """The first plans are made in the first step, the first validation and the last, short batch of an epoch."""
    whole, _ = run(None, SignalAt())
    compiled = slow_compilation(monkeypatch, kernels)
    _, stop = run(tmp_path / "state", SignalAt())
    assert stop.preempted == (kernels < 1000)
    assert (len(compiled) == kernels + 1) or kernels == 1000, "no further kernel is compiled"
    if stop.preempted:
        state = state_file.read(tmp_path / "state")
        assert (state["epoch"], state["step"], state["finished"]) == (0, 0, False)
        resumed, _ = run(tmp_path / "state", SignalAt(), seed=88)
        assert resumed == whole


def test_evaluate_ends_between_two_kernels(monkeypatch):
    model, stop = training(), PreemptionCheckpoint()
    compiled = slow_compilation(monkeypatch, 1)
    assert model.evaluate(X, Y, 3, 0, callbacks=[stop], return_dict=True) == {}
    assert stop.preempted and len(compiled) == 2


@pytest.mark.parametrize("kernels", [0, 1000])
def test_predict_ends_between_two_kernels(monkeypatch, kernels):
    model, stop = training(), PreemptionCheckpoint()
    compiled = slow_compilation(monkeypatch, kernels)
    found = model.predict(X, 3, 0, callbacks=[stop])
    assert stop.preempted == (kernels == 0)
    assert (found is None and len(compiled) == 1) if kernels == 0 else len(found) == len(X)


def test_predict_gives_what_was_done_before_it_was_interrupted(monkeypatch):
    """The last, short batch has a plan of its own, whose kernels are compiled."""
    model, stop = training(), PreemptionCheckpoint()
    whole = model.predict(X, 3, 0)
    model = training()
    model.predict_on_batch(X[:3])
    slow_compilation(monkeypatch, 0)
    assert len(X) % 3
    np.testing.assert_array_equal(model.predict(X, 3, 0, callbacks=[stop]), whole[: len(X) - len(X) % 3])
    assert stop.preempted


def test_a_stream_gives_its_batch_first(tmp_path, monkeypatch):
    """What a generator has given out would be lost."""

    def stream():
        while True:
            yield X[:5], Y[:5]

    def fit(seed, *callbacks):
        model = training(seed)
        model.fit(stream(), steps_per_epoch=3, epochs=2, verbose=0, callbacks=list(callbacks))
        return [weight.tobytes() for weight in model.get_weights()]

    whole = fit(3)
    stop = PreemptionCheckpoint(path=tmp_path / "state")
    slow_compilation(monkeypatch, 0)
    fit(3, SignalAt("on_train_batch_begin", 0), stop)
    assert state_file.read(tmp_path / "state")["step"] == 1
    monkeypatch.undo()
    assert fit(9, SignalAt(), PreemptionCheckpoint(path=tmp_path / "state")) == whole


def test_after_the_last_epoch_the_training_is_finished(tmp_path):
    run(tmp_path / "state", SignalAt("on_epoch_end", EPOCHS - 1))
    assert state_file.read(tmp_path / "state")["finished"]


@pytest.mark.parametrize("how", ["resume", "backup"])
def test_the_state_may_be_kept_by_others(tmp_path, how):
    model = training()
    others = [BackupAndRestore(tmp_path)] if how == "backup" else []
    options = {"resume": tmp_path / "training.state"} if how == "resume" else {}
    stop = PreemptionCheckpoint("SIGTERM")
    sender = SignalAt("on_train_batch_end", 6, signal.SIGTERM)
    model.fit(X, Y, BATCH, 4, 0, [*others, stop, sender], **options)
    state = state_file.read(tmp_path / "training.state")
    assert (state["epoch"], state["step"]) == (1, 1) and model.history.epoch == [0]


def test_evaluate_and_predict_heed_it():
    model = training()
    stop = PreemptionCheckpoint()
    model.fit(X, Y, verbose=0)
    seen = SignalAt("on_test_batch_end", 1)
    counted = []
    hooks = ("on_test_batch_end", "on_predict_batch_end")
    counter = keras.callbacks.LambdaCallback(**{hook: lambda batch, logs: counted.append(batch) for hook in hooks})
    model.evaluate(X, Y, 3, 0, callbacks=[stop, seen, counter])
    assert stop.preempted and counted == [0, 1]
    assert len(model.predict(X, 3, 0, callbacks=[stop, SignalAt("on_predict_batch_end", 2), counter])) == 9
    assert counted == [0, 1, 0, 1, 2]
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL


def test_the_handler_before_is_called_and_put_back():
    called = []

    def before(number, frame):
        called.append(number)

    original = signal.signal(signal.SIGUSR1, before)
    try:
        _, stop = run(None, SignalAt("on_train_batch_end", 1))
        assert stop.preempted and called == [signal.SIGUSR1]
        assert signal.getsignal(signal.SIGUSR1) is before
    finally:
        signal.signal(signal.SIGUSR1, original)


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_test_batch_end", "on_predict_batch_end", None])
def test_the_handlers_are_put_back_however_it_ends(hook):
    """A signal that nobody heeds any more would leave a job that cannot be ended."""

    class Failing(keras.callbacks.Callback):
        pass

    def fail(*_):
        assert signal.getsignal(signal.SIGINT) != before[signal.SIGINT]
        raise RuntimeError("x")

    if hook is not None:
        setattr(Failing, hook, fail)
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    model, stop = training(), PreemptionCheckpoint([number.name for number in numbers])
    for run_it in (
        lambda: model.fit(X, Y, verbose=0, callbacks=[stop, Failing()]),
        lambda: model.evaluate(X, Y, verbose=0, callbacks=[stop, Failing()]),
        lambda: model.predict(X, verbose=0, callbacks=[stop, Failing()]),
        lambda: model.fit(X, Y, validation_data=(X, Y), verbose=0, callbacks=[stop, Failing()]),
    ):
        with contextlib.suppress(RuntimeError):
            run_it()
        assert {number: signal.getsignal(number) for number in numbers} == before


def test_a_callback_that_evaluates_leaves_the_handlers_to_fit():
    class Evaluating(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.evaluate(X, Y, verbose=0, callbacks=[stop])
            os.kill(os.getpid(), signal.SIGUSR1)

    stop = PreemptionCheckpoint(["SIGUSR1"])
    history = training().fit(X, Y, verbose=0, epochs=3, callbacks=[Evaluating(), stop])
    assert stop.preempted and history.epoch == [0]


def test_a_handler_does_nothing_but_note(monkeypatch):
    stop = PreemptionCheckpoint()
    for name in ("write", "interruption"):
        monkeypatch.setattr(stop, name, None)
    stop._note(signal.SIGTERM, None)
    assert stop.preempted


def test_other_threads_get_no_signals():
    def fit():
        with pytest.warns(UserWarning, match="signals reach the main thread only"):
            training().fit(X, Y, verbose=0, callbacks=[PreemptionCheckpoint()])
        done.append(True)

    done = []
    thread = threading.Thread(target=fit)
    thread.start()
    thread.join()
    assert done


def test_a_slow_disk_is_told(tmp_path):
    with pytest.warns(UserWarning, match=r"keeping the state took .* s, of 0 s that there are before the kill"):
        training().fit(X, Y, verbose=0, callbacks=[PreemptionCheckpoint(path=tmp_path / "a", grace=0.0),
                                                   SignalAt("on_train_batch_end")], epochs=2)  # fmt: skip


def test_time_limits(monkeypatch, tmp_path, capsys):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            now[0] += 60

    def steps(limit, **options):
        model = training()
        model.fit(X, Y, BATCH, 4, 0, [limit, Clock()], **options)
        return int(model.optimizer.iterations)

    assert steps(TimeLimit(5)) == 5
    assert steps(TimeLimit(5, margin=2)) == 3
    assert steps(TimeLimit(1000)) == 24
    assert steps(TimeLimit(0)) == 1
    capsys.readouterr()
    assert steps(TimeLimit(7), resume=tmp_path / "a") == 7
    assert "TimeLimit: the training ends before step 2 of epoch 2" in capsys.readouterr().out
    assert steps(TimeLimit(9), resume=tmp_path / "a") == 16
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + 241))
    assert steps(TimeLimit(margin=1)) in (3, 4)


def test_wrong_arguments(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    with pytest.raises(ArgumentError, match="SLURM does not say when this job ends"):
        TimeLimit()
    with pytest.raises(ArgumentError, match="to be a finite number from 0 on"):
        TimeLimit(-1)
    with pytest.raises(ArgumentError, match="unknown signal 'SIGTREM'; did you mean 'SIGTERM'"):
        PreemptionCheckpoint("SIGTREM")
    with pytest.raises(ArgumentError, match="SIGKILL cannot be caught"):
        PreemptionCheckpoint(9)


README = pathlib.Path(keras.__file__).parents[1] / "README.md"

#: Stand-ins: srun starts the command and warns it after a while, scontrol notes the request.
SRUN = """#!/bin/sh
"$@" &
child=$!
for i in $(seq 200); do sleep 0.05; [ -e training.started ] && break; done
sleep 0.1
kill -USR1 $child
wait $child
"""
SCONTROL = """#!/bin/sh
[ "$1" = requeue ] && [ "$2" = 77 ] && touch requeued
"""


def blocks(language):
    """The code of the README's section on clusters."""
    section = README.read_text().split("## On a cluster")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def test_the_job_of_the_readme_is_put_back_until_it_is_done(tmp_path):
    job, script = blocks("bash")[0], next(code for code in blocks("python") if "PreemptionCheckpoint" in code)
    assert "--signal=USR1" in job and "B:" not in job
    # The README's training is too short to be interrupted: more epochs, and a sign that it has begun.
    script = script.replace("epochs=20", "epochs=150").replace(
        "callbacks=[", "callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: "
        "(open('training.started', 'w').close(), __import__('time').sleep(0.005))), "
    )  # fmt: skip
    (tmp_path / "train.py").write_text(
        script + "\nprint('epochs', len(history.epoch), history.epoch == list(range(150)))"
    )
    (tmp_path / "job.sh").write_text(job)
    python = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL), ("python", python)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_JOB_ID": "77",
                   "PYTHONPATH": str(README.parent)}  # fmt: skip
    rounds = 0
    while True:
        (tmp_path / "training.started").unlink(missing_ok=True)
        done = subprocess.run(
            ["bash", "job.sh"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        rounds += 1
        if not (tmp_path / "requeued").exists() or rounds > 12:
            break
        (tmp_path / "requeued").unlink()
        if rounds == 2:
            # Enough of interruptions: from now on nobody warns.
            (tmp_path / "srun").write_text('#!/bin/sh\nexec "$@"\n')
    assert done.returncode == 0, done.stderr
    assert rounds == 3 and "epochs 150 True" in done.stdout, (rounds, done.stdout, done.stderr)
