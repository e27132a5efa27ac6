"""Softmax with cross-entropy against float64 formulas; gradients against finite differences."""

import numpy as np
import pytest

from nbkeras.kernels import loss as module
from nbkeras.kernels._jit import dtype_code
from tests.kernels.launch import launch
from tests.tolerances import TOLERANCES

SHAPES = ((1, 1), (3, 7), (31, 10), (33, 16), (7, 33), (5, 257))
EPSILONS = (0.0, 1e-7, 0.2)
DTYPES = ("float32", "float64")


def forward(x, target, epsilon, p=None):
    n, c = x.shape
    kernel = module.softmax_crossentropy if target.ndim == 1 else module.dense_softmax_crossentropy
    loss, p = np.empty(n, x.dtype), np.empty_like(x) if p is None else p
    launch(kernel, dtype_code(x.dtype), loss, p, x, target, c, float(epsilon), items=n, chunk=3)
    return loss, p


def backward(p, target, dloss, epsilon, dx=None):
    n, c = p.shape
    dx = np.empty_like(p) if dx is None else dx
    dense = target.ndim == 2
    kernel = module.dense_softmax_crossentropy_gradient if dense else module.softmax_crossentropy_gradient
    launch(kernel, dtype_code(p.dtype), dx, p, target, dloss, c, float(epsilon), items=n, chunk=3)
    return dx


def reference(x, target, epsilon):
    x = x.astype(float)
    shifted = x - x.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    if epsilon > 0:
        log_p = np.log(np.clip(np.exp(log_p), epsilon, 1 - epsilon))
    weights = target.astype(float) if target.ndim == 2 else np.eye(x.shape[1])[target]
    return -(weights * log_p).sum(axis=1)


def case(shape, dtype, dense, scale=2.0):
    generator = np.random.default_rng(0)
    x = (generator.normal(size=shape) * scale).astype(dtype)
    target = generator.random(shape).astype(dtype) if dense else generator.integers(0, shape[1], shape[0])
    return x, target


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("dense", (False, True))
def test_forward(shape, dtype, epsilon, dense):
    x, target = case(shape, dtype, dense)
    loss, p = forward(x, target, epsilon)
    factor = 100 if dense else 10  # the sum of c terms of some size
    tolerance = {name: factor * value for name, value in TOLERANCES[dtype].items()}
    np.testing.assert_allclose(loss, reference(x, target, epsilon), **tolerance)
    exponents = np.exp(x.astype(float) - x.max(axis=1, keepdims=True))
    np.testing.assert_allclose(p, exponents / exponents.sum(axis=1, keepdims=True), **TOLERANCES[dtype])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("dense", (False, True))
def test_gradient(shape, epsilon, dense):
    """In float64, against central differences of the reference."""
    x, target = case(shape, "float64", dense)
    dloss = np.random.default_rng(1).normal(size=shape[0])
    _, p = forward(x, target, epsilon)
    dx = backward(p, target, dloss, epsilon)
    step = 1e-6
    for j in range(min(shape[1], 12)):
        move = np.zeros_like(x)
        move[:, j] = step
        difference = (reference(x + move, target, epsilon) - reference(x - move, target, epsilon)) / (2 * step)
        np.testing.assert_allclose(dx[:, j], difference * dloss, rtol=1e-5, atol=1e-6)
    single = backward(*(v.astype("float32") if v.dtype.kind == "f" else v for v in (p, target, dloss)), epsilon)
    inside = np.abs(p - epsilon).min() > 1e-6
    if inside:
        np.testing.assert_allclose(single, dx, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dense", (False, True))
def test_in_place(dense):
    x, target = case((33, 10), "float32", dense)
    loss, p = forward(x, target, 0)
    dx = backward(p, target, loss, 0)
    y = x.copy()
    np.testing.assert_array_equal(forward(y, target, 0, p=y)[0], loss)
    np.testing.assert_array_equal(y, p)
    np.testing.assert_array_equal(backward(y, target, loss, 0, dx=y), dx)


def test_target_out_of_range():
    x, _ = case((3, 10), "float32", False)
    target = np.array([-1, 10, 5])
    loss, p = forward(x, target, 0)
    np.testing.assert_array_equal(np.isnan(loss), [True, True, False])
    dx = backward(p, target, np.ones(3, np.float32), 0)
    assert np.isnan(dx[:2]).all() and np.isfinite(dx[2]).all()


def test_extreme_logits():
    x = np.array([[1e4, -1e4, 0]], np.float32)
    for label, expected in ((0, 0), (1, 2e4)):
        loss, _ = forward(x, np.array([label]), 0)
        np.testing.assert_allclose(loss, expected)
    loss, p = forward(x, np.array([1]), 1e-7)
    np.testing.assert_allclose(loss, -np.log(1e-7), rtol=1e-6)
    assert not backward(p, np.array([1]), np.ones(1, np.float32), 1e-7).any()
