"""Bad input: one clear error before any training; what the model has learned stays."""

import numpy as np
import pytest

import nbkeras
from nbkeras import layers
from nbkeras.errors import ArgumentError, ArgumentTypeError, DataError, GraphError, NbkerasError, ShapeError, StateError

rng = np.random.default_rng(0)
X = rng.standard_normal((20, 4)).astype("float32")
Y = rng.integers(0, 3, 20)
ONE_HOT = np.eye(3, dtype="float32")[Y]


def classifier(loss="sparse_categorical_crossentropy", **compile):
    model = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(3, activation="softmax", name="top")], name="net")
    model.compile(optimizer="adam", loss=loss, **compile)
    return model


def two_inputs():
    a, b = nbkeras.Input((4,), name="a"), nbkeras.Input((2,), name="b")
    model = nbkeras.Model([a, b], layers.Dense(1)(layers.Concatenate()([a, b])), name="pair")
    model.compile(optimizer="sgd", loss="mse")
    return model


def labels(value):
    changed = Y.astype("float32")
    changed[7] = value
    return changed


#: name: (error, parts of its text, what is done with a trained classifier)
FIT = {
    "feature_count": (ShapeError, ["'net'", "expects shape (None, 4)", "got (8, 5)", "summary()"],
                      lambda m: m.fit(np.zeros((20, 5)), Y, batch_size=8)),
    "rank": (ShapeError, ["'net'", "expects shape (None, 4)", "got (20, 4, 2)"],
             lambda m: m.fit(np.zeros((20, 4, 2)), Y)),
    "lengths": (DataError, ["fit", "x has 20, y has 19", "row i of each"], lambda m: m.fit(X, Y[:-1])),
    "weight_lengths": (DataError, ["x has 20", "sample_weight has 3"],
                       lambda m: m.fit(X, Y, sample_weight=np.ones(3))),
    "empty": (DataError, ["fit", "the data is empty", "x has shape (0, 4)"], lambda m: m.fit(X[:0], Y[:0])),
    "strings": (DataError, ["fit", "x must hold numbers", "dtype <U1"], lambda m: m.fit(np.full((20, 4), "a"), Y)),
    "objects": (DataError, ["y must hold numbers", "dtype object"],
                lambda m: m.fit(X, np.array([{}] * 20, dtype=object))),
    "ragged": (DataError, ["x cannot be made an array", "same shape"], lambda m: m.fit([[1.0, 2.0], [1.0]], Y[:2])),
    "nan_label": (DataError, ["class indices from 0 to 2", "row 7 of y has nan", "repair"],
                  lambda m: m.fit(X, labels(np.nan))),
    "inf_label": (DataError, ["row 7 of y has inf"], lambda m: m.fit(X, labels(np.inf))),
    "large_label": (DataError, ["class indices from 0 to 2", "row 7 of y has 3.0", "pass y - 1"],
                    lambda m: m.fit(X, labels(3))),
    "negative_label": (DataError, ["row 7 of y has -1.0", "mean_squared_error"], lambda m: m.fit(X, labels(-1))),
    "late_label": (DataError, ["row 19 of y has 9"], lambda m: m.fit(X, np.append(Y[:19], 9), batch_size=2)),
    "one_hot": (DataError, ["is one-hot for the 3 classes", "loss='categorical_crossentropy'", "argmax"],
                lambda m: m.fit(X, ONE_HOT)),
    "no_labels": (DataError, ["fit", "compiled with a loss, but there are no labels", "pass y"],
                  lambda m: m.fit(X)),
    "batch_size": (ArgumentError, ["fit: batch_size must be at least 1, got -5"],
                   lambda m: m.fit(X, Y, batch_size=-5)),
    "batch_size_kind": (ArgumentTypeError, ["batch_size must be a positive integer, got 2.5"],
                        lambda m: m.fit(X, Y, batch_size=2.5)),
    "epochs": (ArgumentError, ["fit: epochs must be a whole number of at least 0, got 1.5"],
               lambda m: m.fit(X, Y, epochs=1.5)),
    "split": (ArgumentError, ["validation_split must be at least 0 and below 1, got 1.0"],
              lambda m: m.fit(X, Y, validation_split=1.0)),
    "split_beside_data": (ArgumentError, ["got 2"], lambda m: m.fit(X, Y, validation_split=2, validation_data=(X, Y))),
    "split_negative": (ArgumentError, ["got -0.1"], lambda m: m.fit(X, Y, validation_split=-0.1)),
    "split_stream": (DataError, ["validation_split needs arrays, but x is a generator", "validation_data"],
                     lambda m: m.fit(((X, Y) for _ in range(2)), validation_split=0.5)),
    "validation_shape": (ShapeError, ["expects shape (None, 4)"],
                         lambda m: m.fit(X, Y, validation_data=(X[:, :3], Y))),
    "validation_labels": (DataError, ["fit: validation_data", "row 0 of y has 9"],
                          lambda m: m.fit(X, Y, validation_data=(X, Y + 8))),
    "validation_parts": (ArgumentError, ["validation_data must be (x, y)", "got 4 parts"],
                         lambda m: m.fit(X, Y, validation_data=(X, Y, Y, Y))),
    "validation_freq": (ArgumentError, ["validation_freq", "got 0"], lambda m: m.fit(X, Y, validation_freq=0)),
    "class_weight": (ArgumentTypeError, ["class_weight must be a dict", "dict(enumerate(weights))"],
                     lambda m: m.fit(X, Y, class_weight=[1.0, 2.0])),
    "callback_class": (ArgumentTypeError, ["expected callbacks.Callback objects", "write EarlyStopping()"],
                       lambda m: m.fit(X, Y, callbacks=[nbkeras.callbacks.EarlyStopping])),
    "verbose": (ArgumentError, ["verbose must be 'auto', 0, 1 or 2, got 7"], lambda m: m.fit(X, Y, verbose=7)),
    "shuffle": (ArgumentError, ["shuffle must be True, False or 'batch', got 'rows'"],
                lambda m: m.fit(X, Y, shuffle="rows")),
    "generator_function": (DataError, ["x of type function", "call it if it is a generator function"],
                           lambda m: m.fit(lambda: None)),
    "stream_with_y": (DataError, ["y was given although x is a generator"],
                      lambda m: m.fit(((X, Y) for _ in range(2)), Y)),
    "evaluate": (ShapeError, ["expects shape (None, 4)", "got (20, 3)"], lambda m: m.evaluate(X[:, :3], Y)),
    "predict": (ShapeError, ["expects shape (None, 4)", "got (20, 3)"], lambda m: m.predict(X[:, :3])),
    "train_on_batch": (DataError, ["row 7 of y has 3"], lambda m: m.train_on_batch(X, labels(3))),
    "predict_on_batch": (ShapeError, ["expects shape (None, 4)", "got (20, 3)"],
                         lambda m: m.predict_on_batch(X[:, :3])),
}  # fmt: skip


