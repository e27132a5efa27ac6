"""Softmax with cross-entropy, and its gradient; the probabilities are made once and kept for the way back.

epsilon = 0 is cross-entropy from logits. epsilon > 0 is Keras's from probabilities, which clips them to
[epsilon, 1 - epsilon] first: then the gradient is 0 where the clip holds.
"""

import numpy as np

from nbkeras.kernels import scalars
from nbkeras.kernels._jit import kernel
from nbkeras.kernels.folds import SUM, fold_row, pair_loop
from nbkeras.kernels.formula import constant, formula, select
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.softmax import row_exp, row_max, row_scale
from nbkeras.kernels.stack import offset


@formula
def clipped(x, epsilon):
    """x between epsilon and 1 - epsilon; NaN stays NaN."""
    return select(x < epsilon, epsilon, select(x > 1.0 - epsilon, 1.0 - epsilon, x))


@formula
def unclipped(x, epsilon):
    """1 where x is in [epsilon, 1 - epsilon], or NaN, else 0."""
    return select((x < epsilon) | (x > 1.0 - epsilon), constant(0, x), 1.0)


@formula
def missing(x):
    """NaN, of the type of x."""
    return constant(np.nan, x)


#: row_dot(like, _, x, t, top, _, count): the sum of t * (x - top).
row_dot = pair_loop(lambda x, t, top, _: t * (x - top), SUM, stores=False)
#: row_log(like, _, p, t, epsilon, _, count): the sum of t * log(clip(p)).
row_log = pair_loop(lambda p, t, epsilon, _: t * scalars.log.trace(clipped.trace(p, epsilon)), SUM, stores=False)
#: row_live(like, _, p, t, epsilon, _, count): the sum of t where p is not clipped.
row_live = pair_loop(lambda p, t, epsilon, _: t * unclipped.trace(p, epsilon), SUM, stores=False)
#: row_slope(like, dx, p, t, epsilon, live, count): dx = p * live - t where p is not clipped.
row_slope = pair_loop(lambda p, t, epsilon, live: p * live - t * unclipped.trace(p, epsilon))


@kernel
def softmax_crossentropy(loss: "T n", p: "T n*c", x: "T n*c", target: "i8 n", c: "i8", epsilon: "f8", lo, hi):
    """p = softmax(x), by rows; loss = log(sum exp(x)) - x[target], or -log(clip(p[target])) for epsilon > 0.

    NaN for a target outside 0 to c - 1. Items: rows.
    """
    for row in range(lo, hi):
        first = row * c
        source = address_of(offset(x, first))
        result = address_of(offset(p, first))
        t = target[row]
        inside = t >= 0 and t < c
        at = first + (t if inside else 0)
        chosen = x[at]
        top = row_max(x, source, source, chosen, c)
        total = row_exp(x, result, source, top, c)
        row_scale(x, result, result, scalars.reciprocal(total), c)
        if epsilon > 0:
            value = -scalars.log(clipped(p[at], epsilon))
        else:
            value = scalars.log(total) - (chosen - top)
        loss[row] = value if inside else missing(chosen)


@kernel
def softmax_crossentropy_gradient(
    dx: "T n*c", p: "T n*c", target: "i8 n", dloss: "T n", c: "i8", epsilon: "f8", lo, hi
):
    """dx = (p - onehot(target)) * dloss, by rows; 0 where epsilon > 0 and p[target] is clipped. In place is fine.

    Items: rows.
    """
    for row in range(lo, hi):
        first = row * c
        t = target[row]
        inside = t >= 0 and t < c
        at = first + (t if inside else 0)
        scale = dloss[row]
        if epsilon > 0:
            scale = scale * unclipped(p[at], epsilon)
        scale = scale if inside else missing(scale)
        own = scalars.subtract(p[at], 1) * scale
        source = address_of(offset(p, first))
        row_scale(p, address_of(offset(dx, first)), source, scale, c)
        if inside:
            dx[at] = own


@kernel
def dense_softmax_crossentropy(loss: "T n", p: "T n*c", x: "T n*c", target: "T n*c", c: "i8", epsilon: "f8", lo, hi):
    """p = softmax(x), by rows; loss = sum t (log(sum exp(x)) - x), or -sum t log(clip(p)) for epsilon > 0.

    Items: rows.
    """
    for row in range(lo, hi):
        first = row * c
        source = address_of(offset(x, first))
        result = address_of(offset(p, first))
        goal = address_of(offset(target, first))
        top = row_max(x, source, source, x[first], c)
        # read before p is written: p may stand in the place of x
        dot = row_dot(x, source, source, goal, top, top, c)
        total = row_exp(x, result, source, top, c)
        row_scale(x, result, result, scalars.reciprocal(total), c)
        if epsilon > 0:
            loss[row] = -row_log(x, result, result, goal, epsilon, epsilon, c)
        else:
            loss[row] = fold_row(x, SUM, goal, c) * scalars.log(total) - dot


@kernel
def dense_softmax_crossentropy_gradient(
    dx: "T n*c", p: "T n*c", target: "T n*c", dloss: "T n", c: "i8", epsilon: "f8", lo, hi
):
    """dx = (p sum(u) - u) * dloss, by rows: u = t, or 0 where epsilon > 0 and p is clipped. In place is fine.

    Items: rows.
    """
    # below 0 nothing is clipped
    edge = epsilon if epsilon > 0 else -1.0
    for row in range(lo, hi):
        first = row * c
        result = address_of(offset(dx, first))
        source = address_of(offset(p, first))
        goal = address_of(offset(target, first))
        live = row_live(p, source, source, goal, edge, edge, c)
        row_slope(p, result, source, goal, edge, live, c)
        row_scale(p, result, result, dloss[row], c)
