"""What all optimizers share: arguments, learning rate, state, errors."""

import numpy as np
import pytest

import nbkeras
from nbkeras import ops, optimizers
from nbkeras.errors import ArgumentError, ShapeError, StateError
from nbkeras.optimizers import schedules
from nbkeras.variables import Variable

G = np.ones(3, "float32")


def weight(value=1.0, name="w"):
    return Variable(np.full(3, value, "float32"), name=name)


def test_learning_rate_can_be_read_and_set():
    optimizer, w = optimizers.SGD(lr=0.5), weight()
    assert float(optimizer.learning_rate) == 0.5
    optimizer.apply([G], [w])
    optimizer.learning_rate = 0.25
    assert float(optimizer.lr) == 0.25
    optimizer.apply([G], [w])
    np.testing.assert_array_equal(w.numpy(), 0.25)


def test_learning_rate_of_a_schedule_and_of_a_function():
    w = weight()
    optimizer = optimizers.SGD(schedules.PiecewiseConstantDecay([0], [0.5, 0.25]))
    optimizer.apply([G], [w])
    assert float(optimizer.learning_rate) == 0.25
    optimizer.apply([G], [w])
    np.testing.assert_array_equal(w.numpy(), 0.25)
    with pytest.raises(TypeError, match="cannot be set"):
        optimizer.learning_rate = 0.1
    other = optimizers.SGD(lambda: 0.5)
    other.apply([G], [w])
    np.testing.assert_array_equal(w.numpy(), -0.25)
    assert other.learning_rate == 0.5


def test_a_schedule_in_the_place_of_a_number():
    optimizer = optimizers.SGD(0.5)
    optimizer.learning_rate = schedules.ExponentialDecay(0.5, 1, 0.5)
    assert len(optimizer.variables) == 1
    assert float(optimizer.learning_rate) == 0.5


def test_apply_gradients_counts():
    optimizer, w = optimizers.Adam(), weight()
    assert int(optimizer.apply_gradients([(G, w)])) == 1
    assert int(optimizer.apply_gradients([(G, w)])) == 2


def test_names_and_order_of_variables():
    optimizer = optimizers.Adam(name="adam")
    a, b = weight(name="a"), weight(name="b")
    a.path = "dense/kernel"
    optimizer.build([a, b])
    assert [v.path for v in optimizer.variables] == [
        "adam/iteration",
        "adam/learning_rate",
        "adam/dense_kernel_momentum",
        "adam/dense_kernel_velocity",
        "adam/b_momentum",
        "adam/b_velocity",
    ]


def test_state_is_saved_and_loaded():
    first, w = optimizers.Adam(0.1), weight()
    first.apply([G], [w])
    store = {}
    first.save_own_variables(store)
    second, v = optimizers.Adam(0.1), Variable(w.numpy())
    second.build([v])
    second.load_own_variables(store)
    for optimizer, variable in ((first, w), (second, v)):
        optimizer.apply([G * 2], [variable])
    np.testing.assert_array_equal(w.numpy(), v.numpy())
    with pytest.warns(UserWarning, match="its state was not loaded"):
        optimizers.SGD().load_own_variables(store)