@pytest.mark.parametrize("name", FIT)
def test_refused_before_training(name):
    kind, parts, act = FIT[name]
    model = classifier()
    model.fit(X, Y, verbose=0)
    before, history = [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)], model.history.history
    with pytest.raises(kind) as caught:
        act(model)
    text = str(caught.value)
    assert [part for part in parts if part not in text] == [], text
    after = [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert model.history.history == history
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"][0])


def test_class_numbers_for_a_categorical_loss():
    model = classifier("categorical_crossentropy")
    remedy = r"holds class indices[^\0]*sparse_categorical_crossentropy[^\0]*to_categorical"
    with pytest.raises(DataError, match=remedy):
        model.fit(X, Y, verbose=0)


def test_wrong_labels_in_a_later_batch_of_a_generator():
    model = classifier()
    batches = iter([(X, Y), (X, Y + 5)])
    with pytest.raises(DataError, match="row 0 of y has"):
        model.fit(batches, verbose=0)


COMPILE = {
    "loss": ({"loss": "categorical_crosentropy"}, "unknown loss 'categorical_crosentropy'; did you mean "
             "'categorical_crossentropy'"),
    "metric": ({"metrics": ["acuracy"]}, "unknown metric 'acuracy'; did you mean 'accuracy'"),
    "optimizer": ({"optimizer": "adamm"}, "did you mean 'adam'"),
    "metrics_kind": ({"metrics": "accuracy"}, r"write metrics=\['accuracy'\]"),
    "steps": ({"steps_per_execution": 0}, "steps_per_execution must be a whole number"),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPILE)
def test_compile_suggests(name):
    arguments, text = COMPILE[name]
    model = classifier()
    with pytest.raises(NbkerasError, match=text):
        model.compile(**{"optimizer": "adam", "loss": "mse", **arguments})
    # What was compiled before still holds.
    model.fit(X, Y, verbose=0)


def test_unknown_activation():
    with pytest.raises(ArgumentError, match=r"did you mean 'relu'"):
        layers.Dense(3, activation="rellu")


def test_before_compile():
    model = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(3)], name="net")
    for call in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(StateError, match=rf"'net': {call.__name__} before compile[^\0]*call model.compile"):
            call(X, Y)
    assert model.predict(X, verbose=0).shape == (20, 3)


def test_no_optimizer():
    model = classifier()
    model.compile(optimizer=None, loss="mse")
    with pytest.raises(StateError, match="compile was given None"):
        model.fit(X, ONE_HOT)


