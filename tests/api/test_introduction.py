"""What introductions to Keras teach, as taught: each function is such a script, run with nbkeras as `keras`."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import nbkeras as keras
from nbkeras import naming

pytestmark = pytest.mark.filterwarnings("ignore:.*trainable. was changed after compile")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 10)).astype("float32")
CLASS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
ONE_HOT = np.eye(3, dtype="float32")[CLASS]
YES = (X[:, :1] + X[:, 1:2] > 0).astype("float32")
NUMBER = (2 * X[:, :1] - X[:, 1:2]).astype("float32")


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.set_random_seed(0)
    naming.reset()


def learned(history, name="loss"):
    return history.history[name][-1] < history.history[name][0]


def test_a_classifier_layer_by_layer():
    from nbkeras.layers import Activation, Dense, Dropout
    from nbkeras.models import Sequential
    from nbkeras.optimizers import SGD

    model = Sequential()
    model.add(Dense(20, activation="relu", input_shape=(10,)))
    model.add(Dropout(0.1))
    model.add(Dense(3))
    model.add(Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer=SGD(lr=0.1, momentum=0.9), metrics=["accuracy"])
    history = model.fit(X, ONE_HOT, epochs=10, batch_size=32, verbose=0)
    assert learned(history) and set(history.history) == {"loss", "accuracy"}
    loss, accuracy = model.evaluate(X, ONE_HOT, verbose=0)
    assert loss < 1 and accuracy > 0.6
    classes = np.argmax(model.predict(X, verbose=0), axis=1)
    assert np.mean(classes == CLASS) == pytest.approx(accuracy)


def test_a_list_of_layers():
    model = keras.Sequential(
        [
            keras.layers.Dense(16, activation="relu", input_dim=10),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["acc"])
    history = model.fit(X, YES, validation_split=0.25, epochs=8, batch_size=8, verbose=0)
    assert set(history.history) == {"loss", "acc", "val_loss", "val_acc"}
    assert ((model.predict(X, verbose=0) > 0.5) == YES).mean() > 0.7


def test_regression_with_early_stopping():
    model = keras.Sequential([keras.Input(shape=(10,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.05), loss="mse", metrics=["mae"])
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)
    held_out = (X[64:], NUMBER[64:])
    history = model.fit(X[:64], NUMBER[:64], validation_data=held_out, epochs=200, callbacks=[stop], verbose=0)
    assert history.history["val_mae"][-1] < 0.2


def test_class_numbers():
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, CLASS, epochs=2, verbose=0, class_weight={0: 1.0, 1: 2.0, 2: 1.0})
    results = model.evaluate(X, CLASS, verbose=0, return_dict=True)
    assert list(results) == ["accuracy", "loss"] or list(results) == ["loss", "accuracy"]
    assert f"{results['accuracy']:.2f}"


def test_two_inputs_and_two_outputs_by_name():
    title = keras.Input(shape=(6,), name="title")
    body = keras.Input(shape=(4,), name="body")
    features = keras.layers.concatenate([keras.layers.Dense(8, "relu")(title), keras.layers.Dense(8, "relu")(body)])
    priority = keras.layers.Dense(1, name="priority")(features)
    department = keras.layers.Dense(3, activation="softmax", name="department")(features)
    model = keras.Model(inputs=[title, body], outputs=[priority, department])
    model.compile(
        optimizer="adam",
        loss={"priority": "mean_squared_error", "department": "categorical_crossentropy"},
        loss_weights={"priority": 1.0, "department": 0.2},
        metrics={"department": ["accuracy"]},
    )
    history = model.fit(
        {"title": X[:, :6], "body": X[:, 6:]},
        {"priority": NUMBER, "department": ONE_HOT},
        epochs=5,
        batch_size=16,
        verbose=0,
    )
    assert learned(history) and "department_accuracy" in history.history
    number, kind = model.predict([X[:, :6], X[:, 6:]], verbose=0)
    assert number.shape == (96, 1) and kind.shape == (96, 3)


def test_a_shared_layer():
    shared = keras.layers.Dense(4, name="shared")
    a, b = keras.Input((10,)), keras.Input((10,))
    model = keras.Model([a, b], keras.layers.Dot(axes=1, normalize=True)([shared(a), shared(b)]))
    np.testing.assert_allclose(model.predict([X, X], verbose=0), np.ones((96, 1)), rtol=1e-5)
    assert model.count_params() == 44


def test_residual_connections_and_arithmetic_on_tensors():
    inputs = keras.Input((10,))
    x = keras.layers.Dense(10, "relu")(inputs)
    for _ in range(2):
        residual = x
        x = keras.layers.Dense(10, "relu")(x)
        x += residual
    first, rest = x[:, :2], x[:, 2:]
    outputs = keras.layers.Dense(1)(keras.ops.concatenate([first * 2 - 1, rest / 3.0], axis=-1))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "mse")
    assert learned(model.fit(X, NUMBER, epochs=5, verbose=0))
    lines = []
    model.summary(print_fn=lines.append)
    assert "add (Operation)" in "\n".join(lines) and "get_item" in "\n".join(lines)


def test_features_of_an_inner_layer():
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(5, "relu", name="hidden"), keras.layers.Dense(1)])
    extractor = keras.Model(inputs=model.inputs, outputs=[layer.output for layer in model.layers])
    hidden, outputs = extractor(X)
    np.testing.assert_allclose(model.predict(X, verbose=0), outputs, rtol=1e-5, atol=1e-6)
    by_name = keras.Model(model.input, model.get_layer("hidden").output)
    np.testing.assert_allclose(by_name(X), hidden, rtol=1e-6)
    head = keras.Model(model.layers[1].input, model.output)
    np.testing.assert_allclose(head(hidden), outputs, rtol=1e-5, atol=1e-6)


def test_models_inside_models():
    encoder = keras.Sequential([keras.Input((10,)), keras.layers.Dense(3)], name="encoder")
    decoder = keras.Sequential([keras.Input((3,)), keras.layers.Dense(10)], name="decoder")
    image = keras.Input((10,))
    autoencoder = keras.Model(image, decoder(encoder(image)), name="autoencoder")
    autoencoder.compile("adam", "mse")
    assert learned(autoencoder.fit(X, X, epochs=40, verbose=0))
    decoded = decoder.predict(encoder.predict(X, verbose=0), verbose=0)
    np.testing.assert_allclose(decoded, autoencoder.predict(X, verbose=0), rtol=1e-4, atol=1e-5)
    assert [layer.name for layer in autoencoder.layers[1:]] == ["encoder", "decoder"]


def test_an_ensemble_averages():
    members = [keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)]) for _ in range(3)]
    inputs = keras.Input(shape=(10,))
    ensemble = keras.Model(inputs, keras.layers.average([member(inputs) for member in members]))
    expected = np.mean([member(X) for member in members], axis=0)
    np.testing.assert_allclose(ensemble(X), expected, rtol=1e-5, atol=1e-6)


def test_freezing_layers():
    base = keras.Sequential([keras.Input((10,)), keras.layers.Dense(6, "relu"), keras.layers.Dense(6, "relu")])
    base.trainable = False
    model = keras.Sequential([base, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    before = base.get_weights()
    model.fit(X, NUMBER, epochs=2, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True))
    assert len(model.trainable_weights) == 2 and len(model.non_trainable_weights) == 4
    base.trainable = True
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    model.fit(X, NUMBER, epochs=1, verbose=0)
    assert not any(np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True))


def test_a_discriminator_that_only_trains_by_itself():
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(10)])
    discriminator = keras.Sequential(
        [keras.Input((10,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
    )
    discriminator.compile("adam", "binary_crossentropy")
    discriminator.trainable = False
    noise = keras.Input((2,))
    gan = keras.Model(noise, discriminator(generator(noise)))
    gan.compile("adam", "binary_crossentropy")
    z = RNG.normal(size=(32, 2)).astype("float32")
    for _ in range(2):
        d, g = discriminator.get_weights(), generator.get_weights()
        gan.train_on_batch(z, np.ones((32, 1)))
        assert np.array_equal(d[0], discriminator.get_weights()[0])
        assert not np.array_equal(g[0], generator.get_weights()[0])
        discriminator.trainable = True
        discriminator.train_on_batch(generator.predict_on_batch(z), np.zeros((32, 1)))
        assert not np.array_equal(d[0], discriminator.get_weights()[0])
        discriminator.trainable = False


def test_a_layer_of_ones_own():
    class Linear(keras.layers.Layer):
        def __init__(self, units=32, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
            self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

        def call(self, inputs):
            return keras.ops.matmul(inputs, self.w) + self.b

        def get_config(self):
            config = super().get_config()
            config.update({"units": self.units})
            return config

    model = keras.Sequential([keras.Input((10,)), Linear(8), keras.layers.ReLU(), Linear(1)])
    model.compile("adam", "mse")
    assert learned(model.fit(X, NUMBER, epochs=20, verbose=0))
    again = keras.models.model_from_json(model.to_json(), custom_objects={"Linear": Linear})
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_layer_with_state_that_does_not_train():
    class Summed(keras.layers.Layer):
        def __init__(self, size):
            super().__init__()
            self.total = self.add_weight(shape=(size,), initializer="zeros", trainable=False, name="total")

        def call(self, inputs):
            self.total.assign(self.total + keras.ops.sum(inputs, axis=0))
            return self.total

    layer = Summed(10)
    np.testing.assert_allclose(layer(X), X.sum(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer(X), 2 * X.sum(0), rtol=1e-4, atol=1e-5)
    assert len(layer.weights) == len(layer.non_trainable_weights) == 1 and layer.trainable_weights == []


def test_a_subclass_of_model():
    class Classifier(keras.Model):
        def __init__(self, hidden, **kwargs):
            super().__init__(**kwargs)
            self.dense1 = keras.layers.Dense(hidden, activation="relu")
            self.dropout = keras.layers.Dropout(0.5)
            self.dense2 = keras.layers.Dense(3, activation="softmax")

        def call(self, inputs, training=False):
            x = self.dense1(inputs)
            if training:
                x = self.dropout(x, training=training)
            return self.dense2(x)

    model = Classifier(hidden=16, name="mine")
    lines = []
    model.summary(print_fn=lines.append)
    assert "unbuilt" in "\n".join(lines)
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    assert learned(model.fit(X, ONE_HOT, epochs=20, verbose=0))
    assert model.count_params() == 10 * 16 + 16 + 16 * 3 + 3
    inputs = keras.Input((10,))
    outer = keras.Model(inputs, keras.layers.Dense(1)(model(inputs)))
    assert outer.predict(X, verbose=0).shape == (96, 1) and outer.layers[1] is model


def test_a_train_step_of_ones_own():
    loss_tracker = keras.metrics.Mean(name="loss")
    mae_metric = keras.metrics.MeanAbsoluteError(name="mae")

    class CustomModel(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            loss = keras.ops.mean(keras.losses.mean_squared_error(y, y_pred))
            loss_tracker.update_state(loss)
            mae_metric.update_state(y, y_pred)
            return loss

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            return {"loss": loss_tracker.result(), "mae": mae_metric.result()}

        @property
        def metrics(self):
            return [loss_tracker, mae_metric]

    inputs = keras.Input(shape=(10,))
    model = CustomModel(inputs, keras.layers.Dense(1)(inputs))
    model.compile(optimizer="adam")
    history = model.fit(X, NUMBER, epochs=20, verbose=0)
    assert learned(history) and set(history.history) == {"loss", "mae"}


def test_losses_and_metrics_of_ones_own():
    def huber_like(y_true, y_pred):
        error = keras.ops.abs(y_true - y_pred)
        return keras.ops.mean(keras.ops.where(error < 1, 0.5 * error**2, error - 0.5), axis=-1)

    class Weighted(keras.losses.Loss):
        def __init__(self, factor=0.1, name="weighted"):
            super().__init__(name=name)
            self.factor = factor

        def call(self, y_true, y_pred):
            return self.factor * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)

    class Positives(keras.metrics.Metric):
        def __init__(self, name="positives", **kwargs):
            super().__init__(name=name, **kwargs)
            self.count = self.add_weight(name="count", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.count.assign_add(keras.ops.sum(keras.ops.cast(y_pred > 0, "float32")))

        def result(self):
            return self.count

    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
    for loss in (huber_like, Weighted(0.5)):
        model.compile("adam", loss, metrics=[Positives(), huber_like])
        history = model.fit(X, NUMBER, epochs=2, verbose=0).history
        assert set(history) == {"loss", "positives", "huber_like"}
    assert history["positives"][-1] == int(history["positives"][-1])


def test_a_callback_of_ones_own(capsys):
    class Report(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.losses = []

        def on_epoch_end(self, epoch, logs=None):
            self.losses.append(logs["loss"])
            print(f"epoch {epoch}: {logs['loss']:.3f}")
            if epoch == 2:
                self.model.stop_training = True

    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    report = Report()
    model.fit(X, NUMBER, epochs=50, callbacks=[report], verbose=0)
    assert len(report.losses) == 3 and capsys.readouterr().out.count("epoch") == 3


def test_schedules_and_callbacks_for_the_learning_rate():
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)
    model.compile(keras.optimizers.SGD(learning_rate=schedule), "mse")
    model.fit(X, NUMBER, epochs=2, verbose=0)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    model.fit(X, NUMBER, epochs=2, callbacks=[halve], verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.025)


def test_running_eagerly_prints_values(capsys):
    class Talking(keras.layers.Layer):
        def call(self, inputs):
            print("mean is", keras.ops.mean(inputs))
            return inputs

    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(4), Talking(), keras.layers.Dense(1)])
    model.compile("adam", "mse", run_eagerly=True)
    model.fit(X[:32], NUMBER[:32], batch_size=16, epochs=1, verbose=0)
    printed = [line for line in capsys.readouterr().out.splitlines() if "value=" in line]
    assert len(printed) >= 2


def test_regularizers_constraints_and_initializers():
    model = keras.Sequential(
        [
            keras.Input((10,)),
            keras.layers.Dense(
                8,
                activation="relu",
                kernel_initializer=keras.initializers.HeNormal(seed=1),
                kernel_regularizer=keras.regularizers.l2(0.001),
                kernel_constraint=keras.constraints.MaxNorm(1.0),
            ),
            keras.layers.Dense(1, kernel_regularizer="l1", bias_initializer="ones"),
        ]
    )
    model.compile("adam", "mse")
    model.fit(X, NUMBER, epochs=2, verbose=0)
    assert len(model.losses) == 2
    assert (np.linalg.norm(model.layers[0].get_weights()[0], axis=0) <= 1 + 1e-5).all()


def test_add_loss_in_a_layer():
    class Sparse(keras.layers.Layer):
        def __init__(self, rate):
            super().__init__()
            self.rate = rate

        def call(self, inputs):
            self.add_loss(self.rate * keras.ops.mean(keras.ops.abs(inputs)))
            return inputs

    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(4), Sparse(0.1), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    with_penalty = model.evaluate(X, NUMBER, verbose=0)
    assert with_penalty > np.mean((model.predict(X, verbose=0) - NUMBER) ** 2)


def test_words_as_numbers():
    words = RNG.integers(1, 50, size=(64, 7))
    words[:, 5:] = 0
    inputs = keras.Input(shape=(None,), dtype="int32")
    x = keras.layers.Embedding(input_dim=50, output_dim=8, mask_zero=True)(inputs)
    x = keras.layers.GlobalAveragePooling1D()(x)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    label = (words[:, 0] > 25).astype("float32")
    model.fit(words, label, epochs=3, verbose=0)
    longer = np.concatenate([words, np.zeros((64, 4), int)], axis=1)
    np.testing.assert_allclose(model.predict(longer, verbose=0), model.predict(words, verbose=0), rtol=1e-5, atol=1e-6)


def test_preprocessing_layers_in_the_model():
    normalizer = keras.layers.Normalization(axis=-1)
    normalizer.adapt(X * 5 + 3)
    model = keras.Sequential([keras.Input((10,)), normalizer, keras.layers.GaussianNoise(0.05), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), "mse")
    assert learned(model.fit(X * 5 + 3, NUMBER, epochs=10, verbose=0))
    np.testing.assert_allclose(normalizer(X * 5 + 3).mean(0), np.zeros(10), atol=1e-5)
    pixels = keras.layers.Rescaling(1.0 / 255)(np.array([[0, 255]], "uint8"))
    np.testing.assert_allclose(pixels, [[0, 1]])


def test_generators_and_sequences():
    def batches():
        while True:
            for start in range(0, 96, 32):
                yield X[start : start + 32], NUMBER[start : start + 32]

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return X[index * 32 : index * 32 + 32], NUMBER[index * 32 : index * 32 + 32]

    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0).epoch) == 2
    assert len(model.fit(Batches(), epochs=2, validation_data=Batches(), verbose=0).epoch) == 2


def test_weights_move_between_models():
    def build():
        return keras.Sequential([keras.Input((10,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)])

    one, other = build(), build()
    other.set_weights(one.get_weights())
    for layer, twin in zip(one.layers, other.layers, strict=True):
        twin.set_weights(layer.get_weights())
        np.testing.assert_array_equal(layer.kernel.numpy(), twin.kernel.numpy())
    clone = keras.models.clone_model(one)
    clone.set_weights(one.get_weights())
    twin = copy.deepcopy(one)
    for model in (other, clone, twin):
        np.testing.assert_array_equal(model.predict(X, verbose=0), one.predict(X, verbose=0))


def test_names_are_numbered_and_start_anew():
    def names():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2), keras.layers.Dense(2)])
        return [model.name, *(layer.name for layer in model.layers)]

    assert names() == ["sequential", "dense", "dense_1"]
    assert names() == ["sequential_1", "dense_2", "dense_3"]
    keras.backend.clear_session()
    assert names() == ["sequential", "dense", "dense_1"]


def test_adding_after_summary():
    model = keras.Sequential(name="growing")
    model.add(keras.Input((10,)))
    model.add(keras.layers.Dense(5))
    lines = []
    model.summary(print_fn=lines.append)
    model.add(keras.layers.Dense(1))
    model.summary(print_fn=lines.append)
    assert "61" in lines[-1] and model.output_shape == (None, 1)
    model.pop()
    assert model.output_shape == (None, 5) and len(model.layers) == 1


def test_a_training_loop_by_hand_without_state():
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dropout(0.1, seed=1), keras.layers.Dense(1)])
    trainable, fixed = ([v.value for v in vs] for vs in (model.trainable_variables, model.non_trainable_variables))
    outputs, after = model.stateless_call(trainable, fixed, X, training=True)
    assert outputs.shape == (96, 1) and len(after) == len(fixed) == 1
    assert not np.array_equal(after[0], fixed[0])
    np.testing.assert_array_equal(model.non_trainable_variables[0].numpy(), fixed[0])
    moved, _ = model.stateless_call([v + 1 for v in trainable], fixed, X)
    expected = X @ (trainable[0] + 1) + trainable[1] + 1
    np.testing.assert_allclose(moved, expected, rtol=1e-4, atol=1e-5)
