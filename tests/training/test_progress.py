"""What is written while a loop runs: byte for byte in a file, and by its parts on a terminal."""

import io
import re
import sys

import pytest

from nbkeras.errors import ArgumentError
from nbkeras.training import progress as progress_module
from nbkeras.training.progress import Progress, StepClock, format_value, resolve_verbose
from nbkeras.utils import Progbar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    return Terminal()


def run(progress, epochs=3, steps=5, logs=None):
    for epoch in range(epochs):
        progress.epoch_begin(epoch)
        for step in range(steps):
            progress.batch_end(step, lambda: {"loss": 9.0})
        progress.epoch_end(logs or {"accuracy": 0.98123, "loss": 0.05, "val_loss": 1e-5})
    progress.close()


# K1: logs.


@pytest.mark.parametrize("verbose", [1, 2, "auto", True])
def test_a_file_gets_one_clean_line_an_epoch(verbose, tmp_path):
    path = tmp_path / "log"
    with open(path, "w") as stream:
        progress = Progress(3, 5, verbose, stream)
        for epoch in range(3):
            run_one_epoch(progress, epoch)
            assert path.read_bytes().count(b"\n") == epoch + 1, "the line must be flushed at once"
    written = path.read_bytes()
    assert not set(written) & set(b"\b\r\x1b")
    line = rb"Epoch \d/3 - 5/5 - 0s - \d+[mu]s/step - accuracy: 0\.9812 - loss: 0\.0500 - val_loss: 1\.0000e-05"
    assert all(re.fullmatch(line, text) for text in written.splitlines())


def run_one_epoch(progress, epoch):
    progress.epoch_begin(epoch)
    for step in range(5):
        progress.batch_end(step, lambda: pytest.fail("no bar, so nobody needs the logs"))
    progress.epoch_end({"accuracy": 0.98123, "loss": 0.05, "val_loss": 1e-5})


def test_seconds_of_compiling_are_named_in_the_epoch_that_they_made_long(monkeypatch):
    spent, stream = [100.0], io.StringIO()
    monkeypatch.setattr(progress_module.device, "compile_seconds", lambda: spent[0])
    progress = Progress(2, 5, 2, stream)
    progress.epoch_begin(0)
    spent[0] += 7.9
    for epoch in range(2):
        if epoch:
            progress.epoch_begin(epoch)
        for step in range(5):
            progress.batch_end(step)
        progress.epoch_end({})
    first, second = stream.getvalue().splitlines()
    assert first.startswith("Epoch 1/2 - 5/5 - 0s (8s compiling) - ")
    assert second.startswith("Epoch 2/2 - 5/5 - 0s - ")


def test_one_epoch_has_no_epoch_number_and_unknown_steps_are_learned():
    stream = io.StringIO()
    progress = Progress(1, None, 2, stream)
    run(progress, epochs=1, steps=7)
    assert stream.getvalue().startswith("7/7 - 0s - ")
    assert progress.steps == 7


def test_early_end_of_data_shows_the_steps_done():
    stream = io.StringIO()
    run(Progress(1, 10, 2, stream), epochs=1, steps=4)
    assert stream.getvalue().startswith("4/10 - ")


def test_silent_writes_nothing_and_reads_no_clock(monkeypatch):
    stream = io.StringIO()
    progress = Progress(3, 5, 0, stream)
    monkeypatch.setattr(progress_module.time, "perf_counter", lambda: pytest.fail("silent, yet it read the clock"))
    assert progress.silent
    run(progress)
    assert stream.getvalue() == ""


# A terminal.


def test_terminal_shows_a_bar_and_leaves_the_line(terminal):
    run(Progress(2, 5, "auto", terminal), epochs=2)
    written = terminal.getvalue()
    assert "\x1b[" in written
    assert "━" in written
    assert "loss: 9.0000" in written
    assert written.count("Epoch 2/2 - 5/5 - ") == 1
    assert written.endswith("val_loss: 1.0000e-05\n")


def test_terminal_reads_logs_only_when_it_draws(terminal, monkeypatch):
    seconds = [0.0]
    monkeypatch.setattr(progress_module.time, "perf_counter", lambda: seconds[0])
    progress = Progress(1, 1000, 1, terminal)
    calls = []
    progress.epoch_begin(0)
    for step in range(1000):
        seconds[0] += 0.001
        progress.batch_end(step, lambda: calls.append(1) or {})
    progress.close()
    progress.close()
    assert 9 <= len(calls) <= 11


