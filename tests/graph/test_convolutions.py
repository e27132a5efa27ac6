"""Drawn convolutions against their references in double precision, and what holds for each of them."""

from __future__ import annotations

import numpy as np
import pytest

from nbkeras.graph import trace
from nbkeras.graph.plan import Plan
from nbkeras.graph.primitives import TABLE, emit
from nbkeras.kernels import threads
from nbkeras.kernels.scalars import ACTIVATIONS
from tests.graph.convolutions import Drawn, draw

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
    ((5, 64, 62, 3), (5, 3, 1, 3), (5, 64, 62, 3), (1, 1), (1, 1), (2, 1), 3),
    ((2, 61, 64, 33), (3, 5, 1, 33), (2, 31, 32, 33), (2, 2), (1, 1), (1, 2), 33),
    ((9, 15, 17, 32), (3, 3, 32, 48), (9, 15, 17, 48), (1, 1), (1, 1), (1, 1), 1),
    ((24, 66, 64), (3, 64, 64), (24, 64, 64), (1,), (1,), (0,), 1),
    ((9, 20, 17, 32), (3, 3, 32, 48), (9, 20, 17, 48), (1, 1), (3, 2), (3, 2), 1),
    ((32, 28, 28, 1), (3, 3, 1, 32), (32, 26, 26, 32), (1, 1), (1, 1), (0, 0), 1),
    ((5, 61, 59, 8), (3, 3, 8, 24), (5, 61, 59, 24), (1, 1), (1, 1), (1, 1), 1),
    ((5, 31, 29, 6), (5, 5, 6, 16), (5, 16, 15, 16), (2, 2), (1, 1), (2, 2), 1),
]


#: Windows that read nothing outside: a tile of the kernel's gradient has channels of several taps. Blocks of pixels end
#: within lines; the last is one pixel wide, and read along its columns.
INSIDE = [
    ((3, 21, 19, 1), (3, 3, 1, 33), (3, 19, 17, 33), (1, 1), (1, 1), (0, 0), 1),
    ((2, 25, 23, 3), (3, 2, 3, 32), (2, 8, 11, 32), (3, 2), (1, 1), (0, 0), 1),
    ((2, 19, 20, 10), (2, 3, 5, 34), (2, 16, 14, 34), (1, 1), (3, 3), (0, 0), 2),
    ((2, 5, 9, 8, 2), (2, 2, 3, 2, 5), (2, 4, 8, 6, 5), (1, 1, 1), (1, 1, 1), (0, 0, 0), 1),
    ((3, 150, 2, 6), (4, 2, 6, 9), (3, 147, 1, 9), (1, 1), (1, 1), (0, 0), 1),
]


#: Windows that read outside, where a tap's pixels are runs: of all numbers of channels that share a step, in lines that
#: are rows or columns, or all one run; with taps that reach nothing. Gradients as far apart as they are read where they
#: lie, and farther.
OUTSIDE = [
    *(((3, 11, 13, c), (3, 3, c, u), (3, 11, 13, u), (1, 1), (1, 1), (1, 1), 1)
      for c, u in ((3, 16), (4, 17), (5, 33), (6, 8), (7, 64), (8, 65), (15, 16))),
    ((1, 19, 17, 9), (5, 4, 9, 24), (1, 7, 9, 24), (3, 2), (1, 1), (2, 2), 1),
    ((2, 150, 1, 5), (3, 3, 5, 20), (2, 150, 1, 20), (1, 1), (1, 1), (1, 1), 1),
    ((2, 90, 2, 5), (4, 3, 5, 20), (2, 45, 1, 20), (2, 1), (1, 1), (1, 0), 1),
    ((2, 3, 4, 6), (3, 3, 6, 5), (2, 3, 4, 5), (1, 1), (4, 5), (4, 5), 1),
    ((2, 4, 9, 8, 6), (2, 3, 3, 3, 10), (2, 5, 5, 8, 10), (1, 2, 1), (1, 1, 2), (1, 1, 2), 2),
    ((1, 700, 7), (1, 7, 6), (1, 700, 6), (1,), (1,), (0,), 1),
    ((9, 33, 6), (7, 6, 16), (9, 33, 16), (1,), (1,), (3,), 1),
]  # fmt: skip


