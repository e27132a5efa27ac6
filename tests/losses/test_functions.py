"""Loss functions against Keras, over drawn shapes, in both precisions."""

import numpy as np
import pytest

from nbkeras import losses

pytestmark = pytest.mark.oracle

RELATIVE = {"float32": 1e-5, "float64": 1e-10}


def draw(rng, shape, kind, dtype):
    """Labels or predictions of a kind."""
    if kind == "number":
        values = rng.normal(size=shape)
    elif kind == "positive":
        values = rng.random(shape) * 3
    elif kind == "probability":
        values = rng.random(shape) * 0.98 + 0.01
    elif kind == "distribution":
        values = rng.random(shape) + 0.01
        values /= values.sum(-1, keepdims=True)
    elif kind == "binary":
        values = rng.integers(0, 2, shape)
    elif kind == "sign":
        values = rng.integers(0, 2, shape) * 2 - 1
    elif kind == "one_hot":
        values = np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    else:
        return rng.integers(0, shape[-1], shape[:-1])
    return values.astype(dtype)


CASES = [
    ("mean_squared_error", "number", "number", {}),
    ("mean_absolute_error", "number", "number", {}),
    ("mean_absolute_percentage_error", "number", "number", {}),
    ("mean_squared_logarithmic_error", "positive", "number", {}),
    ("huber", "number", "number", {}),
    ("huber", "number", "number", {"delta": 0.3}),
    ("log_cosh", "number", "number", {}),
    ("cosine_similarity", "number", "number", {}),
    ("cosine_similarity", "number", "number", {"axis": 0}),
    ("binary_crossentropy", "binary", "probability", {}),
    ("binary_crossentropy", "probability", "probability", {"label_smoothing": 0.2}),
    ("binary_crossentropy", "binary", "number", {"from_logits": True}),
    ("binary_crossentropy", "binary", "number", {"from_logits": True, "axis": 0}),
    ("binary_focal_crossentropy", "binary", "probability", {}),
    ("binary_focal_crossentropy", "binary", "number", {"from_logits": True, "gamma": 1.5}),
    ("binary_focal_crossentropy", "binary", "probability", {"apply_class_balancing": True, "label_smoothing": 0.1}),
    ("categorical_crossentropy", "one_hot", "distribution", {}),
    ("categorical_crossentropy", "one_hot", "number", {"from_logits": True}),
    ("categorical_crossentropy", "distribution", "number", {"from_logits": True, "label_smoothing": 0.3}),
    ("categorical_focal_crossentropy", "one_hot", "distribution", {}),
    ("categorical_focal_crossentropy", "one_hot", "number", {"from_logits": True, "alpha": 0.5, "gamma": 1.0}),
    ("sparse_categorical_crossentropy", "class", "distribution", {}),
    ("sparse_categorical_crossentropy", "class", "number", {"from_logits": True}),
    ("sparse_categorical_crossentropy", "class", "distribution", {"ignore_class": 1}),
    ("categorical_generalized_cross_entropy", "class", "distribution", {"q": 0.7}),
    ("kl_divergence", "distribution", "distribution", {}),
    ("poisson", "positive", "positive", {}),
    ("hinge", "sign", "number", {}),
    ("hinge", "binary", "number", {}),
    ("squared_hinge", "binary", "number", {}),
    ("categorical_hinge", "one_hot", "number", {}),
    ("dice", "binary", "probability", {}),
    ("dice", "binary", "probability", {"axis": -1}),
    ("tversky", "binary", "probability", {"alpha": 0.3, "beta": 0.8}),
]


def identify(case):
    return f"{case[0]}-{'-'.join(map(str, case[3])) or 'plain'}-{case[1]}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=identify)
def test_same_as_keras(keras, x64, case, dtype):
    name, true_kind, pred_kind, arguments = case
    rng = np.random.default_rng(5)
    for shape in [(1, 3), (7, 4), (2, 3, 5)]:
        y_true, y_pred = draw(rng, shape, true_kind, dtype), draw(rng, shape, pred_kind, dtype)
        ours = getattr(losses, name)(y_true, y_pred, **arguments)
        with x64(dtype == "float64"):
            theirs = np.asarray(getattr(keras.losses, name)(y_true, y_pred, **arguments))
        assert theirs.dtype == dtype
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, rtol=RELATIVE[dtype], atol=RELATIVE[dtype] / 10)


def test_circle(keras):
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(8, 4)).astype("float32")
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    labels = rng.integers(0, 3, 8)
    ours = losses.circle(labels, embeddings)
    np.testing.assert_allclose(ours, np.asarray(keras.losses.circle(labels, embeddings)), rtol=1e-5, atol=1e-5)
    for reduction in ("sum", "sum_over_batch_size"):
        ours = losses.Circle(reduction=reduction)(labels, embeddings)
        theirs = keras.losses.Circle(reduction=reduction)(labels, embeddings)
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5)


def test_classes_on_another_axis(keras):
    rng = np.random.default_rng(1)
    y_pred = rng.random((2, 3, 5)).astype("float32")
    y_true = np.moveaxis(np.eye(3, dtype="float32")[rng.integers(0, 3, (2, 5))], -1, 1)
    ours = losses.categorical_crossentropy(y_true, y_pred, axis=1)
    theirs = np.asarray(keras.losses.categorical_crossentropy(y_true, y_pred, axis=1))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    # Keras on JAX refuses this one for class numbers.
    sparse = losses.sparse_categorical_crossentropy(y_true.argmax(1), y_pred, axis=1)
    np.testing.assert_allclose(sparse, ours, rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["mean_squared_error", "mean_absolute_error", "huber", "log_cosh", "cosine_similarity"]
)
@pytest.mark.parametrize("shapes", [((6,), (6, 1)), ((6, 1), (6,)), ((6, 2, 1), (6, 2)), ((6,), (6,))])
def test_a_last_axis_of_one_is_bridged(keras, name, shapes):
    rng = np.random.default_rng(2)
    y_true, y_pred = (rng.normal(size=shape).astype("float32") for shape in shapes)
    ours = getattr(losses, name)(y_true, y_pred)
    theirs = np.asarray(getattr(keras.losses, name)(y_true, y_pred))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["mean_squared_error", "huber", "binary_crossentropy", "poisson", "kl_divergence"])
def test_nan_stays_nan(name):
    y_pred = np.array([[0.5, np.nan], [0.5, 0.5]], "float32")
    value = getattr(losses, name)(np.ones((2, 2), "float32"), y_pred)
    assert np.isnan(value[0])
    assert np.isfinite(value[1])


def test_logits_do_not_overflow():
    logits = np.array([[1000.0, -1000.0]], "float32")
    assert losses.sparse_categorical_crossentropy([1], logits, from_logits=True) == pytest.approx(2000.0)
    assert losses.binary_crossentropy(np.array([[1.0, 1.0]]), logits, from_logits=True) == pytest.approx(500.0)
    assert losses.log_cosh(np.zeros((1, 2)), logits) == pytest.approx(1000.0 - np.log(2), rel=1e-6)


def test_one_class_warns():
    with pytest.warns(SyntaxWarning, match="binary_crossentropy is the loss for two classes"):
        losses.categorical_crossentropy(np.ones((2, 1)), np.full((2, 1), 0.5))
