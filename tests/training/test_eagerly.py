"""run_eagerly: a step that can be looked into. Values everywhere, Python's if, and the numbers of the traced step."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, ops

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 4)).astype("float32")
Y = rng.integers(0, 3, 40)


class Looking(layers.Layer):
    """Notes what a user would print."""

    def __init__(self):
        super().__init__()
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")
        self.seen = []

    def call(self, x, training=None):
        self.calls.assign_add(1.0)
        self.seen.append((np.asarray(x), f"{ops.max(x):.3f}", repr(x), self.calls.numpy(), training))
        if float(ops.sum(x)) > 1e6:
            raise AssertionError("values are wrong")
        return x


class Model(nbkeras.Model):
    def __init__(self, looking):
        super().__init__()
        self.looking = Looking() if looking else None
        self.first, self.drop, self.last = layers.Dense(8, "relu"), layers.Dropout(0.4), layers.Dense(3, "softmax")

    def call(self, x, training=None):
        h = self.drop(self.first(x), training=training)
        return self.last(self.looking(h) if self.looking is not None else h)


def fitted(eagerly, looking, **settings):
    nbkeras.utils.set_random_seed(5)
    model = Model(looking)
    model.compile(
        nbkeras.optimizers.Adam(0.05, clipnorm=1.0, gradient_accumulation_steps=2),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        run_eagerly=eagerly,
    )
    history = model.fit(X, Y, batch_size=16, epochs=3, verbose=0, validation_split=0.2, **settings)
    return model, history.history


@pytest.mark.parametrize("settings", [{}, {"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}}], ids=["plain", "weighted"])
def test_same_numbers_as_traced(settings):
    (one, first), (other, second) = fitted(True, True, **settings), fitted(False, False, **settings)
    for name, values in first.items():
        np.testing.assert_allclose(values, second[name], rtol=2e-5, err_msg=name)
    for a, b in zip(one.trainable_weights, other.trainable_weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-4, atol=2e-5)
    assert np.allclose(one.predict(X, verbose=0), other.predict(X, verbose=0), rtol=1e-4, atol=1e-5)
    assert one.evaluate(X, Y, verbose=0) == pytest.approx(other.evaluate(X, Y, verbose=0), rel=1e-4)


def test_values_are_seen():
    model, _ = fitted(True, True)
    seen = [entry for entry in model.looking.seen if entry[4]]
    assert len(seen) == 6
    array, text, shown = seen[1][:3]
    assert array.shape == (16, 8) and array.any()
    assert text == f"{array.max():.3f}"
    assert "shape=(16, 8)" in shown and "value=[[" in shown
    # In the middle of a step the variable shows what was assigned in this step.
    assert [int(entry[3]) for entry in seen[:2]] == [1, 2]
    assert int(model.looking.calls) == 6 + 3


def test_a_step_that_fails_leaves_the_weights_and_a_switch_needs_no_compile():
    class Failing(nbkeras.Sequential):
        fail = False

        def compute_metrics(self, *args, **kwargs):
            assert not self.fail
            return super().compute_metrics(*args, **kwargs)

    model = Failing([nbkeras.Input((4,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    model.run_eagerly = True
    target = np.zeros((40, 3), "float32")
    model.fit(X, target, verbose=0)
    before = model.get_weights()
    model.fail = True
    with pytest.raises(AssertionError):
        model.fit(X, target, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(a, b)
    model.fail = False
    model.train_on_batch(X, target)
    assert not np.array_equal(before[0], model.get_weights()[0])