@pytest.mark.parametrize("form", INSIDE + OUTSIDE)
@pytest.mark.parametrize("dtype", CLOSE)
def test_windows_that_read_nothing_outside_or_some(form, dtype):
    x, w, y, stride, dilation, padding, groups = form
    drawn = Drawn(x, w, y, {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups})
    arrays = dict(zip("xwy", drawn.arrays(np.random.default_rng(12), dtype), strict=True))
    for name in FORMS:
        close(*computed(name, drawn, arrays))


#: Depthwise: channels that fill vectors with several pixels, one masked vector, two and a masked one; lines that are
#: columns; a filter of more taps than are listed at once, and one that reads outside at each pixel in a way of its own.
DEPTHWISE = [
    ((3, 15, 41, 3), (3, 3, 1, 3), (3, 15, 41, 3), (1, 1), (1, 1), (1, 1), 3),
    ((2, 17, 19, 10), (3, 2, 1, 10), (2, 8, 6, 10), (2, 3), (1, 1), (0, 0), 10),
    ((2, 18, 16, 67), (5, 5, 1, 67), (2, 18, 16, 67), (1, 1), (1, 1), (2, 2), 67),
    ((2, 13, 3, 16), (3, 3, 1, 16), (2, 11, 1, 16), (1, 1), (1, 1), (0, 0), 16),
    ((2, 14, 15, 2), (9, 8, 1, 2), (2, 6, 8, 2), (1, 1), (1, 1), (0, 0), 2),
    ((2, 40, 5), (39, 1, 5), (2, 40, 5), (1,), (1,), (19,), 5),
    ((2, 90, 3), (81, 1, 3), (2, 88, 3), (1,), (1,), (39,), 3),
    ((2, 5, 9, 8, 7), (2, 2, 3, 1, 7), (2, 4, 8, 6, 7), (1, 1, 1), (1, 2, 1), (0, 0, 0), 7),
    # Some filters for each channel; so many, and a depth of its own, that they have another form.
    ((3, 15, 14, 5), (3, 3, 1, 15), (3, 8, 7, 15), (2, 2), (1, 1), (1, 1), 5),
    ((2, 21, 9), (3, 1, 36), (2, 21, 36), (1,), (2,), (2,), 9),
    ((2, 9, 8, 3), (3, 2, 1, 48), (2, 9, 7, 48), (1, 1), (1, 1), (1, 0), 3),
    ((2, 3, 6, 5, 4), (2, 2, 3, 1, 8), (2, 2, 5, 3, 8), (1, 1, 1), (1, 1, 1), (0, 0, 0), 4),
]


@pytest.mark.parametrize("form", DEPTHWISE)
@pytest.mark.parametrize("dtype", CLOSE)
def test_depthwise(form, dtype):
    x, w, y, stride, dilation, padding, groups = form
    drawn = Drawn(x, w, y, {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups})
    rng = np.random.default_rng(15)
    arrays = dict(zip("xwy", drawn.arrays(rng, dtype), strict=True))
    for name in FORMS:
        close(*computed(name, drawn, arrays))
    for activation in ("relu", "tanh"):
        code = ACTIVATIONS[activation]
        given = [arrays["x"], arrays["w"] / 8, rng.normal(size=y[-1]).astype(dtype)]
        params = {**drawn.params("y"), "activation": code}
        wide = (a.astype(np.float64) for a in given)
        close(emit("convolution", *given, **params), TABLE["convolution"].reference(*wide, **params))
    given, params = [arrays["y"], arrays["w"], arrays["x"]], drawn.params("x")
    wide = (a.astype(np.float64) for a in given)
    reference = TABLE["gated_convolution_input"].reference(*wide, **params)
    close(emit("gated_convolution_input", *given, **params), reference)


#: Few channels; strides that leave some pixels unread, edges that are, a line longer than is summed at once.
NARROW = [
    ((3, 11, 13, 1), (3, 3, 1, 17), (3, 11, 13, 17), (1, 1), (1, 1), (1, 1), 1),
    ((2, 12, 11, 3), (4, 2, 3, 40), (2, 3, 4, 40), (3, 3), (1, 1), (0, 1), 1),
    ((2, 601, 2), (3, 2, 33), (2, 299, 33), (2,), (2,), (1,), 1),
    ((1, 5, 6, 7, 1), (2, 3, 2, 1, 9), (1, 5, 3, 4, 9), (1, 2, 2), (1, 1, 1), (1, 1, 1), 1),
]


