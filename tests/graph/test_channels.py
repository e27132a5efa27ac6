"""Plans of normalization and pooling: what is fused gives the same numbers in fewer launches."""

import numpy as np
import pytest

from nbkeras.graph import fuse, trace
from nbkeras.graph.gradient import gradient
from nbkeras.graph.plan import Plan
from nbkeras.graph.primitives import emit
from nbkeras.graph.traced import Traced
from tests.graph.differences import weighted_sum

WINDOWS = {"window": (1, 2, 2), "strides": (1, 2, 2), "before": (0, 0, 0), "out": (1, 2, 2)}
RNG = np.random.default_rng(0)
ARRAYS = [RNG.normal(size=s).astype("float32") for s in ((3, 1, 4, 5, 6), (6,), (6,))]


def block(x, gamma, beta):
    """Batch normalization, relu, max pooling."""
    y, mean, variance, _ = emit("batch_norm", x, gamma, beta, epsilon=1e-3)
    return emit("max_pool", emit("relu", y), **WINDOWS, keep=True)[0], mean, variance


def forward(*inputs):
    return block(*inputs)


def training(*inputs):
    y, mean, variance = block(*inputs)
    return [y, mean, variance, *gradient(weighted_sum(y), list(inputs))]


def kernels_of(function):
    """The kernels that a plan launches, in order."""
    with trace.Graph() as graph:
        graph.outputs = list(function(*(graph.input(a.shape, "float32") for a in ARRAYS)))
        return [step.kernel.name for step in Plan(graph).steps]


def test_launches():
    start = ["channel_moments", "channel_merge", "channel_affine", "max_pool"]
    assert kernels_of(forward) == start
    found = kernels_of(training)
    assert found[:4] == start
    assert [name for name in found if name.startswith(("channel", "max"))][4:] == [
        "max_pool_gradient",
        "channel_sums",
        "channel_totals",
        "channel_mix",
    ]
    # the weights of the sum, and the vectors of the gradient: nothing of the size of x
    assert len(found) <= 10


def test_places_are_kept_for_gradients_only():
    def places(function):
        with trace.Graph() as graph:
            graph.outputs = list(function(*(graph.input(a.shape, "float32") for a in ARRAYS)))
            return [n.params["pool"]["keep"] for n in fuse.fuse(graph) if "pool" in n.params]

    assert places(forward) == [False]
    assert places(training) == [True]


def test_numbers_are_those_of_the_plan_that_is_not_fused(monkeypatch):
    fused = Traced(training)(*ARRAYS)
    monkeypatch.setattr(fuse, "REWRITES", (fuse.merge_equal,))
    for one, other in zip(fused, Traced(training)(*ARRAYS), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=2e-6)


def keeps_its_output(x, gamma, beta):
    """The normalization's output is read besides the relu."""
    y = emit("batch_norm", x, gamma, beta, epsilon=1e-3)[0]
    return [emit("relu", y), emit("exp", y)]


def masked_besides(x, gamma, beta):
    """The gradient through relu is read besides the normalization's gradient."""
    y = emit("relu", emit("batch_norm", x, gamma, beta, epsilon=1e-3)[0])
    loss = weighted_sum(emit("square", y))
    slopes = gradient(loss, [x, y])
    return [*slopes, emit("where", emit("greater", y, np.float32(0)), slopes[1], np.float32(0))]


@pytest.mark.parametrize("function", [keeps_its_output, masked_besides])
def test_what_is_read_elsewhere_stays(function, monkeypatch):
    fused = Traced(function)(*ARRAYS)
    monkeypatch.setattr(fuse, "REWRITES", (fuse.merge_equal,))
    for one, other in zip(fused, Traced(function)(*ARRAYS), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=2e-6)


CONVOLUTION = {"shape": (4, 3), "stride": (1, 1), "dilation": (1, 1), "padding": (0, 0), "groups": 1}
INFERENCE = [RNG.normal(size=s).astype("float32") for s in ((9, 5, 4, 2), (2, 2, 2, 6), (6,), (6,), (6,), (6,))]


def _predicted(x, w, bias, center, scale, shift, relu, biased):
    y = emit("convolution", x, w, *([bias] if biased else []), **CONVOLUTION)
    y = emit("channel_affine", y, center, scale, shift)
    return emit("relu", y) if relu else y


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("biased", [False, True])
def test_given_statistics_go_into_the_weights(relu, biased, monkeypatch):
    function = lambda *inputs: _predicted(*inputs, relu, biased)  # noqa: E731

    def names():
        with trace.Graph() as graph:
            graph.outputs = [function(*(graph.input(a.shape, "float32") for a in INFERENCE))]
            return {n.primitive.name for n in fuse.fuse(graph)}

    assert names() == {"elementwise", "convolution"}
    fused = Traced(function)(*INFERENCE)
    monkeypatch.setattr(fuse, "REWRITES", (fuse.merge_equal,))
    assert "channel_affine" in names()
    np.testing.assert_allclose(fused, Traced(function)(*INFERENCE), rtol=1e-5, atol=1e-5)


def test_few_outputs_are_cheaper_than_weights():
    with trace.Graph() as graph:
        x, w, *vectors = (graph.input(s, "float32") for s in ((1, 50), (50, 6), (6,), (6,), (6,)))
        graph.outputs = [emit("channel_affine", emit("affine", x, w), *vectors)]
        assert [n.primitive.name for n in fuse.fuse(graph)] == ["affine", "channel_affine"]


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(rows):
    x = np.ones((rows, 2), "float32")
    vectors = np.ones(2, "float32"), np.zeros(2, "float32")

    def slopes(x, gamma, beta):
        y = emit("batch_norm", x, gamma, beta, epsilon=1e-3)[0]
        z = emit("row_norm", x, gamma, beta, epsilon=1e-3, centered=True)[0]
        return [gradient(weighted_sum(part), [x, gamma, beta]) for part in (y, z)]

    for dx, to_gamma, to_beta in Traced(slopes)(x, *vectors):
        assert dx.shape == x.shape and np.isfinite(dx).all() and np.isfinite(to_beta).all()
        if rows:  # nothing differs from its mean
            np.testing.assert_allclose(to_gamma, 0, atol=1e-7)
            np.testing.assert_allclose(dx.sum(1), 0, atol=1e-5)
    mean = Traced(lambda x, g, b: emit("batch_norm", x, g, b, epsilon=1e-3)[1])(x, *vectors)
    np.testing.assert_array_equal(mean, [1, 1] if rows else [np.nan, np.nan])
