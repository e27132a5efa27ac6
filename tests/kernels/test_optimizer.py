"""Optimizer kernels against float64 formulas, and against Keras itself over several steps."""

import itertools
import os

import numpy as np
import pytest

from nbkeras.kernels import optimizer
from tests.kernels.launch import launch
from tests.tolerances import TOLERANCES

SIZES = (1, 3, 7, 31, 33, 257)
DTYPES = (("f4", "float32"), ("f8", "float64"))


def arrays(n, count, dtype, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=n).astype(dtype) for _ in range(count)]


def close(got, expected, dtype):
    np.testing.assert_allclose(got, expected, **TOLERANCES[dtype])


def sgd_reference(w, m, g, lr, momentum, nesterov):
    if momentum == 0:
        return w - lr * g, m
    m = momentum * m - lr * g
    return (w + momentum * m - lr * g if nesterov else w + m), m


def adam_reference(w, m, v, top, g, lr, t, beta1, beta2, epsilon):
    m = m + (g - m) * (1 - beta1)
    v = v + (g * g - v) * (1 - beta2)
    highest = v if top is None else np.maximum(top, v)
    alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return w - alpha * m / (np.sqrt(highest) + epsilon), m, v, highest


def rmsprop_reference(w, v, mean, mom, g, lr, rho, momentum, epsilon, centered):
    v = rho * v + (1 - rho) * g * g
    if centered:
        mean = rho * mean + (1 - rho) * g
    change = lr * g / np.sqrt(v - (mean * mean if centered else 0) + epsilon)
    if momentum > 0:
        mom = momentum * mom + change
        return w - mom, v, mean, mom
    return w - change, v, mean, mom


@pytest.mark.parametrize("code, dtype", DTYPES)
@pytest.mark.parametrize("momentum, nesterov", [(0.0, 0), (0.9, 0), (0.9, 1)])
def test_sgd(code, dtype, momentum, nesterov):
    for n in SIZES:
        w, m, g = arrays(n, 3, dtype)
        lr = np.array([0.01], dtype)
        expected = sgd_reference(*(a.astype("f8") for a in (w, m, g)), float(lr[0]), momentum, nesterov)
        launch(optimizer.sgd, code, w, m, g, lr, momentum, nesterov, items=n, chunk=100)
        close(w, expected[0], dtype)
        close(m, expected[1], dtype)


def test_sgd_without_momentum_leaves_the_slot_alone():
    w, m, g = arrays(9, 3, "float32")
    before = m.copy()
    launch(optimizer.sgd, "f4", w, m, g, np.array([0.1], "f4"), 0.0, 1, items=9)
    np.testing.assert_array_equal(m, before)


@pytest.mark.parametrize("code, dtype", DTYPES)
@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam(code, dtype, amsgrad):
    for n in SIZES:
        w, m, v, top, g = arrays(n, 5, dtype)
        v, top = abs(v), abs(top)
        lr, step = np.array([0.01], dtype), np.array([6])
        wide = [a.astype("f8") for a in (w, m, v, top, g)]
        if not amsgrad:
            wide[3] = None
        # beta2 as the dtype holds it enters the powers, as in Keras: 1 - beta2**7 differs by 1e-5 in float32.
        expected = adam_reference(*wide, float(lr[0]), 7, 0.9, 0.999, 1e-7)
        kernel = optimizer.adam_amsgrad if amsgrad else optimizer.adam
        slots = (w, m, v, top) if amsgrad else (w, m, v)
        before = w.astype("f8")
        launch(kernel, code, *slots, g, lr, step, 0.9, 0.999, 1e-7, items=n, chunk=100)
        close(m, expected[1], dtype)
        close(v, expected[2], dtype)
        np.testing.assert_allclose(w - before, expected[0] - before, rtol=2e-5 if code == "f4" else 1e-12, atol=3e-7)
        if amsgrad:
            close(top, expected[3], dtype)


def test_nan_gradients_show():
    g = np.array([np.nan, np.inf, -1.0], "f4")
    w, m, v, top = (np.ones(3, "f4") for _ in range(4))
    lr, step = np.array([0.1], "f4"), np.array([0])
    launch(optimizer.adam_amsgrad, "f4", w, m, v, top, g, lr, step, 0.9, 0.999, 1e-7, items=3)
    assert np.isnan(w[0])
    assert np.isnan(top[0])
    assert np.isinf(v[1])
    assert np.isfinite(w[2])