@pytest.mark.parametrize("form", NARROW)
def test_few_channels_are_reached_from_what_is_sent_through_the_taps(form, seven_allowed):
    x, w, y, stride, dilation, padding, groups = form
    drawn = Drawn(x, w, y, {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups})
    assert kernels_of("convolution_input", drawn, "yw", "x")[-1] == "sum_taps"
    rng = np.random.default_rng(14)
    for dtype in CLOSE:
        arrays = dict(zip("xwy", drawn.arrays(rng, dtype), strict=True))
        close(*computed("convolution_input", drawn, arrays))
        window = drawn.params("x")
        given = [arrays["y"], arrays["w"], arrays["x"]]
        wide = (a.astype(np.float64) for a in given)
        got = []
        for count in (1, 7):
            with threads.set_num_threads(count):
                got.append(emit("gated_convolution_input", *given, **window))
        assert got[0].tobytes() == got[1].tobytes()
        close(got[0], TABLE["gated_convolution_input"].reference(*wide, **window))


@pytest.mark.parametrize(("pixels", "kernel"), [(31, "matmul"), (33, "convolve_kernel")])
def test_a_single_tap_is_summed_over_pixels_if_they_are_many(pixels, kernel):
    units = 13
    size = 7 * units
    x, y = (pixels * size // 16, 7), (pixels * size // 16, units)
    window = {"stride": (1,), "dilation": (1,), "padding": (0,), "groups": 1}
    drawn = Drawn((1, *x), (1, 7, units), (1, *y), window)
    arrays = dict(zip("xwy", drawn.arrays(np.random.default_rng(13), np.float32), strict=True))
    assert kernels_of("convolution_kernel", drawn, "xy", "w")[0] == kernel
    close(*computed("convolution_kernel", drawn, arrays))


@pytest.mark.parametrize(
    ("channels", "units", "kernel"), [(64, 128, "convolve_kernel"), (64, 64, "matmul"), (256, 129, "matmul")]
)
def test_a_single_tap_of_few_numbers_is_summed_over_pixels_that_no_cache_holds(channels, units, kernel):
    """2,700 pixels of 192 and of 128 numbers; and of 385, for a kernel of many."""
    window = {"stride": (1,), "dilation": (1,), "padding": (0,), "groups": 1}
    drawn = Drawn((3, 900, channels), (1, channels, units), (3, 900, units), window)
    arrays = dict(zip("xwy", drawn.arrays(np.random.default_rng(16), np.float32), strict=True))
    assert kernels_of("convolution_kernel", drawn, "xy", "w")[0] == kernel
    close(*computed("convolution_kernel", drawn, arrays))


@pytest.mark.parametrize(
    ("channels", "taps", "stride", "kernel"),
    [(8, 3, 1, "sum_taps"), (9, 3, 1, "convolve"), (5, 2, 2, "sum_taps"), (6, 2, 2, "convolve"), (4, 1, 2, "convolve")],
)
def test_few_taps_a_pixel_are_summed_for_few_channels_alone(channels, taps, stride, kernel):
    window = {"stride": (stride,), "dilation": (1,), "padding": (0,), "groups": 1}
    drawn = Drawn((3, 29, channels), (taps, channels, 50), (3, (29 - taps) // stride + 1, 50), window)
    arrays = dict(zip("xwy", drawn.arrays(np.random.default_rng(17), np.float32), strict=True))
    assert kernels_of("convolution_input", drawn, "yw", "x")[-1] == kernel
    close(*computed("convolution_input", drawn, arrays))


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


#: What Winograd's form is for: input, filters, output, padding, dilation.
SHORT = [
    ((9, 15, 17, 32), (3, 3, 32, 48), (9, 15, 17, 48), (1, 1), (1, 1)),
    ((11, 13, 14, 16), (3, 3, 16, 80), (11, 11, 12, 80), (0, 0), (1, 1)),
    ((12, 9, 10, 48), (3, 3, 48, 32), (12, 11, 12, 32), (2, 2), (1, 1)),
    ((6, 12, 21, 160), (3, 3, 160, 32), (6, 12, 21, 32), (1, 1), (1, 1)),
    ((2, 25, 31, 32), (1, 3, 32, 32), (2, 25, 31, 32), (0, 1), (1, 1)),
    ((24, 66, 64), (3, 64, 64), (24, 64, 64), (0,), (1,)),
    ((7, 1, 9, 17, 16), (1, 3, 3, 16, 32), (7, 1, 9, 17, 32), (0, 1, 1), (1, 1, 1)),
    ((9, 19, 17, 32), (3, 3, 32, 48), (9, 19, 17, 48), (2, 3), (2, 3)),
    ((6, 20, 22, 16), (3, 3, 16, 32), (6, 18, 12, 32), (0, 0), (1, 5)),
    ((11, 17, 17, 16), (3, 3, 16, 48), (11, 17, 17, 48), (2, 2), (2, 2)),
    ((24, 80, 64), (3, 64, 64), (24, 64, 64), (0,), (8,)),
]


@pytest.mark.parametrize("form", SHORT)
def test_short_filters(form):
    """Winograd's form is taken, and is as near to the reference as sums in another order."""
    *shapes, padding, dilation = form
    window = {"stride": (1,) * len(padding), "dilation": dilation, "padding": padding, "groups": 1}
    drawn = Drawn(*shapes, window)
    arrays = dict(zip("xwy", drawn.arrays(np.random.default_rng(8), np.float32), strict=True))
    for name, (inputs, what) in FORMS.items():
        assert any(kernel.startswith("winograd") for kernel in kernels_of(name, drawn, inputs, what)), name
        close(*computed(name, drawn, arrays))


def kernels_of(name, drawn, inputs, what):
    with trace.Graph() as graph:
        given = [graph.input({"x": drawn.x, "w": drawn.w, "y": drawn.y}[part], "float32") for part in inputs]
        graph.outputs = [emit(name, *given, **drawn.params(what))]
    return [step.kernel.name for step in Plan(graph).steps]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_short_filters_with_bias_and_activation(activation):
    rng = np.random.default_rng(9)
    x, w, b = (rng.normal(size=shape).astype(np.float32) for shape in ((6, 14, 11, 32), (3, 3, 32, 24), (24,)))
    w *= 0.02  # so that tanh has a slope
    window = {"stride": (1, 1), "dilation": (1, 1), "padding": (1, 1), "groups": 1, "shape": (14, 11)}
    code = ACTIVATIONS[activation]
    wide = TABLE["convolution"].reference(*(a.astype(np.float64) for a in (x, w, b)), activation=code, **window)
    close(emit("convolution", x, w, b, activation=code, **window), wide)
    gate = rng.normal(size=x.shape).astype(np.float32)
    dy = rng.normal(size=(6, 14, 11, 24)).astype(np.float32)
    wide = TABLE["gated_convolution_input"].reference(dy.astype(np.float64), w.astype(np.float64), gate, **window)
    close(emit("gated_convolution_input", dy, w, gate, **window), wide)


@pytest.mark.parametrize(("channels", "units"), [(16, 32), (64, 16)])
def test_few_channels_and_units_of_flat_filters_are_summed_over_pixels(channels, units):
    window = {"stride": (1,), "dilation": (1,), "padding": (1,), "groups": 1}
    drawn = Drawn((24, 64, channels), (3, channels, units), (24, 64, units), window)
    assert kernels_of("convolution_kernel", drawn, "xy", "w")[0] == "convolve_kernel"


def test_few_pixels_and_few_channels_are_summed_over_taps():
    """So are images of which tiles would be filled badly."""
    for x, w in (
        ((1, 8, 8, 32), (3, 3, 32, 32)),
        ((9, 16, 16, 8), (3, 3, 8, 32)),
        ((9, 16, 16, 24), (3, 3, 24, 32)),
        ((128, 2, 2, 32), (3, 3, 32, 32)),
        ((128, 6, 32), (3, 32, 32)),
    ):
        ones = (1,) * (len(x) - 2)
        drawn = Drawn(x, w, (*x[:-1], w[-1]), {"stride": ones, "dilation": ones, "padding": ones, "groups": 1})
        assert kernels_of("convolution", drawn, "xw", "y")[-1] == "convolve"


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
    """More taps than addresses are kept for at once, forward and to the input."""
    rng = np.random.default_rng(6)
    x, w = rng.normal(size=(2, 700, 1)), rng.normal(size=(601, 1, 3))
    window = {"stride": (1,), "dilation": (1,), "padding": (300,), "groups": 1, "shape": (700,)}
    expected = TABLE["convolution"].reference(x, w, **window)
    close(emit("convolution", x, w, **window), expected)
    y = rng.normal(size=(2, 700, 3))
    for name, given, shape in (("convolution_input", (y, w), 700), ("convolution_kernel", (x, y), 601)):
        params = {**window, "shape": (shape,)}
        close(emit(name, *given, **params), TABLE[name].reference(*given, **params))
