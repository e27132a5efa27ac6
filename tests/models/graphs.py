"""Functional models of every kind, built alike in both libraries: functions of the library `k`."""

from __future__ import annotations

import numpy as np


def chain(k):
    a = k.Input((4,))
    return k.Model(a, k.layers.Dense(2)(k.layers.Dense(3, activation="relu")(a)))


def shared_layer_and_operators(k):
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    dense = k.layers.Dense(3, name="shared")
    x = dense(a) + dense(b)
    x = k.ops.relu(x) * 2.0 - x / 3.0
    x = k.ops.concatenate([x, x[:, :2], -x[..., 1:]], axis=-1)
    return k.Model([a, b], k.layers.Dense(1)(x))


def nests(k):
    """Inputs and outputs in dicts and lists, models inside that are called twice."""
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(2)], name="inner")
    x = k.Input((2,))
    head = k.Model(x, k.layers.Dense(3, activation="tanh")(x), name="head")
    left, right = head(inner(a)), head(inner(b))
    total = k.ops.mean(left, axis=-1, keepdims=True) + right
    product = k.ops.einsum("ab,cb->ac", total, total)
    return k.Model([a, {"b": b}], {"sum": total, "more": [k.ops.sum(product, axis=1), left]})


def called_out_of_order(k):
    """A layer whose second call lies deeper than the calls between."""
    a = k.Input((3,))
    first, second = k.layers.Dense(3, name="first"), k.layers.Dense(3, name="second")
    return k.Model(a, first(second(first(second(a)))))


def residual(k):
    a = k.Input((3,))
    x = a
    for number in range(3):
        x += k.layers.Dense(3, activation="tanh", name=f"block_{number}")(x)
    return k.Model(a, k.ops.max(k.ops.reshape(x, (-1, 3, 1)), axis=1))


GRAPHS = [chain, shared_layer_and_operators, nests, called_out_of_order, residual]


def draw(model, rows=5, seed=0):
    """Values for the inputs of a model, in their structure."""
    rng = np.random.default_rng(seed)

    def values(part):
        if isinstance(part, dict):
            return {key: values(value) for key, value in part.items()}
        if isinstance(part, (list, tuple)):
            return [values(value) for value in part]
        return rng.normal(size=(rows, *part.shape[1:])).astype("float32")

    return values(model.input)
