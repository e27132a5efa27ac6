"""Philox against its published answers; distributions against their moments and quantiles; any range, same numbers."""

import math
import statistics

import numba
import numpy as np
import pytest

from nbkeras.kernels import random, scalars
from tests.kernels.launch import launch

STATE = np.array([-0x123456789ABCDEF, 77])
M0, M1, W0, W1, MASK = 0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85, 0xFFFFFFFF

# Random123's known answers for philox4x32, 10 rounds: counter, key, words.
KNOWN = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([MASK] * 4, [MASK] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


def philox_reference(counter, key):
    """Philox4x32-10 in Python's integers."""
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        p, q = M0 * c0, M1 * c2
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ k0, q & MASK, (p >> 32) ^ c3 ^ k1, p & MASK
        k0, k1 = (k0 + W0) & MASK, (k1 + W1) & MASK
    return [c0, c1, c2, c3]


def words_reference(state, n, part=0):
    """The word of each of n elements, by the layout in the module's docstring."""
    seed, counter = (int(v) & (2**64 - 1) for v in state)
    words = []
    for e in range(n):
        block = 32 * (e // 128) + e % 32
        c = [block & MASK, block >> 32 | part << 31, counter & MASK, counter >> 32]
        words.append(philox_reference(c, [seed & MASK, seed >> 32])[e % 128 // 32])
    return np.array(words, np.uint64)


@numba.njit
def philox(c, k):
    return random.philox(c[0], c[1], c[2], c[3], k[0], k[1])


@pytest.mark.parametrize("counter, key, words", KNOWN)
def test_philox_known_answers(counter, key, words):
    assert philox_reference(counter, key) == words
    assert list(philox(np.array(counter, np.uint32), np.array(key, np.uint32))) == words
    lanes = [np.array([v, 1], np.uint64) for v in counter + key]
    assert [int(w[0]) for w in random.philox_rounds(*lanes)] == words


FILLS = [
    (random.random_uniform, "f4", (-1.0, 3.0)),
    (random.random_uniform, "f8", (-1.0, 3.0)),
    (random.random_normal, "f4", (0.5, 2.0, 0)),
    (random.random_normal, "f8", (0.5, 2.0, 1)),
    (random.random_bernoulli, "f4", (0.3, 1.0)),
    (random.random_integers, "i8", (-5, 7)),
]


@pytest.mark.parametrize("kernel, code, settings", FILLS)
def test_any_range_gives_the_same_numbers(kernel, code, settings):
    whole = np.zeros(1000, code)
    launch(kernel, code, whole, STATE, *settings, items=1000)
    for chunk in (1, 33, 128, 257):
        parts = np.zeros(1000, code)
        launch(kernel, code, parts, STATE, *settings, items=1000, chunk=chunk)
        np.testing.assert_array_equal(parts, whole)
    for n in (1, 3, 7, 31, 33, 257):
        short = np.zeros(n + 1, code)
        launch(kernel, code, short, STATE, *settings, items=n)
        np.testing.assert_array_equal(short[:n], whole[:n])
        assert short[n] == 0


def test_uniform_is_its_words():
    words, more = words_reference(STATE, 300), words_reference(STATE, 300, part=1)
    out = np.zeros(300, "f4")
    launch(random.random_uniform, "f4", out, STATE, 0.0, 1.0, items=300)
    np.testing.assert_array_equal(out, (words >> np.uint64(8)).astype("f4") * np.float32(2.0**-24))
    wide = np.zeros(300, "f8")
    launch(random.random_uniform, "f8", wide, STATE, 0.0, 1.0, items=300)
    expected = (words << np.uint64(21) | more >> np.uint64(11)).astype("f8") * 2.0**-53
    np.testing.assert_array_equal(wide, expected)


def test_uniform_never_reaches_the_upper_end():
    out = np.zeros(1 << 20, "f4")
    launch(random.random_uniform, "f4", out, STATE, 1000.0, 1000.001, items=out.size)
    assert out.min() >= np.float32(1000.0)
    assert out.max() < np.float32(1000.001)


@pytest.mark.parametrize("code", ["f4", "f8"])
def test_uniform_moments(code):
    n = 200_000
    out = np.zeros(n, code)
    launch(random.random_uniform, code, out, STATE, 0.0, 1.0, items=n)
    assert abs(out.mean() - 0.5) < 5 * math.sqrt(1 / 12 / n)
    assert abs(np.corrcoef(out[:-1], out[1:])[0, 1]) < 5 / math.sqrt(n)
    histogram = np.histogram(out, 100, (0, 1))[0]
    assert ((histogram - n / 100) ** 2 / (n / 100)).sum() < 99 + 5 * math.sqrt(2 * 99)


@pytest.mark.parametrize("code", ["f4", "f8"])
@pytest.mark.parametrize("truncated", [0, 1])
def test_normal_distribution(code, truncated):
    n = 200_000
    out = np.zeros(n, code)
    launch(random.random_normal, code, out, STATE, 1.0, 2.0, truncated, items=n)
    z = np.sort((out.astype("f8") - 1) / 2)
    cdf = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in z[::50]])
    if truncated:
        outside = scalars.OUTSIDE_TWO
        cdf = (cdf - outside / 2) / (1 - outside)
        assert abs(z).max() <= 2.0 + 1e-6
    # Kolmogorov-Smirnov at 1e-6.
    assert np.abs(cdf - np.arange(0, n, 50) / n).max() < 2.7 / math.sqrt(n)


def test_float64_numbers_continue_the_float32_ones():
    for kernel, settings in ((random.random_uniform, (0.0, 1.0)), (random.random_normal, (0.0, 1.0, 0))):
        narrow, wide = np.zeros(1000, "f4"), np.zeros(1000, "f8")
        launch(kernel, "f4", narrow, STATE, *settings, items=1000)
        launch(kernel, "f8", wide, STATE, *settings, items=1000)
        np.testing.assert_allclose(narrow, wide, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("dtype, tolerance", [("f4", 4e-7), ("f8", 2e-15)])
def test_half_normal_quantiles(dtype, tolerance):
    p = np.concatenate([np.linspace(1e-3, 0.9, 500), np.logspace(-9, -3, 100)]).astype(dtype)
    expected = [-statistics.NormalDist().inv_cdf(float(v) / 2) for v in p]
    np.testing.assert_allclose(scalars.half_normal(p), expected, rtol=tolerance)
    assert scalars.half_normal(np.ones(1, dtype))[0] == 0


def test_dropout_at_rate_zero_keeps_all():
    x, y = np.arange(500.0), np.zeros(500)
    launch(random.dropout, "f8", y, x, STATE, 0.0, items=500)
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("code", ["f4", "f8"])
def test_dropout(rate, code):
    words = words_reference(STATE, 1000)
    x = np.random.default_rng(0).normal(size=1000).astype(code)
    keep = words >= np.uint64(rate * 2.0**32)
    x[np.flatnonzero(~keep)[:2]] = np.nan, np.inf  # what is dropped leaves no trace
    for chunk in (1000, 100):
        y = np.full(1000, 9, code)
        launch(random.dropout, code, y, x, STATE, rate, items=1000, chunk=chunk)
        with np.errstate(invalid="ignore"):
            expected = np.where(keep, x * x.dtype.type(1 / (1 - rate) if rate < 1 else 0), 0)
        np.testing.assert_array_equal(y, expected)


def test_dropout_and_bernoulli_share_their_mask():
    out, y = np.zeros(500, "f8"), np.zeros(500, "f4")
    launch(random.random_bernoulli, "f8", out, STATE, 0.25, 2.0, items=500)
    launch(random.dropout, "f4", y, np.ones(500, "f4"), STATE, 0.25, items=500)
    np.testing.assert_array_equal(out == 2.0, y == 0)
    for probability, value in ((0.0, 0.0), (1.0, 2.0)):
        launch(random.random_bernoulli, "f8", out, STATE, probability, 2.0, items=500)
        np.testing.assert_array_equal(out, value)


@pytest.mark.parametrize("low, high", [(0, 1), (-3, 4), (0, 2**40), (-(2**63), 2**63 - 1), (5, 5)])
def test_integers(low, high):
    n = 2000
    out = np.zeros(n, "i8")
    launch(random.random_integers, "i8", out, STATE, low, high, items=n)
    words, more = words_reference(STATE, n), words_reference(STATE, n, part=1)
    span = max(high - low, 1)
    expected = [low + ((int(a) << 32 | int(b)) * span >> 64) for a, b in zip(words, more, strict=True)]
    assert out.tolist() == expected


def test_permutation():
    for n in (0, 1, 3, 7, 31, 33, 257, 1000):
        out = np.full(n + 1, -1)
        launch(random.random_permutation, "i8", out, STATE, n, items=1)
        np.testing.assert_array_equal(np.sort(out[:n]), np.arange(n))
        assert out[n] == -1
    counts = np.zeros((4, 4))
    for counter in range(2000):
        launch(random.random_permutation, "i8", out, np.array([5, counter]), 4, items=1)
        counts[np.arange(4), out[:4]] += 1
    assert abs(counts - 500).max() < 5 * math.sqrt(2000 * 0.25 * 0.75)


def test_states_are_apart():
    fills = []
    for seed, counter in ((1, 0), (0, 1), (1 << 32, 0), (0, 1 << 32), (0, 0)):
        out = np.zeros(256, "f4")
        launch(random.random_uniform, "f4", out, np.array([seed, counter]), 0.0, 1.0, items=256)
        fills.append(out)
    for i, a in enumerate(fills):
        for b in fills[:i]:
            assert abs(np.corrcoef(a, b)[0, 1]) < 0.3
