"""Pixels that are pooled as they are made: the same numbers as pooling them later, in fewer launches."""

from __future__ import annotations

import numpy as np
import pytest

from nbkeras.graph import fuse, trace
from nbkeras.graph.gradient import gradient
from nbkeras.graph.plan import Plan
from nbkeras.graph.pools import fuse_pool, spread_in_kernel
from nbkeras.graph.primitives import emit
from nbkeras.graph.primitives.pooling import with_depth
from nbkeras.graph.sums import sum_before_pooling, sum_beside_kernel
from nbkeras.graph.traced import Traced
from tests.graph.differences import weighted_sum
from tests.tolerances import TOLERANCES

#: x shape, kernel shape, stride, dilation, padding (all around), groups, and the kernel that makes the pixels.
CONVOLUTIONS = {
    "plain": ((12, 13, 12, 3), (3, 2, 3, 5), 1, 1, 0, 1, "convolve"),
    "padded": ((12, 13, 14, 8), (3, 3, 8, 33), 1, 1, 1, 1, "convolve"),
    "few channels": ((12, 12, 11, 1), (3, 3, 1, 20), 1, 1, 1, 1, "convolve"),
    "strided": ((20, 16, 17, 5), (5, 5, 5, 40), 2, 1, 2, 1, "convolve"),
    "dilated": ((12, 15, 13, 4), (3, 3, 4, 6), 1, 2, 2, 1, "convolve"),
    "grouped": ((12, 12, 12, 6), (3, 3, 3, 34), 1, 1, 1, 2, "convolve"),
    "line": ((40, 19, 3), (4, 3, 18), 1, 1, 0, 1, "convolve"),
    "winograd": ((12, 14, 13, 16), (3, 3, 16, 17), 1, 1, 1, 1, "winograd"),
    "winograd, two panels": ((12, 12, 12, 32), (3, 3, 32, 48), 1, 1, 0, 1, "winograd"),
    "winograd, line": ((30, 35, 16), (3, 16, 40), 1, 1, 1, 1, "winograd"),
    "product": ((12, 12, 12, 4), (1, 1, 4, 7), 1, 1, 0, 1, None),
    "depthwise": ((12, 12, 12, 4), (3, 3, 1, 4), 1, 1, 1, 4, None),
    "volume": ((3, 6, 7, 6, 2), (2, 2, 2, 2, 3), 1, 1, 0, 1, None),
    "winograd, volume": ((4, 5, 14, 14, 16), (1, 3, 3, 16, 32), 1, 1, (0, 1, 1), 1, None),
    "winograd, lines of a volume": ((4, 6, 5, 21, 16), (1, 1, 3, 16, 32), 1, 1, (0, 0, 1), 1, None),
    "winograd, many channels": ((12, 14, 14, 144), (3, 3, 144, 16), 1, 1, 1, 1, None),
    "winograd, dilated": ((12, 16, 16, 16), (3, 3, 16, 16), 1, 2, 2, 1, None),
    "few rows": ((1, 12, 12, 3), (3, 3, 3, 4), 1, 1, 1, 1, None),
}
#: Lengths, strides and zeros before the windows, and which kernels can pool so.
POOLS = {
    "pairs": (2, 2, 0, ("convolve", "winograd")),
    "gaps": (1, 2, 0, ("convolve", "winograd")),
    "fours": (4, 4, 0, ("convolve", "winograd")),
    "threes": (3, 3, 0, ("convolve",)),
    "padded": (3, 3, 1, ("convolve",)),
    "overlapping": (3, 2, 0, ()),
    "by one": (2, 1, 0, ()),
    "three by one": (3, 1, 1, ()),
}


def is_pooled(made_by, pool, rank):
    """Does the kernel that makes the pixels pool them? Windows that overlap along a line share no lines."""
    return made_by in POOLS[pool][-1] or (POOLS[pool][-1] == () and rank == 1 and made_by == "convolve")


def three(number, rank):
    """A number along the spatial axes there are, 1 along others."""
    return (1,) * (3 - rank) + (number,) * rank


