"""Gradients of losses against finite differences in float64, and what losses emit into a graph."""

import numpy as np
import pytest

from nbkeras import losses, ops
from nbkeras.graph import trace
from nbkeras.graph.gradient import gradient
from nbkeras.graph.traced import Traced
from tests.graph.differences import check_gradients

RNG = np.random.default_rng(11)
NUMBERS = RNG.normal(size=(3, 4))
LOGITS = RNG.normal(size=(3, 4))
BINARY = RNG.integers(0, 2, (3, 4)).astype(float)
ONE_HOT = np.eye(4)[[2, 0, 3]]
CLASSES = np.array([2, 0, 3])
PROBABILITIES = RNG.random((3, 4)) * 0.8 + 0.1

CASES = {
    "mean_squared_error": (losses.MeanSquaredError, {}, NUMBERS, LOGITS),
    "mean_absolute_error": (losses.MeanAbsoluteError, {}, NUMBERS, LOGITS),
    "mean_absolute_percentage_error": (losses.MeanAbsolutePercentageError, {}, NUMBERS, LOGITS),
    "mean_squared_logarithmic_error": (losses.MeanSquaredLogarithmicError, {}, PROBABILITIES, PROBABILITIES[::-1]),
    "huber": (losses.Huber, {"delta": 0.7}, NUMBERS, LOGITS),
    "log_cosh": (losses.LogCosh, {}, NUMBERS, LOGITS),
    "cosine_similarity": (losses.CosineSimilarity, {}, NUMBERS, LOGITS),
    "binary": (losses.BinaryCrossentropy, {}, BINARY, PROBABILITIES),
    "binary from logits": (losses.BinaryCrossentropy, {"from_logits": True}, BINARY, LOGITS),
    "binary smoothed": (losses.BinaryCrossentropy, {"label_smoothing": 0.2}, BINARY, PROBABILITIES),
    "binary focal": (losses.BinaryFocalCrossentropy, {"apply_class_balancing": True}, BINARY, PROBABILITIES),
    "categorical": (losses.CategoricalCrossentropy, {}, ONE_HOT, PROBABILITIES),
    "categorical from logits": (losses.CategoricalCrossentropy, {"from_logits": True}, ONE_HOT, LOGITS),
    "categorical focal": (losses.CategoricalFocalCrossentropy, {}, ONE_HOT, PROBABILITIES),
    "sparse": (losses.SparseCategoricalCrossentropy, {}, CLASSES, PROBABILITIES),
    "sparse from logits": (losses.SparseCategoricalCrossentropy, {"from_logits": True}, CLASSES, LOGITS),
    "sparse ignoring": (losses.SparseCategoricalCrossentropy, {"ignore_class": 0}, CLASSES, PROBABILITIES),
    "generalized": (losses.CategoricalGeneralizedCrossEntropy, {}, CLASSES, PROBABILITIES),
    "kl_divergence": (losses.KLDivergence, {}, PROBABILITIES[::-1], PROBABILITIES),
    "poisson": (losses.Poisson, {}, PROBABILITIES, PROBABILITIES[::-1]),
    "hinge": (losses.Hinge, {}, BINARY, LOGITS),
    "squared_hinge": (losses.SquaredHinge, {}, BINARY, LOGITS),
    "categorical_hinge": (losses.CategoricalHinge, {}, ONE_HOT, LOGITS),
    "dice": (losses.Dice, {}, BINARY, PROBABILITIES),
    "tversky": (losses.Tversky, {"alpha": 0.3, "beta": 0.6}, BINARY, PROBABILITIES),
    "circle": (losses.Circle, {"gamma": 2.0}, np.array([0, 1, 0]), PROBABILITIES),
}


@pytest.mark.parametrize("name", CASES)
def test_gradient(name):
    cls, arguments, y_true, y_pred = CASES[name]
    loss = cls(dtype="float64", **arguments)
    weight = np.array([0.5, 2.0, 1.0])
    sample_weight = None if name in ("dice", "tversky") else weight
    check_gradients(lambda p: loss(y_true, p, sample_weight), [np.array(y_pred)])


@pytest.mark.parametrize("sparse", [True, False])
def test_gradient_through_softmax(sparse):
    loss = (losses.SparseCategoricalCrossentropy if sparse else losses.CategoricalCrossentropy)(dtype="float64")
    check_gradients(lambda x: loss(CLASSES if sparse else ONE_HOT, ops.softmax(x)), [LOGITS])


@pytest.mark.parametrize(
    ("name", "labels"), [("sparse_categorical_crossentropy", (8,)), ("categorical_crossentropy", (8, 5))]
)
def test_softmax_and_crossentropy_become_one_node(name, labels):
    loss = losses.LossFunctionWrapper(losses.get(name))
    with trace.Graph() as graph:
        logits = graph.input((8, 5), "float32")
        y_true = graph.input(labels, "int64" if name.startswith("sparse") else "float32")
        total = loss(y_true, ops.softmax(logits))
        gradient(total, [logits])
    names = [node.primitive.name for node in graph.nodes]
    assert sum(n.endswith("softmax_crossentropy") for n in names) == 1
    # Softmax, the loss and its gradient are all that touches each probability.
    assert sum(node.outputs[0].size > 8 for node in graph.nodes) == 2, names
    assert not {"equal", "log", "clip"} & set(names)


def test_the_mean_of_weighted_losses_is_few_nodes():
    with trace.Graph() as graph:
        y_true, y_pred, weight = (graph.input(shape, "float32") for shape in ((8, 5), (8, 5), (8,)))
        losses.MeanSquaredError()(y_true, y_pred, weight)
    assert [node.primitive.name for node in graph.nodes] == [
        "subtract",
        "square",
        "reduce",
        "divide",
        "multiply",
        "reduce",
        "divide",
    ]


def test_traced_and_eager_agree():
    loss = losses.SparseCategoricalCrossentropy()
    p = np.float32(PROBABILITIES / PROBABILITIES.sum(-1, keepdims=True))
    weight = np.float32([1, 2, 3])
    np.testing.assert_allclose(Traced(loss)(CLASSES, p, weight), loss(CLASSES, p, weight), rtol=1e-6)
