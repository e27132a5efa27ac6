"""Finite differences: the slow truth that gradients are held against."""

from __future__ import annotations

import numpy as np

from nbkeras import tree
from nbkeras.graph import trace
from nbkeras.graph.gradient import gradient
from nbkeras.graph.primitives import emit
from nbkeras.graph.traced import Traced


def weighted_sum(value, seed=0):
    """One number from a tensor: its sum weighted by fixed random factors, so that no error cancels."""
    factors = np.random.default_rng(seed).uniform(0.5, 1.5, value.shape).astype(str(value.dtype))
    axes = tuple(range(len(value.shape)))
    total = emit("multiply", value, factors)
    return emit("reduce", total, axes=axes, op="sum") if axes else total


def scalar_of(function):
    """The function followed by the weighted sum of all its float outputs."""

    def loss(*inputs):
        leaves = [leaf for leaf in tree.flatten(function(*inputs)) if str(leaf.dtype).startswith("float")]
        total = weighted_sum(leaves[0])
        for i, leaf in enumerate(leaves[1:], 1):
            total = emit("add", total, weighted_sum(leaf, i))
        return total

    return loss


def traced_gradients(loss, wrt):
    """A traced function that gives the gradients of a loss with respect to the inputs at the positions `wrt`."""

    def gradients(*inputs):
        found = gradient(loss(*inputs), [inputs[i] for i in wrt])
        return [
            trace.current().constant(np.zeros(inputs[i].shape)) if g is None else g
            for i, g in zip(wrt, found, strict=True)
        ]

    return Traced(gradients)


def check_gradients(function, arrays, wrt=None, order=1, step=1e-6, rtol=2e-6, atol=2e-7):
    """Compare gradients with central differences in float64; `order=2` checks the gradients of the gradients."""
    arrays = [np.asarray(a) for a in arrays]
    wrt = [i for i, a in enumerate(arrays) if a.dtype == np.float64] if wrt is None else wrt
    loss = scalar_of(function)
    if order == 2:
        first = loss

        def loss(*inputs):
            found = gradient(first(*inputs), [inputs[i] for i in wrt])
            total = None
            for i, g in enumerate(found):
                if g is not None:
                    part = weighted_sum(g, 10 + i)
                    total = part if total is None else emit("add", total, part)
            return total if total is not None else trace.current().constant(np.zeros(()))

    value, slopes = Traced(loss), traced_gradients(loss, wrt)(*arrays)
    for position, slope in zip(wrt, slopes, strict=True):
        expected = np.empty(arrays[position].shape)
        for index in np.ndindex(*arrays[position].shape):
            sides = []
            for sign in (1, -1):
                moved = [a.copy() for a in arrays]
                moved[position][index] += sign * step
                sides.append(float(value(*moved)))
            expected[index] = (sides[0] - sides[1]) / (2 * step)
        np.testing.assert_allclose(slope, expected, rtol=rtol, atol=atol * max(1.0, np.abs(expected).max(initial=0)))
