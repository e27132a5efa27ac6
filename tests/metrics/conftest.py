"""Real Keras on JAX, for the tests that compare."""

import pytest


@pytest.fixture
def keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras")
