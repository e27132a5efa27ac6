"""Random numbers, a function of (seed, counter, index) alone. The state is an int64 pair (seed, counter)."""

from __future__ import annotations

import numpy as np

from nbkeras.graph.primitives.emit import emit
from nbkeras.graph.primitives.table import primitive


def _generator(state, stream):
    return np.random.Generator(np.random.Philox(key=[int(state[0]) & (2**64 - 1), int(state[1]) * 16 + stream]))


def _row(name, stream, draw, arguments, dtype=None, cost=1.0):
    """A row whose kernel takes (out, state, *arguments)."""

    def infer(node):
        return [(node.params["shape"], dtype or node.params["dtype"])]

    def reference(state, shape, dtype=dtype, **params):
        return np.asarray(draw(_generator(state, stream), shape, **params), dtype)

    def lower(node, low):
        values = [kind(node.params[key]) for key, kind in arguments.items()]
        y = node.outputs[0]
        low.launch(name, y.dtype, [y, node.inputs[0], *values], items=y.size, cost=cost)

    primitive(name, infer=infer, reference=reference, grad=lambda node, dy: [None], lower=lower)


def _truncated(generator, shape, mean, deviation, truncated):
    z = generator.standard_normal(shape)
    while truncated and (bad := np.abs(z) > 2).any():
        z[bad] = generator.standard_normal(int(bad.sum()))
    return mean + deviation * z


# The references draw from other streams than the kernels, so the checked run compares their ranges, not their values.
_row("random_uniform", 0, lambda g, shape, low, high: g.uniform(low, high, shape), {"low": float, "high": float})
_row("random_normal", 1, _truncated, {"mean": float, "deviation": float, "truncated": int}, cost=4.0)
_row(
    "random_bernoulli",
    2,
    lambda g, shape, probability, value: value * (g.random(shape) < probability),
    {"probability": float, "value": float},
)
_row(
    "random_integers",
    3,
    lambda g, shape, low, high: g.integers(low, high, shape),
    {"low": int, "high": int},
    dtype="int64",
)


def _permutation_lower(node, low):
    y = node.outputs[0]
    low.launch("random_permutation", "int64", [y, node.inputs[0], y.size], items=1)


primitive(
    "random_permutation",
    infer=lambda node: [((node.params["n"],), "int64")],
    reference=lambda state, n: _generator(state, 4).permutation(n),
    grad=lambda node, dy: [None],
    lower=_permutation_lower,
)


def _dropout_reference(x, state, rate):
    keep = _generator(state, 5).random(x.shape) >= rate
    return np.where(keep, x / (1 - rate), 0).astype(x.dtype)


def _dropout_lower(node, low):
    x, state = node.inputs
    args = [node.outputs[0], x, state, float(node.params["rate"])]
    low.launch("dropout", x.dtype, args, items=x.size, cost=1.0)


# Linear and self-adjoint: the gradient is the same mask again, drawn from the same state, so no mask is stored.
primitive(
    "dropout",
    infer=lambda node: [(node.inputs[0].shape, node.inputs[0].dtype)],
    reference=_dropout_reference,
    grad=lambda node, dy: [emit("dropout", dy, node.inputs[1], rate=node.params["rate"]), None],
    lower=_dropout_lower,
)


def _gamma_lower(node, low):
    state, alpha = node.inputs
    low.launch("random_gamma", alpha.dtype, [node.outputs[0], state, alpha], items=alpha.size, cost=60.0)


primitive(
    "random_gamma",
    infer=lambda node: [(node.inputs[1].shape, node.inputs[1].dtype)],
    reference=lambda state, alpha: _generator(state, 6).standard_gamma(alpha).astype(alpha.dtype),
    grad=lambda node, dy: [None, None],
    lower=_gamma_lower,
)


def _binomial_lower(node, low):
    state, counts, probabilities = node.inputs
    args = [node.outputs[0], state, counts, probabilities]
    low.launch("random_binomial", counts.dtype, args, items=counts.size, cost=500.0)


primitive(
    "random_binomial",
    infer=lambda node: [(node.inputs[1].shape, node.inputs[1].dtype)],
    reference=lambda state, n, p: _generator(state, 7).binomial(n.astype(np.int64), p).astype(n.dtype),
    grad=lambda node, dy: [None, None, None],
    lower=_binomial_lower,
)

#: Rows whose kernel and reference draw different numbers.
NOT_COMPARED = frozenset(
    "dropout random_bernoulli random_binomial random_gamma random_integers random_normal random_permutation "
    "random_uniform".split()
)
