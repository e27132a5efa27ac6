# ruff: noqa: E501 - one case a line
"""Every primitive's gradient, and the gradient of its gradient, against finite differences in float64."""

from __future__ import annotations

import numpy as np
import pytest

from nbkeras.graph.primitives import TABLE, emit
from tests.graph.differences import check_gradients

RNG = np.random.default_rng(7)


def away(*shape):
    """Numbers away from 0 and from each other, where kinks would spoil a difference."""
    n = int(np.prod(shape))
    values = (np.arange(n) - n / 2 + 0.3) * (1.7 / max(1, n)) * 2
    return RNG.permutation(values).reshape(shape)


def positive(*shape):
    return np.abs(away(*shape)) + 0.3


def window(rank, groups=1, stride=1, dilation=1, padding=0, **shape):
    """Parameters of a convolution with the same window along all axes."""
    return {
        "stride": (stride,) * rank, "dilation": (dilation,) * rank, "padding": (padding,) * rank, "groups": groups, **shape
    }  # fmt: skip


PLAIN = window(2, padding=1, stride=2)
GROUPED = window(1, groups=2, dilation=2, padding=1)
DEPTHWISE = window(1, groups=3, padding=1)

def spd(batch, n):
    """Symmetric positive definite matrices with eigenvalues apart from each other."""
    x = away(batch, n, n)
    return x @ x.swapaxes(1, 2) + np.diag(np.arange(1.0, n + 1))


STATE = np.array([3, 5], np.int64)
INDEX = np.array([2, 0, 2, -1], np.int64)
OFFSETS = (0, 3, 7)
#: Windows of pooling that overlap, and that leave gaps.
WINDOWS = [
    {"window": (2, 3, 2), "strides": (1, 2, 1), "before": (0, 1, 0), "out": (2, 2, 3)},
    {"window": (1, 2, 1), "strides": (2, 3, 2), "before": (0, 0, 0), "out": (1, 1, 2)},
]
PLACES = np.full((1, 2, 2, 3, 2), 2, np.uint16)

