"""Normalization kernels against their formulas in float64, on odd shapes, for any chunks."""

import numpy as np
import pytest

from nbkeras.kernels import normalization as module
from nbkeras.kernels._jit import dtype_code
from tests.kernels.launch import launch
from tests.tolerances import TOLERANCES

#: Rows, rows a block, channels: single vectors and strips of them, masked ends, more than one tile of scratch.
SHAPES = ((1, 1, 1), (7, 3, 5), (50, 50, 3), (40, 9, 16), (33, 32, 33), (70, 8, 50), (5, 2, 300), (3000, 700, 2))
EPSILON = 1e-3


class Kernels:
    """The kernels on one drawn case; outputs are new arrays."""

    def __init__(self, shape, dtype, chunk=None, seed=0):
        self.rows, self.block, self.c = shape
        self.parts = -(-self.rows // self.block)
        self.dtype, self.chunk = dtype, chunk
        rng = np.random.default_rng(seed)
        self.x, self.dy = (rng.normal(size=(self.rows, self.c)).astype(dtype) for _ in range(2))
        self.x *= 2
        self.x += rng.normal(size=self.c).astype(dtype)
        names = "center scale shift a b d gamma".split()
        self.vectors = {name: rng.normal(size=self.c).astype(dtype) for name in names}

    def run(self, name, outputs, *arguments, items):
        made = [np.full(shape, 7, self.dtype) for shape in outputs]
        launch(getattr(module, name), dtype_code(self.dtype), *made, *arguments, items=items, chunk=self.chunk)
        return made

    def of(self, names):
        return [self.vectors[name] for name in names.split()]

    @property
    def partial(self):
        return (self.parts, 2, self.c)

    def moments(self):
        arguments = (self.x, self.rows, self.block, self.c)
        (partial,) = self.run("channel_moments", [self.partial], *arguments, items=self.parts)
        arguments = (partial, self.vectors["gamma"], self.rows, self.block, self.c, EPSILON)
        return self.run("channel_merge", [(self.c,)] * 3, *arguments, items=self.c)

    def affine(self, relu):
        arguments = (self.x, *self.of("center scale shift"), None, None, self.c, relu, 0, 0)
        return self.run("channel_affine", [self.x.shape], *arguments, items=self.rows)

    def sums(self, gate):
        arguments = (self.dy, self.x, *self.of("center scale shift"), self.rows, self.block, self.c, gate)
        (partial,) = self.run("channel_sums", [self.partial], *arguments, items=self.parts)
        return self.run("channel_totals", [(self.c,)] * 2, partial, self.parts, self.c, items=self.c)

    def mix(self, gate):
        arguments = (self.dy, self.x, *self.of("center a b d scale shift"), self.c, gate)
        return self.run("channel_mix", [self.x.shape], *arguments, items=self.rows)

    def row_norm(self, centered):
        arguments = (self.x, *self.of("gamma shift"), self.c, EPSILON, centered)
        return self.run("row_norm", [self.x.shape, (self.rows,), (self.rows,)], *arguments, items=self.rows)

    def row_norm_gradient(self, centered):
        _, mean, inverse = self.row_norm(centered)
        arguments = (self.dy, self.x, mean, inverse, *self.of("gamma"), self.rows, self.block, self.c, centered)
        dx, partial = self.run("row_norm_gradient", [self.x.shape, self.partial], *arguments, items=self.parts)
        return dx, *self.run("channel_totals", [(self.c,)] * 2, partial, self.parts, self.c, items=self.c)

    def all(self):
        """Every result there is."""
        results = self.moments()
        for flag in (0, 1):
            results += [*self.affine(flag), *self.sums(flag), *self.mix(flag)]
            results += [*self.row_norm(flag), *self.row_norm_gradient(flag)]
        return results


def close(got, want, dtype, size=1.0):
    """Within a few roundings of the largest part of a sum."""
    tolerance = TOLERANCES[dtype]["rtol"]
    np.testing.assert_allclose(got, want, rtol=8 * tolerance, atol=8 * tolerance * np.max(size))


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("shape", SHAPES)
def test_against_formulas(shape, dtype):
    k = Kernels(shape, dtype)
    x, dy = k.x.astype(float), k.dy.astype(float)
    v = {name: vector.astype(float) for name, vector in k.vectors.items()}
    mean, variance, scale = k.moments()
    close(mean, x.mean(0), dtype, np.abs(x).max())
    close(variance, x.var(0), dtype, (x**2).mean())
    close(scale, v["gamma"] / np.sqrt(x.var(0) + EPSILON), dtype, 10 * np.abs(scale).max())
    away = x - v["center"]
    level = away * v["scale"] + v["shift"]
    for flag in (0, 1):
        close(k.affine(flag)[0], np.maximum(level, 0) if flag else level, dtype, 10)
        # what is nearly 0 may pass or not
        sure = np.abs(level) > 1e-5
        g = np.where(level > 0, dy, 0) if flag else dy
        total, along = k.sums(flag)
        lost = 0 if sure.all() or not flag else np.where(sure, 0, np.abs(dy)).sum()
        close(total, g.sum(0), dtype, np.abs(dy).sum(0).max() + lost * 1e6)
        close(along, (g * away).sum(0), dtype, np.abs(dy * away).sum(0).max() + lost * 1e6)
        mixed = g * v["a"] + away * v["b"] + v["d"]
        close(np.where(sure, k.mix(flag)[0], 0), np.where(sure, mixed, 0), dtype, 10)
        middle = x.mean(1, keepdims=True) if flag else 0
        root = 1 / np.sqrt(((x - middle) ** 2).mean(1, keepdims=True) + EPSILON)
        h, g = (x - middle) * root, dy * v["gamma"]
        close(k.row_norm(flag)[0], h * v["gamma"] + v["shift"], dtype, 10 * root.max())
        dx = root * (g - (g.mean(1, keepdims=True) if flag else 0) - h * (g * h).mean(1, keepdims=True))
        got, to_gamma, to_beta = k.row_norm_gradient(flag)
        close(got, dx, dtype, 20 * root.max() ** 2)
        close(to_gamma, (dy * h).sum(0), dtype, 10 * root.max() * np.abs(dy * h).sum(0).max())
        close(to_beta, dy.sum(0), dtype, np.abs(dy).sum(0).max())


@pytest.mark.parametrize("shape", SHAPES[1::2])
def test_any_chunks(shape):
    want = Kernels(shape, "float32").all()
    for chunk in (1, 3):
        for one, other in zip(want, Kernels(shape, "float32", chunk).all(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_moments_far_from_zero():
    """A mean a thousand deviations away costs no digits of the variance but those that the data have lost."""
    k = Kernels((5000, 600, 20), "float32")
    k.x = (k.x + 4000).astype("float32")
    k.x[0] = 0  # the first row is no measure of the others
    mean, variance, _ = k.moments()
    x = k.x.astype(float)
    np.testing.assert_allclose(mean, x.mean(0), rtol=2e-6)
    np.testing.assert_allclose(variance, x.var(0), rtol=1e-4)


def test_relu_keeps_nan_and_the_gate_closes_on_it():
    k = Kernels((4, 4, 3), "float32")
    k.x[1, 1] = np.nan
    assert np.isnan(k.affine(1)[0][1, 1])
    total, _ = k.sums(1)
    assert np.isfinite(total).all()
