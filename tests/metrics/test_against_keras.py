"""Every metric against Keras: several batches, with and without weights, then a reset."""

import inspect

import numpy as np
import pytest

from nbkeras import metrics
from nbkeras.graph.traced import Traced
from nbkeras.metrics.lookup import KNOWN

pytestmark = [
    pytest.mark.oracle,
    # Keras's own IoU asks JAX for int64.
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64"),
]


def draw(rng, shape, kind):
    """Labels or predictions of a kind."""
    if kind == "number":
        return rng.normal(size=shape).astype("float32")
    if kind == "positive":
        return rng.random(shape).astype("float32") * 3
    if kind == "probability":
        # Some values lie on thresholds, at 0 and at 1.
        values = rng.random(shape)
        return np.where(rng.random(shape) < 0.2, np.round(values * 4) / 4, values).astype("float32")
    if kind == "distribution":
        values = rng.random(shape) + 0.01
        return (values / values.sum(-1, keepdims=True)).astype("float32")
    if kind == "binary":
        return rng.integers(0, 2, shape).astype("float32")
    if kind == "one_hot":
        return np.eye(shape[-1], dtype="float32")[rng.integers(0, shape[-1], shape[:-1])]
    if kind == "class":
        return rng.integers(0, shape[-1], shape[:-1])
    if kind == "class_column":
        return rng.integers(0, shape[-1], shape[:-1])[..., None]
    if kind == "sorted_ids":
        return np.stack([rng.permutation(shape[-1]) for _ in range(shape[0])]).astype("float32")
    return rng.integers(0, 4, shape)


PLAIN = [(8, 3), (1, 3), (5, 3)]
WIDE = [(8, 12), (1, 12), (5, 12)]
FLAT = [(8,), (1,), (5,)]
EVEN = [0.0, 0.25, 0.5, 0.75, 1.0]
UNEVEN = [0.1, 0.5, 0.6]