# name -> list of (function of symbols, arrays)
CASES = {name: [(lambda x, name=name: emit(name, x), [away(2, 3)])] for name in "negative absolute exp expm1 square sin cos tanh sigmoid erf softplus relu".split()}
CASES |= {name: [(lambda x, name=name: emit(name, x), [positive(2, 3)])] for name in "log log1p sqrt rsqrt reciprocal".split()}
CASES |= {
    name: [
        (lambda a, b, name=name: emit(name, a, b), [away(2, 3), away(3)]),
        (lambda a, b, name=name: emit(name, a, b), [away(3, 1), away(1, 4)]),
    ]
    for name in "add subtract multiply maximum minimum".split()
}
CASES |= {name: [(lambda x, name=name: emit(name, x), [away(2, 3) / 2])] for name in "tan asin acos atan sinh cosh asinh atanh erfinv erfc".split()}
CASES |= {name: [(lambda x, name=name: emit(name, x), [positive(2, 3) + 1])] for name in "acosh log2 log10".split()}
CASES |= {
    "cumulative": [
        (lambda x, op=op, axis=axis, reverse=reverse: emit("cumulative", x, axis=axis, op=op, reverse=reverse), [away(2, 4, 2)])
        for op in ("sum", "prod")
        for axis in (0, 1, 2)
        for reverse in (False, True)
    ],
    "sort": [(lambda x, d=d: emit("sort", x, descending=d)[0], [away(2, 5)]) for d in (False, True)],
    "divide": [(lambda a, b: emit("divide", a, b), [away(2, 3), positive(3)])],
    "power": [(lambda a, b: emit("power", a, b), [positive(2, 3), away(3)])],
    "mod": [(lambda a, b: emit("mod", a, b), [away(2, 3), positive(3) + 2])],
    "arctan2": [(lambda a, b: emit("arctan2", a, b), [away(2, 3), positive(3)])],
    "where": [(lambda a, b: emit("where", np.array([True, False, True]), a, b), [away(2, 3), away(3)])],
    "cast": [(lambda x: emit("cast", emit("cast", x, dtype="float64"), dtype="float64"), [away(3)])],
    "broadcast_to": [(lambda x: emit("broadcast_to", x, shape=(4, 2, 3)), [away(2, 1)])],
    "reshape": [(lambda x: emit("reshape", x, shape=(3, 2)), [away(2, 3)])],
    "transpose": [(lambda x: emit("transpose", x, axes=(2, 0, 1)), [away(2, 3, 4)])],
    "take": [(lambda x: emit("take", x, start=(1, 3), step=(1, -2), shape=(2, 2)), [away(3, 4)])],
    "place": [(lambda x: emit("place", x, start=(1, 0), step=(1, 2), shape=(4, 5), value=0.5), [away(2, 2)])],
    "concatenate": [(lambda a, b: emit("concatenate", a, b, axis=1), [away(2, 1), away(2, 3)])],
    "gather": [(lambda x: emit("gather", x, INDEX, axis=1), [away(2, 3)])],
    "scatter_add": [(lambda x: emit("scatter_add", INDEX, x, axis=1, size=3), [away(2, 4)])],
    "scatter_reduce": [
        (lambda x, op=op: emit("scatter_reduce", np.array([2, 0, 1, -1]), x, size=3, op=op), [away(4, 2)]) for op in ("max", "min", "prod")
    ],
    "reduce": [
        (lambda x, op=op, axes=axes: emit("reduce", x, axes=axes, op=op), [positive(2, 3, 2)])
        for op in ("sum", "max", "min", "prod")
        for axes in ((0,), (1,), (0, 2), (0, 1, 2))
    ],
    "convolution": [
        (lambda x, w, b: emit("convolution", x, w, b, shape=(2, 2), **PLAIN), [away(2, 3, 4, 2), away(2, 3, 2, 3), away(3)]),
        (lambda x, w: emit("convolution", x, w, shape=(4,), **GROUPED), [away(1, 5, 4), away(2, 2, 4)]),
        (lambda x, w: emit("convolution", x, w, shape=(4,), **DEPTHWISE), [away(1, 4, 3), away(3, 1, 3)]),
        (lambda x, w: emit("convolution", x, w, shape=(3,), **window(1)), [away(2, 3, 2), away(1, 2, 3)]),
    ],
    "convolution_input": [
        (lambda y, w: emit("convolution_input", y, w, shape=(3, 4), **PLAIN), [away(2, 2, 2, 3), away(2, 3, 2, 3)]),
        (lambda y, w: emit("convolution_input", y, w, shape=(5,), **GROUPED), [away(1, 4, 4), away(2, 2, 4)]),
        (lambda y, w: emit("convolution_input", y, w, shape=(4,), **DEPTHWISE), [away(1, 4, 3), away(3, 1, 3)]),
    ],
    "convolution_kernel": [
        (lambda x, y: emit("convolution_kernel", x, y, shape=(2, 3), **PLAIN), [away(2, 3, 4, 2), away(2, 2, 2, 3)]),
        (lambda x, y: emit("convolution_kernel", x, y, shape=(2,), **GROUPED), [away(1, 5, 4), away(1, 4, 4)]),
        (lambda x, y: emit("convolution_kernel", x, y, shape=(3,), **DEPTHWISE), [away(1, 4, 3), away(1, 4, 3)]),
    ],
    "cholesky": [(lambda x: emit("cholesky", x), [spd(2, 3)])],
    "triangular_solve": [
        (lambda a, b, k=k: emit("triangular_solve", a, b, **k), [spd(2, 3), away(2, 3, 2)])
        for k in ({"lower": l, "transposed": t, "unit": u} for l in (False, True) for t in (False, True) for u in (False, True))
    ],
    "lu": [(lambda x: emit("lu", x)[0], [away(2, 3, 3)])],
    "permute_rows": [
        (lambda x, i=i: emit("permute_rows", x, np.array([[2, 0, 1], [1, 0, 2]]), inverse=i), [away(2, 3, 2)]) for i in (False, True)
    ],
    "solve": [(lambda a, b, t=t: emit("solve", a, b, transposed=t), [spd(2, 3) + away(2, 3, 3), away(2, 3, 2)]) for t in (False, True)],
    "determinant": [(lambda x: emit("determinant", x), [spd(2, 3) - 4 * np.eye(3)])],
    "fourier": [
        (lambda x, y, i=i: emit("fourier", x, y, inverse=i), [away(2, n), away(2, n)]) for i in (False, True) for n in (1, 5, 8)
    ],
    "qr": [(lambda x: emit("qr", x, columns=2), [away(2, 4, 2)]), (lambda x: emit("qr", x, columns=3), [away(2, 3, 3)])],
    "eigh": [(lambda x: emit("eigh", x), [spd(2, 3)])],
    "svd": [(lambda x: emit("svd", x), [away(2, 4, 3)]), (lambda x: emit("svd", x), [away(1, 3, 3)])],
    "softmax": [(lambda x, log=log: emit("softmax", x, log=log), [away(2, 4)]) for log in (False, True)],
    "matmul": [
        (
            lambda a, b, ta=ta, tb=tb: emit("matmul", a, b, ta=ta, tb=tb),
            [away(2, *((4, 3) if ta else (3, 4))), away(2, *((2, 4) if tb else (4, 2)))],
        )
        for ta in (False, True)
        for tb in (False, True)
    ],
    "affine": [
        (lambda x, w, b: emit("affine", x, w, b), [away(3, 2, 4), away(4, 3), away(3)]),
        (lambda x, w: emit("affine", x, w), [away(1, 4), away(4, 3)]),
    ],
    "softmax_crossentropy": [
        (lambda x, e=e: emit("softmax_crossentropy", x, np.array([2, 0]), epsilon=e), [away(2, 3)])
        for e in (0.0, 1e-7)
    ],
    "dense_softmax_crossentropy": [
        (lambda x, e=e: emit("dense_softmax_crossentropy", x, np.array([[0.2, 0.5, 0.1], [0.0, 0.0, 1.0]]), epsilon=e), [away(2, 3)])
        for e in (0.0, 1e-7)
    ],
    "softmax_crossentropy_gradient": [
        (
            lambda p, d, e=e: emit("softmax_crossentropy_gradient", p, np.array([2, 0]), d, epsilon=e),
            [positive(2, 3) / 4, away(2)],
        )
        for e in (0.0, 1e-7)
    ],
    "dense_softmax_crossentropy_gradient": [
        (
            lambda p, d: emit("dense_softmax_crossentropy_gradient", p, np.array([[0.2, 0.5, 0.3], [0.0, 0.0, 1.0]]), d, epsilon=0.0),
            [positive(2, 3) / 4, away(2)],
        )
    ],
    "dropout": [(lambda x: emit("dropout", x, STATE, rate=0.4), [away(5, 7)])],
    "stop_gradient": [(lambda x: emit("multiply", x, emit("sin", x)), [away(3)])],
    "max_pool": [(lambda x, w=w: emit("max_pool", x, **w, keep=True)[0], [away(1, 2, 4, 3, 2)]) for w in WINDOWS],
    "max_pool_gradient": [(lambda x, w=w: emit("max_pool_gradient", x, PLACES, shape=(1, 2, 4, 3, 2), **w), [away(*PLACES.shape)]) for w in WINDOWS[:1]],
    "max_pool_gather": [(lambda x, w=w: emit("max_pool_gather", x, PLACES, **w), [away(1, 2, 4, 3, 2)]) for w in WINDOWS[:1]],
    "channel_affine": [(lambda x, c, a, b: emit("channel_affine", x, c, a, b), [away(2, 3, 2), away(2), positive(2), away(2)])],
    "channel_sums": [(lambda g, x, c: emit("channel_sums", g, x, c), [away(5, 3), away(5, 3), away(3)])],
    "channel_mix": [(lambda *a: emit("channel_mix", *a), [away(4, 2), away(4, 2), *(away(2) for _ in range(4))])],
    "batch_norm": [
        (lambda x, g, b: emit("batch_norm", x, g, b, epsilon=0.1), [away(2, 3, 2), positive(2), away(2)]),
        (lambda x, g, b: emit("batch_norm", x, g, b, epsilon=0.01)[0], [away(5, 1), positive(1), away(1)]),
        (lambda x, g, b: emit("batch_norm", x, g, b, epsilon=0.1)[1:], [away(4, 2), positive(2), away(2)]),
    ],
    "row_norm": [
        (lambda x, g, b, c=c, n=n: emit("row_norm", x, g, b, epsilon=0.1, centered=c)[:n], [away(2, 1, 4), positive(4), away(4)])
        for c, n in ((True, 1), (True, 3), (False, 3))
    ],
    "row_norm_gradient": [
        (lambda *a, c=c: emit("row_norm_gradient", *a, centered=c), [away(3, 4), away(3, 4), away(3), positive(3), positive(4)])
        for c in (True, False)
    ],
    "average_pool": [(lambda x, w=w: emit("average_pool", x, **w), [away(1, 2, 4, 3, 2)]) for w in WINDOWS],
    "average_pool_gradient": [(lambda x, w=w: emit("average_pool_gradient", x, shape=(1, 2, 4, 3, 2), **w), [away(1, *w["out"], 2)]) for w in WINDOWS],
}  # fmt: skip

