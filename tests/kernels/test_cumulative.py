"""cumulative against NumPy's accumulate, forwards and backwards."""

import numpy as np
import pytest

from nbkeras.kernels import cumulative as module
from tests.kernels.launch import launch
from tests.tolerances import TOLERANCES

OPERATIONS = {0: np.add, 1: np.maximum, 2: np.minimum, 3: np.multiply}
SHAPES = [(1, 1, 1), (3, 7, 1), (1, 31, 33), (2, 257, 3), (5, 1, 9), (7, 3, 31)]


def expected(x, op, reverse):
    x = x[:, ::-1] if reverse else x
    result = OPERATIONS[op].accumulate(x, axis=1)
    return result[:, ::-1] if reverse else result


@pytest.mark.parametrize("op", OPERATIONS)
@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("code, dtype", [("f4", "float32"), ("f8", "float64"), ("i8", "int64")])
def test_cumulative(op, reverse, code, dtype):
    for shape in SHAPES:
        outer, mid, inner = shape
        x = np.random.default_rng(0).normal(size=shape)
        if op == 3:
            x = np.sign(x) * (1 + 0.01 * np.abs(x))
        x = np.round(5 * x).astype(dtype) if code == "i8" else x.astype(dtype)
        with np.errstate(over="ignore"):
            want = expected(x if code == "i8" else x.astype("f8"), op, reverse)
        lanes = outer * inner
        for chunk in (lanes, 1, 5):
            out = np.zeros_like(x)
            launch(module.cumulative, code, out, x, outer, mid, inner, op, reverse, items=lanes, chunk=chunk)
            if code == "i8":
                np.testing.assert_array_equal(out, want)
            else:
                bound = mid * np.finfo(dtype).eps * np.abs(want).max()
                np.testing.assert_allclose(out, want, rtol=TOLERANCES[dtype]["rtol"], atol=bound)
        launch(module.cumulative, code, x, x, outer, mid, inner, op, reverse, items=lanes)
        np.testing.assert_array_equal(x, out)


@pytest.mark.parametrize("op", OPERATIONS)
@pytest.mark.parametrize("inner", [1, 9])
def test_nan_stays_from_where_it_is(op, inner):
    x = np.ones((1, 7, inner), "f4")
    x[0, 3] = np.nan
    x[0, 5] = -np.inf
    out = np.zeros_like(x)
    launch(module.cumulative, "f4", out, x, 1, 7, inner, op, 0, items=inner)
    np.testing.assert_array_equal(np.isnan(out[0, :, 0]), np.arange(7) >= 3)


def test_empty_axis_writes_nothing():
    out = np.full(4, 9.0)
    launch(module.cumulative, "f8", out, out, 2, 0, 2, 0, 1, items=4)
    np.testing.assert_array_equal(out, 9)
