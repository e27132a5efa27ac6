"""`nbkeras bench`: every case computes what it is compared with, and the report holds what it measured."""

import json

import numpy as np
import pytest

from nbkeras.__main__ import main
from nbkeras.commands import bench
from nbkeras.commands.bench_cases import cases

CASES = list(cases())


@pytest.mark.parametrize("case", [case for case in CASES if case.numpy], ids=lambda case: f"{case.family} {case.name}")
def test_numpy_does_the_same_work(case):
    inputs = case.inputs()
    plan = bench.plan_of(case.ours, inputs)
    plan.run()
    expected = case.numpy(*inputs)
    scale = float(np.abs(expected).max())
    np.testing.assert_allclose(plan.outputs[0], expected, rtol=1e-4, atol=1e-5 * scale)


def test_cases_have_names_of_their_own():
    assert len({(case.family, case.name) for case in CASES}) == len(CASES)


def test_report(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bench, "REST", 0.0)
    monkeypatch.setattr(bench, "STREAM", 100_000)
    monkeypatch.setattr(bench, "PEAK_STEPS", 100)
    assert main(["bench", "--only", "move", "--samples", "1", "--json", str(tmp_path / "figures.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Measured limits of this machine")
    assert lines[-1].startswith("move           transpose")
    figures = json.loads((tmp_path / "figures.json").read_text())
    (row,) = figures["cases"]
    assert row["seconds"] > 0
    assert row["bytes_per_second"] == pytest.approx(8 * 4_000_000 / row["seconds"])
    assert row["share_of_limit"] == pytest.approx(row["bytes_per_second"] / figures["limits"]["bytes"])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(["--only", "matmull"], "--only: 'matmull' is unknown."), (["--samples", "0"], "--samples: expected 1 or more")],
)
def test_bad_arguments(arguments, text, capsys):
    assert main(["bench", *arguments]) == 1
    assert text in capsys.readouterr().err
