"""`fit`, `evaluate` and `predict` give Keras's history, weights and results, over a table of models and settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import nbkeras
from tests.oracle import models
from tests.oracle.compare import FORWARD, TRAINED, assert_same, by_name, data, same_weights, twins

D = data()
V = data(rows=21, seed=1)
LISTS = {"x": [D["x"], D["x2"]], "y": [D["number"], D["one_hot"]]}
DICTS = {"x": {"first": D["x"], "second": D["x2"]}, "y": {"number": D["number"], "kind": D["one_hot"]}}
BOTH_LOSSES = {"loss": ["mse", "categorical_crossentropy"]}
NAMED_LOSSES = {"loss": {"number": "mse", "kind": "categorical_crossentropy"}}


class Case(NamedTuple):
    """One training.

    Args:
        name: of the test.
        model: function of the library.
        compile: arguments of compile, or a function of the library that gives them.
        x, y: training data.
        fit: further arguments of fit.
    """

    name: str
    model: Callable
    compile: Any
    x: Any
    y: Any
    fit: dict = {}  # noqa: RUF012


def case(name, model, compile, x="x", y="number", **fit):
    """A row of the table; strings name arrays of the data."""
    x, y = (D[part] if isinstance(part, str) else part for part in (x, y))
    return Case(name, model, compile, x, y, fit)


def optimizer(kind, **arguments):
    """Mean squared error with an optimizer, in either library."""
    return lambda k: {"optimizer": getattr(k.optimizers, kind)(**arguments), "loss": "mse"}


def loss(kind, metrics=("accuracy",), **arguments):
    """Adam with a loss object, in either library."""
    return lambda k: {"optimizer": "adam", "loss": getattr(k.losses, kind)(**arguments), "metrics": list(metrics)}


def mse(**more):
    return {"optimizer": "sgd", "loss": "mse", **more}


m = models
logits = lambda k: m.classifier(k, activation=None)  # noqa: E731
yes_no = lambda k: m.classifier(k, units=1, activation="sigmoid")  # noqa: E731
yes_no_logits = lambda k: m.classifier(k, units=1, activation=None)  # noqa: E731

CASES = [
    # Optimizers.
    case("sgd", m.regressor, optimizer("SGD", learning_rate=0.05)),
    case("momentum", m.regressor, optimizer("SGD", learning_rate=0.02, momentum=0.9)),
    case("nesterov", m.regressor, optimizer("SGD", learning_rate=0.02, momentum=0.9, nesterov=True)),
    case("adam", m.regressor, optimizer("Adam", learning_rate=0.01)),
    case("clipnorm", m.regressor, optimizer("Adam", learning_rate=0.01, clipnorm=0.1)),
    case("global_clipnorm", m.regressor, optimizer("SGD", learning_rate=0.1, global_clipnorm=0.2)),
    case("clipvalue", m.regressor, optimizer("SGD", learning_rate=0.1, clipvalue=0.05)),
    case("weight_decay", m.regressor, optimizer("Adam", learning_rate=0.01, weight_decay=0.1)),
    case("ema", m.regressor, optimizer("SGD", learning_rate=0.05, use_ema=True, ema_momentum=0.9)),
    case("rmsprop", m.regressor, optimizer("RMSprop", learning_rate=0.01)),
    case("rmsprop_centered", m.regressor, optimizer("RMSprop", learning_rate=0.01, momentum=0.5, centered=True)),
    case("default_optimizer", m.regressor, {"loss": "mse"}),
    # Losses and accuracies.
    case("mae", m.regressor, {"optimizer": "adam", "loss": "mae", "metrics": ["mse", "mae"]}),
    case("flat_target", m.regressor, mse(metrics=["mae"]), y=D["number"][:, 0]),
    case("bce", yes_no, {"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"]}, y="yes"),
    case("bce_logits", yes_no_logits, loss("BinaryCrossentropy", from_logits=True), y="yes"),
    case("bce_smooth", yes_no, loss("BinaryCrossentropy", label_smoothing=0.2), y="yes"),
    case("cce", m.classifier, {"optimizer": "adam", "loss": "categorical_crossentropy", "metrics": ["acc"]},
         y="one_hot"),
    case("cce_logits", logits, loss("CategoricalCrossentropy", from_logits=True), y="one_hot"),
    case("cce_smooth", logits, loss("CategoricalCrossentropy", from_logits=True, label_smoothing=0.1), y="one_hot"),
    case("scce", m.classifier,
         {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}, y="classes"),
    case("scce_logits", logits, loss("SparseCategoricalCrossentropy", from_logits=True), y="classes"),
    case("scce_column", m.classifier,
         {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
         y=D["classes"][:, None].astype("float32")),
    case("sum_loss", m.regressor, lambda k: {"optimizer": k.optimizers.SGD(0.001),
                                             "loss": k.losses.MeanSquaredError(reduction="sum")}),
    case("function_loss", m.regressor,
         lambda k: {"optimizer": "sgd", "loss": lambda t, p: k.ops.mean(k.ops.abs(t - p), axis=-1)}),
    # Metrics and weights.
    case("sample_weight", m.regressor, mse(metrics=["mae"], weighted_metrics=["mae"]), sample_weight=D["weights"]),
    case("weighted_only", m.regressor, mse(weighted_metrics=["mse", "mae"]), sample_weight=D["weights"]),
    case("class_weight", m.classifier,
         {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"],
          "weighted_metrics": ["accuracy"]}, y="classes", class_weight={0: 0.5, 1: 2.0}),
    case("class_weight_one_hot", m.classifier, {"optimizer": "adam", "loss": "categorical_crossentropy"}, y="one_hot",
         class_weight={0: 0.5, 2: 3.0}),
    case("metric_objects", m.classifier,
         lambda k: {"optimizer": "adam", "loss": "sparse_categorical_crossentropy",
                    "metrics": [k.metrics.SparseCategoricalAccuracy(name="hits"), "accuracy"]}, y="classes"),
    case("metric_function", m.regressor,
         lambda k: mse(metrics=[_named(k, "worst")])),
    # Models.
    case("delayed", m.delayed, mse()),
    case("reshaping", m.reshaping, mse(), x="images"),
    case("regularizers", m.penalized, mse(metrics=["mae"])),
    case("constraints", m.constrained,
         {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy"}, y="classes"),
    case("frozen", m.frozen, {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy"}, y="classes"),
    case("two_inputs", m.two_inputs, mse(), x=[D["x"], D["x2"]]),
    case("two_inputs_dict", m.two_inputs, mse(), x={"first": D["x"], "second": D["x2"]}),
    case("shared", m.shared, mse(), x=[D["x"], D["x3"]]),
    case("nested", m.nested, mse(metrics=["mae"])),
    case("operators", m.operators, mse()),
    case("subclassed", m.subclassed, mse(metrics=["mae"])),
    # Several outputs.
    case("lists", m.two_by_two, {"optimizer": "adam", **BOTH_LOSSES}, **LISTS),
    case("one_loss", m.two_by_two, mse(), **LISTS),
    case("lists_full", m.two_by_two,
         {"optimizer": "adam", **BOTH_LOSSES, "loss_weights": [0.3, 2.0], "metrics": [["mae"], ["accuracy"]]},
         **LISTS, validation_data=([V["x"], V["x2"]], [V["number"], V["one_hot"]])),
    case("lists_named", m.two_by_two,
         {"optimizer": "adam", **NAMED_LOSSES, "loss_weights": {"number": 0.3, "kind": 2.0},
          "metrics": {"kind": "accuracy", "number": ["mae", "mse"]}}, **LISTS),
    case("lists_weighted", m.two_by_two,
         {"optimizer": "adam", **BOTH_LOSSES, "metrics": [["mae"], ["accuracy"]],
          "weighted_metrics": [["mae"], ["accuracy"]]},
         **LISTS, sample_weight=[D["weights"], D["weights"][::-1].copy()]),
    case("dicts", m.two_by_two_dicts, {"optimizer": "adam", **NAMED_LOSSES}, **DICTS),
    case("dicts_full", m.two_by_two_dicts,
         {"optimizer": "adam", **NAMED_LOSSES, "loss_weights": {"number": 0.3, "kind": 2.0},
          "metrics": {"kind": ["accuracy"], "number": ["mae"]}}, **DICTS, validation_split=0.3),
    case("dict_to_list", m.dict_to_list, {"optimizer": "adam", **BOTH_LOSSES, "metrics": [["mae"], ["accuracy"]]},
         x=DICTS["x"], y=LISTS["y"]),
    case("loss_for_one_output", m.two_by_two, {"optimizer": "adam", "loss": ["mse", None]}, **LISTS),
    # Loops.
    case("split", m.regressor, mse(metrics=["mae"]), validation_split=0.25),
    case("validation", m.regressor, mse(metrics=["mae"]), validation_data=(V["x"], V["number"])),
    case("validation_weights", m.regressor, mse(weighted_metrics=["mae"]), sample_weight=D["weights"],
         validation_data=(V["x"], V["number"], V["weights"])),
    case("validation_freq", m.regressor, mse(), validation_data=(V["x"], V["number"]), validation_freq=2),
    case("validation_epochs", m.regressor, mse(), validation_data=(V["x"], V["number"]), validation_freq=[1, 3]),
    case("validation_batches", m.regressor, mse(), validation_data=(V["x"], V["number"]), validation_batch_size=4,
         validation_steps=3),
    case("steps_per_epoch", m.regressor, mse(), steps_per_epoch=2),
    case("initial_epoch", m.regressor, mse(), initial_epoch=2),
    case("default_batch", m.regressor, mse(), batch_size=None),
    case("one_batch", m.regressor, mse(), batch_size=64),
]  # fmt: skip


def _named(k, name):
    def worst(y_true, y_pred):
        return k.ops.max(k.ops.abs(y_true - y_pred), axis=-1)

    worst.__name__ = name
    return worst


#: Keras finds that a loss for one of two outputs leaves the other's layers without gradients; so do we.
@pytest.mark.filterwarnings("ignore:.*(gradients|does not depend).*:UserWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training(keras, case):
    theirs, ours = twins(keras, case.model)
    for k, model in ((keras, theirs), (nbkeras, ours)):
        model.compile(**(case.compile(k) if callable(case.compile) else case.compile))
        if not model.built:
            model(case.x[:2])
    same_weights(theirs, ours)
    settings = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0, **case.fit}
    history = theirs.fit(case.x, case.y, **settings)
    mine = ours.fit(case.x, case.y, **settings)
    assert history.epoch == mine.epoch
    assert_same(history.history, mine.history, TRAINED, "history")
    assert_same(theirs.get_weights(), ours.get_weights(), TRAINED, "weights")
    assert_same(theirs.evaluate(case.x, case.y, verbose=0), ours.evaluate(case.x, case.y, verbose=0), TRAINED, "list")
    dicts = [model.evaluate(case.x, case.y, verbose=0, batch_size=7, return_dict=True) for model in (theirs, ours)]
    assert_same(*dicts, TRAINED, "dict")
    same_weights(theirs, ours)
    assert_same(*(by_name(model.predict(case.x, verbose=0)) for model in (theirs, ours)), FORWARD, "predict")
    assert theirs.metrics_names == ours.metrics_names
    assert [np.shape(w) for w in theirs.get_weights()] == [np.shape(w) for w in ours.get_weights()]
