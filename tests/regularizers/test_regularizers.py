"""Regularizers against real Keras, by name and configuration."""

import numpy as np
import pytest

from nbkeras import regularizers
from nbkeras.errors import ArgumentError, ShapeError

CASES = [
    ("L1", {}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {}),
    ("L1L2", {"l1": 0.1, "l2": 0.2}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name,arguments", CASES)
def test_against_keras(name, arguments):
    keras = pytest.importorskip("keras")
    x = np.random.default_rng(2).normal(size=(5, 7)).astype("float32")
    ours, theirs = getattr(regularizers, name)(**arguments), getattr(keras.regularizers, name)(**arguments)
    np.testing.assert_allclose(float(ours(x)), float(theirs(keras.ops.convert_to_tensor(x))), rtol=1e-6)
    wanted = theirs.get_config()
    assert ours.get_config() == {k: pytest.approx(v) if isinstance(v, float) else v for k, v in wanted.items()}
    again = regularizers.deserialize(regularizers.serialize(ours))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()


@pytest.mark.parametrize("name", ["l1", "L1", "l2", "L2", "l1l2", "l1_l2", "L1L2", "orthogonal_regularizer"])
def test_by_name(name):
    assert isinstance(regularizers.get(name), regularizers.Regularizer)


def test_functions_and_none():
    assert regularizers.get(None) is None
    assert regularizers.get(abs) is abs
    assert regularizers.l1(0.5).l1 == 0.5


def test_messages():
    with pytest.raises(ArgumentError, match="unknown regularizer 'l3'"):
        regularizers.get("l3")
    with pytest.raises(ArgumentError, match="expected l2 to be a finite number from 0 on, got -1"):
        regularizers.L2(-1)
    with pytest.raises(ArgumentError, match="expected mode 'rows' or 'columns'"):
        regularizers.OrthogonalRegularizer(mode="diagonal")
    with pytest.raises(ShapeError, match=r"expected a matrix, got shape \(3,\)"):
        regularizers.OrthogonalRegularizer()(np.ones(3, "float32"))
    with pytest.raises(ArgumentError, match="expected a name, a function or a Regularizer, got 3"):
        regularizers.get(3)
