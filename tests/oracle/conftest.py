"""Training compared with real Keras on JAX: the same model in both, from the same weights."""

import os

# Before anything imports Keras.
os.environ["KERAS_BACKEND"] = "jax"

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
