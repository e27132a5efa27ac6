"""Pooling kernels against the primitives' references in float64, over drawn windows, for any chunks."""

import numpy as np
import pytest

from nbkeras.graph.primitives import TABLE
from nbkeras.kernels import pooling as module
from nbkeras.kernels._jit import dtype_code
from tests.kernels.launch import launch
from tests.tolerances import TOLERANCES

CHANNELS = (1, 3, 16, 17, 33, 50)


def drawn(seed):
    """The shape of an input and windows over it, valid or as with padding."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 7, 3)
    window = np.minimum(rng.integers(1, 5, 3), lengths)
    strides = rng.integers(1, 5, 3)
    if seed % 2:
        out = (lengths - window) // strides + 1
        before = np.zeros(3, int)
    else:
        out = -(-lengths // strides)
        before = np.maximum(0, (out - 1) * strides + window - lengths) // 2
    shape = (int(rng.integers(1, 4)), *lengths.tolist(), CHANNELS[seed % len(CHANNELS)])
    geometry = {"window": window, "strides": strides, "before": before, "out": out}
    return shape, {name: tuple(numbers.tolist()) for name, numbers in geometry.items()}


def numbers(shape, dtype, seed):
    """Few different numbers, so that windows have several that are greatest."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(dtype)


class Windows:
    """The kernels on one geometry."""

    def __init__(self, shape, params, chunk=None):
        self.shape, self.out, self.chunk = shape, (shape[0], *params["out"], shape[4]), chunk
        parts = (shape[1:4], params["out"], params["window"], params["strides"], params["before"], shape[4:])
        self.table = np.array([n for part in parts for n in part], np.int64)

    def run(self, name, result, *arguments):
        kernel = getattr(module, name)
        items = int(np.prod(result.shape[:3]))
        launch(kernel, dtype_code(result.dtype), result, *arguments, items=items, chunk=self.chunk)
        return result

    def maximum(self, x, keep=1):
        y, places = np.empty(self.out, x.dtype), np.full(self.out, 77, np.uint16)
        self.run("max_pool", y, places, x, self.table, keep)
        return y, places

    def maximum_gradient(self, dy, places):
        return self.run("max_pool_gradient", np.empty(self.shape, dy.dtype), dy, places, self.table)

    def gather(self, x, places):
        return self.run("max_pool_gather", np.empty(self.out, x.dtype), x, places, self.table)

    def mean(self, x):
        return self.run("average_pool", np.empty(self.out, x.dtype), x, self.table)

    def mean_gradient(self, dy):
        return self.run("average_pool_gradient", np.empty(self.shape, dy.dtype), dy, self.table)


def reference(name, *arrays, **params):
    return TABLE[name].reference(*arrays, **params)


@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_against_reference(dtype):
    for seed in range(36):
        shape, params = drawn(seed)
        windows = Windows(shape, params)
        x = numbers(shape, dtype, seed)
        y, places = windows.maximum(x)
        want, first = reference("max_pool", x, **params, keep=True)
        np.testing.assert_array_equal(y, want)
        np.testing.assert_array_equal(places, first)
        dy = numbers(windows.out, dtype, seed + 1)
        dx = reference("max_pool_gradient", dy, places, shape=shape, **params)
        np.testing.assert_array_equal(windows.maximum_gradient(dy, places), dx)
        np.testing.assert_array_equal(windows.gather(x, places), y)
        x, dy = (np.random.default_rng(seed).normal(size=s).astype(dtype) for s in (shape, windows.out))
        mean = reference("average_pool", x.astype(float), **params)
        np.testing.assert_allclose(windows.mean(x), mean, **TOLERANCES[dtype])
        dx = reference("average_pool_gradient", dy.astype(float), shape=shape, **params)
        np.testing.assert_allclose(windows.mean_gradient(dy), dx, **TOLERANCES[dtype])


def test_any_chunks():
    for seed in (0, 1, 4, 9):
        shape, params = drawn(seed)
        results = []
        for chunk in (None, 1, 3):
            windows = Windows(shape, params, chunk)
            x, dy = (np.random.default_rng(seed).normal(size=s).astype("float32") for s in (shape, windows.out))
            y, places = windows.maximum(x)
            more = windows.maximum_gradient(dy, places), windows.mean(x), windows.mean_gradient(dy)
            results.append((y, places, *more, windows.gather(x, places)))
        for other in results[1:]:
            for one, two in zip(results[0], other, strict=True):
                np.testing.assert_array_equal(one, two)


def test_places_are_optional():
    shape, params = drawn(3)
    y, places = Windows(shape, params).maximum(numbers(shape, "float32", 0), keep=0)
    np.testing.assert_array_equal(y, reference("max_pool", numbers(shape, "float32", 0), **params, keep=False))
    assert (places == 77).all()


@pytest.mark.parametrize("c", (2, 16, 21))
def test_nan_and_infinity(c):
    """NaN wins wherever it stands; a window of nothing but -inf has a place inside the input."""
    params = {"window": (1, 2, 2), "strides": (1, 2, 2), "before": (0, 1, 1), "out": (1, 3, 3)}
    x = np.full((1, 1, 4, 4, c), -np.inf, np.float32)
    x[0, 0, 1, 2] = np.nan
    x[0, 0, 2, 1] = np.inf
    windows = Windows(x.shape, params)
    y, places = windows.maximum(x)
    want, first = reference("max_pool", x, **params, keep=True)
    np.testing.assert_array_equal(y, want)
    np.testing.assert_array_equal(places, first)
    assert np.isnan(y[0, 0, 1, 1]).all() and (y[0, 0, 0, 0] == -np.inf).all()
    dx = windows.maximum_gradient(np.ones_like(y), places)
    assert dx.sum() == y.size
