"""One-hot classes and normalized vectors."""

import numpy as np
import pytest

import nbkeras
from nbkeras import utils
from nbkeras.errors import ArgumentError, ArgumentTypeError


@pytest.mark.oracle
@pytest.mark.parametrize(
    "x,classes",
    [([0, 2, 1], None), ([[0], [2]], 4), ([[0, 1], [2, 0]], None), (1, 3), (np.array([1, 0], "uint8"), None)],
)
def test_to_categorical(x, classes):
    keras = pytest.importorskip("keras")
    got, wanted = utils.to_categorical(x, classes), keras.utils.to_categorical(x, classes)
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.oracle
@pytest.mark.parametrize("axis,order", [(-1, 2), (1, 1), (-1, np.inf)])
def test_normalize(axis, order):
    keras = pytest.importorskip("keras")
    x = np.random.default_rng(0).normal(size=(3, 4))
    x[1] = 0
    np.testing.assert_allclose(utils.normalize(x, axis, order), keras.utils.normalize(x, axis, order))


def test_a_class_outside():
    with pytest.raises(ArgumentError, match="class number 3 is outside of num_classes=3"):
        utils.to_categorical([0, 3], 3)


def test_what_cannot_be_a_class_number_or_registered_or_an_epsilon():
    with pytest.raises(ArgumentTypeError, match=r"to_categorical: expected class numbers, got \['a'\]"):
        utils.to_categorical(["a"])
    with pytest.raises(ArgumentTypeError, match="expected a class or a function, got 3"):
        nbkeras.saving.register_keras_serializable()(3)
    for value in ("a", -1, None, True, float("nan")):
        with pytest.raises(ArgumentError, match="set_epsilon: expected a number from 0 below 1"):
            nbkeras.config.set_epsilon(value)
    assert nbkeras.config.epsilon() == 1e-7