def test_number_of_inputs():
    model = two_inputs()
    with pytest.raises(ArgumentError, match=r"'pair' takes 2 inputs, got 1[^\0]*\['a', 'b'\]"):
        model.fit(X, Y)
    with pytest.raises(ArgumentError, match=r"no value for input 'b'"):
        model.fit({"a": X, "c": X[:, :2]}, Y)
    with pytest.raises(ShapeError, match=r"input 'b' expects shape \(None, 2\)"):
        model.fit([X, X], Y)
    with pytest.raises(ArgumentError, match="takes 1 inputs, got 2"):
        layers.Dense(2)([X, X])


def test_only_inputs_go_by_place():
    for layer in (layers.Dense(2), layers.Dropout(0.5), layers.ReLU(), layers.BatchNormalization(), classifier()):
        with pytest.raises(ArgumentTypeError, match=r"takes 1 inputs \(inputs?\), got 2"):
            layer(X, X)
    with pytest.raises(ArgumentError, match="only input tensors may be passed by place, got True"):
        layers.Softmax()(X, True)
    with pytest.raises(ArgumentError, match="trainable must be True or False, got 1"):
        layers.Dense(2, trainable=1)


def test_inputs_of_another_structure_warn():
    inputs = {"a": layers.Input((4,)), "b": layers.Input((2,))}
    sums = layers.Concatenate()(list(inputs.values()))
    model, values = nbkeras.Model(inputs, sums), {"a": X, "b": X[:, :2]}
    right = model(values)
    for given in ({**values, "c": X}, list(values.values())):
        with pytest.warns(UserWarning, match="The structure of `inputs` doesn't match") as record:
            np.testing.assert_array_equal(model.predict(given, verbose=0), right)
        assert len(record) == 1
    # Lists pass for tuples, and names for places.
    by_place = nbkeras.Model(list(inputs.values()), sums)
    np.testing.assert_array_equal(by_place(tuple(values.values())), right)
    # Which value is whose is unclear where sorting changes the order.
    swapped = nbkeras.Model(dict(reversed(inputs.items())), sums)
    with pytest.raises(ArgumentError, match=r"The structure of `inputs`[^\0]*dict by the names"):
        swapped(list(values.values()))


def test_list_of_samples_is_explained():
    with pytest.raises(DataError, match=r"np\.stack"):
        classifier().fit(list(X), Y)


def test_disconnected_and_doubled_inputs():
    a, b = nbkeras.Input((4,), name="a"), nbkeras.Input((4,), name="b")
    with pytest.raises(GraphError, match=r"disconnected: the outputs depend on 'b'[^\0]*add 'b'"):
        nbkeras.Model(a, layers.Add()([a, b]))
    with pytest.raises(GraphError, match="given twice"):
        nbkeras.Model([a, a], layers.Add()([a, a]))
    with pytest.raises(GraphError, match="no outputs"):
        nbkeras.Model(a, [])


def test_cycle():
    a = nbkeras.Input((4,), name="a")
    first, second = layers.Dense(4, name="first"), layers.Dense(4, name="second")
    middle = first(a)
    end = second(middle)
    # Only by force: what is called exists already.
    middle.history[0].inputs[:] = [end]
    with pytest.raises(GraphError, match=r"cycle through 'first'|cycle through 'second'"):
        nbkeras.Model(a, end)


def test_errors_name_the_layer():
    class Sum(layers.Layer):
        def call(self, inputs):
            return nbkeras.ops.matmul(inputs, np.zeros((7, 2), "float32"))

    model = nbkeras.Sequential([nbkeras.Input((4,)), layers.Dense(4)])
    with pytest.raises(NbkerasError, match=r"layer 'the_sum' \(Sum\)"):
        model.add(Sum(name="the_sum"))


@pytest.mark.parametrize(
    ("who", "compile"),
    [
        ("loss 'mse'", {"loss": "mse"}),
        ("loss 'binary_crossentropy'", {"loss": "binary_crossentropy"}),
        ("loss 'hinge'", {"loss": nbkeras.losses.Hinge()}),
        ("metric 'mae'", {"metrics": ["mae"]}),
        ("metric 'precision'", {"metrics": [nbkeras.metrics.Precision(name="precision")]}),
        ("metric 'r2_score'", {"metrics": [nbkeras.metrics.R2Score()]}),
    ],
)
def test_labels_that_do_not_fit_the_predictions(who, compile):
    text = rf"^{who}: labels of shape \(20,\) and predictions of shape \(20, 3\) do not fit"
    with pytest.raises(ShapeError, match=text):
        classifier(**compile).fit(X, Y, verbose=0)


def test_loss_that_is_no_number():
    model = classifier()
    model.compile(optimizer="sgd", loss=nbkeras.losses.MeanSquaredError(reduction="none"))
    with pytest.raises(ShapeError, match="loss must be one number"):
        model.fit(X, ONE_HOT, verbose=0)
