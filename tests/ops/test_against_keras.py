"""Every function of `ops` gives Keras's values, shapes and dtypes: at once, traced, and on Keras tensors."""

from __future__ import annotations

import numpy as np
import pytest

from nbkeras import ops, tree
from tests.ops.ways import arrays_in, called, symbolic, table, traced

CALLS = table()

#: Functions that give other things than one call's numbers; tests/ops/test_functions.py has their tests.
ELSEWHERE = set(
    "affine mish getitem cond switch scan map vectorized_map fori_loop while_loop associative_scan convert_to_numpy "
    "empty argpartition is_tensor sparsemax eigh svd custom_gradient jvp vectorize".split()
)

#: Their result's shape, or a value given as an array that must be known, depends on values.
ON_VALUES = set(
    "bincount nonzero unique repeat".split()
)

#: Functions that take no Keras tensors, or give no tensor.
NOT_ASKED = set("ndim shape size dtype".split())

#: Where Keras's inference for Keras tensors fails, or disagrees with its own results.
KERAS_FAILS = set(
    "adaptive_average_pool adaptive_max_pool "
    "batch_normalization get_item categorical_crossentropy corrcoef heaviside hstack hypot kron meshgrid rot90 "
    "tensordot vstack bitwise_and bitwise_or bitwise_xor rearrange slogdet correlate".split()
)


def cases(names=None):
    return [
        pytest.param(name, number, id=f"{name}-{number}")
        for name in sorted(names or CALLS)
        for number in range(len(CALLS[name]))
    ]


def test_every_function_is_in_the_table():
    namespaces = {"image", "linalg", "nn", "numpy"}
    assert set(CALLS) | ELSEWHERE == set(ops.__all__) - namespaces


def assert_same(ours, theirs, rtol=1e-5, atol=1e-6):
    ours, theirs = tree.flatten(ours), tree.flatten(theirs)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert np.shape(a) == np.shape(b)
        if hasattr(b, "dtype"):
            assert str(a.dtype) == str(b.dtype)
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=atol, equal_nan=True)
        else:
            assert a == b


@pytest.fixture
def keras():
    return pytest.importorskip("keras", reason="the extra 'oracle' is not installed")


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name, number", cases())
def test_values(keras, name, number):
    arguments, options = CALLS[name][number]
    theirs = called(getattr(keras.ops, name), arguments, options, keras.ops.convert_to_tensor)
    assert_same(getattr(ops, name)(*arguments, **options), theirs)


@pytest.mark.parametrize("name, number", cases(set(CALLS) - ON_VALUES))
def test_traced(name, number):
    arguments, options = CALLS[name][number]
    function = getattr(ops, name)
    with np.errstate(all="ignore"):
        assert_same(traced(function, arguments, options), function(*arguments, **options), rtol=2e-6)


def on_tensors(names):
    return [c for c in cases(names) if arrays_in(*CALLS[c.values[0]][c.values[1]])]


@pytest.mark.parametrize("name, number", on_tensors(set(CALLS) - ON_VALUES - NOT_ASKED))
def test_keras_tensors_as_arrays(name, number):
    arguments, options = CALLS[name][number]
    expected = tree.flatten(getattr(ops, name)(*arguments, **options))
    ours = tree.flatten(symbolic(getattr(ops, name), arguments, options))
    assert [t.dtype for t in ours] == [str(a.dtype) for a in expected]
    for made, array in zip(ours, expected, strict=True):
        assert len(made.shape) == array.ndim
        assert all(n in (None, m) for n, m in zip(made.shape, array.shape, strict=True))


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name, number", on_tensors(set(CALLS) - ON_VALUES - NOT_ASKED - KERAS_FAILS))
def test_shapes_of_keras_tensors(keras, name, number):
    arguments, options = CALLS[name][number]
    ours = tree.flatten(symbolic(getattr(ops, name), arguments, options))
    theirs = tree.flatten(symbolic(getattr(keras.ops, name), arguments, options, keras.KerasTensor))
    assert [t.shape for t in ours] == [tuple(t.shape) for t in theirs]
