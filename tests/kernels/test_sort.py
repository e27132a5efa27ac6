"""sort against NumPy's stable sort."""

import numpy as np
import pytest

from nbkeras.kernels import sort as module
from tests.kernels.launch import launch


def check(x, descending, chunk=None):
    rows, columns = x.shape
    out, index = np.zeros_like(x), np.zeros(x.shape, "i8")
    code = f"{x.dtype.kind}{x.dtype.itemsize}"
    launch(module.sort, code, out, index, x, rows, columns, descending, items=rows, chunk=chunk)
    if descending and x.dtype.kind == "f":
        expected = np.argsort(-x, axis=1, kind="stable")
    elif descending:
        expected = np.argsort(~x, axis=1, kind="stable")  # ~x = -x-1 reverses the order and never overflows
    else:
        expected = np.argsort(x, axis=1, kind="stable")
    np.testing.assert_array_equal(index, expected)
    np.testing.assert_array_equal(out, np.take_along_axis(x, expected, 1))


@pytest.mark.parametrize("descending", [0, 1])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i8"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (7, 3), (2, 31), (5, 33), (3, 257), (1, 5000), (4, 0)])
def test_sort(shape, dtype, descending):
    generator = np.random.default_rng(0)
    for spread in (0.5, 3, 1000):  # many equals, some, few
        x = np.round(spread * generator.normal(size=shape)).astype(dtype)
        check(x, descending)
        check(x, descending, chunk=1)


@pytest.mark.parametrize("descending", [0, 1])
def test_special_values(descending):
    x = np.array([[np.nan, 1, -np.inf, np.inf, -0.0, 0.0, np.nan, -1, np.inf] * 5], "f4")
    check(x, descending)
    check(np.full((1, 40), np.nan, "f8"), descending)
    limits = np.iinfo(np.int64)
    check(np.array([[0, limits.min, limits.max, -1, limits.min]]), descending)


@pytest.mark.parametrize("descending", [0, 1])
def test_patterns_that_break_careless_quicksorts(descending):
    n = 20_000
    rise = np.arange(n)
    organ = np.minimum(rise, rise[::-1])
    saw = rise % 100
    x = np.stack([rise, rise[::-1], organ, -organ, saw, np.zeros(n, "i8")]).astype("f4")
    check(x, descending)
