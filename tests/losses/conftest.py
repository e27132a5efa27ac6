"""Real Keras on JAX, for the tests that compare."""

import contextlib

import pytest


@pytest.fixture
def keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras")


@pytest.fixture
def x64(keras, monkeypatch):
    """A context manager: with `x64(True)`, Keras on JAX computes in float64 what it is given in float64."""
    jax = pytest.importorskip("jax")

    @contextlib.contextmanager
    def context(wanted):
        if not wanted:
            yield
            return
        # Keras's own mean computes in float32 whatever it is given.
        with jax.enable_x64(True), monkeypatch.context() as patch:
            patch.setattr("keras.src.ops.mean", jax.numpy.mean)
            yield

    return context
