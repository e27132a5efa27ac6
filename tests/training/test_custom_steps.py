"""Models that write their own steps, and running Python for every batch."""

import numpy as np
import pytest

import nbkeras
from nbkeras import layers, ops

rng = np.random.default_rng(0)
X = rng.standard_normal((64, 4)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5], [3.0]], "float32")).astype("float32")


def body():
    return [nbkeras.Input((4,)), layers.Dense(8, activation="tanh"), layers.Dense(1)]


class OwnSteps(nbkeras.Model):
    """Everything written by hand: what the built-in step does."""

    def __init__(self):
        super().__init__()
        self.inner = nbkeras.Sequential(body())
        self.own_loss = nbkeras.metrics.Mean(name="own_loss")
        self.error = nbkeras.metrics.MeanAbsoluteError(name="error")

    def call(self, inputs, training=None):
        return self.inner(inputs, training=training)

    @property
    def metrics(self):
        return [self.own_loss, self.error]

    def train_step(self, data):
        x, y = data
        y_pred = self(x, training=True)
        loss = ops.mean(ops.square(y - y_pred))
        self.optimizer.apply(self.gradients(loss, self.trainable_weights), self.trainable_weights)
        self.own_loss.update_state(loss)
        self.error.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        self.own_loss.update_state(ops.mean(ops.square(y - y_pred)))
        self.error.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_own_steps_equal_the_built_in_ones():
    nbkeras.utils.set_random_seed(0)
    own = OwnSteps()
    own.compile(optimizer=nbkeras.optimizers.SGD(0.05))
    plain = nbkeras.Sequential(body())
    plain.compile(optimizer=nbkeras.optimizers.SGD(0.05), loss="mse", metrics=["mae"])
    plain.set_weights(own.get_weights())
    settings = {"epochs": 3, "batch_size": 16, "shuffle": False, "verbose": 0}
    history = own.fit(X, Y, validation_data=(X, Y), **settings).history
    expected = plain.fit(X, Y, validation_data=(X, Y), **settings).history
    assert list(history) == ["error", "own_loss", "val_error", "val_own_loss"]
    for name, other in (("error", "mae"), ("own_loss", "loss"), ("val_own_loss", "val_loss")):
        np.testing.assert_allclose(history[name], expected[other], rtol=1e-5)
    assert own.evaluate(X, Y, verbose=0) == pytest.approx([expected["val_loss"][-1], expected["val_mae"][-1]], rel=1e-5)


def test_own_loss_and_metrics():
    class Doubled(nbkeras.Sequential):
        def compute_loss(self, x, y, y_pred, sample_weight):
            return 2.0 * super().compute_loss(x, y, y_pred, sample_weight)

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            results = super().compute_metrics(x, y, y_pred, sample_weight)
            return {**results, "extra": {"largest": ops.max(y_pred), "rows": x.shape[0]}}

    model = Doubled(body())
    model.compile(optimizer=nbkeras.optimizers.SGD(0.0), loss="mse")
    plain = nbkeras.Sequential(body())
    plain.compile(optimizer=nbkeras.optimizers.SGD(0.0), loss="mse")
    plain.set_weights(model.get_weights())
    found = model.fit(X, Y, batch_size=64, verbose=0).history
    assert found["loss"][0] == pytest.approx(2 * plain.evaluate(X, Y, verbose=0), rel=1e-5)
    assert found["rows"] == [64.0]
    assert found["largest"][0] == pytest.approx(float(model.predict(X, verbose=0).max()), rel=1e-5)


def test_loss_from_a_layer():
    class Penalty(layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.mean(ops.square(inputs)))
            return inputs

    model = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(3), Penalty()])
    model.compile(optimizer=nbkeras.optimizers.SGD(0.1))
    history = model.fit(X, epochs=4, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]


def test_python_runs_for_every_batch_if_asked():
    class Talking(nbkeras.Model):
        def __init__(self):
            super().__init__()
            self.inner = nbkeras.Sequential(body())
            self.seen = []

        def call(self, inputs, training=None):
            self.seen.append((tuple(inputs.shape), training))
            return self.inner(inputs)

    results = []
    for eagerly in (False, True):
        nbkeras.utils.set_random_seed(1)
        model = Talking()
        model.compile(optimizer="sgd", loss="mse", run_eagerly=eagerly)
        losses = model.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0).history["loss"]
        results.append(losses)
        assert model.run_eagerly == eagerly
        assert model.seen.count(((16, 4), True)) == (8 if eagerly else 1)
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_freezing_takes_effect():
    model = nbkeras.Sequential(body())
    model.compile(optimizer="sgd", loss="mse")
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = False
    before = model.layers[0].get_weights()[0]
    with pytest.warns(UserWarning, match="`trainable` was changed after compile"):
        model.fit(X, Y, verbose=0)
    assert np.array_equal(before, model.layers[0].get_weights()[0])


def test_models_inside_models_share_weights_and_train():
    inner = nbkeras.Sequential(body())
    inner.compile(optimizer="adam", loss="mse", metrics=["mae"])
    a = nbkeras.Input((4,))
    outer = nbkeras.Model(a, inner(a) * 2.0)
    outer.compile(optimizer=nbkeras.optimizers.SGD(0.01), loss="mse")
    assert outer.metrics_names == ["loss"]
    outer.fit(X, Y, verbose=0)
    np.testing.assert_allclose(outer.predict(X, verbose=0), 2 * inner.predict(X, verbose=0), rtol=1e-5, atol=1e-6)
    inner.fit(X, Y, verbose=0)
    np.testing.assert_allclose(outer.predict(X, verbose=0), 2 * inner.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


class Doubled(nbkeras.Model):
    """Its one output is held against two labels."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x=x, y=y, y_pred=[y_pred, y_pred], sample_weight=sample_weight)


def test_own_compute_loss_splits_the_output():
    x = nbkeras.Input((3,))
    model = Doubled(x, layers.Dense(1)(x))
    model.compile("sgd", ["mse", "mean_absolute_error"])
    data, labels = np.ones((4, 3), "float32"), (np.zeros((4, 1), "float32"), np.ones((4, 1), "float32"))
    found = model.evaluate(data, labels, verbose=0, return_dict=True)
    y = model.predict(data, verbose=0)
    expected = {"mse_loss": np.mean(y**2), "mean_absolute_error_loss": np.mean(abs(y - 1))}
    assert found == pytest.approx({"loss": sum(expected.values()), **expected}, rel=1e-5)


def test_losses_in_nested_outputs_are_named_after_keys_and_layers():
    x = nbkeras.Input((3,))
    a, b = layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)
    model = nbkeras.Model(x, {"p": (a, b), "q": b})

    def whole(y_true, y_pred):
        return abs(y_true[0] - y_pred[0]) + abs(y_true[1] - y_pred[1])

    model.compile("sgd", {"p": [whole, (None, "mse")], "q": "mae"})
    ones = np.ones((4, 1), "float32")
    history = model.fit(np.ones((4, 3), "float32"), {"p": (ones, ones), "q": ones}, verbose=0).history
    assert set(history) == {"loss", "p_loss", "p/b_loss", "q_loss"}
