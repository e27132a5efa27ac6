"""Gradients of functions, second ones too, and functions that run as one program: own training loops."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, ops
from nbkeras.errors import ArgumentError, ArgumentTypeError, GraphError

rng = np.random.default_rng(0)
X = rng.standard_normal((32, 3)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5]], "float32")).astype("float32")


def drawn(a, b):
    return ops.sum(ops.tanh(ops.matmul(a, b["w"])) * b["v"]) + ops.mean(ops.exp(a * 0.1))


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("jit", [False, True])
def test_against_jax(jit):
    jax = pytest.importorskip("jax")

    def reference(a, b):
        return (jax.numpy.tanh(a @ b["w"]) * b["v"]).sum() + jax.numpy.exp(a * 0.1).mean()

    a, b = X, {"w": X[:3, :3] * 0.5, "v": X[:, :3]}
    for argnums in (0, 1, (0, 1), -1):
        found = nbkeras.value_and_grad(drawn, argnums)
        value, grads = (nbkeras.jit(found) if jit else found)(a, b)
        expected, slopes = jax.value_and_grad(reference, argnums)(a, b)
        np.testing.assert_allclose(value, expected, rtol=1e-5)
        leaves, wanted = nbkeras.tree.flatten(grads), jax.tree_util.tree_leaves(slopes)
        assert jax.tree_util.tree_structure(grads) == jax.tree_util.tree_structure(slopes)
        # Both walk dicts by sorted keys.
        for one, other in zip(leaves, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    second = nbkeras.grad(lambda x: ops.sum(nbkeras.grad(drawn)(x, b) ** 2))
    wanted = jax.grad(lambda x: (jax.grad(reference)(x, b) ** 2).sum())(a)
    np.testing.assert_allclose((nbkeras.jit(second) if jit else second)(a), wanted, rtol=1e-4, atol=1e-6)


def test_only_the_argument_counts():
    ones = np.ones(2, "float32")
    # The constant equals the argument, and the other argument is computed from it.
    assert nbkeras.grad(lambda x: ops.sum(x * ones))(ones).tolist() == [1, 1]

    @nbkeras.jit
    def outer(x):
        y = x * 2.0
        return nbkeras.grad(lambda z: ops.sum(z * y))(x)

    assert outer(ones).tolist() == [2, 2]


def test_no_dependence_is_zero_and_aux_is_handed_through():
    (value, aux), grads = nbkeras.value_and_grad(lambda a, b: (ops.sum(a), {"twice": a * 2}), (0, 1), True)(X, X)
    assert float(value) == pytest.approx(X.sum(), rel=1e-5)
    np.testing.assert_array_equal(aux["twice"], X * 2)
    assert grads[0].tolist() == np.ones_like(X).tolist()
    assert not grads[1].any()
    assert nbkeras.grad(lambda a: (ops.sum(a), 3), has_aux=True)(X[0])[1] == 3


def test_variables_and_values_inside():
    w, seen = nbkeras.Variable([1.0, 2.0]), []

    def loss(variables, x):
        seen.append((float(ops.sum(w)), w.numpy().tolist()))
        if float(ops.sum(x)) > 0:  # Python's if works, as there are values
            w.assign(w * 3)
        return ops.sum(w * variables[0] * x)

    for jit in (False, True):
        if jit:
            with pytest.raises(ArgumentTypeError, match=r"(?s)asked for while tracing.*run_eagerly"):
                nbkeras.jit(nbkeras.grad(loss))([w], np.ones(2, "float32"))
            continue
        (grads,) = nbkeras.grad(loss)([w], np.ones(2, "float32"))
        assert grads.tolist() == [18, 36]  # of (3 w)^2 x
        assert w.numpy().tolist() == [3, 6]
    assert seen == [(3.0, [1, 2])]


def test_gradient_of_a_model_by_its_input():
    model = nbkeras.Sequential([nbkeras.Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
    slope = nbkeras.grad(lambda x: ops.sum(model(x)))(X)
    for column in range(3):
        step = np.zeros(3, "float32")
        step[column] = 1e-2
        difference = (model(X + step) - model(X - step))[:, 0] / 2e-2
        np.testing.assert_allclose(slope[:, column], difference, rtol=2e-2, atol=2e-3)


@pytest.mark.parametrize("jit", [False, True])
def test_an_own_loop_is_fit(jit):
    def model():
        nbkeras.utils.set_random_seed(3)
        made = nbkeras.Sequential([nbkeras.Input((3,)), layers.Dense(8, "relu"), layers.Dropout(0.3), layers.Dense(1)])
        made.compile(nbkeras.optimizers.Adam(0.05), "mse", metrics=["mae"])
        return made

    fitted, own = model(), model()
    history = fitted.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    loss_of, optimizer, metric = nbkeras.losses.MeanSquaredError(), own.optimizer, nbkeras.metrics.MeanAbsoluteError()

    def step(x, y):
        def loss(weights):
            prediction = own(x, training=True)
            return loss_of(y, prediction), prediction

        (value, prediction), grads = nbkeras.value_and_grad(loss, has_aux=True)(own.trainable_variables)
        optimizer.apply_gradients(zip(grads, own.trainable_variables, strict=True))
        metric.update_state(y, prediction)
        return value

    step = nbkeras.jit(step) if jit else step
    for epoch in range(3):
        metric.reset_state()
        losses = [float(step(X[i : i + 8], Y[i : i + 8])) for i in range(0, 32, 8)]
        assert np.mean(losses) == pytest.approx(history["loss"][epoch], rel=1e-4)
        assert float(metric.result()) == pytest.approx(history["mae"][epoch], rel=1e-4)
    for a, b in zip(own.get_weights(), fitted.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_jit_traces_once_a_signature():
    calls = []

    @nbkeras.jit
    def scaled(x, factor, *, shift=0.0):
        calls.append(x.shape)
        return {"y": x * factor + shift}

    for n in (2, 3, 2):
        assert scaled(np.ones(n, "float32"), 2.0, shift=1.0)["y"].tolist() == [3] * n
    assert calls == [(2,), (3,)]
    assert scaled(np.ones(2, "float32"), 3.0)["y"].tolist() == [3, 3]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nbkeras.grad(lambda x: x * 2)(X), GraphError, r"the loss must be one number, got shape \(32, 3\)"),
        (lambda: nbkeras.grad(ops.sum)(np.arange(3)), ArgumentTypeError, "expected floats to differentiate by, got"),
        (lambda: nbkeras.grad(ops.sum, 1)(X), ArgumentError, "argnums is 1, but sum was called with 1 arguments"),
        (lambda: nbkeras.grad(3), ArgumentTypeError, "expected a function, got 3"),
        (lambda: nbkeras.jit(3), ArgumentTypeError, "jit: expected a function, got 3"),
        (lambda: nbkeras.grad(ops.sum)("text"), ArgumentTypeError, "expected floats to differentiate by, got 'text'"),
    ],
)
def test_what_cannot_be(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_readmes_loop_runs_and_learns(capsys):
    import pathlib
    import re

    text = (pathlib.Path(__file__).parents[1] / "README.md").read_text()
    (code,) = [c for c in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "value_and_grad" in c]
    nbkeras.utils.set_random_seed(0)
    found = {}
    exec(code, found)
    loss, _, slopes = capsys.readouterr().out.partition("\n")
    assert float(loss.split()[1]) < 0.05
    assert "dtype" not in slopes
    np.testing.assert_allclose(found["slopes"], np.ones((1, 4)), atol=0.5)


@pytest.mark.parametrize("jit", [False, True])
def test_a_stateless_loop_is_fit(jit):
    def model():
        nbkeras.utils.set_random_seed(3)
        made = nbkeras.Sequential([nbkeras.Input((3,)), layers.Dense(8, "relu"), layers.Dropout(0.3), layers.Dense(1)])
        made.compile(nbkeras.optimizers.Adam(0.05), "mse", metrics=["mae"])
        return made

    fitted, own = model(), model()
    history = fitted.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0).history
    loss_of, optimizer, metric = nbkeras.losses.MeanSquaredError(), own.optimizer, nbkeras.metrics.MeanAbsoluteError()
    optimizer.build(own.trainable_variables)

    def loss(trainable, fixed, sums, x, y):
        prediction, fixed = own.stateless_call(trainable, fixed, x, training=True)
        return loss_of(y, prediction), (fixed, metric.stateless_update_state(sums, y, prediction))

    value_and_grad = nbkeras.value_and_grad(loss, has_aux=True)

    def step(trainable, fixed, state, sums, x, y):
        (_, (fixed, sums)), grads = value_and_grad(trainable, fixed, sums, x, y)
        trainable, state = optimizer.stateless_apply(state, grads, trainable)
        return trainable, fixed, state, sums

    step = nbkeras.jit(step) if jit else step
    trainable, fixed, state = (
        [v.numpy() for v in variables]
        for variables in (own.trainable_variables, own.non_trainable_variables, optimizer.variables)
    )
    before = own.get_weights()
    for epoch in range(2):
        sums = metric.stateless_reset_state()
        for i in range(0, 32, 8):
            trainable, fixed, state, sums = step(trainable, fixed, state, sums, X[i : i + 8], Y[i : i + 8])
        assert float(metric.stateless_result(sums)) == pytest.approx(history["mae"][epoch], rel=1e-4)
    for a, b in zip(trainable, fitted.trainable_variables, strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-4, atol=1e-5)
    for a, b in zip(before, own.get_weights(), strict=True):
        assert np.array_equal(a, b)
