"""One-hot classes and normalized vectors."""

import numpy as np
import pytest

from nbkeras import utils
from nbkeras.errors import ArgumentError


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
