"""The digits that ship with the package are the UCI ones, whole and split without overlap."""

import numpy as np
import pytest

from nbkeras.datasets import digits


def rows(images, labels):
    return sorted(bytes(image.ravel()) + bytes([label]) for image, label in zip(images, labels, strict=True))


def test_shapes_and_values():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, y_train.shape) == ((1437, 8, 8), (1437,))
    assert (x_test.shape, y_test.shape) == ((360, 8, 8), (360,))
    for array in (x_train, y_train, x_test, y_test):
        assert array.dtype == np.uint8
    assert x_train.max() == x_test.max() == 16
    assert set(y_train) == set(y_test) == set(range(10))


def test_split_is_stratified():
    (_, y_train), (_, y_test) = digits.load_data()
    whole = np.bincount(y_train) + np.bincount(y_test)
    np.testing.assert_allclose(np.bincount(y_test), whole * 360 / 1797, atol=1)


def test_each_call_gives_arrays_of_its_own():
    (first, _), _ = digits.load_data()
    first[:] = 0
    (second, _), _ = digits.load_data()
    assert second.any()


def test_same_images_as_the_source():
    source = pytest.importorskip("sklearn.datasets").load_digits()
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    ours = rows(np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test]))
    assert ours == rows(source.images.astype("uint8"), source.target.astype("uint8"))