def test_excluded_weights_do_not_decay():
    kernel, bias = weight(name="kernel"), weight(name="bias")
    optimizer = optimizers.SGD(0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([G * 0, G * 0], [kernel, bias])
    np.testing.assert_array_equal(kernel.numpy(), 0.75)
    np.testing.assert_array_equal(bias.numpy(), 1.0)
    with pytest.raises(StateError, match="after it was built"):
        optimizer.exclude_from_weight_decay(var_list=[kernel])


def test_a_rule_of_the_users_own():
    class Mine(optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.counts = self.add_optimizer_variables(variables, "count")
            self.total = Variable(0.0, name="total")

        def update_step(self, gradient, variable, learning_rate):
            count = self.counts[self._get_variable_index(variable)]
            self.assign_add(count, ops.ones_like(count))
            self.assign_sub(variable, learning_rate * gradient * count)

    optimizer, w = Mine(learning_rate=0.5, clipvalue=1.0), weight()
    for _ in range(2):
        optimizer.apply([G * 5], [w])
    np.testing.assert_array_equal(w.numpy(), 1 - 0.5 - 1.0)
    assert optimizer.variables[-1] is optimizer.total


def test_a_subclass_of_a_flat_rule_may_override_update_step():
    class Half(optimizers.Adam):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate * 0.5)

    w, v = weight(), weight()
    Half(0.2).apply([G], [w])
    optimizers.Adam(0.1).apply([G], [v])
    np.testing.assert_allclose(w.numpy(), v.numpy(), rtol=1e-6)


def test_config_with_a_schedule():
    optimizer = optimizers.RMSprop(schedules.CosineDecay(0.1, 10), rho=0.8, clipnorm=1.0)
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert isinstance(again.learning_rate, np.ndarray)
    assert again.rho == 0.8 and again.clipnorm == 1.0
    assert again.get_config() == optimizer.get_config()


@pytest.mark.parametrize("name", ["adam", "Adam", "ADAM", "rmsprop", "RMSProp", "sgd"])
def test_names_in_any_case(name):
    assert type(optimizers.get(name)).__name__.lower() == name.lower()


def test_messages():
    with pytest.raises(ArgumentError, match="did you mean 'adam'"):
        optimizers.get("adamm")
    with pytest.raises(ArgumentError, match="expected a name or an Optimizer, got 3"):
        optimizers.get(3)
    with pytest.raises(ArgumentError, match="unknown argument 'momentun'"):
        optimizers.SGD(momentun=0.9)
    with pytest.raises(ArgumentError, match="one way of clipping"):
        optimizers.SGD(clipnorm=1.0, clipvalue=1.0)
    with pytest.raises(ArgumentError, match="expected the learning rate to be a finite number"):
        optimizers.SGD("fast")
    with pytest.raises(ArgumentError, match="momentum to be a number from 0 up to 1"):
        optimizers.SGD(momentum=2.0)
    with pytest.raises(ArgumentError, match="ema_momentum to be a number from 0 up to 1"):
        optimizers.SGD(use_ema=True, ema_momentum=2.0)
    with pytest.raises(ArgumentError, match="expected gradient_accumulation_steps to be an integer from 2 on or None"):
        optimizers.SGD(gradient_accumulation_steps=1)
    with pytest.raises(StateError, match="before it knows the weights"):
        optimizers.SGD().apply([G])
    with pytest.warns(UserWarning, match="decay= has no effect"):
        optimizers.SGD(decay=0.1)


def test_messages_about_gradients():
    optimizer, w = optimizers.SGD(), weight()
    with pytest.raises(ArgumentError, match="all gradients are None"):
        optimizer.apply([None], [w])
    with pytest.raises(ShapeError, match=r"has shape \(3,\), its gradient \(2,\)"):
        optimizer.apply([G[:2]], [w])
    with pytest.raises(ArgumentError, match="got 2 gradients for 1 weights"):
        optimizer.apply([G, G], [w])
    with pytest.raises(ArgumentError, match="weight 'other' is not one of those"):
        optimizer.apply([G], [weight(name="other")])


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("extra", [{}, {"gradient_accumulation_steps": 2, "use_ema": True}], ids=["plain", "extra"])
def test_stateless_apply_is_apply_without_its_effects(extra, jit):
    optimizer, (a, b) = optimizers.Adam(0.1, **extra), (weight(1.0, "a"), weight(2.0, "b"))
    other, others = optimizers.Adam(0.1, **extra), [weight(1.0, "a"), weight(2.0, "b")]
    optimizer.build([a, b])
    other.build(others)
    apply = nbkeras.jit(optimizer.stateless_apply) if jit else optimizer.stateless_apply
    weights, state = [a.numpy(), b.numpy()], [v.numpy() for v in optimizer.variables]
    for step in range(3):
        grads = [G * (step + 1), -G]
        weights, state = apply(state, grads, weights)
        other.apply(grads, others)
        for found, expected in zip([*weights, *state], [*others, *other.variables], strict=True):
            np.testing.assert_allclose(found, expected.numpy(), rtol=1e-6)
    assert int(optimizer.iterations) == 0
    assert a.numpy().tolist() == [1.0] * 3
    assert b.numpy().tolist() == [2.0] * 3


def test_stateless_apply_that_cannot_be():
    optimizer, w = optimizers.SGD(), weight()
    with pytest.raises(StateError, match=r"call build\(model.trainable_variables\) first"):
        optimizer.stateless_apply([], [G], [G])
    optimizer.build([w])
    with pytest.raises(ArgumentError, match="expected 2 optimizer_variables, got 1"):
        optimizer.stateless_apply([G], [G], [G])


def test_iterations_count_updates_when_gradients_accumulate():
    optimizer, w = optimizers.SGD(1.0, gradient_accumulation_steps=3), weight()
    values = []
    for _ in range(7):
        optimizer.apply([G], [w])
        values.append((int(optimizer.iterations), float(w.numpy()[0])))
    assert values == [(0, 1), (0, 1), (1, 0), (1, 0), (1, 0), (2, -1), (2, -1)]


def test_a_weight_that_its_gradient_replaces_waits_for_the_last_step_too():
    optimizer, replaced, w = optimizers.SGD(1.0, gradient_accumulation_steps=2), weight(), weight()
    replaced.overwrite_with_gradient = True
    seen = []
    for factor in (1, 2, 3, 4):
        optimizer.apply([factor * G, factor * G], [replaced, w])
        seen.append(float(replaced.numpy()[0]) / float(G[0]))
    assert seen == [1 / float(G[0]), 2, 2, 4]


def test_old_arguments():
    assert optimizers.get(None) is None
    assert optimizers.LossScaleOptimizer(optimizers.SGD(), dynamic=True).initial_scale == 2.0**15
    with pytest.raises(ArgumentError, match="always dynamic, got dynamic=False"):
        optimizers.LossScaleOptimizer(optimizers.SGD(), dynamic=False)
