"""What is fused into and around convolutions: fewer launches, the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import ops
from nbkeras.graph import trace
from nbkeras.graph.gradient import gradient
from nbkeras.graph.plan import Plan
from nbkeras.graph.primitives import emit
from nbkeras.graph.traced import Traced
from tests.graph.differences import check_gradients, weighted_sum
from tests.tolerances import TOLERANCES

WINDOW = {"stride": (1, 1), "dilation": (1, 1), "padding": (1, 1), "groups": 1}


def layer(x, w, b, activation="relu"):
    y = emit("convolution", x, w, b, shape=tuple(x.shape[1:3]), **WINDOW)
    return emit(activation, y) if activation else y


def pooled(x, size=2, step=2):
    """Max pooling as the layers do it: windows over (n, d, h, w, c)."""
    n, h, w, c = x.shape
    out = (1, (h - size) // step + 1, (w - size) // step + 1)
    geometry = {"window": (1, size, size), "strides": (1, step, step), "before": (0, 0, 0), "out": out, "keep": True}
    y, _ = emit("max_pool", emit("reshape", x, shape=(n, 1, h, w, c)), **geometry)
    return emit("reshape", y, shape=(n, *out[1:], c))


def arrays():
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) for shape in ((2, 6, 7, 2), (3, 3, 2, 3), (3,), (3, 3, 3, 2), (2,))]


def two_layers(x, w, b, v, c):
    return layer(layer(x, w, b), v, c, None)


def layer_and_pool(x, w, b, v, c):
    return layer(pooled(layer(x, w, b)), v, c, None)


def overlapping(x, w, b, v, c):
    return layer(pooled(layer(x, w, b), 3, 1), v, c, "tanh")


def averaged(x, w, b, v, c):
    y = layer(x, w, b, None)
    n, h, width, units = y.shape
    geometry = {"window": (1, 3, 2), "strides": (1, 2, 2), "before": (0, 1, 0), "out": (1, 3, 4)}
    y = emit("average_pool", emit("reshape", y, shape=(n, 1, h, width, units)), **geometry)
    return emit("reduce", emit("square", y), axes=(0, 1, 2, 3), op="sum")


def written_by_hand(x, w, b, v, c):
    """Biases as custom layers add them, from either side."""
    y = emit("relu", emit("add", emit("convolution", x, w, shape=x.shape[1:3], **WINDOW), b))
    return emit("add", c, emit("convolution", pooled(y), v, shape=(3, 3), **WINDOW))


def pool_at_the_end(x, w, b, v, c):
    return emit("multiply", emit("reduce", pooled(layer(x, w, b)), axes=(1, 2), op="sum"), b)


FUNCTIONS = [two_layers, layer_and_pool, overlapping, averaged, written_by_hand, pool_at_the_end]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_gradients(function):
    check_gradients(function, arrays(), rtol=1e-5, atol=1e-6)


def steps(function):
    """The launches of a step: the function, a sum of its result, all gradients."""
    with trace.Graph() as graph:
        inputs = [graph.input(a.shape, "float32") for a in arrays()]
        total = weighted_sum(function(*inputs))
        graph.outputs = [total, *(g for g in gradient(total, inputs[1:]) if g is not None)]
    return Plan(graph).steps


@pytest.mark.parametrize("function", [two_layers, layer_and_pool])
def test_a_gate_is_applied_as_the_gradient_is_stored(function):
    """Bias, relu and its derivative cost no launch and no pass: nothing elementwise is as large as the layer."""
    size = 2 * 6 * 7 * 3
    made = steps(function)
    assert [s.kernel.name for s in made].count("convolve") == 3
    elementwise = [s for s in made if s.kernel.name == "elementwise"]
    assert all(symbol.size < size for s in elementwise for symbol in s.symbols())


def test_a_vector_that_is_added_is_the_bias():
    """As the layer's own bias it costs no launch; one that is not of the units, or of which the sum is read, does."""
    assert [s.kernel.name for s in steps(written_by_hand)] == [s.kernel.name for s in steps(layer_and_pool)]

    def by_rows(x, w, b, v, c):
        y = emit("convolution", x, w, shape=x.shape[1:3], **WINDOW)
        return emit("add", y, emit("reshape", emit("reduce", x, axes=(3,), op="sum"), shape=(*x.shape[:3], 1)))

    def read_twice(x, w, b, v, c):
        y = emit("convolution", x, w, shape=x.shape[1:3], **WINDOW)
        return emit("multiply", emit("add", y, b), y)

    for function in (by_rows, read_twice):
        assert any(s.kernel.name == "elementwise" for s in steps(function))
        check_gradients(function, arrays(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("function", [layer_and_pool, overlapping, averaged])
def test_a_bias_gets_the_sum_of_what_pooling_was_given(function):
    """The pixels that pooling's gradient spreads it over are not read again."""
    size = 2 * 6 * 7 * 3
    sums = [s.arguments[1].size for s in steps(function) if s.kernel.name == "reduce"]
    assert sums and max(sums) < size


@pytest.mark.parametrize("dtype", ["int32", "float64", "bool"])
def test_a_gate_of_another_dtype_stays_outside(dtype):
    """The product's kernel reads gates of its own dtype alone."""
    rng = np.random.default_rng(0)
    gate, a, b = (rng.normal(size=shape) for shape in ((3, 5), (3, 4), (4, 5)))
    gate, a, b = (gate > 0).astype(dtype), a.astype("float32"), b.astype("float32")
    found = nbkeras.jit(lambda gate, a, b: ops.where(gate > 0, ops.matmul(a, b), 0.0))(gate, a, b)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, np.where(gate > 0, a.astype(float) @ b, 0), **TOLERANCES["float32"])


def test_a_gate_behind_pooling_is_applied_to_the_pooled():
    whole, few = 2 * 6 * 7 * 3, 2 * 3 * 3 * 3
    sizes = {symbol.size for s in steps(pool_at_the_end) if s.kernel.name == "elementwise" for symbol in s.symbols()}
    assert few in sizes and whole not in sizes


def first(function, channels_first):
    """A layer applied with its channels first: moved last before it, and back behind it."""

    def applied(x, *weights):
        y = function(emit("transpose", x, axes=(0, 2, 3, 1)), *weights) if channels_first else function(x, *weights)
        return emit("transpose", y, axes=(0, 3, 1, 2)) if channels_first else y

    return applied


@pytest.mark.parametrize("residual", [False, True])
def test_transposes_between_layers_cancel(residual):
    """With channels first only what the borders read and give is moved, and nothing is fused less."""

    def network(channels_first):
        plain = first(lambda x, w, b: layer(x, w, b, None), channels_first)

        def run(x, w, b, v, c):
            x = emit("transpose", x, axes=(0, 3, 1, 2)) if channels_first else x
            y = emit("relu", plain(x, w, b))
            y = emit("relu", plain(y, v, c))
            y = emit("add", y, x) if residual else y
            return emit("relu", plain(y, w, b))

        return run

    check_gradients(network(True), arrays(), rtol=1e-5, atol=1e-6)
    wanted, got = ([s.kernel.name for s in steps(network(flag))] for flag in (False, True))
    assert got.count("strided_copy") <= wanted.count("strided_copy") + 3
    for kernel in ("convolve", "convolve_kernel", "pack_filters"):
        assert got.count(kernel) == wanted.count(kernel)


def test_a_transpose_before_a_broadcast_stays():
    def function(x):
        moved = emit("transpose", x, axes=(1, 0))
        wide = emit("broadcast_to", emit("transpose", emit("exp", moved), axes=(1, 0)), shape=(3, 3))
        return emit("add", wide, emit("broadcast_to", moved, shape=(2, 3, 3)))

    check_gradients(function, [np.arange(9.0).reshape(3, 3) / 9])



#: What applies a residual: shapes of x and the kernel, groups.
SUMMED = {
    "convolve": ((2, 6, 7, 3), (3, 3, 3, 5), 1),
    "winograd": ((16, 12, 12, 16), (3, 3, 16, 20), 1),
    "depthwise": ((2, 6, 7, 5), (3, 3, 1, 5), 5),
    "matmul": ((2, 6, 7, 3), (1, 1, 3, 5), 1),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
@pytest.mark.parametrize("kernel", SUMMED)
def test_a_residual_is_added_as_the_result_is_stored(kernel, activation, with_bias, dtype):
    x_shape, w_shape, groups = SUMMED[kernel]
    padding = (w_shape[0] // 2,) * 2
    rng = np.random.default_rng(0)
    x, w, r = (rng.normal(size=shape).astype(dtype) for shape in (x_shape, w_shape, (*x_shape[:3], w_shape[-1])))
    bias = [rng.normal(size=w_shape[-1]).astype(dtype)] * with_bias

    def summed(x, w, r, *bias):
        y = emit("convolution", x, w, *bias, shape=x_shape[1:3], **{**WINDOW, "padding": padding, "groups": groups})
        y = emit("add", r, y)
        return emit(activation, y) if activation else y

    def apart(x, w, r, *bias):
        y = emit("convolution", x, w, *bias, shape=x_shape[1:3], **{**WINDOW, "padding": padding, "groups": groups})
        return y, emit("add", r, y)

    traced = Traced(summed)
    found = traced(x, w, r, *bias)
    _, wanted = Traced(apart)(x, w, r, *bias)
    wanted = {None: wanted, "relu": np.maximum(wanted, 0), "tanh": np.tanh(wanted)}[activation]
    np.testing.assert_allclose(found, wanted, rtol=1e-5 if dtype == "float32" else 1e-12, atol=1e-6)
    (made,) = traced.plans.values()
    names = [step.kernel.name for step in made.plan.steps]
    assert "elementwise" not in names and (kernel in names or (kernel, dtype) == ("winograd", "float64"))


def summed_blocks(x, w, b, v, c):
    """Two blocks of two layers with what they began with added, as residual networks have them."""
    for _ in range(2):
        first = layer(x, w, b)
        second = emit("convolution", first, v, c, shape=tuple(x.shape[1:3]), **WINDOW)
        x = emit("relu", emit("add", second, x))
    return x


def summed_products(x, w, b, v, c):
    flat = emit("reshape", x, shape=(84, 2))
    weights = emit("multiply", ops.reshape(c, (1, 2)), w[0, 0, :, :2])
    return emit("relu", emit("add", emit("affine", emit("tanh", flat), weights), flat))


@pytest.mark.parametrize("function", [summed_blocks, summed_products])
def test_gradients_with_residuals(function):
    check_gradients(function, arrays(), rtol=1e-5, atol=1e-6)


def test_a_sum_that_others_read_or_of_other_shapes_is_not_fused():
    def read_twice(x, w, b, v, c):
        y = emit("convolution", x, w, b, shape=tuple(x.shape[1:3]), **WINDOW)
        return emit("multiply", emit("add", y, y), y)

    def another_shape(x, w, b, v, c):
        return emit("add", layer(x, w, b, None), b)

    for function in (read_twice, another_shape):
        check_gradients(function, arrays(), rtol=1e-5, atol=1e-6)