@pytest.mark.parametrize("code, dtype", DTYPES)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("centered", [0, 1])
def test_rmsprop(code, dtype, momentum, centered):
    for n in SIZES:
        w, v, mean, mom, g = arrays(n, 5, dtype)
        v, mean = abs(v) + 2, mean / 10
        lr = np.array([0.01], dtype)
        wide = [a.astype("f8") for a in (w, v, mean, mom, g)]
        expected = rmsprop_reference(*wide, float(lr[0]), 0.9, momentum, 1e-7, centered)
        launch(optimizer.rmsprop, code, w, v, mean, mom, g, lr, 0.9, momentum, 1e-7, centered, items=n, chunk=100)
        for got, want in zip((w, v, mean, mom), expected, strict=True):
            close(got, want, dtype)


@pytest.mark.parametrize("code, dtype", DTYPES)
def test_segments(code, dtype):
    offsets = np.array([0, 1, 1, 4, 35, 292])
    mask = np.array([1, 1, 0, 1, 0])
    (g,) = arrays(292, 1, dtype)
    wide = g.astype("f8")
    norms = np.empty(5, dtype)
    launch(optimizer.segment_norms, code, norms, g, offsets, items=5, chunk=1)
    parts = [slice(a, b) for a, b in itertools.pairwise(offsets)]
    expected = [np.sqrt(np.sum(wide[part] ** 2)) for part in parts]
    close(norms, expected, dtype)

    clipped = g.copy()
    launch(optimizer.clip_segments, code, clipped, norms, offsets, 3.0, items=5, chunk=2)
    for part, norm in zip(parts, expected, strict=True):
        close(clipped[part], wide[part] * (3.0 / norm if norm > 3 else 1.0), dtype)

    whole = np.sqrt(np.sum(wide**2))
    for limit in (1.0, 100.0):
        clipped = g.copy()
        launch(optimizer.clip_global, code, clipped, norms, 5, limit, items=292, chunk=50)
        close(clipped, wide * min(1.0, limit / whole), dtype)

    decayed, lr = g.copy(), np.array([0.5], dtype)
    launch(optimizer.decay_segments, code, decayed, lr, 0.1, offsets, mask, items=5, chunk=1)
    rate = np.repeat(mask, np.diff(offsets)) * 0.05
    close(decayed, wide * (1 - rate), dtype)


def test_norms_of_large_gradients_are_finite():
    g, norms = np.full(7, 1e25, "f4"), np.empty(1, "f4")
    launch(optimizer.segment_norms, "f4", norms, g, np.array([0, 7]), items=1)
    np.testing.assert_allclose(norms, np.sqrt(7.0) * 1e25, rtol=1e-6)


def test_clipping_keeps_nan():
    g = np.array([np.nan, 1.0, -5.0, 5.0], "f4")
    launch(optimizer.clip_values, "f4", g, 2.0, items=4)
    np.testing.assert_array_equal(g, [np.nan, 1, -2, 2])
    norms = np.array([np.nan], "f4")
    launch(optimizer.clip_segments, "f4", g, norms, np.array([0, 4]), 2.0, items=1)
    assert np.isnan(g).all()
    g, norms = np.ones(4, "f4"), np.array([np.inf, 1.0], "f4")
    launch(optimizer.clip_global, "f4", g, norms, 2, 2.0, items=4)
    assert np.isnan(g).all()


@pytest.mark.parametrize("norm", (np.nan, np.inf, 3.0))
@pytest.mark.parametrize("code, dtype", DTYPES)
def test_global_clipping_keeps_zeros(code, dtype, norm):
    """The gaps between the variables of an arena are zeros, and must stay so."""
    g = np.ones(67, dtype)
    g[::3], g[66] = 0.0, -0.0
    before = g.copy()
    launch(optimizer.clip_global, code, g, np.array([norm, 4.0], dtype), 2, 2.0, items=67, chunk=50)
    np.testing.assert_array_equal(np.signbit(g[::3]), np.signbit(before[::3]))
    np.testing.assert_array_equal(g[::3], 0)
    np.testing.assert_array_equal(g[before != 0], np.full(44, 2.0 / 5.0 if norm == 3 else np.nan, dtype))


@pytest.mark.parametrize("code, dtype", DTYPES)
def test_average(code, dtype):
    a, w = arrays(33, 2, dtype)
    before = a.astype("f8")
    launch(optimizer.average_from_first, code, a, w, np.array([1]), 0.9, items=33, chunk=16)
    close(a, 0.9 * before + 0.1 * w.astype("f8"), dtype)
    launch(optimizer.average_from_first, code, a, w, np.array([0]), 0.9, items=33, chunk=16)
    np.testing.assert_array_equal(a, w)


