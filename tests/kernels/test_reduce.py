"""Reductions against NumPy, on odd shapes, with NaN, for any chunks."""

import numpy as np
import pytest

from nbkeras.kernels import reduce as module
from nbkeras.kernels._jit import dtype_code
from tests.kernels.launch import launch
from tests.tolerances import TOLERANCES

SHAPES = ((1, 1, 1), (3, 7, 1), (7, 31, 33), (1, 257, 10), (2, 1000, 257), (1, 100, 64), (31, 10, 1), (1, 3, 300))
FUNCTIONS = {"sum": np.sum, "max": np.max, "min": np.min, "prod": np.prod}


def reduce(x, block, name, chunk=None):
    outer, mid, inner = x.shape
    out = np.empty((outer, -(-mid // block), inner), x.dtype)
    items, own = module.schedule(outer, mid, block, inner)
    op = module.FOLDS[name]
    launch(module.reduce, dtype_code(x.dtype), out, x, outer, mid, block, inner, op, items=items, chunk=chunk or own)
    return out


def arg_reduce(x, op, chunk=None):
    outer, mid, inner = x.shape
    out = np.empty((outer, inner), np.int64)
    launch(module.arg_reduce, dtype_code(x.dtype), out, x, outer, mid, inner, op, items=outer * inner, chunk=chunk)
    return out


def expected(x, block, function):
    wide = x.astype(float) if x.dtype.kind == "f" else x
    return np.stack([function(wide[:, j : j + block], axis=1) for j in range(0, x.shape[1], block)], 1)


@pytest.mark.parametrize("dtype", ("float32", "float64", "int64"))
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_reduce(shape, dtype, name):
    x = np.random.default_rng(0).normal(size=shape)
    x = (1 + x / 100 if name == "prod" else 5 * x).astype(dtype)
    for block in {shape[1], min(7, shape[1])}:
        got, want = reduce(x, block, name), expected(x, block, FUNCTIONS[name])
        if dtype == "int64" or name in ("max", "min"):
            np.testing.assert_array_equal(got, want)
        else:
            tolerance = TOLERANCES[dtype]["rtol"]
            scale = expected(np.abs(x), block, FUNCTIONS[name])
            assert np.all(np.abs(got - want) <= 20 * tolerance * scale)


@pytest.mark.parametrize("shape", SHAPES)
def test_any_and_all(shape):
    x = np.random.default_rng(0).random(shape) > 0.5
    np.testing.assert_array_equal(reduce(x, shape[1], "max")[:, 0], x.any(axis=1))
    np.testing.assert_array_equal(reduce(x, shape[1], "min")[:, 0], x.all(axis=1))
    y = (255 * np.random.default_rng(0).random(shape)).astype(np.uint8)
    np.testing.assert_array_equal(reduce(y, shape[1], "max")[:, 0], y.max(axis=1))


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("shape", ((2, 33, 1), (2, 33, 3), (1, 40, 70)))
@pytest.mark.parametrize("place", (0, 7, 32))
def test_nan_wins(shape, dtype, place):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    x[:, place, 0] = np.nan
    x[:, place - 1, -1] = np.inf
    for name in ("max", "min"):
        np.testing.assert_array_equal(reduce(x, shape[1], name)[:, 0], FUNCTIONS[name](x, axis=1))
    np.testing.assert_array_equal(arg_reduce(x, 0), np.argmax(x, axis=1))
    np.testing.assert_array_equal(arg_reduce(x, 1), np.argmin(x, axis=1))


@pytest.mark.parametrize("dtype", ("float32", "float64", "int64", "uint8"))
@pytest.mark.parametrize("shape", (*SHAPES, (5, 300, 1)))
def test_arg_reduce(shape, dtype):
    """Few different numbers: the first of equals counts."""
    x = np.random.default_rng(0).integers(0, 20, shape).astype(dtype)
    for chunk in (None, 3):
        np.testing.assert_array_equal(arg_reduce(x, 0, chunk), np.argmax(x, axis=1))
        np.testing.assert_array_equal(arg_reduce(x, 1, chunk), np.argmin(x, axis=1))


@pytest.mark.parametrize("dtype", ("int8", "uint8", "int16", "uint16", "int32", "uint32", "uint64"))
@pytest.mark.parametrize("shape", ((3, 77, 1), (2, 9, 75)))
def test_integers_of_either_sign(dtype, shape):
    info = np.iinfo(dtype)
    x = np.random.default_rng(0).integers(info.min, info.max, shape, dtype, endpoint=True)
    for op, (name, function) in enumerate((("max", np.argmax), ("min", np.argmin))):
        np.testing.assert_array_equal(reduce(x, shape[1], name)[:, 0], FUNCTIONS[name](x, axis=1))
        np.testing.assert_array_equal(arg_reduce(x, op), function(x, axis=1))


@pytest.mark.parametrize("mid", (1, 3, 16, 17, 70))
@pytest.mark.parametrize("inner", (1, 5))
def test_constant_rows(mid, inner):
    for number in (np.nan, -np.inf, np.inf, 0.0):
        x = np.full((3, mid, inner), number, np.float32)
        np.testing.assert_array_equal(arg_reduce(x, 0), 0)
        np.testing.assert_array_equal(arg_reduce(x, 1), 0)


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("inner", (1, 37))
def test_places_of_special_numbers(dtype, inner):
    """Rows of every length about whole vectors, of few numbers: zeros of both signs are equal, the first NaN wins."""
    rng = np.random.default_rng(0)
    for numbers in ([0.0, -0.0], [-np.inf, 1.0], [np.inf, 1.0], [np.nan, np.inf, -np.inf, 1.0, -1.0]):
        for mid in (2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 64, 65):
            x = rng.choice(np.array(numbers, dtype), (9, mid, inner))
            np.testing.assert_array_equal(arg_reduce(x, 0), np.argmax(x, axis=1))
            np.testing.assert_array_equal(arg_reduce(x, 1, chunk=4), np.argmin(x, axis=1))


@pytest.mark.parametrize("shape", SHAPES)
def test_any_chunks(shape):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    want = reduce(x, min(7, shape[1]), "sum", chunk=1)
    for chunk in (2, 3, 1000):
        np.testing.assert_array_equal(reduce(x, min(7, shape[1]), "sum", chunk=chunk), want)


def test_block_size():
    assert module.block_size(1, 128, 10) == 128
    assert module.block_size(64, 5000, 1) == 5000
    assert module.block_size(64, 10_000_000, 1) == module.block_size(1, 10_000_000, 1) == module.LONGEST
    parts = -(-15488 // module.block_size(1, 15488, 64))
    assert 8 <= parts <= 64