def max_pool(y, size, step, before, keep):
    """Max pooling of an image of any rank; windows reach over the end where the stride does not fit."""
    rank = len(y.shape) - 2
    pixels = with_depth(y.shape)
    before = (0,) * (3 - rank) + (before,) * rank
    window, strides = three(size, rank), three(step, rank)
    out = tuple((n + b - 1) // s + 1 for n, b, s in zip(pixels[1:4], before, strides, strict=True))
    geometry = {"window": window, "strides": strides, "before": before, "out": out}
    return emit("max_pool", emit("reshape", y, shape=pixels), **geometry, keep=keep)


def convolution(x, w, b, *, stride, dilation, padding, groups, activation, **_):
    rank = len(x.shape) - 2
    padding = padding if isinstance(padding, tuple) else (padding,) * rank
    reach = [(k - 1) * dilation + 1 for k in w.shape[:-2]]
    sizes = zip(x.shape[1:-1], padding, reach, strict=True)
    shape = tuple((n + 2 * p - r) // stride + 1 for n, p, r in sizes)
    window = {"stride": (stride,) * rank, "dilation": (dilation,) * rank, "padding": padding}
    y = emit("convolution", x, w, b, shape=shape, groups=groups, **window)
    return emit(activation, y) if activation else y


def layer(name, pool, activation="relu"):
    """(arrays, function of them): a convolution, an activation and max pooling."""
    x, w, stride, dilation, padding, groups, _ = CONVOLUTIONS[name]
    size, step, before, _ = POOLS[pool]
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype("float32") for shape in (x, w, (w[-1],))]
    options = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups, "activation": activation}

    def function(*inputs, keep=False):
        return max_pool(convolution(*inputs, **options), size, step, before, keep)

    return arrays, function


def trained(function):
    """The pooled values, and the gradients of a sum of them."""

    def step(*inputs):
        y, _ = function(*inputs, keep=True)
        return [y, *gradient(weighted_sum(y), list(inputs))]

    return step


def kernels_of(function, arrays):
    with trace.Graph() as graph:
        outputs = function(*(graph.input(a.shape, a.dtype.name) for a in arrays))
        graph.outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        return [step.kernel.name for step in Plan(graph).steps]


def numbers_of(function, arrays, monkeypatch, without=(fuse_pool,)):
    """What a function gives, fused and not."""
    outputs = lambda *inputs: function(*inputs)  # noqa: E731
    fused = Traced(outputs)(*arrays)
    with monkeypatch.context() as patched:
        patched.setattr(fuse, "REWRITES", tuple(r for r in fuse.REWRITES if r not in without))
        plain = Traced(outputs)(*arrays)
    as_list = lambda v: list(v) if isinstance(v, (list, tuple)) else [v]  # noqa: E731
    return [[np.asarray(v) for v in as_list(values)] for values in (fused, plain)]


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name, pool, monkeypatch):
    """Sums run over the same taps in the same order, so that not a bit differs; neither do the places."""
    arrays, function = layer(name, pool)
    for step in (function, trained(function)):
        fused, plain = numbers_of(step, arrays, monkeypatch)
        for one, other in zip(fused, plain, strict=True):
            np.testing.assert_array_equal(one, other)
    fuses = is_pooled(CONVOLUTIONS[name][-1], pool, arrays[0].ndim - 2)
    assert ("max_pool" not in kernels_of(function, arrays)) == fuses


def assert_close(fused, plain, dtype):
    """Sums of as many numbers in another order: as close as their size lets them."""
    for one, other in zip(fused, plain, strict=True):
        scale = abs(other).max()
        np.testing.assert_allclose(one / scale, other / scale, **TOLERANCES[dtype])


def first_layer(function):
    """The gradients to kernel and bias alone, as of a layer whose input needs none."""

    def step(*inputs):
        y, _ = function(*inputs, keep=True)
        return gradient(weighted_sum(y), list(inputs[1:]))

    return step


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_gradients_of_a_first_layer(name, pool, dtype, monkeypatch):
    """The gradient to the pooled values is spread over the pixels as the gradient to the kernel reads them."""
    arrays, function = layer(name, pool)
    arrays = [a.astype(dtype) for a in arrays]
    without = (fuse_pool, spread_in_kernel, sum_before_pooling, sum_beside_kernel)
    fused, plain = numbers_of(first_layer(function), arrays, monkeypatch, without)
    assert_close(fused, plain, dtype)


@pytest.mark.parametrize("name", ["plain", "padded", "strided", "grouped", "line"])
def test_launches_of_a_first_layer(name):
    """The gradients take one pass over the pixels' gradient, which is never written; the bias is summed on the way."""
    arrays, function = layer(name, "pairs")
    found = kernels_of(first_layer(function), arrays)
    assert "max_pool_gradient" not in found
    assert found.count("convolve_kernel") == 1
    arrays, function = layer(name, "overlapping")
    assert "max_pool_gradient" in kernels_of(first_layer(function), arrays)


