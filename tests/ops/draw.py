"""Drawn arrays for the table of calls. A first axis of `ROWS` stands for the batch."""

from __future__ import annotations

import numpy as np

ROWS = 5
_RNG = np.random.default_rng(11)


def f(*shape):
    """Floats around 0, a few of them special: 0 and equal neighbours."""
    x = _RNG.normal(size=shape).astype("float32")
    if x.size > 3:
        flat = x.reshape(-1)
        flat[1], flat[2] = 0, flat[0]
    return x


def pos(*shape):
    """Floats of [0.2, 3)."""
    return _RNG.uniform(0.2, 3, size=shape).astype("float32")


def unit(*shape):
    """Floats of (-1, 1)."""
    return _RNG.uniform(-0.95, 0.95, size=shape).astype("float32")


def i(*shape, low=-4, high=5):
    return _RNG.integers(low, high, size=shape).astype("int32")


def nz(*shape):
    """Whole numbers without 0."""
    x = i(*shape)
    return np.where(x == 0, 3, x).astype("int32")


def u(*shape):
    return _RNG.integers(0, 9, size=shape).astype("uint8")


def b(*shape):
    return _RNG.random(size=shape) < 0.5


def nan(*shape):
    """Floats with NaN and infinities among them."""
    x = f(*shape)
    flat = x.reshape(-1)
    flat[0], flat[3], flat[4] = np.nan, np.inf, -np.inf
    flat[-1] = np.nan
    return x


def holes(*shape):
    """Floats with NaN among them, and a first row of nothing else."""
    x = f(*shape)
    x.reshape(-1)[::3] = np.nan
    x[0] = np.nan
    return x


def prob(*shape):
    x = _RNG.uniform(0.1, 1, size=shape).astype("float32")
    return (x / x.sum(-1, keepdims=True)).astype("float32")


def spd(*shape):
    """Symmetric positive definite matrices."""
    x = f(*shape, shape[-1])
    return (x @ np.swapaxes(x, -1, -2) + np.diag(np.arange(1.0, shape[-1] + 1))).astype("float32")
