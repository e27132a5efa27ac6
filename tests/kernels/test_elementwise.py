"""The elementwise machine: loading, broadcasting, conversion, fusing, in place."""

import numpy as np
import pytest

from nbkeras.kernels import elementwise as machine
from tests.kernels.machine import execute
from tests.tolerances import TOLERANCES

SIZES = (1, 3, 7, 31, 33, 257, 511, 512, 513, 1025, 5000)
SHAPES = ((3, 7), (100, 10), (31, 33), (65, 3, 9), (5, 1000), (2, 3, 4, 5), (257, 1))
DTYPES = ("float32", "float64")


@pytest.fixture
def generator():
    return np.random.default_rng(0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_chain(n, dtype, generator):
    x, z = (generator.normal(size=n).astype(dtype) for _ in range(2))
    y, w = np.empty_like(x), np.empty_like(x)
    lines = [
        ("load", 0, 0),
        ("load", 1, 1),
        ("multiply", 2, 0, 1),
        ("sigmoid", 3, 2),
        ("constant", 4, 1),
        ("add", 5, 3, 4),
        ("store", 3, 5),
        ("greater", 6, 0, 1),
        ("where", 7, 6, 5, 0),
        ("store", 2, 7),
    ]
    execute(dtype, [x, z, y, w], (n,), lines, constants=(0, 2.5))
    expected = 1 / (1 + np.exp(-x.astype(float) * z)) + 2.5
    np.testing.assert_allclose(w, expected, **TOLERANCES[dtype])
    np.testing.assert_allclose(y, np.where(x > z, expected, x), **TOLERANCES[dtype])


@pytest.mark.parametrize("n", SIZES)
def test_in_place(n, generator):
    """A loaded array that is overwritten keeps its old values for later instructions."""
    x = generator.normal(size=n).astype("float32")
    y, z = x.copy(), np.empty_like(x)
    lines = [("load", 0, 0), ("add", 1, 0, 0), ("store", 0, 1), ("multiply", 2, 0, 0), ("store", 1, 2)]
    execute("float32", [y, z], (n,), lines)
    np.testing.assert_array_equal(y, x + x)
    np.testing.assert_array_equal(z, x * x)


@pytest.mark.parametrize("n", (1, 33, 1500))
def test_registers_are_used_again(n, generator):
    x = generator.normal(size=n).astype("float32")
    y = np.empty_like(x)
    lines = [("load", 0, 0), ("square", 1, 0), ("store", 1, 1), ("add", 0, 1, 1), ("negative", 1, 0), ("store", 1, 1)]
    execute("float32", [x, y], (n,), lines)
    np.testing.assert_array_equal(y, -2 * (x * x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_broadcasting(shape, dtype, generator):
    x = generator.normal(size=shape).astype(dtype)
    y = np.empty_like(x)
    others = [
        generator.normal(size=shape[-1]),  # a bias
        generator.normal(size=shape[:-1] + (1,)),
        generator.normal(size=(1,) * len(shape)),
        generator.normal(size=(shape[0],) + (1,) * (len(shape) - 1)),
        generator.normal(size=shape[::-1]).T,
        generator.normal(size=shape)[..., ::-1],
        generator.normal(size=(shape[0], 2 * int(np.prod(shape[1:])))).reshape(shape[0], 2, *shape[1:])[:, 1],
    ]
    for other in others:
        for stored in {dtype, "float64", "int8"}:
            b = other.astype(stored, copy=True, order="K")
            execute(dtype, [x, b, y], shape, [("load", 0, 0), ("load", 1, 1), ("subtract", 2, 0, 1), ("store", 2, 2)])
            np.testing.assert_array_equal(y, x - b.astype(dtype))


@pytest.mark.parametrize("dtype", (*DTYPES, "int64"))
@pytest.mark.parametrize("other", machine.DTYPE_CODES)
@pytest.mark.parametrize("n", (1, 33, 700))
def test_conversion(other, dtype, n, generator):
    x = generator.integers(0 if other.startswith("u") else -100, 100, n).astype(other)
    y = np.empty(n, dtype)
    execute(dtype, [x, y], (n,), [("load", 0, 0), ("store", 1, 0)])
    np.testing.assert_array_equal(y, x.astype(dtype))
    guarded = np.zeros(n + 1, other)
    source = (generator.normal(size=n) * 40).clip(-120, 120).astype(dtype)
    source = np.abs(source) if other.startswith("u") else source
    execute(dtype, [source, guarded[:n]], (n,), [("load", 0, 0), ("store", 1, 0)])
    np.testing.assert_array_equal(guarded[:n], source.astype(other))
    assert guarded[n] == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("other", ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"))
def test_conversion_saturates(other, dtype):
    info = np.iinfo(other)
    x = np.array([np.inf, -np.inf, np.nan, 1e30, -1e30, 2.9, -0.5], dtype)
    y = np.empty(x.size, other)
    execute(dtype, [x, y], x.shape, [("load", 0, 0), ("store", 1, 0)])
    np.testing.assert_array_equal(y, [info.max, info.min, 0, info.max, info.min, 2, 0])


def test_integers_wrap():
    x = np.array([300, -300, 2**40 + 5, 0])
    for other in ("int8", "uint8", "int32", "bool", "uint64"):
        y = np.empty(x.size, other)
        execute("int64", [x, y], x.shape, [("load", 0, 0), ("store", 1, 0)])
        np.testing.assert_array_equal(y, x.astype(other))


@pytest.mark.parametrize("chunk", (1, 2, 3, None))
def test_chunks(chunk, generator):
    x = generator.normal(size=(300, 17)).astype("float32")
    b = generator.normal(size=17).astype("float32")
    y, z = np.empty_like(x), np.empty_like(x)
    lines = [("load", 0, 0), ("load", 1, 1), ("add", 2, 0, 1), ("tanh", 3, 2), ("store", 2, 3)]
    execute("float32", [x, b, y], x.shape, lines, chunk=chunk)
    execute("float32", [x, b, z], x.shape, lines)
    np.testing.assert_array_equal(y, z)


def test_rare_knows_all(generator):
    x = generator.normal(size=1000).astype("float32")
    y = np.empty_like(x)
    lines = [("load", 0, 0), ("square", 1, 0), ("atan", 2, 1), ("store", 1, 2)]
    execute("float32", [x, y], x.shape, lines)
    np.testing.assert_allclose(y, np.arctan(x.astype(float) ** 2), **TOLERANCES["float32"])
    assert set(machine.OPCODES) >= machine.RARE
