"""Loss objects: reductions, weights, labels, configurations, names and errors."""

import numpy as np
import pytest

from nbkeras import losses, ops
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError
from nbkeras.losses.lookup import KNOWN
from nbkeras.losses.loss import REDUCTIONS

RNG = np.random.default_rng(3)

CLASSES = sorted(
    name for name, cls in vars(losses).items() if isinstance(cls, type) and name not in ("Loss", "LossFunctionWrapper")
)


@pytest.mark.oracle
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("shape", "weight_shape"),
    [
        ((1, 3), None),
        ((6, 3), None),
        ((6, 3), (6,)),
        ((6, 3), (6, 1)),
        ((6, 4, 3), (6, 4)),
        ((6, 4, 3), ()),
        ((6, 1), (6, 1)),
    ],
)
def test_weights_and_reductions_are_those_of_keras(keras, reduction, shape, weight_shape):
    y_true, y_pred = (RNG.normal(size=shape).astype("float32") for _ in range(2))
    weight = None if weight_shape is None else RNG.random(weight_shape).astype("float32")
    for name in ("MeanSquaredError", "MeanAbsoluteError"):
        ours = getattr(losses, name)(reduction=reduction)(y_true, y_pred, weight)
        theirs = np.asarray(getattr(keras.losses, name)(reduction=reduction)(y_true, y_pred, weight))
        assert np.shape(ours) == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.oracle
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_ignored_classes_do_not_count_in_the_mean(keras, reduction, weighted):
    y_true = np.array([[0, 2, 1], [2, 2, 1]])
    y_pred = RNG.random((2, 3, 4)).astype("float32")
    weight = RNG.random((2, 3)).astype("float32") if weighted else None
    arguments = {"ignore_class": 2, "reduction": reduction}
    ours = losses.SparseCategoricalCrossentropy(**arguments)(y_true, y_pred, weight)
    theirs = keras.losses.SparseCategoricalCrossentropy(**arguments)(y_true, y_pred, weight)
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5)


@pytest.mark.oracle
@pytest.mark.parametrize("name", CLASSES)
def test_arguments_and_configurations_are_those_of_keras(keras, name):
    import inspect

    theirs = getattr(keras.losses, name)
    ours = getattr(losses, name)
    assert [(p.name, p.default) for p in inspect.signature(ours).parameters.values()] == [
        (p.name, p.default) for p in inspect.signature(theirs).parameters.values()
    ]
    assert ours().name == theirs().name
    config = ours().get_config()
    assert theirs.from_config(config).name == config["name"]
    assert {k: config[k] for k in theirs().get_config()} == theirs().get_config()
    assert ours.from_config(theirs().get_config()).get_config() == config


@pytest.mark.parametrize("name", CLASSES)
def test_configurations_round_trip(name):
    loss = getattr(losses, name)(reduction="sum", name="mine", dtype="float64")
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert again.name == "mine"


def test_a_wrapped_function_round_trips():
    loss = losses.LossFunctionWrapper(losses.huber, name="mine", delta=0.5)
    again = losses.LossFunctionWrapper.from_config(loss.get_config())
    y = np.array([[3.0]]), np.array([[0.0]])
    assert again(*y) == loss(*y) == losses.Huber(0.5)(*y)


@pytest.mark.oracle
def test_every_name_of_keras_is_known(keras):
    from keras.src.losses import ALL_OBJECTS_DICT

    waiting = {"CTC", "ctc"}
    for name, theirs in ALL_OBJECTS_DICT.items():
        if name not in waiting:
            assert KNOWN[name].__name__ == theirs.__name__


def test_get():
    assert losses.get(None) is None
    assert losses.get("mse") is losses.mean_squared_error
    assert isinstance(losses.get("CategoricalCrossentropy"), losses.CategoricalCrossentropy)
    config = {"class_name": "CategoricalCrossentropy", "config": {"from_logits": True}}
    assert losses.get(config).from_logits
    loss = losses.Huber()
    assert losses.get(loss) is loss
    assert losses.get(np.add) is np.add
    with pytest.raises(ArgumentError, match="unknown loss 'mean_square_error'; did you mean 'mean_squared_error'"):
        losses.get("mean_square_error")
    with pytest.raises(ArgumentTypeError, match="expected a name, a function or a Loss, got 3"):
        losses.get(3)


def test_large_class_numbers_stay_exact():
    labels = np.array([2**24 + 1])
    wrapper = losses.LossFunctionWrapper(losses.sparse_categorical_crossentropy)
    assert wrapper.convert_labels(labels).dtype == np.int64
    assert losses.MeanSquaredError().convert_labels(labels).dtype == np.float32


def test_structures_reach_a_loss_of_ones_own():
    class Both(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(ops.abs(y_true["a"] - y_pred["a"]) + ops.abs(y_true["b"] - y_pred["b"]), axis=-1)

    y_true = {"a": np.zeros((2, 2)), "b": np.ones((2, 2))}
    y_pred = {"a": np.ones((2, 2)), "b": np.ones((2, 2))}
    assert Both()(y_true, y_pred) == 1.0
    assert Both().name.startswith("both")

    def function(y_true, y_pred):
        return ops.abs(y_true["a"] - y_pred["a"])

    assert losses.LossFunctionWrapper(function)({"a": np.zeros(3)}, {"a": np.ones((3, 1))}) == 1.0


def test_nan_weights_and_empty_batches():
    loss = losses.MeanSquaredError()
    assert np.isnan(loss(np.ones((2, 1)), np.zeros((2, 1)), [1.0, np.nan]))
    assert loss(np.ones((1, 1)), np.zeros((1, 1))) == 1.0


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: losses.Loss(reduction="average"), ArgumentError, "expected reduction to be one of 'sum_over_batch"),
        (lambda: losses.Loss()(np.ones(2), np.ones(2)), NotImplementedError, "Loss must define call"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(1.0), ArgumentError, "q to be a number above 0 below 1"),
        (
            lambda: losses.categorical_crossentropy(np.ones((2, 3)), np.ones((2, 3)), axis=True),
            ArgumentError,
            "expected axis to be a whole number, got True",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy()(np.ones((4, 3)), np.ones((4, 3))),
            ShapeError,
            "one-hot targets go with categorical_crossentropy",
        ),
        *[
            (
                lambda name=name: getattr(losses, name)()(np.ones((2, 3)), np.ones((4, 3))),
                ShapeError,
                r"^loss '.*': labels of shape \(2, 3\) and predictions of shape \(4, 3\) do not fit",
            )
            for name in ("MeanAbsoluteError", "Poisson", "CategoricalHinge", "Dice", "Tversky", "CosineSimilarity")
        ],
        (
            lambda: losses.SparseCategoricalCrossentropy()([1], [[0.25, 0.75]]),
            ArgumentError,
            r"y_true and y_pred are nests of tensors, and differ: .*\n  Next: .*np.array\(y_true\)",
        ),
        (
            lambda: losses.CategoricalCrossentropy()(np.ones((4,)), np.ones((4, 3))),
            ShapeError,
            "go with sparse_categorical_crossentropy",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()
