"""The asv benchmarks keep the rules of their README; nothing is run here."""

import ast
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "asv_benchmarks"
FILES = sorted(path for path in (FOLDER / "benchmarks").glob("*.py") if path.stem not in ("__init__", "common"))
KINDS = ("time_", "timeraw_", "track_", "peakmem_", "mem_")


def classes():
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                yield pytest.param(node, id=f"{path.stem}.{node.name}")


def methods(node):
    return [item for item in node.body if isinstance(item, ast.FunctionDef)]


def attributes(node):
    for item in node.body:
        targets = item.targets if isinstance(item, ast.Assign) else [getattr(item, "target", None)]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_there_are_benchmarks():
    assert {path.stem for path in FILES} >= {"startup", "kernels", "training", "optimizers", "memory"}


@pytest.mark.parametrize("node", list(classes()))
def test_each_states_version_timeout_unit_and_parameters(node):
    assert {"version", "timeout", "unit", "param_names"} <= set(attributes(node))
    assert any(method.name.startswith(KINDS) for method in methods(node))


@pytest.mark.parametrize("node", list(classes()))
def test_each_warms_up_in_setup(node):
    if not any(method.name.startswith("timeraw_") for method in methods(node)):
        assert "setup" in {method.name for method in methods(node)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_results_are_lower_is_better(path):
    text = path.read_text()
    for word in ("accuracy(", "per_second", "gflops"):
        assert word not in text.lower()


def test_benchmarks_are_in_classes():
    for path in FILES:
        names = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        assert not [name for name in names if name.startswith(KINDS)], path.stem


def test_settings_are_plain_json():
    settings = json.loads((FOLDER / "asv.conf.json").read_text())
    assert settings["project"] == "nbkeras"
    assert settings["launch_method"] in ("spawn", "forkserver")


def test_readme_lists_every_file():
    text = (FOLDER / "README.md").read_text()
    for path in FILES:
        assert f"benchmarks/{path.name}" in text