#: x shape, kernel shape, groups, and the kernel that also sums the gradient to the bias.
BIASES = {
    "direct": ((5, 9, 8, 7), (3, 3, 7, 33), 1, "convolve_kernel"),
    "near rows": ((5, 9, 8, 7), (3, 3, 7, 16), 1, "convolve_kernel"),
    "grouped": ((5, 9, 8, 6), (3, 3, 3, 70), 2, "convolve_kernel"),
    "one pixel": ((1, 1, 1, 2), (1, 1, 2, 3), 1, None),
    "winograd": ((9, 12, 13, 16), (3, 3, 16, 48), 1, "winograd_kernel"),
    "winograd, blocks": ((9, 12, 13, 144), (3, 3, 144, 96), 1, "winograd_kernel"),
    "winograd, line": ((50, 37, 32), (3, 32, 32), 1, "winograd_kernel"),
    "depthwise": ((5, 9, 8, 7), (3, 3, 1, 7), 7, None),
    "product": ((3, 2, 2, 40), (1, 1, 40, 50), 1, None),
}


def pixels_summed(step, arrays):
    """How many launches sum what is as large as the output, but for the sum that the gradient is of."""
    pixels = arrays[0].size // arrays[0].shape[-1] * arrays[2].size
    with trace.Graph() as graph:
        graph.outputs = step(*(graph.input(a.shape, a.dtype.name) for a in arrays))[1:]
        steps = Plan(graph).steps
    return sum(s.kernel.name == "reduce" and s.arguments[1].size == pixels for s in steps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", BIASES)
def test_a_bias_is_summed_beside_the_kernel(name, dtype, monkeypatch):
    x, w, groups, kernel = BIASES[name]
    rng = np.random.default_rng(0)
    padding = 1 if w[0] == 3 else 0
    options = {"stride": 1, "dilation": 1, "padding": padding, "groups": groups, "activation": "tanh"}
    arrays = [rng.normal(size=shape).astype(dtype) for shape in (x, w, (w[-1],))]

    def step(*inputs):
        total = weighted_sum(convolution(*inputs, **options))
        return [total, *gradient(total, list(inputs))]

    fused, plain = numbers_of(step, arrays, monkeypatch, (sum_beside_kernel,))
    assert_close(fused, plain, dtype)
    if dtype == "float32" and kernel:
        assert kernel in kernels_of(step, arrays)
        assert pixels_summed(step, arrays) == 0
        monkeypatch.setattr(fuse, "REWRITES", tuple(r for r in fuse.REWRITES if r is not sum_beside_kernel))
        assert pixels_summed(step, arrays) > 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["plain", "padded", "strided", "line", "winograd", "winograd, line"])
def test_against_reference(name, dtype):
    """What pixels hold reaches the pooled values, NaN too; places are those of the first that is greatest."""
    arrays, function = layer(name, "pairs", None)
    arrays = [a.astype(dtype) for a in arrays]
    if not name.startswith("winograd"):  # whose maps spread it over a tile
        arrays[0].flat[7] = np.nan
    with trace.Graph() as graph:
        inputs = [graph.input(a.shape, dtype) for a in arrays]
        graph.outputs = list(function(*inputs, keep=True))
        (node,) = [n for n in fuse.fuse(graph) if n.primitive.name == "convolution"]
    found = [np.asarray(v) for v in Traced(lambda *inputs: list(function(*inputs, keep=True)))(*arrays)]
    wide = [a.astype("float64") for a in arrays]
    want, places = node.primitive.reference(*wide, **node.params)
    np.testing.assert_allclose(found[0], want, rtol=1e-4 if dtype == "float32" else 1e-12, atol=1e-4)
    np.testing.assert_array_equal(found[1], places)


@pytest.mark.parametrize("kind", ["batch_norm", "channel_affine"])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("shape", [(12, 12, 13, 5), (11, 11, 10, 40), (40, 21, 16), (5, 4, 6, 5, 3)])
def test_normalization(kind, pool, shape, monkeypatch):
    size, step, before, _ = POOLS[pool]
    rng = np.random.default_rng(0)
    c = shape[-1]
    arrays = [rng.normal(size=s).astype("float32") for s in (shape, (c,), (c,), (c,))]

    def function(x, a, b, d, keep=False):
        if kind == "batch_norm":
            y, *others = emit("batch_norm", x, a, b, epsilon=1e-3)
        else:
            y, others = emit("channel_affine", x, a, b, d), [d]
        pooled = max_pool(emit("relu", y), size, step, before, keep)
        return [*pooled[:1], *others] if keep else [pooled, *others]

    def training(*inputs):
        y, *others = function(*inputs, keep=True)
        return [y, *others, *(g for g in gradient(weighted_sum(y), list(inputs[:3])) if g is not None)]

    for step_of in (function, training):
        fused, plain = numbers_of(step_of, arrays, monkeypatch)
        for one, other in zip(fused, plain, strict=True):
            np.testing.assert_array_equal(one, other)
    fuses = len(shape) < 5 and is_pooled("convolve", pool, len(shape) - 2)
    assert ("max_pool" not in kernels_of(function, arrays)) == fuses


