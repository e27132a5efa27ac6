"""Keras's tests in a process of their own, where `keras` is nbkeras."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(places, options=(), **keywords) -> subprocess.CompletedProcess:
    """Run pytest on folders or files of `keras/src`."""
    source = Path(importlib.util.find_spec("keras").submodule_search_locations[0], "src")
    # Keras's folders have names such as `random`, which must not be imported for Python's own.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-p", "tests.oracle.keras_suite.plugin", "-p", "no:cacheprovider"]
    # Modules of tests come from our finder, not from pytest's rewriting of assertions.
    command += ["--assert=plain", "-q", "--tb=short", "--continue-on-collection-errors", f"--rootdir={source}"]
    return subprocess.run([*command, *options, *places], cwd=source, env=environment, **keywords)
