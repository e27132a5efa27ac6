"""scan and associative_scan refuse what has no one length; scatter_update's reductions are Keras's."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import nbkeras
from nbkeras import ops
from nbkeras.errors import ArgumentError, ArgumentTypeError

X = np.arange(6, dtype="float32")


def add(carry, x):
    return carry + x, carry


def test_scans_need_one_length():
    with pytest.raises(ArgumentTypeError, match="expected a function, got 3"):
        ops.scan(3, 0.0, X)
    for arguments in ({}, {"xs": (X, X[1:])}, {"xs": X, "length": 5}):
        with pytest.raises(ArgumentError, match="scan: expected one known length"):
            ops.scan(add, np.float32(0), **arguments)
    assert ops.scan(add, np.float32(0), X, length=6)[0] == 15
    with pytest.raises(ArgumentError, match=r"of one length along axis 0, got shapes \[\(2,\), \(3,\)\]"):
        ops.associative_scan(operator.add, (X[:2], X[:3]))
    with pytest.raises(ArgumentError, match="unroll must be True, False or a whole number from 1 on, got -1"):
        ops.scan(add, np.float32(0), X, unroll=-1)


def test_over_an_unknown_length():
    entry = nbkeras.Input(batch_shape=(None, 2))
    outputs = [
        ops.associative_scan(operator.add, entry),
        ops.scan(lambda c, x: (c + x, c), np.zeros(2, "float32"), entry)[1],
        ops.map(lambda x: ops.sum(x), entry),
        ops.vectorized_map(lambda pair: pair[0] * pair[1], [entry, entry]),
    ]
    assert [y.shape for y in outputs] == [(None, 2), (None, 2), (None,), (None, 2)]
    x = np.arange(6, dtype="float32").reshape(3, 2)
    sums = np.cumsum(x, 0)
    for made, expected in zip(nbkeras.Model(entry, outputs)(x), (sums, sums - x, x.sum(1), x * x), strict=True):
        np.testing.assert_allclose(made, expected)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("reduction", [None, "add", "mul", "max", "min"])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_reductions_of_scatter_update(reduction, dtype):
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")

    rng = np.random.default_rng(0)
    x = rng.integers(-9, 9, (5, 4, 3)).astype(dtype)
    for depth in (1, 2, 3):
        count = 4 if reduction is None else 12
        places = np.stack([rng.integers(0, n, count) for n in x.shape[:depth]], axis=1)
        if reduction is None:
            places = np.unique(places, axis=0)
        updates = rng.integers(-9, 9, (len(places), *x.shape[depth:])).astype(dtype)
        theirs = keras.ops.scatter_update(x, places, updates, reduction=reduction)
        for call in (ops.scatter_update, nbkeras.jit(lambda *a: ops.scatter_update(*a, reduction=reduction))):
            ours = call(x, places, updates) if call is not ops.scatter_update else call(x, places, updates, reduction)
            np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ArgumentError, match="reduction must be None, 'add', 'mul', 'max' or 'min', got 'sum'"):
        ops.scatter_update(x, places, updates, "sum")
