"""Initializers: distributions, seeds, names, configurations as Keras has them."""

import math

import numpy as np
import pytest

from nbkeras import initializers, utils
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.initializers.variance_scaling import compute_fans
from nbkeras.random import SeedGenerator

SHAPE = (200, 300)

#: name, arguments, deviation, largest size.
RANDOM = [
    ("RandomNormal", {"stddev": 0.5}, 0.5, math.inf),
    ("TruncatedNormal", {"stddev": 0.5}, 0.5 * 0.8796, 1.0),
    ("RandomUniform", {"minval": -0.3, "maxval": 0.3}, 0.3 / math.sqrt(3), 0.3),
    ("GlorotUniform", {}, math.sqrt(2 / 500), math.sqrt(6 / 500)),
    ("GlorotNormal", {}, math.sqrt(2 / 500), 2 * math.sqrt(2 / 500) / 0.8796),
    ("HeUniform", {}, math.sqrt(2 / 200), math.sqrt(6 / 200)),
    ("HeNormal", {}, math.sqrt(2 / 200), 2 * math.sqrt(2 / 200) / 0.8796),
    ("LecunUniform", {}, math.sqrt(1 / 200), math.sqrt(3 / 200)),
    ("LecunNormal", {}, math.sqrt(1 / 200), 2 * math.sqrt(1 / 200) / 0.8796),
    ("VarianceScaling", {"mode": "fan_out", "distribution": "untruncated_normal"}, math.sqrt(1 / 300), math.inf),
    ("VarianceScaling", {"scale": 3.0, "distribution": "uniform"}, math.sqrt(3 / 200), 3 / math.sqrt(200)),
]
OTHERS = [("Zeros", {}), ("Ones", {}), ("Constant", {"value": 3.0}), ("Orthogonal", {"gain": 2.0})]


@pytest.mark.parametrize("name,arguments,deviation,largest", RANDOM)
def test_distribution(name, arguments, deviation, largest):
    make = getattr(initializers, name)
    values = make(seed=1, **arguments)(SHAPE)
    assert values.shape == SHAPE and values.dtype == np.float32
    assert abs(values.mean()) < 4 * deviation / math.sqrt(values.size)
    assert values.std() == pytest.approx(deviation, rel=0.02)
    assert np.abs(values).max() <= largest * 1.0001
    np.testing.assert_array_equal(values, make(seed=1, **arguments)(SHAPE))
    assert (values != make(seed=2, **arguments)(SHAPE)).any()
    assert make(seed=1, **arguments)((3, 4), dtype="float64").dtype == np.float64


def test_mean_of_a_normal():
    assert initializers.RandomNormal(mean=2.0, stddev=0.1, seed=0)((1000,)).mean() == pytest.approx(2.0, abs=0.02)


def test_the_global_seed_fixes_everything():
    def draw():
        utils.set_random_seed(5)
        return [initializers.get("he_normal")((3, 3)) for _ in range(2)]

    first, again = draw(), draw()
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).any()


def test_a_seed_generator_draws_anew():
    make = initializers.RandomUniform(seed=SeedGenerator(3))
    assert (make((4,)) != make((4,))).any()


def test_constants():
    np.testing.assert_array_equal(initializers.get("zeros")((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(initializers.get("one")((2,), "int32"), np.ones(2, "int32"))
    np.testing.assert_array_equal(initializers.Constant([1.0, 2.0])((3, 2)), [[1, 2]] * 3)
    np.testing.assert_array_equal(initializers.Identity(2)((2, 3)), 2 * np.eye(2, 3))
    broadcast = initializers.Constant(np.array([1.0, 2.0], "float32"))
    again = initializers.Constant.from_config(broadcast.get_config())
    assert again.get_config() == broadcast.get_config()
    np.testing.assert_array_equal(broadcast.clone()((3, 2)), [[1, 2]] * 3)
    array = np.arange(4.0)
    np.testing.assert_array_equal(initializers.get(array)((4,)), array)


@pytest.mark.parametrize("shape", [(5, 5), (8, 3), (3, 8), (2, 3, 4)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2.0, seed=0)(shape).reshape(-1, shape[-1])
    product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(product, 4 * np.eye(min(q.shape)), atol=1e-5)


def test_fans():
    assert compute_fans(()) == (1, 1)
    assert compute_fans((7,)) == (7, 7)
    assert compute_fans((3, 3, 8, 16)) == (72, 144)
    assert compute_fans((2, 3, 4), input_axes=[0], output_axes=[1, 2]) == (2, 12)


@pytest.mark.oracle
@pytest.mark.parametrize("name,arguments", [(n, a) for n, a, _, _ in RANDOM] + OTHERS)
def test_configuration_as_in_keras(name, arguments):
    keras = pytest.importorskip("keras")
    ours, theirs = getattr(initializers, name)(**arguments), getattr(keras.initializers, name)(**arguments)
    assert ours.get_config() == theirs.get_config()
    again = initializers.deserialize(initializers.serialize(ours))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()


@pytest.mark.oracle
def test_every_name_of_keras():
    pytest.importorskip("keras")
    from keras.src.initializers import ALL_OBJECTS_DICT

    # The short-time Fourier transform's kernel waits for the layers that use it.
    known = {name: cls.__name__ for name, cls in ALL_OBJECTS_DICT.items() if cls.__name__ != "STFT"}
    assert {name: type(initializers.get(name)).__name__ for name in known} == known


def test_the_gain_is_in_the_configuration():
    assert initializers.deserialize(initializers.serialize(initializers.Identity(2.0))).gain == 2.0


def test_a_seed_generator_in_the_configuration():
    ours = initializers.HeNormal(seed=SeedGenerator(4))
    again = initializers.deserialize(initializers.serialize(ours))
    np.testing.assert_array_equal(ours((3, 3)), again((3, 3)))


def test_messages():
    with pytest.raises(ArgumentError, match="unknown initializer 'glorot'; did you mean 'glorot_normal'"):
        initializers.get("glorot")
    with pytest.raises(ArgumentError, match="expected a name, a configuration, a function or an Initializer, got 3"):
        initializers.get(3)
    with pytest.raises(ArgumentError, match="expected scale to be a finite number above 0, got 0"):
        initializers.VarianceScaling(scale=0)
    with pytest.raises(ArgumentError, match="expected mode"):
        initializers.VarianceScaling(mode="fan")
    with pytest.raises(ArgumentError, match="expected distribution"):
        initializers.VarianceScaling(distribution="gauss")
    with pytest.raises(ArgumentError, match="expected an integer seed"):
        initializers.RandomNormal(seed="1")
    with pytest.raises(ShapeError, match="expected a matrix"):
        initializers.Identity()((3,))
    with pytest.raises(ShapeError, match="at least two axes"):
        initializers.Orthogonal()((3,))
    with pytest.raises(ShapeError, match=r"the given array has shape \(2,\), the weight \(3,\)"):
        initializers.get(np.ones(2))((3,))
