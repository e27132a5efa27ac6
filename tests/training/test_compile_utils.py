"""What compile's loss and metrics mean for one output and for several, against Keras, and their errors."""

import numpy as np
import pytest

from nbkeras import losses, metrics, ops, tree
from nbkeras.errors import ArgumentError, ArgumentTypeError, DataError
from nbkeras.graph.traced import Traced
from nbkeras.training.compile_utils import CompileLoss, CompileMetrics

RNG = np.random.default_rng(8)
A, B, C = (RNG.random((6, 2)).astype("float32") for _ in range(3))
TRUE_A, TRUE_B, TRUE_C = (RNG.random((6, 2)).astype("float32") for _ in range(3))
WEIGHT, OTHER = (RNG.random(6).astype("float32") for _ in range(2))
NAMES = ["a", "b"]


def whole(y_true, y_pred):
    """A loss of a structure of two outputs."""
    (first, second), (a, b) = tree.flatten(y_true), tree.flatten(y_pred)
    return (first - a) ** 2 + 3 * abs(second - b)


# (loss, loss_weights, output names, y, y_pred, sample_weight)
LOSSES = {
    "name": ("mse", None, None, TRUE_A, A, None),
    "weighted": ("mse", None, ["a"], TRUE_A, A, WEIGHT),
    "list of one": (["mae"], None, ["a"], TRUE_A, A, None),
    "dict of one": ({"a": "mae"}, None, ["a"], TRUE_A, A, None),
    "factor": ("mse", 0.3, ["a"], TRUE_A, A, None),
    "crossentropy": ("crossentropy", None, None, TRUE_A, A, None),
    "one for all": ("mse", None, NAMES, [TRUE_A, TRUE_B], [A, B], None),
    "list": (["mse", "mae"], [0.5, 2.0], NAMES, [TRUE_A, TRUE_B], [A, B], None),
    "tuple and list": (["mse", "mae"], None, NAMES, (TRUE_A, TRUE_B), [A, B], None),
    "none": ([None, "mae"], None, NAMES, [TRUE_A, TRUE_B], [A, B], None),
    "labels of one of two": ([None, "mae"], None, NAMES, [TRUE_B], [A, B], None),
    "dict by name": ({"b": "mse", "a": "mae"}, {"b": 0.5, "a": 3.0}, NAMES, [TRUE_A, TRUE_B], [A, B], None),
    "dicts": ({"b": "mse", "a": "mae"}, None, NAMES, {"a": TRUE_A, "b": TRUE_B}, {"a": A, "b": B}, None),
    "dict of some": ({"b": "mse"}, None, NAMES, {"a": TRUE_A, "b": TRUE_B}, {"a": A, "b": B}, None),
    "labels by name": (["mse", "mae"], None, NAMES, {"b": TRUE_B, "a": TRUE_A}, [A, B], None),
    "weights": (["mse", "mae"], None, NAMES, [TRUE_A, TRUE_B], [A, B], [WEIGHT, OTHER]),
    "weights for all": (["mse", "mae"], None, NAMES, [TRUE_A, TRUE_B], [A, B], WEIGHT),
    "nested": (
        {"x": "mse", "y": ["mae", "mse"]},
        None,
        ["p", "q", "r"],
        {"x": TRUE_A, "y": [TRUE_B, TRUE_C]},
        {"x": A, "y": [B, C]},
        None,
    ),
    "two of a leaf": (["mse", ["mae", "mse"]], [1.0, [0.3, 3.0]], NAMES, [TRUE_A, TRUE_B], [A, B], None),
    "whole and parts": ((whole, ["mse", "mae"]), (2.0, [0.5, 0.1]), NAMES, [TRUE_A, TRUE_B], [A, B], None),
    "whole dict": (
        [whole, {"a": "mae"}],
        None,
        NAMES,
        {"a": TRUE_A, "b": TRUE_B},
        {"a": A, "b": B},
        None,
    ),
    "deep": (
        {"x": "mse", "y": [whole, (None, "mse")]},
        None,
        ["p", "q", "r"],
        {"x": TRUE_A, "y": (TRUE_B, TRUE_C)},
        {"x": A, "y": (B, C)},
        None,
    ),
}


