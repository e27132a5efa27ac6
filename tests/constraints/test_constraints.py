"""Constraints against real Keras, by name and configuration."""

import numpy as np
import pytest

from nbkeras import constraints
from nbkeras.errors import ArgumentError

CASES = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 1, "axis": 1}),
    ("MaxNorm", {"max_value": 0.5, "axis": [0, 1]}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": 1}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 3.0, "max_value": 4, "rate": 0.5, "axis": 1}),
]


@pytest.mark.oracle
@pytest.mark.parametrize("name,arguments", CASES)
def test_against_keras(name, arguments):
    keras = pytest.importorskip("keras")
    w = np.random.default_rng(3).normal(size=(5, 7)).astype("float32")
    w[:, 0] = 0
    ours, theirs = getattr(constraints, name)(**arguments), getattr(keras.constraints, name)(**arguments)
    got = ours(w)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, np.array(theirs(w)), rtol=1e-6, atol=1e-7)
    assert ours.get_config() == theirs.get_config()
    again = constraints.deserialize(constraints.serialize(ours))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()


@pytest.mark.parametrize("name", ["max_norm", "MaxNorm", "non_neg", "NonNeg", "unit_norm", "min_max_norm"])
def test_by_name(name):
    assert isinstance(constraints.get(name), constraints.Constraint)


def test_functions_none_and_messages():
    assert constraints.get(None) is None
    assert constraints.get(abs) is abs
    with pytest.raises(ArgumentError, match="unknown constraint 'maxnorm'; did you mean 'max_norm'"):
        constraints.get("maxnorm")
    with pytest.raises(ArgumentError, match="expected a name, a function or a Constraint, got 3"):
        constraints.get(3)