# (class, arguments, labels, predictions, shapes of the batches)
CASES = [
    ("Accuracy", {}, "count", "count", FLAT),
    ("BinaryAccuracy", {}, "binary", "probability", PLAIN),
    ("BinaryAccuracy", {"threshold": 0.3}, "binary", "probability", FLAT),
    ("CategoricalAccuracy", {}, "one_hot", "distribution", PLAIN),
    ("CategoricalAccuracy", {}, "one_hot", "distribution", [(2, 5, 3), (4, 5, 3)]),
    ("SparseCategoricalAccuracy", {}, "class", "distribution", PLAIN),
    ("SparseCategoricalAccuracy", {}, "class_column", "distribution", PLAIN),
    ("SparseCategoricalAccuracy", {}, "class", "distribution", [(2, 5, 3), (4, 5, 3)]),
    ("TopKCategoricalAccuracy", {}, "one_hot", "number", WIDE),
    ("TopKCategoricalAccuracy", {"k": 2}, "one_hot", "probability", [(2, 5, 6), (1, 5, 6)]),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, "class", "number", WIDE),
    ("SparseTopKCategoricalAccuracy", {"k": 3, "from_sorted_ids": True}, "class", "sorted_ids", WIDE),
    ("BinaryCrossentropy", {}, "binary", "probability", PLAIN),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "binary", "number", PLAIN),
    ("CategoricalCrossentropy", {}, "one_hot", "distribution", PLAIN),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "one_hot", "number", PLAIN),
    ("SparseCategoricalCrossentropy", {}, "class", "distribution", PLAIN),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "class", "number", PLAIN),
    ("KLDivergence", {}, "distribution", "distribution", PLAIN),
    ("Poisson", {}, "positive", "positive", PLAIN),
    ("MeanSquaredError", {}, "number", "number", PLAIN),
    ("MeanAbsoluteError", {}, "number", "number", PLAIN),
    ("MeanAbsolutePercentageError", {}, "number", "number", PLAIN),
    ("MeanSquaredLogarithmicError", {}, "positive", "positive", PLAIN),
    ("RootMeanSquaredError", {}, "number", "number", PLAIN),
    ("LogCoshError", {}, "number", "number", PLAIN),
    ("CosineSimilarity", {}, "number", "number", PLAIN),
    ("R2Score", {}, "number", "number", PLAIN),
    ("R2Score", {"class_aggregation": None}, "number", "number", PLAIN),
    ("R2Score", {"class_aggregation": "variance_weighted_average", "num_regressors": 2}, "number", "number", PLAIN),
    ("PearsonCorrelation", {}, "number", "number", PLAIN),
    ("ConcordanceCorrelation", {}, "number", "number", PLAIN),
    ("Hinge", {}, "binary", "number", PLAIN),
    ("SquaredHinge", {}, "binary", "number", PLAIN),
    ("CategoricalHinge", {}, "one_hot", "number", PLAIN),
    *((name, {}, "binary", "probability", FLAT) for name in ("TruePositives", "TrueNegatives")),
    *((name, {"thresholds": UNEVEN}, "binary", "probability", FLAT) for name in ("FalsePositives", "FalseNegatives")),
    *((name, {"thresholds": EVEN}, "binary", "probability", PLAIN) for name in ("TruePositives", "TrueNegatives")),
    *((name, {"thresholds": EVEN}, "binary", "probability", FLAT) for name in ("FalsePositives", "FalseNegatives")),
    ("Precision", {}, "binary", "probability", FLAT),
    ("Precision", {}, "binary", "probability", PLAIN),
    ("Precision", {"thresholds": UNEVEN, "class_id": 1}, "binary", "probability", PLAIN),
    ("Precision", {"top_k": 2}, "binary", "distribution", WIDE),
    ("Recall", {"thresholds": EVEN}, "binary", "probability", FLAT),
    ("Recall", {"top_k": 2, "class_id": 1}, "binary", "distribution", PLAIN),
    ("SensitivityAtSpecificity", {"specificity": 0.4}, "binary", "probability", FLAT),
    ("SpecificityAtSensitivity", {"sensitivity": 0.4}, "binary", "probability", FLAT),
    ("PrecisionAtRecall", {"recall": 0.5, "num_thresholds": 9}, "binary", "probability", FLAT),
    ("PrecisionAtRecall", {"recall": 0.5, "num_thresholds": 1}, "binary", "probability", FLAT),
    ("RecallAtPrecision", {"precision": 0.6, "class_id": 2}, "binary", "probability", PLAIN),
    ("AUC", {}, "binary", "probability", FLAT),
    ("AUC", {"num_thresholds": 2}, "binary", "probability", FLAT),
    ("AUC", {"from_logits": True, "curve": "PR"}, "binary", "number", FLAT),
    *(
        ("AUC", {"curve": curve, "summation_method": method, "num_thresholds": 7}, "binary", "probability", FLAT)
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "majoring", "minoring")
    ),
    ("AUC", {"thresholds": UNEVEN}, "binary", "probability", FLAT),
    ("AUC", {"multi_label": True}, "binary", "probability", PLAIN),
    ("AUC", {"multi_label": True, "num_labels": 3, "thresholds": UNEVEN}, "binary", "probability", PLAIN),
    ("AUC", {"multi_label": True, "label_weights": [1.0, 0.5, 2.0]}, "binary", "probability", PLAIN),
    ("AUC", {"label_weights": [1.0, 0.5, 2.0]}, "binary", "probability", PLAIN),
    ("FBetaScore", {"beta": 2.0}, "one_hot", "distribution", PLAIN),
    ("FBetaScore", {"threshold": 0.4, "average": "micro"}, "binary", "probability", PLAIN),
    ("F1Score", {"average": "macro"}, "one_hot", "distribution", PLAIN),
    ("F1Score", {"average": "weighted", "threshold": 0.5}, "binary", "probability", PLAIN),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2]}, "count", "count", FLAT),
    ("IoU", {"num_classes": 3, "target_class_ids": [0, 2], "ignore_class": 1}, "count", "count", [(2, 3), (4, 3)]),
    ("BinaryIoU", {"threshold": 0.4}, "binary", "probability", FLAT),
    ("MeanIoU", {"num_classes": 4}, "count", "count", FLAT),
    ("OneHotIoU", {"num_classes": 3, "target_class_ids": [1]}, "one_hot", "distribution", PLAIN),
    ("OneHotMeanIoU", {"num_classes": 3}, "one_hot", "distribution", PLAIN),
]

# Weights there are one a sample; IoU takes whole numbers.
WHOLE_WEIGHTS = ("IoU", "BinaryIoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU")


def identify(case):
    return f"{case[0]}-{'-'.join(str(v) for v in case[1].values()) or 'plain'}-{len(case[4][0])}d"