#: Rows without a derivative to check, and why.
WITHOUT = {
    "0 everywhere": "sign floor ceil round floor_divide isnan isfinite logical_not logical_and logical_or logical_xor "
    "equal not_equal less less_equal greater greater_equal arg_reduce random_uniform random_normal random_bernoulli "
    "random_integers random_permutation random_gamma random_binomial nextafter bitwise_and bitwise_or bitwise_xor gcd left_shift right_shift",
    "reads bytes as something else": "view",
    "has a first derivative only, or the user's: tests of its own": "ctc own_gradient",
    "changes variables after the gradient is taken": "sgd adam adam_amsgrad rmsprop segment_norms clip_segments "
    "clip_global clip_values average_from_first decay_segments increment pack unpack",
    "made by the fuse pass": "gated_matmul gated_convolution_input elementwise",
}


def test_every_primitive_is_checked_or_listed():
    listed = set(" ".join(WITHOUT.values()).split())
    assert not listed & set(CASES)
    assert set(TABLE) == listed | set(CASES)


@pytest.mark.parametrize("name", sorted(CASES))
def test_gradient(name):
    for function, arrays in CASES[name]:
        check_gradients(function, arrays)


@pytest.mark.parametrize("name", sorted(CASES))
def test_gradient_of_gradient(name):
    for function, arrays in CASES[name]:
        check_gradients(function, arrays, order=2, step=1e-5, rtol=1e-5, atol=1e-6)


