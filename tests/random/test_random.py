"""Random tensors and seeds, at once and inside a trace."""

import random as python_random

import numpy as np
import pytest

from nbkeras import ops, random, utils
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError
from nbkeras.graph.gradient import gradient
from nbkeras.graph.traced import Traced
from nbkeras.random.seed_generator import draw_seed, state_of


def test_distributions():
    n = (20000,)
    x = random.normal(n, 1.0, 2.0, seed=1)
    assert x.dtype == np.float32
    assert x.mean() == pytest.approx(1, abs=0.06) and x.std() == pytest.approx(2, rel=0.03)
    x = random.truncated_normal(n, seed=1)
    assert np.abs(x).max() <= 2 and x.std() == pytest.approx(0.8796, rel=0.03)
    x = random.uniform(n, -1.0, 3.0, dtype="float64", seed=1)
    assert x.dtype == np.float64 and -1 <= x.min() < -0.99 and 2.99 < x.max() < 3
    x = random.randint(n, -2, 3, seed=1)
    assert x.dtype == np.int32 and sorted(set(x.tolist())) == [-2, -1, 0, 1, 2]
    with pytest.raises(ArgumentError, match="expected a float dtype, got 'int64'"):
        random.uniform((3,), 0, 9, dtype="int64", seed=1)


def test_categorical():
    logits = np.log(np.array([[0.2, 0.8, 1e-9], [0.5, 0.25, 0.25]], "float32"))
    x = random.categorical(logits, 4000, seed=3)
    assert x.shape == (2, 4000) and x.dtype == np.int32
    first, second = (np.bincount(row, minlength=3) / 4000 for row in x)
    np.testing.assert_allclose(first, [0.2, 0.8, 0], atol=0.03)
    np.testing.assert_allclose(second, [0.5, 0.25, 0.25], atol=0.03)
    with pytest.raises(ShapeError, match=r"expected logits of shape \(batch, classes\)"):
        random.categorical(logits[0], 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gamma_beta_binomial(dtype):
    stats = pytest.importorskip("scipy.stats")
    n = 20000
    for alpha in (0.2, 0.9, 1.0, 2.5, 400.0):
        x = random.gamma((n,), alpha, dtype=dtype, seed=5)
        assert x.dtype == dtype and stats.kstest(x, stats.gamma(alpha).cdf).pvalue > 1e-3, alpha
    for a, b in ((0.5, 0.5), (2.0, 5.0), (30.0, 1.0)):
        x = random.beta((n,), a, b, dtype=dtype, seed=6)
        assert stats.kstest(x, stats.beta(a, b).cdf).pvalue > 1e-3, (a, b)
    for count, p in ((1, 0.3), (10, 0.5), (100, 0.02), (10000, 0.7), (5, 0.0), (7, 1.0)):
        x = random.binomial((n,), count, p, dtype=dtype, seed=7)
        assert x.dtype == dtype and (x == np.floor(x)).all() and x.min() >= 0 and x.max() <= count
        expected = stats.binom(count, p)
        assert abs(x.mean() - expected.mean()) <= 5 * expected.std() / n**0.5 + 1e-9, (count, p)
        if expected.std():
            assert abs(x.std() / expected.std() - 1) < 0.03
    alphas = np.array([[0.5], [8.0]], dtype)
    rows = random.gamma((2, n), alphas, dtype=dtype, seed=1)
    np.testing.assert_allclose(rows.mean(1), alphas[:, 0], rtol=0.05)
    assert np.isnan(random.gamma((2,), -1.0, dtype=dtype, seed=1)).all()


def test_shuffle():
    x = np.arange(12).reshape(3, 4)
    columns = random.shuffle(x, axis=1, seed=1)
    assert sorted(columns.T.tolist()) == x.T.tolist()
    assert (columns != x).any()


def test_dropout():
    x = np.ones((100, 100), "float32")
    y = random.dropout(x, 0.25, seed=1)
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.02)
    np.testing.assert_allclose(y[y != 0], 1 / 0.75, rtol=1e-6)
    rows = random.dropout(x, 0.5, noise_shape=(None, 1), seed=1)
    assert (rows == rows[:, :1]).all() and 0.3 < (rows == 0).mean() < 0.7
    assert not random.dropout(x, 1.0).any()
    with pytest.raises(ArgumentError, match="rate from 0 to 1"):
        random.dropout(x, 1.5)