def batches(case, seed, weighted):
    name, _, true_kind, pred_kind, shapes = case
    rng = np.random.default_rng(seed)
    for shape in shapes:
        y_true, y_pred = draw(rng, shape, true_kind), draw(rng, shape, pred_kind)
        weight = rng.integers(0, 4, shape[0]) if name in WHOLE_WEIGHTS else rng.random(shape[0]).astype("float32")
        if name in WHOLE_WEIGHTS and len(shape) == 2 and true_kind == "count":
            weight = np.repeat(weight[:, None], shape[1], 1)
        yield (y_true, y_pred, weight) if weighted else (y_true, y_pred)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("case", CASES, ids=identify)
def test_same_as_keras(keras, case, weighted):
    name, arguments = case[:2]
    ours, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
    for seed in range(2):
        for batch in batches(case, seed, weighted):
            ours.update_state(*batch)
            theirs.update_state(*batch)
            np.testing.assert_allclose(ours.result(), np.asarray(theirs.result()), rtol=2e-5, atol=1e-6)
        for mine, other in zip(ours.variables, theirs.variables, strict=True):
            np.testing.assert_allclose(mine.numpy(), np.asarray(other), rtol=1e-5, atol=3e-6)
        ours.reset_state()
        theirs.reset_state()
        assert all(not v.numpy().any() for v in ours.variables)


TRACED = {case[0]: case for case in CASES}


@pytest.mark.parametrize("name", TRACED)
def test_traced_is_the_same(name):
    case = TRACED[name]
    eager, traced = (getattr(metrics, name)(**case[1]) for _ in range(2))

    def step(*batch):
        traced.update_state(*batch)
        return traced.result()

    program = Traced(step)
    for batch in batches(case, 0, True):
        expected = eager(*batch)
        np.testing.assert_allclose(program(*batch), expected, rtol=1e-5, atol=1e-6)


NAMES = sorted(name for name, cls in vars(metrics).items() if isinstance(cls, type))


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_those_of_keras(keras, name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (metrics, keras.metrics))
    expected = [(p.name, p.default) for p in theirs.parameters.values()]
    assert [(p.name, p.default) for p in ours.parameters.values()] == expected


@pytest.mark.parametrize("name", TRACED)
def test_configurations_are_those_of_keras(keras, name):
    arguments = TRACED[name][1]
    ours, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
    assert ours.name == theirs.name or ours.name.startswith(theirs.name.rstrip("_0123456789"))
    config, expected = ours.get_config(), theirs.get_config()
    if "label_weights" in expected and expected["label_weights"] is not None:
        expected["label_weights"] = np.asarray(expected["label_weights"]).tolist()
    same = {"name", "dtype"} if name.endswith("IoU") else {"name"}
    assert {k: config[k] for k in expected if k not in same} == {k: v for k, v in expected.items() if k not in same}
    assert type(ours).from_config(config).get_config() == config
    assert type(theirs).from_config(config).name == config["name"]


@pytest.mark.parametrize("name", TRACED)
def test_directions_are_those_of_keras(keras, name):
    arguments = TRACED[name][1]
    theirs = getattr(getattr(keras.metrics, name)(**arguments), "_direction", None)
    ours = getattr(metrics, name)(**arguments).direction
    assert ours in ("max", "min")
    if theirs is not None:
        assert ours == {"up": "max", "down": "min"}[theirs]


def test_every_name_of_keras_is_known(keras):
    from keras.src.metrics import ALL_OBJECTS_DICT

    for name, theirs in ALL_OBJECTS_DICT.items():
        if theirs is not keras.metrics.Metric:
            assert KNOWN[name].__name__ == theirs.__name__


FUNCTIONS = [
    ("binary_accuracy", "binary", "probability"),
    ("categorical_accuracy", "one_hot", "distribution"),
    ("sparse_categorical_accuracy", "class", "distribution"),
    ("top_k_categorical_accuracy", "one_hot", "number"),
    ("sparse_top_k_categorical_accuracy", "class", "number"),
    ("pearson_correlation", "number", "number"),
    ("concordance_correlation", "number", "number"),
    ("mean_squared_error", "number", "number"),
    ("hinge", "binary", "number"),
]


@pytest.mark.parametrize("case", FUNCTIONS, ids=lambda case: case[0])
def test_functions_on_arrays(keras, case):
    name, true_kind, pred_kind = case
    rng = np.random.default_rng(4)
    for shape in [(1, 7), (9, 7), (2, 3, 7)]:
        y_true, y_pred = draw(rng, shape, true_kind), draw(rng, shape, pred_kind)
        ours, theirs = (getattr(module, name)(y_true, y_pred) for module in (metrics, keras.metrics))
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5, atol=1e-6)