def test_stop_gradient_stops():
    from tests.graph.differences import scalar_of, traced_gradients

    def loss(x):
        return emit("multiply", x, emit("stop_gradient", emit("square", x)))

    x = np.array([2.0, 3.0])
    (slope,) = traced_gradients(scalar_of(loss), [0])(x)
    factors = np.random.default_rng(0).uniform(0.5, 1.5, 2)
    np.testing.assert_allclose(slope, factors * x**2)


def test_product_with_zeros():
    def product(x):
        return emit("reduce", x, axes=(1,), op="prod")

    check_gradients(product, [np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 4.0]])])


def test_running_product_with_zeros():
    x = np.array([[1.5, 0.0, 2.0, 3.0], [1.5, 0.0, 0.0, 3.0], [0.0, 2.0, 3.0, 0.0]])
    for reverse in (False, True):
        check_gradients(lambda x, r=reverse: emit("cumulative", x, axis=1, op="prod", reverse=r), [x])


def test_equal_maxima_share_the_gradient():
    from tests.graph.differences import traced_gradients

    def top(x):
        return emit("reduce", x, axes=(0,), op="max")

    (slope,) = traced_gradients(top, [0])(np.array([1.0, 3.0, 3.0]))
    np.testing.assert_allclose(slope, [0, 0.5, 0.5])


def test_product_of_segments_with_zeros():
    x = np.array([[0.0, 2.0], [3.0, 0.0], [0.0, 0.0], [0.5, 3.0]])
    check_gradients(lambda x: emit("scatter_reduce", INDEX, x, size=3, op="prod"), [x])


def test_ctc():
    scores = np.log(positive(3, 6, 4) / positive(3, 6, 4).sum(-1, keepdims=True))
    labels, lengths = np.array([[1, 2, 3], [2, 2, 0], [3, 1, 0]]), np.array([3, 2, 0])

    def loss(x, steps):
        return emit("ctc", x, labels, steps, lengths, blank=0)[0]

    for steps in ([6, 5, 3], [3, 3, 1], [6, 4, 0]):
        counts = np.array(steps)
        check_gradients(lambda x, n=counts: loss(x, n), [scores])
    assert emit("ctc", scores, labels, np.array([6, 2, 0]), lengths, blank=0)[0][1:].tolist() == [1e5, 0]