@pytest.mark.parametrize("strides", [(2, 1, 1), (2, 2, 2), (1, 2, 2), (3, 1, 2)])
@pytest.mark.parametrize("taps", [(1, 3, 3), (1, 1, 3), (2, 3, 3)])
def test_windows_of_volumes(taps, strides, monkeypatch):
    """Depth counts as samples in Winograd's form; windows along it do not lie in tiles."""
    rng = np.random.default_rng(0)
    x, w, b = (4, 6, 12, 13, 16), (*taps, 16, 32), (32,)
    arrays = [rng.normal(size=shape).astype("float32") for shape in (x, w, b)]

    def function(x, w, b):
        y = convolution(x, w, b, stride=1, dilation=1, padding=0, groups=1, activation="relu")
        out = tuple(n // s for n, s in zip(y.shape[1:4], strides, strict=True))
        return emit("max_pool", y, window=strides, strides=strides, before=(0, 0, 0), out=out, keep=False)

    fused, plain = numbers_of(function, arrays, monkeypatch)
    np.testing.assert_array_equal(fused[0], plain[0])


def test_sums_of_other_columns_are_not_biases(monkeypatch):
    """The gradient to a vector that is added to flat pixels is as long as these; the kernel's gradient has no such."""
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype("float32") for shape in ((4, 6, 6, 3), (3, 3, 3, 5), (80,))]

    def step(x, w, v):
        y = emit("convolution", x, w, shape=(4, 4), stride=(1, 1), dilation=(1, 1), padding=(0, 0), groups=1)
        flat = emit("tanh", emit("add", emit("reshape", y, shape=(4, 80)), v))
        return gradient(weighted_sum(flat), [x, w, v])

    fused, plain = numbers_of(step, arrays, monkeypatch, (sum_beside_kernel,))
    assert_close(fused, plain, "float32")


def test_gradients_of_gradients_close_no_circle(monkeypatch):
    """The norm of all gradients needs the bias's before the outer gradient to the kernel is known."""
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype("float32") for shape in ((3, 6, 6, 2), (3, 3, 2, 5), (5,))]

    def step(*inputs):
        y = convolution(*inputs, stride=1, dilation=1, padding=0, groups=1, activation="tanh")
        squares = (emit("square", g) for g in gradient(weighted_sum(y), list(inputs)))
        sums = [emit("reduce", square, axes=tuple(range(len(square.shape))), op="sum") for square in squares]
        return gradient(emit("add", emit("add", *sums[:2]), sums[2]), list(inputs))

    fused, plain = numbers_of(step, arrays, monkeypatch, (sum_beside_kernel,))
    for one, other in zip(fused, plain, strict=True):
        scale = abs(other).max()
        np.testing.assert_allclose(one / scale, other / scale, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["plain", "winograd", "winograd, line", "grouped"])
@pytest.mark.parametrize("keep", [False, True])
def test_checked_runs(name, keep, monkeypatch):
    """What is pooled, the gradients and the sums beside them are those of the references."""
    monkeypatch.setenv("NBKERAS_CHECK", "1")
    arrays, function = layer(name, "pairs")
    Traced(first_layer(function) if keep else lambda *inputs: [function(*inputs)])(*arrays)
    Traced(trained(function))(*arrays)


def test_a_checked_run_sees_a_wrong_place(monkeypatch):
    from nbkeras.errors import KernelError
    from nbkeras.graph import check

    monkeypatch.setenv("NBKERAS_CHECK", "1")
    arrays, function = layer("plain", "pairs")
    found = check._at_places
    monkeypatch.setattr(check, "_at_places", lambda node, before, places: found(node, before, 3 - places))
    with pytest.raises(KernelError, match="output 1"):
        Traced(lambda *inputs: list(function(*inputs, keep=True)))(*arrays)


def test_pixels_that_are_read_elsewhere_stay():
    arrays, _ = layer("plain", "pairs")

    def function(x, w, b):
        y = convolution(x, w, b, stride=1, dilation=1, padding=0, groups=1, activation="relu")
        return [max_pool(y, 2, 2, 0, False), y]

    assert "max_pool" in kernels_of(function, arrays)


def test_other_pixels_are_not_those_of_the_convolution():
    """Windows over a reshaped image do not fit the lines that the convolution makes."""
    arrays, _ = layer("plain", "pairs")

    def function(x, w, b):
        y = convolution(x, w, b, stride=1, dilation=1, padding=0, groups=1, activation="relu")
        n, h, v, c = y.shape
        return max_pool(emit("reshape", y, shape=(n, 1, h * v, c)), 2, 2, 0, False)

    assert "max_pool" in kernels_of(function, arrays)