def test_seeds():
    a, b = random.SeedGenerator(7), random.SeedGenerator(7)
    np.testing.assert_array_equal(random.normal((3,), seed=a), random.normal((3,), seed=b))
    assert (random.normal((3,), seed=a) != random.normal((3,), seed=7)).any()
    assert a.state.numpy().tolist() == [7, 2]
    assert not a.state.trainable and a.state.dtype == "int64" and a.state.shape == (2,)
    assert random.SeedGenerator.from_config(a.get_config()).state.numpy().tolist() == [7, 0]
    assert state_of(2**64 - 1).tolist() == [-1, 0]
    with pytest.raises(ArgumentError, match="expected an integer seed or None, got 'x'"):
        random.SeedGenerator("x")
    with pytest.raises(ArgumentError, match=r"expected an integer, a .*SeedGenerator or None"):
        draw_seed("x")


def test_set_random_seed():
    def draw():
        utils.set_random_seed(11)
        numbers = np.random.rand()  # noqa: NPY002
        return python_random.random(), numbers, random.uniform(()), random.SeedGenerator().state.numpy()[0]

    assert draw() == draw()
    python_random.seed(1)
    assert random.uniform(()) != random.uniform(())
    with pytest.raises(ArgumentError, match="expected an integer from 0 to 4294967295, got -1"):
        utils.set_random_seed(-1)


def test_set_random_seed_reaches_traced_steps():
    step = Traced(lambda x: x * random.uniform((4,)))
    x = np.ones(4, "float32")
    utils.set_random_seed(1)
    first = [step(x).tolist() for _ in range(2)]
    utils.set_random_seed(1)
    assert [step(x).tolist() for _ in range(2)] == first
    assert first[0] != first[1]


def test_a_traced_step_draws_anew_each_time():
    seed = random.SeedGenerator(3)
    step = Traced(lambda x: (random.dropout(x, 0.5, seed=seed), random.dropout(x, 0.5, seed=seed)))
    x = np.ones(64, "float32")
    first, second = step(x), step(x)
    drawn = [part.tolist() for part in (*first, *second)]
    assert all(a != b for i, a in enumerate(drawn) for b in drawn[:i])
    assert seed.state.numpy().tolist() == [3, 4]
    again = random.SeedGenerator(3)
    np.testing.assert_array_equal(first[0], random.dropout(x, 0.5, seed=again))
    np.testing.assert_array_equal(first[1], random.dropout(x, 0.5, seed=again))


def test_the_gradient_has_the_mask_of_the_forward_pass():
    seed = random.SeedGenerator(3)

    def step(x):
        y = random.dropout(x, 0.5, seed=seed)
        return y, gradient(ops.sum(y), [x])[0]

    traced = Traced(step)
    for _ in range(2):
        y, dx = traced(np.ones(64, "float32"))
        np.testing.assert_array_equal(y, dx)


def test_shapes_and_counts():
    assert random.normal(3, seed=1).shape == (3,)
    for shape in ("ab", None, (2.5,)):
        with pytest.raises(ArgumentTypeError, match="random: a shape must be a whole number or several, got"):
            random.uniform(shape)
    with pytest.raises(ArgumentError, match="num_samples must be at least 0, got -2"):
        random.categorical(np.ones((1, 3)), -2)


def test_float_dtypes_only():
    with pytest.raises(ArgumentError, match=r"random.normal: expected a float dtype, got 'int32'"):
        random.normal((2,), dtype="int32")
    with pytest.raises(ArgumentError, match=r"random.randint: expected an integer dtype"):
        random.randint((2,), 0, 1, dtype="float32")
