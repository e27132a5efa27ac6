"""Softmax against float64 NumPy."""

import numpy as np
import pytest

from nbkeras.kernels import softmax as module
from nbkeras.kernels._jit import dtype_code
from tests.kernels.launch import launch
from tests.tolerances import TOLERANCES

SHAPES = ((1, 1), (3, 7), (31, 10), (33, 16), (7, 33), (5, 257), (3, 1000))


def softmax(x, log=0, y=None, chunk=None):
    y = np.empty_like(x) if y is None else y
    n, c = x.shape
    launch(module.softmax, dtype_code(x.dtype), y, x, n, c, log, items=n, chunk=chunk)
    return y


def log_softmax(x):
    shifted = x.astype(float) - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", (1, 30, 1000))
def test_softmax(shape, dtype, scale):
    x = (np.random.default_rng(0).normal(size=shape) * scale).astype(dtype)
    tolerance = dict(TOLERANCES[dtype])
    np.testing.assert_allclose(softmax(x), np.exp(log_softmax(x)), **tolerance)
    tolerance["atol"] *= scale
    np.testing.assert_allclose(softmax(x, log=1), log_softmax(x), **tolerance)


@pytest.mark.parametrize("log", (0, 1))
def test_in_place_and_chunks(log):
    x = np.random.default_rng(0).normal(size=(33, 10)).astype("float32")
    want = softmax(x, log)
    for chunk in (1, 4, 33):
        np.testing.assert_array_equal(softmax(x, log, chunk=chunk), want)
    y = x.copy()
    np.testing.assert_array_equal(softmax(y, log, y=y), want)


def test_nan_and_infinity():
    x = np.zeros((4, 10), np.float32)
    x[0, 3] = np.nan
    x[1, 2] = np.inf
    x[2, :9] = -np.inf
    x[3] = -np.inf
    y = softmax(x)
    assert np.isnan(y[[0, 1, 3]]).all()
    np.testing.assert_array_equal(y[2], [0] * 9 + [1])
