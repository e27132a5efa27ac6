"""Saving compared with real Keras on JAX; see tests/oracle/conftest.py."""

import os
import pathlib
import tempfile

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(pathlib.Path(tempfile.gettempdir(), "nbkeras-oracle-jax")))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

import pytest


@pytest.fixture(scope="session")
def keras():
    return pytest.importorskip("keras", reason="the extra 'oracle' is not installed")
