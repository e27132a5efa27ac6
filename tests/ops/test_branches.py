"""cond and switch: variables change as in the branch that is taken, traced, eagerly and in models."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import ops

X = np.array([1.0, 2.0], "float32")


def counting():
    """A function of a flag and x that counts, in two variables, which branch was taken."""
    taken, other = nbkeras.Variable(0.0, name="taken"), nbkeras.Variable(0.0, name="other")

    def yes(x):
        taken.assign_add(1.0)
        return x * 2

    def no(x):
        other.assign(other + taken + 10.0)
        return x - 1

    return taken, other, lambda flag, x: ops.cond(flag, lambda: yes(x), lambda: no(x))


@pytest.mark.parametrize("how", ["eager", "traced"])
def test_only_the_taken_branch_assigns(how):
    taken, other, function = counting()
    call = nbkeras.jit(function) if how == "traced" else function
    for flag, expected in ((True, X * 2), (True, X * 2), (False, X - 1)):
        np.testing.assert_array_equal(call(np.array(flag), X), expected)
    assert float(taken.numpy()) == 2.0 and float(other.numpy()) == 12.0


def test_what_comes_after_sees_the_chosen_state():
    taken, other, function = counting()

    @nbkeras.jit
    def step(flag, x):
        taken.assign(taken * 10)
        y = function(flag, x)
        taken.assign_add(0.5)
        return y, taken + 0, other + 0

    assert [float(v) for v in step(np.array(True), X)[1:]] == [1.5, 0.0]
    assert [float(v) for v in step(np.array(False), X)[1:]] == [15.5, 25.0]


@pytest.mark.parametrize("how", ["eager", "traced"])
def test_switch_assigns_in_one_branch(how):
    count = nbkeras.Variable(np.zeros(3, "float32"))

    def branch(i):
        def run(x):
            count.assign_add(np.eye(3, dtype="float32")[i])
            return x + i

        return run

    def function(i, x):
        return ops.switch(i, [branch(0), branch(1), branch(2)], x)

    call = nbkeras.jit(function) if how == "traced" else function
    for i in (0, 2, 2, 9, -1):
        np.testing.assert_array_equal(call(np.array(i), X), X + min(max(i, 0), 2))
    assert count.numpy().tolist() == [2.0, 0.0, 3.0]


def test_cond_in_a_functional_model():
    entry, flag = nbkeras.Input((2,)), nbkeras.Input((), batch_size=None, dtype="bool")
    y = ops.cond(ops.any(flag), lambda: entry * 2, lambda: entry - 1)
    model = nbkeras.Model([entry, flag], y)
    for given in (True, False):
        np.testing.assert_array_equal(model([X[None], np.array([given])]), X[None] * 2 if given else X[None] - 1)


def test_gradients_go_through_the_taken_branch():
    v = nbkeras.Variable(3.0)
    for flag, slope in ((True, 6.0), (False, 1.0)):
        loss = lambda v, flag=flag: ops.cond(np.array(flag), lambda: v * v, lambda: v + 0)  # noqa: E731
        assert float(nbkeras.grad(loss)(v)) == slope
    traced = nbkeras.jit(lambda flag: nbkeras.grad(lambda v: ops.cond(flag, lambda: v * v, lambda: v + 0))(v))
    assert [float(traced(np.array(flag))) for flag in (True, False)] == [6.0, 1.0]


def test_a_stateless_scope_counts_where_variables_are_passed_as_they_are():
    v = nbkeras.Variable(X)
    with nbkeras.StatelessScope([(v, X + 5)]):
        np.testing.assert_array_equal(ops.add(v, 1.0), X + 6)
        np.testing.assert_array_equal(v + 1, X + 6)
    seen = nbkeras.jit(lambda x: ops.add(v, x))
    with nbkeras.StatelessScope([(v, X + 5)]):
        np.testing.assert_array_equal(nbkeras.jit(lambda x: ops.add(v, x))(X), 2 * X + 5)
    np.testing.assert_array_equal(seen(X), 2 * X)