def test_verbose_2_on_a_terminal_draws_nothing(terminal):
    run(Progress(1, 5, 2, terminal), epochs=1)
    assert "\x1b" not in terminal.getvalue()


def test_dumb_terminal_counts_as_a_file(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    run(Progress(1, 5, 1, stream), epochs=1)
    assert "\x1b" not in stream.getvalue()


def test_unknown_number_of_steps_on_a_terminal(terminal):
    run(Progress(1, None, 1, terminal), epochs=1)
    assert "1/Unknown" in terminal.getvalue()


# verbose.


def test_environment_says_what_auto_means(monkeypatch, terminal):
    monkeypatch.setenv("NBKERAS_VERBOSE", "0")
    assert resolve_verbose("auto", terminal) == 0
    assert resolve_verbose(2, terminal) == 2
    monkeypatch.setenv("NBKERAS_VERBOSE", "")
    assert resolve_verbose("auto", terminal) == 1
    monkeypatch.setenv("NBKERAS_VERBOSE", "loud")
    with pytest.raises(ArgumentError, match=r"NBKERAS_VERBOSE must be 'auto', 0, 1 or 2, got 'loud'\."):
        resolve_verbose("auto", terminal)


@pytest.mark.parametrize("verbose", [3, "2", None, -1])
def test_unknown_verbose(verbose):
    with pytest.raises(ArgumentError, match=f"verbose must be 'auto', 0, 1 or 2, got {verbose!r}"):
        Progress(1, 1, verbose)


def test_import_loads_no_rich():
    import subprocess

    code = "import sys, nbkeras.training.progress, nbkeras.training.data; print('rich' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"


# Parts of a line.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.98125, "0.9812"),
        (1e-3, "1.0000e-03"),
        (-2, "-2.0000"),
        (0, "0.0000e+00"),
        ("n/a", "n/a"),
        (float("nan"), "nan"),
    ],
)
def test_values(value, text):
    assert format_value(value) == text


def test_first_step_is_left_out_of_the_time_per_step(monkeypatch):
    times = iter([0.0, 10.0, 10.002, 10.004])
    monkeypatch.setattr(progress_module.time, "perf_counter", lambda: next(times))
    clock = StepClock()
    clock.tick(1)
    assert clock.per_step() == "10s/step"
    clock.tick(2)
    clock.tick(3)
    assert clock.per_step() == "2ms/step"


# Progbar.


def test_progbar_averages_and_writes_one_line(capsys):
    bar = Progbar(target=3, stateful_metrics=["last"])
    bar.update(1, [("loss", 1.0), ("last", 1.0)])
    bar.add(1, [("loss", 2.0), ("last", 5.0)])
    bar.update(3, finalize=True)
    assert re.fullmatch(r"3/3 - 0s - \S+/step - loss: 1\.5000 - last: 5\.0000\n", capsys.readouterr().out)


def test_progbar_on_a_terminal(terminal, monkeypatch):
    monkeypatch.setattr(sys, "stdout", terminal)
    bar = Progbar(target=2, interval=0, unit_name="sample")
    bar.add(1, [("a", 1.0)])
    bar.add(1, [("a", 1.0)])
    assert "━" in terminal.getvalue()
    assert re.search(r"2/2 - 0s - \S+/sample - a: 1\.0000\n$", terminal.getvalue())


def test_progbar_silent_and_without_target(capsys):
    Progbar(None, verbose=0).add(3, [("a", 1)])
    bar = Progbar(None, verbose=2, stateless_metrics=["a"])
    bar.add(3, [("a", 1), ("b", 1)])
    bar.add(1, [("a", 2), ("b", 3)])
    bar.update(4, finalize=True)
    assert re.fullmatch(r"4/4 - 0s - \S+ - a: 1\.2500 - b: 3\.0000\n", capsys.readouterr().out)


def test_progbar_with_both_lists():
    with pytest.raises(ArgumentError, match="give stateful_metrics or stateless_metrics, not both"):
        Progbar(1, stateful_metrics=[], stateless_metrics=[])
