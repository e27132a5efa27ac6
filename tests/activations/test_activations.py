"""Activations against real Keras, and by name."""

import numpy as np
import pytest

from nbkeras import activations
from nbkeras.activations.lookup import KNOWN
from nbkeras.errors import ArgumentError

NAMES = sorted(set(KNOWN) - {"threshold", "glu"})
#: Keras 3.15's sparsemax leaves the simplex: its rows do not sum to 1.
COMPARED = sorted(set(NAMES) - {"sparsemax"})
OPTIONS = [
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 1.0}),
    ("relu", {"threshold": 0.5}),
    ("relu", {"negative_slope": 0.1, "max_value": 1.0, "threshold": 0.5}),
    ("relu", {"negative_slope": 0.1, "threshold": -0.5}),
    ("leaky_relu", {"negative_slope": 0.3}),
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 0.5}),
    ("gelu", {"approximate": True}),
    ("hard_shrink", {"threshold": 1.0}),
    ("soft_shrink", {"threshold": 1.0}),
    ("squareplus", {"b": 2}),
    ("softmax", {"axis": 0}),
    ("log_softmax", {"axis": 0}),
    ("glu", {}),
    ("glu", {"axis": 0}),
    ("threshold", {"threshold": 0.5, "default_value": -1.0}),
]


def numbers():
    x = np.random.default_rng(1).normal(size=(6, 8)).astype("float32") * 3
    x[0, :4] = [0.0, -1.0, 1.0, 0.5]
    return x


@pytest.mark.oracle
@pytest.mark.parametrize("name,arguments", [(n, {}) for n in COMPARED] + OPTIONS)
def test_against_keras(name, arguments):
    keras = pytest.importorskip("keras")
    x = numbers()
    wanted = np.array(getattr(keras.activations, name)(x, **arguments))
    got = getattr(activations, name)(x, **arguments)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, rtol=2e-6, atol=5e-7)


@pytest.mark.parametrize("name", NAMES)
def test_by_name(name):
    function = activations.get(name)
    assert activations.get(function) is function
    assert activations.get(activations.serialize(function)) is function


def test_sparsemax_is_the_nearest_point_of_the_simplex():
    x = numbers()
    for row, p in zip(x, activations.sparsemax(x), strict=True):
        falling = np.sort(row)[::-1].astype("float64")
        sums = falling.cumsum()
        k = max(i for i in range(1, 9) if 1 + i * falling[i - 1] > sums[i - 1])
        np.testing.assert_allclose(p, np.maximum(row - (sums[k - 1] - 1) / k, 0), atol=1e-6)
    np.testing.assert_array_equal(activations.sparsemax(x.T, axis=0), activations.sparsemax(x).T)
    np.testing.assert_array_equal(activations.sparsemax(np.zeros((1, 4), "float32")), np.full((1, 4), 0.25))


def test_none_is_linear_and_unknown_names_are_errors():
    assert activations.get(None) is activations.linear
    with pytest.raises(ArgumentError, match="unknown activation 'rellu'; did you mean 'relu'"):
        activations.get("rellu")
    with pytest.raises(ArgumentError, match="expected a name or a function, got 3"):
        activations.get(3)
