"""Every formula of scalars.py against NumPy in extended precision, and its edge cases against NumPy."""

import math

import numpy as np
import pytest

from nbkeras.graph.primitives import TABLE
from nbkeras.kernels import scalars
from tests.kernels.machine import run
from tests.tolerances import ULP

scipy_special = pytest.importorskip("scipy.special")

WIDE = np.longdouble
SAMPLES = 20000


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


# name: (reference, range for float32, range for float64)
FUNCTIONS = {
    "exp": (np.exp, (-104, 88.7), (-745, 709.7)),
    "expm1": (np.expm1, (-30, 88.7), (-60, 709)),
    "log": (np.log, (0, 1e38), (0, 1e300)),
    "log1p": (np.log1p, (-1, 1e10), (-1, 1e10)),
    "sqrt": (np.sqrt, (0, 1e38), (0, 1e300)),
    "rsqrt": (lambda x: 1 / np.sqrt(x), (1e-30, 1e30), (1e-300, 1e300)),
    "reciprocal": (lambda x: 1 / x, (-1e30, 1e30), (-1e300, 1e300)),
    "sin": (np.sin, (-3.4e38, 3.4e38), (-1e15, 1e15)),
    "cos": (np.cos, (-3.4e38, 3.4e38), (-1e15, 1e15)),
    "tanh": (np.tanh, (-15, 15), (-25, 25)),
    "sigmoid": (sigmoid, (-100, 40), (-700, 40)),
    "softplus": (softplus, (-80, 80), (-700, 700)),
    "erf": (lambda x: scipy_special.erf(x.astype(float)), (-5, 5), (-7, 7)),
    "tan": (np.tan, (-3.4e38, 3.4e38), (-1e15, 1e15)),
    "atan": (np.arctan, (-1e3, 1e3), (-1e3, 1e3)),
    "asin": (np.arcsin, (-1, 1), (-1, 1)),
    "acos": (np.arccos, (-1, 1), (-1, 1)),
    "sinh": (np.sinh, (-89, 89), (-710, 710)),
    "cosh": (np.cosh, (-89, 89), (-710, 710)),
    "asinh": (np.arcsinh, (-1e10, 1e10), (-1e10, 1e10)),
    "acosh": (np.arccosh, (1, 1e10), (1, 1e10)),
    "atanh": (np.arctanh, (-1, 1), (-1, 1)),
    "log2": (np.log2, (0, 1e10), (0, 1e10)),
    "log10": (np.log10, (0, 1e10), (0, 1e10)),
}
EXACT = {
    "negative": np.negative,
    "absolute": np.abs,
    "sign": np.sign,
    "square": np.square,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.rint,
    "relu": lambda x: np.maximum(x, 0),
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "logical_not": np.logical_not,
    "sqrt": np.sqrt,
}
PAIRS = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "mod": np.mod,
    "floor_divide": np.floor_divide,
}
DTYPES = ("float32", "float64")


def values(low, high, dtype):
    """Dense in the range, and dense again towards 0."""
    generator = np.random.default_rng(1)
    even = generator.uniform(low, high, SAMPLES)
    small = np.exp(generator.uniform(np.log(1e-30), np.log(max(abs(low), abs(high))), SAMPLES))
    small *= generator.choice([-1, 1], SAMPLES)
    x = np.concatenate([even, small]).astype(dtype)
    return x[(x > low) & (x < high)]


def edges(dtype):
    info = np.finfo(dtype)
    numbers = [0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 2, -2, 0.5, -0.5, 1.5, -2.5, 3, -7, 1e-10, -1e-10]
    numbers += [info.tiny, -info.tiny, info.max, -info.max, info.smallest_subnormal, -3 * info.smallest_subnormal]
    x = np.array(numbers, dtype)
    payload = x[4:5].copy()  # a NaN that is not the usual one
    payload.view(f"i{x.itemsize}")[0] += 12345
    return np.concatenate([x, payload])