def test_increment():
    x = np.array([40])
    launch(optimizer.increment, "i8", x, 2, items=1)
    assert x[0] == 42


class Rule:
    """A Keras optimizer's configuration run by our kernels, in the order that a plan uses."""

    def __init__(self, name, weights, offsets, settings):
        self.name, self.offsets, self.settings = name, offsets, settings
        self.w = weights
        self.slots = [np.zeros_like(weights) for _ in range(3)]
        self.average = np.zeros_like(weights)
        self.lr = np.array([settings.get("learning_rate", 0.01)], "f4")
        self.step = np.array([0])
        self.norms = np.empty(len(offsets) - 1, "f4")

    def update(self, g):
        s, n, segments = self.settings, self.w.size, len(self.offsets) - 1
        if "clipnorm" in s or "global_clipnorm" in s:
            launch(optimizer.segment_norms, "f4", self.norms, g, self.offsets, items=segments)
        if "clipnorm" in s:
            limit = s["clipnorm"]
            launch(optimizer.clip_segments, "f4", g, self.norms, self.offsets, limit, items=segments)
        if "global_clipnorm" in s:
            launch(optimizer.clip_global, "f4", g, self.norms, segments, s["global_clipnorm"], items=n)
        if "clipvalue" in s:
            launch(optimizer.clip_values, "f4", g, s["clipvalue"], items=n)
        if "weight_decay" in s:
            mask = np.ones(segments, "i8")
            rate = s["weight_decay"]
            launch(optimizer.decay_segments, "f4", self.w, self.lr, rate, self.offsets, mask, items=segments)
        self.rule(g, n)
        if "use_ema" in s:
            launch(optimizer.average_from_first, "f4", self.average, self.w, self.step, s["ema_momentum"], items=n)
        launch(optimizer.increment, "i8", self.step, 1, items=1)

    def rule(self, g, n):
        s, (first, second, third) = self.settings, self.slots
        momentum = s.get("momentum", 0.0)
        if self.name == "SGD":
            launch(optimizer.sgd, "f4", self.w, first, g, self.lr, momentum, int(s.get("nesterov", 0)), items=n)
        elif self.name == "RMSprop":
            more = (self.lr, 0.9, momentum, 1e-7, int(s.get("centered", 0)))
            launch(optimizer.rmsprop, "f4", self.w, first, second, third, g, *more, items=n)
        else:
            more = (g, self.lr, self.step, 0.9, 0.999, 1e-7)
            if "amsgrad" in s:
                launch(optimizer.adam_amsgrad, "f4", self.w, first, second, third, *more, items=n)
            else:
                launch(optimizer.adam, "f4", self.w, first, second, *more, items=n)


ORACLE = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("SGD", {"clipnorm": 0.7}),
    ("SGD", {"global_clipnorm": 0.7}),
    ("SGD", {"clipvalue": 0.3}),
    ("Adam", {"weight_decay": 0.1}),
    ("Adam", {"use_ema": True, "ema_momentum": 0.9}),
]


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name, settings", ORACLE, ids=str)
def test_same_as_keras(name, settings, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "jax"))
    keras = pytest.importorskip("keras")
    settings = dict(settings, learning_rate=0.01)
    generator = np.random.default_rng(3)
    shapes = [(7, 5), (5,), (33,)]
    starts = [generator.normal(size=shape).astype("f4") for shape in shapes]
    variables = [keras.Variable(start) for start in starts]
    theirs = getattr(keras.optimizers, name)(**settings)
    theirs.build(variables)
    offsets = np.cumsum([0, *(start.size for start in starts)])
    ours = Rule(name, np.concatenate([start.ravel() for start in starts]), offsets, settings)
    for _ in range(7):
        gradients = [generator.normal(size=shape).astype("f4") for shape in shapes]
        theirs.apply(gradients, variables)
        ours.update(np.concatenate([g.ravel() for g in gradients]))
    expected = np.concatenate([np.asarray(v).ravel() for v in variables])
    np.testing.assert_allclose(ours.w, expected, rtol=1e-6, atol=5e-7)
    if "use_ema" in settings:
        expected = np.concatenate([np.asarray(v).ravel() for v in theirs._model_variables_moving_average])
        np.testing.assert_allclose(ours.average, expected, rtol=1e-6, atol=5e-7)
