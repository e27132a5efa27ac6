"""Functions of `ops` on Keras tensors of unknown lengths: whatever lengths could fit, do."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import ops
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError


def K(*shape, dtype="float32"):
    return nbkeras.KerasTensor(shape, dtype)


FITTING = {
    "lengths known from the other": (lambda: ops.add(K(None, 3), K(2, None)), (2, 3)),
    "some stay open": (lambda: ops.multiply(K(None, None, 3), K(2, 1, None)), (2, None, 3)),
    "joined": (lambda: ops.concatenate([K(None, 3), K(None, None)]), (None, 3)),
    "vstack": (lambda: ops.vstack([K(None, 3), K(None, None)]), (None, 3)),
    "dot": (lambda: ops.dot(K(None, 3), K(None, None, 2)), (None, None, 2)),
    "inner": (lambda: ops.inner(K(5, None), K(4, 3)), (5, 4)),
    "broadcast_to": (lambda: ops.broadcast_to(K(None, 3), (2, 3, 3)), (2, 3, 3)),
    "parts": (lambda: ops.split(K(None, 3), 2)[1], (None, 3)),
    "rows regrouped": (lambda: ops.reshape(K(None, 6), (-1, 4)), (None, 4)),
    "all known in the end": (lambda: ops.reshape(K(None, 3), (3, 2)), (3, 2)),
    "repeats": (lambda: ops.repeat(K(None, 3), [1, 2], axis=0), (3, 3)),
    "indices along": (lambda: ops.take_along_axis(K(None, 3, 3), K(1, 3, None, dtype="int32"), 1), (None, 3, 3)),
    "no more than there is": (lambda: K(None, 3)[:20], (None, 3)),
    "from the end": (lambda: K(None, 3)[-20:, 1], (None,)),
    "diagonal": (lambda: ops.diagonal(K(None, 3, 3)), (3, None)),
    "diag": (lambda: ops.diag(K(None, 3)), (None,)),
}


@pytest.mark.parametrize("name", FITTING)
def test_shape(name):
    call, shape = FITTING[name]
    assert call().shape == shape


@pytest.mark.parametrize(
    "call",
    [
        lambda: ops.add(K(None, 3), K(None, 4)),
        lambda: ops.matmul(K(None, 3), K(None, 4, 2)),
        lambda: ops.reshape(K(None, 5), (3, 7)),
        lambda: ops.concatenate([K(None, 3), K(None, 4)]),
        lambda: ops.det(K(None, None, 20)),
        lambda: ops.squeeze(K(None, 1), 0),
    ],
)
def test_what_fits_for_no_length(call):
    with pytest.raises(ShapeError, match="None"):
        call()


def test_a_layer_has_to_work_for_any_length():
    class Square(nbkeras.layers.Layer):
        def call(self, x):
            return ops.matmul(x, x)

    with pytest.raises(ShapeError, match="matmul"):
        Square()(nbkeras.Input((3,)))


def test_model_of_such_a_call():
    a, b = nbkeras.Input((3,)), nbkeras.Input(batch_shape=(2, None))
    model = nbkeras.Model([a, b], ops.add(a, b))
    x, y = np.ones((2, 3), "float32"), np.full((2, 3), 2, "float32")
    np.testing.assert_array_equal(model([x, y]), x + y)


def test_size_of_a_keras_tensor():
    x = nbkeras.Input((3,))
    model = nbkeras.Model(x, x * ops.cast(ops.size(x), "float32"))
    np.testing.assert_array_equal(model(np.ones((2, 3), "float32")), np.full((2, 3), 6))


def test_a_keras_tensor_is_no_array():
    for convert in (np.asarray, float, int, ops.convert_to_numpy):
        with pytest.raises(ArgumentError, match="has no value: it is a placeholder"):
            convert(K(2))
    with pytest.raises(ArgumentTypeError, match="has no value"):
        bool(K(2))


def test_shape_that_is_none():
    with pytest.raises(ArgumentError, match=r"a shape must be a tuple of whole numbers and None, got 3"):
        nbkeras.KerasTensor(3)


def test_array_of_a_keras_tensor():
    x = nbkeras.Input((3,))
    model = nbkeras.Model(x, ops.array(x, dtype="int32"))
    assert model.output.dtype == "int32"
    np.testing.assert_array_equal(model(np.full((1, 3), 1.5, "float32")), [[1, 1, 1]])