@pytest.fixture
def keras_utils(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    pytest.importorskip("keras")
    from keras.src.trainers import compile_utils

    return compile_utils


@pytest.mark.oracle
@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_those_of_keras(keras_utils, name):
    loss, loss_weights, names, y, y_pred, sample_weight = LOSSES[name]
    ours = CompileLoss(loss, loss_weights, output_names=names)
    theirs = keras_utils.CompileLoss(loss, loss_weights, output_names=names)
    for _ in range(2):
        total = ours(y, y_pred, sample_weight)
        np.testing.assert_allclose(total, np.asarray(theirs(y, y_pred, sample_weight)), rtol=1e-5)
    found = {m.name: float(m.result()) for m in ours.metrics}
    expected = {m.name: float(m.result()) for m in theirs.metrics}
    assert found == pytest.approx(expected, rel=1e-5)
    assert len(ours.variables) == 2 * len(ours.metrics)


HOT = np.eye(2, dtype="float32")[RNG.integers(0, 2, 6)]
CLASSES = RNG.integers(0, 2, (6, 1))
BINARY, SCORE = RNG.integers(0, 2, (6, 1)).astype("float32"), RNG.random((6, 1)).astype("float32")

# (metrics, weighted metrics, output names, y, y_pred, sample_weight)
METRICS = {
    "names": (["accuracy", "mse"], None, None, BINARY, SCORE, None),
    "acc": (["acc", "mae"], ["mae", "mae"], ["a"], HOT, A, WEIGHT),
    "sparse": (["Accuracy"], ["accuracy"], ["a"], CLASSES, A, WEIGHT),
    "twice": (["mse", "mse"], ["mse", "mse"], None, TRUE_A, A, WEIGHT),
    "weighted only": (None, ["mse"], None, TRUE_A, A, WEIGHT),
    "nothing": ([], None, NAMES, [TRUE_A, TRUE_B], [A, B], None),
    "list of lists": ([["mse"], ["mae", "mse"]], None, NAMES, [TRUE_A, TRUE_B], [A, B], None),
    "list of names": (["mse", "mae"], None, NAMES, [TRUE_A, TRUE_B], [A, B], None),
    "none": ([None, ["mae"]], [["mse"], None], NAMES, [TRUE_A, TRUE_B], [A, B], WEIGHT),
    "dict": ({"b": ["mae", "accuracy"]}, {"a": "mse"}, NAMES, [TRUE_A, HOT], [A, B], [WEIGHT, OTHER]),
    "dicts": ({"b": "mae"}, {"b": ["mae"]}, NAMES, {"a": TRUE_A, "b": TRUE_B}, {"a": A, "b": B}, None),
    "no names": ([["mse"], ["mse"]], None, None, [TRUE_A, TRUE_B], [A, B], None),
    "nested": (
        {"x": ["mse"], "y": (["mae"], ["mse"])},
        None,
        ["p", "q", "r"],
        {"x": TRUE_A, "y": (TRUE_B, TRUE_C)},
        {"x": A, "y": (B, C)},
        None,
    ),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", METRICS)
def test_metrics_are_those_of_keras(keras_utils, name):
    plain, weighted, names, y, y_pred, sample_weight = METRICS[name]
    ours = CompileMetrics(plain, weighted, output_names=names)
    theirs = keras_utils.CompileMetrics(plain, weighted, output_names=names)
    for _ in range(2):
        ours.update_state(y, y_pred, sample_weight)
        theirs.update_state(y, y_pred, sample_weight)
    found = {key: float(value) for key, value in ours.result().items()}
    expected = {key: float(value) for key, value in theirs.result().items()}
    assert list(found) == list(expected)
    assert found == pytest.approx(expected, rel=1e-5)
    ours.reset_state()
    assert not any(float(value) for value in ours.result().values())
    assert len(ours.variables) == 2 * len(ours.metrics)


def test_traced_steps_update_losses_and_metrics():
    loss = CompileLoss(["mse", "mae"], output_names=NAMES)
    found = CompileMetrics([["accuracy"], ["mse"]], None, output_names=NAMES)

    def step(y, y_pred):
        total = loss(y, y_pred)
        found.update_state(y, y_pred)
        return total, found.result()

    program = Traced(step)
    eager = CompileLoss(["mse", "mae"], output_names=NAMES)
    for _ in range(3):
        total, results = program([HOT, TRUE_B], [A, B])
        assert float(total) == pytest.approx(float(eager([HOT, TRUE_B], [A, B])), rel=1e-5)
    assert set(results) == {"a_accuracy", "b_mse"}
    assert float(results["a_accuracy"]) == pytest.approx(np.mean(HOT.argmax(1) == A.argmax(1)))
    assert [m.name for m in loss.metrics] == ["a_loss", "b_loss"]
    assert float(loss.metrics[0].result()) == pytest.approx(np.mean((HOT - A) ** 2), rel=1e-5)


def test_functions_and_objects():
    def distance(y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred), axis=-1)

    mean = metrics.MeanAbsoluteError(name="mine")
    found = CompileMetrics([distance, mean, losses.MeanSquaredError()], None)
    found.update_state(TRUE_A, A)
    results = found.result()
    assert list(results) == ["distance", "mine", "mean_squared_error"]
    assert results["distance"] == pytest.approx(float(results["mine"]))
    assert found.metrics[1] is mean
    assert CompileLoss(distance)(TRUE_A, A) == pytest.approx(float(results["mine"]))
    assert CompileLoss(losses.MeanAbsoluteError(reduction="sum"))(TRUE_A, A) == pytest.approx(
        6 * float(results["mine"]), rel=1e-5
    )


def test_one_output_of_a_vector_is_binary():
    found = CompileMetrics(["accuracy"], None)
    found.update_state(np.array([1, 0, 1]), np.float32([0.9, 0.8, 0.7]))
    assert found.result()["accuracy"] == pytest.approx(2 / 3)


def test_equal_losses_without_output_names_keep_apart():
    loss = CompileLoss(["mse", "mse"])
    loss([TRUE_A, TRUE_B], [A, B])
    assert [m.name for m in loss.metrics] == ["mse_loss", "mse_1_loss"]


def build_loss(loss, loss_weights=None, names=NAMES, y=None):
    CompileLoss(loss, loss_weights, names)(y or [TRUE_A, TRUE_B], [A, B])


def build_metrics(given, names=NAMES):
    CompileMetrics(given, None, names).update_state([TRUE_A, TRUE_B], [A, B])


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        # Names are checked before any data comes.
        (lambda: CompileLoss("mean_square_error"), ArgumentError, "unknown loss 'mean_square_error'; did you mean"),
        (lambda: CompileLoss(["mse", {"x": "msq"}]), ArgumentError, "unknown loss 'msq'"),
        (lambda: CompileMetrics(["acuracy"], None), ArgumentError, "unknown metric 'acuracy'; did you mean 'accuracy'"),
        (lambda: CompileMetrics({"a": ["f2"]}, None), ArgumentError, "unknown metric 'f2'"),
        (lambda: CompileMetrics(None, ["auc", "prec"]), ArgumentError, "unknown metric 'prec'"),
        (lambda: CompileMetrics("accuracy", None), ArgumentTypeError, r"write metrics=\['accuracy'\]"),
        (lambda: CompileLoss("mse", "heavy"), ArgumentTypeError, "expected loss_weights to be a number, list or dict"),
        (lambda: build_loss(["mse"] * 3), ArgumentError, r"output names \['a', 'b'\]; got 3 entries for 2 outputs"),
        (lambda: build_loss({"a": "mse", "c": "mae"}), KeyError, r"names \['a', 'b'\]; got key 'c'"),
        (lambda: build_loss({"a": "mse"}), ArgumentError, "no key 'b'.\n.*give None for outputs without one"),
        (lambda: build_loss("mse", [1.0]), ArgumentError, "loss_weights must fit .* 1 entries for 2 outputs"),
        (lambda: build_loss("mse", {"a": 1.0, "d": 1.0}), ArgumentError, "loss_weights must fit .* got key 'd'"),
        (lambda: build_loss("mse", 0.5), ArgumentError, "one number for 2 losses"),
        (lambda: build_metrics({"c": "mse"}), ArgumentError, r"names \['a', 'b'\]; got key 'c'"),
        (lambda: build_metrics(["mse"]), ArgumentError, "got 1 entries for 2 outputs"),
        (lambda: build_metrics([["mse"]] * 3), ArgumentError, "got 3 entries for 2 outputs"),
        (lambda: build_loss("mse", y=[TRUE_A]), DataError, "y must have the structure of the model's outputs"),
        (lambda: build_loss("mse", y={"a": TRUE_A, "c": TRUE_B}), DataError, r"the outputs are named \['a', 'b'\]"),
        (lambda: build_loss("mse", y=[TRUE_A, None]), DataError, "output 'b' has a loss or metric but y has no labels"),
        (lambda: CompileLoss({"b": "mse"}, None, ["a"])(TRUE_A, A), ArgumentError, r"names \['a'\]; got keys \['b'\]"),
        (lambda: CompileLoss(["mse", "mae"])(TRUE_A, A), ArgumentError, "got 2 entries for one output"),
        (lambda: CompileMetrics([None], None).update_state(TRUE_A, A), ArgumentError, "expected a metric, got None"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()
