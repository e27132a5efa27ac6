"""Training compared with real Keras on JAX: the same model in both, from the same weights."""

import os
import pathlib
import tempfile

# Before anything imports Keras; compiling its steps is nearly all of the time, so later runs take them from a folder.
os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(pathlib.Path(tempfile.gettempdir(), "nbkeras-oracle-jax")))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

import pytest

#: Keras itself warns with this version of NumPy.
IGNORED = "ignore:__array__ implementation:DeprecationWarning"


def pytest_collection_modifyitems(items):
    for item in items:
        if "oracle" in item.path.parts:
            item.add_marker(pytest.mark.oracle)
            item.add_marker(pytest.mark.filterwarnings(IGNORED))


@pytest.fixture(scope="session")
def keras():
    return pytest.importorskip("keras")
