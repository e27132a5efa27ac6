"""Drawn convolutions against their references in double precision, and what holds for each of them."""

from __future__ import annotations

import numpy as np
import pytest

from nbkeras.graph.primitives import TABLE, emit
from nbkeras.kernels import threads
from tests.graph.convolutions import draw

#: Relative to the largest value: sums of up to some thousand products in another order.
CLOSE = {"float32": 3e-6, "float64": 1e-14}

#: Primitive -> (its inputs among x, w, y; its output).
FORMS = {"convolution": ("xw", "y"), "convolution_input": ("yw", "x"), "convolution_kernel": ("xy", "w")}


def computed(name, drawn, arrays, **more):
    """A primitive on arrays by name, and its reference in double precision."""
    inputs, what = FORMS[name]
    params = {**drawn.params(what), **more}
    given = [arrays[part] for part in inputs]
    expected = TABLE[name].reference(*(a.astype(np.float64) for a in given), **params)
    return emit(name, *given, **params), expected


def close(got, expected):
    error = np.abs(got - expected).max(initial=0)
    assert got.shape == expected.shape
    assert error <= CLOSE[got.dtype.name] * max(1, np.abs(expected).max(initial=0)), error


@pytest.mark.parametrize("seed", range(10))
def test_drawn(seed):
    rng = np.random.default_rng(seed)
    for _ in range(12):
        drawn = draw(rng)
        for dtype in CLOSE:
            arrays = dict(zip("xwy", drawn.arrays(rng, dtype), strict=True))
            for name in FORMS:
                close(*computed(name, drawn, arrays))


@pytest.mark.parametrize("seed", range(4))
def test_adjoint(seed):
    """<C x, y> = <x, Cᵀ y> = <w, gradient>: the three are one trilinear form, with no reference in between."""
    rng = np.random.default_rng(100 + seed)
    for _ in range(10):
        drawn = draw(rng)
        arrays = dict(zip("xwy", drawn.arrays(rng, np.float64), strict=True))
        sums = []
        for name, (inputs, what) in FORMS.items():
            result = emit(name, *(arrays[part] for part in inputs), **drawn.params(what))
            sums.append(float((result * arrays[what]).sum()))
        np.testing.assert_allclose(sums, sums[0], rtol=1e-9, atol=1e-9)


LARGE = [
    ((9, 15, 17, 16), (3, 3, 16, 40), (9, 15, 17, 40), (1, 1), (1, 1), (1, 1), 1),
    ((4, 33, 31, 3), (3, 3, 3, 32), (4, 17, 16, 32), (2, 2), (1, 1), (1, 1), 1),
    ((16, 128, 9), (3, 9, 64), (16, 126, 64), (1,), (1,), (0,), 1),
    ((3, 40, 40, 48), (3, 3, 1, 48), (3, 40, 40, 48), (1, 1), (1, 1), (1, 1), 48),
]


@pytest.fixture
def seven_allowed(monkeypatch):
    # More threads than processors are slow, but what they compute is what matters here.
    monkeypatch.setattr(threads, "_most", threads.Count(7, "test"))
    monkeypatch.setattr(threads, "_wanted", None)
    yield
    threads.ready = False


@pytest.mark.parametrize("form", LARGE)
def test_same_bits_for_any_number_of_threads(seven_allowed, form):
    x, w, y, stride, dilation, padding, groups = form
    rng = np.random.default_rng(3)
    window = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups}
    arrays = {part: rng.normal(size=shape).astype(np.float32) for part, shape in zip("xwy", (x, w, y), strict=True)}
    shapes = {"x": x[1:-1], "w": w[:-2], "y": y[1:-1]}
    for name, (inputs, what) in FORMS.items():
        results = []
        for count in (1, 2, 3, 7):
            with threads.set_num_threads(count):
                given = [arrays[part] for part in inputs]
                results.append(emit(name, *given, shape=shapes[what], **window).tobytes())
        assert len(set(results)) == 1, name


def test_bits_do_not_depend_on_the_other_samples():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(9, 11, 10, 5)).astype(np.float32)
    w = rng.normal(size=(3, 3, 5, 33)).astype(np.float32)
    window = {"stride": (1, 1), "dilation": (1, 1), "padding": (1, 1), "groups": 1, "shape": (11, 10)}
    whole = emit("convolution", x, w, **window)
    for i in (0, 4, 8):
        assert emit("convolution", x[i : i + 1], w, **window).tobytes() == whole[i].tobytes()


def test_empty_batch():
    window = {"stride": (1,), "dilation": (1,), "padding": (1,), "groups": 1}
    x, w, y = (np.zeros(shape, np.float32) for shape in ((0, 5, 2), (3, 2, 4), (0, 5, 4)))
    assert emit("convolution", x, w, shape=(5,), **window).shape == (0, 5, 4)
    assert emit("convolution_input", y, w, shape=(5,), **window).shape == (0, 5, 2)
    assert (emit("convolution_kernel", x, y, shape=(3,), **window) == np.zeros((3, 2, 4))).all()


@pytest.mark.parametrize("groups", [1, 4])
def test_not_a_number_spreads_to_what_reads_it(groups):
    x = np.ones((1, 6, 7, 4), np.float32)
    x[0, 2, 3, 1] = np.nan
    w = np.ones((3, 3, 4 // groups, 4), np.float32)
    window = {"stride": (1, 1), "dilation": (1, 1), "padding": (1, 1), "groups": groups}
    y = emit("convolution", x, w, shape=(6, 7), **window)
    seen = np.zeros((1, 6, 7, 4), bool)
    seen[0, 1:4, 2:5, 1 if groups > 1 else slice(None)] = True
    np.testing.assert_array_equal(np.isnan(y), seen)


def test_long_filters_are_summed_in_passes():
    """More taps than addresses are kept for at once."""
    rng = np.random.default_rng(6)
    x, w = rng.normal(size=(2, 700, 1)), rng.normal(size=(601, 1, 3))
    window = {"stride": (1,), "dilation": (1,), "padding": (300,), "groups": 1, "shape": (700,)}
    expected = TABLE["convolution"].reference(x, w, **window)
    close(emit("convolution", x, w, **window), expected)
    y = rng.normal(size=(2, 700, 3))
    for name, given, shape in (("convolution_input", (y, w), 700), ("convolution_kernel", (x, y), 601)):
        params = {**window, "shape": (shape,)}
        close(emit(name, *given, **params), TABLE[name].reference(*given, **params))