def ulps(got, expected, dtype):
    """Distance from the exact value in units of the last place; infinite where only one is finite or NaN."""
    with np.errstate(all="ignore"):
        rounded = np.asarray(expected, WIDE).astype(dtype)
        distance = np.abs(got.astype(WIDE) - expected) / np.abs(np.spacing(rounded)).astype(WIDE)
    distance[(got == rounded) & ~np.isfinite(distance)] = 0
    distance[np.isnan(got) & np.isnan(rounded)] = 0
    return np.where(np.isnan(distance), np.inf, distance)


def check(got, expected, dtype, limit=ULP):
    distance = ulps(got, np.asarray(expected), dtype)
    worst = distance.argmax()
    assert distance[worst] <= limit, (worst, got[worst], expected[worst], distance[worst])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_error(name, dtype):
    reference, single, double = FUNCTIONS[name]
    x = values(*(single if dtype == "float32" else double), dtype)
    expected = reference(x.astype(WIDE))
    check(run(name, x), expected, dtype)
    check(getattr(scalars, name)(x), expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_edges(name, dtype):
    x = edges(dtype)
    if name in ("sin", "cos", "tan"):
        x = x[~((np.abs(x) > 1e15) & np.isfinite(x) & (dtype == "float64"))]
    with np.errstate(all="ignore"):
        expected = FUNCTIONS[name][0](x.astype(WIDE))
        if name == "sigmoid":
            expected = np.where(x < -1e4, 0, expected)
    got = run(name, x)
    check(got, expected, dtype)
    zeros = (got == 0) & (x == 0)
    np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(expected[zeros]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_exact(name, dtype):
    x = np.concatenate([edges(dtype), values(-100, 100, dtype)])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(run(name, x), EXACT[name](x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PAIRS)
def test_pairs(name, dtype):
    x, y = (part.ravel().copy() for part in np.meshgrid(edges(dtype), edges(dtype)))
    if name in ("mod", "floor_divide"):  # the quotient must fit the mantissa
        with np.errstate(all="ignore"):
            keep = ~(np.abs(x / y) > 1e6) | (y == 0)
        x, y = x[keep], y[keep]
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(run(name, x, y), PAIRS[name](x, y))


@pytest.mark.parametrize("dtype", DTYPES)
def test_power(dtype):
    x, y = (part.ravel().copy() for part in np.meshgrid(edges(dtype), edges(dtype)))
    with np.errstate(all="ignore"):
        check(run("power", x, y), np.power(x, y), dtype)
    generator = np.random.default_rng(2)
    x = generator.uniform(0.2, 3, SAMPLES).astype(dtype)
    y = generator.uniform(-70, 70, SAMPLES).astype(dtype)
    check(run("power", x, y), x.astype(WIDE) ** y, dtype)
    for exponent in (2, 3, -1, 0.5):
        check(run("power", x, np.full_like(x, exponent)), x.astype(WIDE) ** exponent, dtype, limit=1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_arctan2(dtype):
    x, y = (part.ravel().copy() for part in np.meshgrid(edges(dtype), edges(dtype)))
    got, expected = run("arctan2", x, y), np.arctan2(x, y)
    check(got, expected, dtype)
    np.testing.assert_array_equal(np.signbit(got[got == 0]), np.signbit(expected[got == 0]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_erfinv(dtype):
    x = values(-1, 1, dtype)
    near_one = 1 - np.exp(np.random.default_rng(3).uniform(np.log(np.finfo(dtype).eps), 0, SAMPLES)).astype(dtype)
    x = np.concatenate([x, near_one[near_one < 1], np.array([0, -0.0, 1, -1, 1.5, np.nan], dtype)])
    check(run("erfinv", x), scipy_special.erfinv(x.astype(float)).astype(WIDE), dtype, limit=8)


def test_reference_of_erfinv():
    x = np.array([0.0, 1e-300, 1e-5, -0.3, 0.49, 0.51, 1 - 1e-9, 1 - 2**-53, -1, 2])
    np.testing.assert_allclose(TABLE["erfinv"].reference(x), scipy_special.erfinv(x), rtol=1e-15)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_angles_that_are_almost_multiples_of_half_a_circle(name):
    multiples = np.arange(1, 200000).astype(WIDE) * WIDE("1.57079632679489661923132169163975144")
    for dtype, extra in (("float32", [16367173 * 2.0**72]), ("float64", [5.1e14, 5319372648326541255 * 2.0**-20])):
        x = np.concatenate([multiples, extra]).astype(dtype)
        expected = [float(getattr(math, name)(number)) for number in x.astype(float)]
        check(run(name, x), np.array(expected, WIDE), dtype, limit=ULP + 0.5)


def test_sine_of_doubles_beyond_the_range_is_some_sine():
    x = np.array([1e16, -1e20, 1e300, np.finfo("float64").max])
    assert np.all(np.abs(run("sin", x)) <= 1) and np.all(np.abs(run("cos", x)) <= 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_erfc(dtype):
    x = np.concatenate([values(-5, 26 if dtype == "float64" else 9, dtype), edges(dtype)])
    y = run("erfc", x).astype(float)
    expected = [math.erfc(number) for number in x.astype(float)]  # scipy.special loses digits in the tail
    np.testing.assert_allclose(y, expected, rtol=2e-6 if dtype == "float32" else 3e-14, atol=np.finfo(dtype).tiny)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nextafter(dtype):
    x, y = (part.ravel().copy() for part in np.meshgrid(edges(dtype), edges(dtype)))
    with np.errstate(all="ignore"):
        got, expected = run("nextafter", x, y), np.nextafter(x, y)
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(np.signbit(got[got == 0]), np.signbit(expected[got == 0]))


def test_bits():
    generator = np.random.default_rng(4)
    x, y = (generator.integers(-(2**40), 2**40, 997) >> generator.integers(0, 40, 997) for _ in range(2))
    x[:3], y[:3] = 0, (0, 6, -4)
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "gcd"):
        np.testing.assert_array_equal(run(name, x, y), getattr(np, name)(x, y))
    fibonacci = [1, 1]
    while len(fibonacci) < 91:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    np.testing.assert_array_equal(run("gcd", np.array(fibonacci[1:]), np.array(fibonacci[:-1])), 1)
    by = generator.integers(0, 20, 997)
    np.testing.assert_array_equal(run("left_shift", x, by), x << by)
    np.testing.assert_array_equal(run("right_shift", x, by), x >> by)
    assert run("left_shift", x, np.full_like(x, 64)).any() == run("left_shift", x, np.full_like(x, -1)).any() == 0
    np.testing.assert_array_equal(run("right_shift", x, np.full_like(x, 64)), np.where(x < 0, -1, 0))


def test_integers():
    generator = np.random.default_rng(3)
    x = generator.integers(-1000, 1000, 997)
    y = generator.integers(-9, 10, 997)
    for name in ("add", "subtract", "multiply", "maximum", "minimum", "less", "equal"):
        np.testing.assert_array_equal(run(name, x, y), PAIRS[name](x, y))
    with np.errstate(all="ignore"):
        for name in ("floor_divide", "mod"):
            np.testing.assert_array_equal(run(name, x, y), PAIRS[name](x, y))  # NumPy too gives 0 for y = 0
    np.testing.assert_array_equal(run("power", x, np.abs(y)), x ** np.abs(y))
    np.testing.assert_array_equal(run("absolute", x), np.abs(x))
    np.testing.assert_array_equal(run("sign", x), np.sign(x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", scalars.ACTIVATIONS)
def test_slope(name, dtype):
    """activation_slope(y) is the derivative of activate(x)."""
    code = scalars.ACTIVATIONS[name]
    x = np.linspace(-8, 8, 1001) + 0.003
    step = 1e-6
    difference = (scalars.activate(code, x + step) - scalars.activate(code, x - step)) / (2 * step)
    slope = scalars.activation_slope(code, scalars.activate(code, x.astype(dtype)))
    np.testing.assert_allclose(slope, difference, rtol=1e-5, atol=1e-5)
    assert slope.dtype == dtype
