"""gather and scatter_add against NumPy, with indices of every kind."""

import numpy as np
import pytest

from nbkeras.kernels import gather as module
from tests.kernels.launch import launch
from tests.tolerances import TOLERANCES

SHAPES = [(1, 1, 1, 1), (3, 7, 5, 1), (1, 33, 31, 3), (2, 257, 9, 33), (1, 1000, 50, 64), (1, 600, 300, 257)]


def safe(index, size):
    return np.clip(np.where(index < 0, index + size, index), 0, size - 1)


def case(shape, dtype, seed=0):
    outer, count, size, inner = shape
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(outer, size, inner)).astype(dtype)
    index = generator.integers(-size, size, count)
    index[:: max(1, count // 3)] = size + 5
    index[-1] = -3 * size
    return x, index


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("code, dtype", [("i4", "f4"), ("i8", "f8"), ("u1", "u1")])
def test_gather(shape, code, dtype):
    outer, count, size, inner = shape
    x, index = case(shape, dtype if dtype != "u1" else "f4")
    x = x.astype(dtype) if dtype != "u1" else (x > 0).astype("u1")
    for chunk in (None, 1, 10):
        out = np.zeros((outer, count, inner), x.dtype)
        launch(module.gather, code, out, x, index, outer, count, size, inner, items=outer * count, chunk=chunk)
        np.testing.assert_array_equal(out, x[:, safe(index, size)])


def test_gather_from_nothing_reads_nothing():
    out, empty = np.full(3, 7, "i4"), np.zeros(0, "i4")
    launch(module.gather, "i4", out, empty, np.zeros(3, "i8"), 1, 3, 0, 1, items=3)
    np.testing.assert_array_equal(out, 7)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("code, dtype", [("f4", "float32"), ("f8", "float64"), ("i8", "int64")])
def test_scatter_add(shape, code, dtype):
    outer, count, size, inner = shape
    _, index = case(shape, "f4")
    generator = np.random.default_rng(1)
    x = (10 * generator.normal(size=(outer, count, inner))).astype(dtype)
    start = np.ones((outer, size, inner), dtype)
    expected = start.astype("i8" if code == "i8" else "f8")
    for o in range(outer):
        np.add.at(expected[o], safe(index, size), x[o].astype(expected.dtype))
    numbers = {"outer": outer, "count": count, "size": size, "inner": inner}
    items, chunk = module.scatter_add.schedule(**numbers)
    results = []
    for parts in (chunk, items, 1, 3):
        out = start.copy()
        launch(module.scatter_add, code, out, index, x, *numbers.values(), items=items, chunk=parts)
        results.append(out)
    if code == "i8":
        np.testing.assert_array_equal(results[0], expected)
    else:
        rounding = TOLERANCES[dtype]["rtol"] * np.abs(expected).max()
        np.testing.assert_allclose(results[0], expected, rtol=TOLERANCES[dtype]["rtol"], atol=10 * rounding)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


@pytest.mark.parametrize("shape", SHAPES + [(1, 4096, 20000, 1), (8, 512, 3, 16), (1, 100000, 2, 1)])
def test_scatter_parts_cover_every_row_and_column_once(shape):
    outer, _, size, inner = shape
    columns, groups, shift = module._divide(*shape)
    edges = [inner * c // columns for c in range(columns + 1)]
    assert edges[0] == 0
    assert edges[-1] == inner
    assert groups * columns <= 16
    assert set((np.arange(size) >> shift) & (groups - 1)) == set(range(groups))
    assert module.schedule(*shape)[0] == outer * columns * groups


def test_sum_order_is_the_order_of_the_indices():
    x = np.array([1e8, 1.0, -1e8], "f4")
    out = np.zeros(1, "f4")
    launch(module.scatter_add, "f4", out, np.zeros(3, "i8"), x, 1, 3, 1, 1, items=1)
    assert out[0] == ((np.float32(1e8) + np.float32(1)) - np.float32(1e8))
