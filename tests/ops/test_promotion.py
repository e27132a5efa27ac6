"""The table of dtypes: what mixing two of them gives, as Keras has it, but for 64-bit inputs, which stay 64-bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nbkeras import ops

# uint32 with a signed integer gives int64, which Keras on JAX cuts to int32.
KINDS = "bool uint8 uint16 int8 int16 int32 float32".split()
NUMBERS = [True, 2, 2.5]
FUNCTIONS = "add multiply true_divide maximum less where_ concatenate_ matmul".split()


def operand(kind):
    return np.ones((2, 2), kind) if isinstance(kind, str) else kind


def call(module, name, a, b):
    if name == "where_":
        return module.where(np.ones((2, 2), bool), a, b)
    if name == "concatenate_":
        return module.concatenate([a, b])
    return getattr(module, name)(a, b)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_pairs_as_in_keras(name):
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")
    kinds = KINDS if name != "concatenate_" else "bool uint8 int32 float32".split()
    others = kinds if name in ("concatenate_", "matmul") else KINDS + NUMBERS
    for first, second in itertools.product(kinds, others):
        a, b = operand(first), operand(second)
        expected = str(call(keras.ops, name, keras.ops.convert_to_tensor(a), b).dtype)
        assert str(call(ops, name, a, b).dtype) == expected, (first, second)
        if name not in ("concatenate_", "matmul"):
            expected = str(call(keras.ops, name, b, keras.ops.convert_to_tensor(a)).dtype)
            assert str(call(ops, name, b, a).dtype) == expected, (second, first)


#: Functions of which a few pairs are drawn, and kinds that Keras or JAX refuses for them.
DRAWN = {
    **dict.fromkeys("subtract minimum arctan2 logaddexp hypot outer inner dot tensordot kron cross".split(), ()),
    **dict.fromkeys("divide floor_divide mod fmod power logical_and equal isclose append vdot".split(), ()),
    **dict.fromkeys("bitwise_and bitwise_or bitwise_xor".split(), ("float32",)),
    **dict.fromkeys("gcd lcm left_shift right_shift".split(), ("float32", "bool")),
}
DRAWN["subtract"] = ("bool",)
DRAWN["cross"] = ("bool",)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_drawn_pairs_as_in_keras():
    keras = pytest.importorskip("keras", reason="the extra 'oracle' is not installed")
    numbers = np.random.default_rng(5)
    for name, refused in DRAWN.items():
        kinds = [k for k in KINDS if k not in refused]
        for first, second in [("int8", "int8"), *(numbers.choice(kinds, 2) for _ in range(2))]:
            shape = (2, 3) if name == "cross" else (2, 2)
            a, b = np.ones(shape, first), np.ones(shape, second)
            if name == "vdot":
                a, b = a[0], b[0]
            expected = getattr(keras.ops, name)(keras.ops.convert_to_tensor(a), keras.ops.convert_to_tensor(b))
            got = getattr(ops, name)(a, b)
            assert str(got.dtype) == str(expected.dtype), (name, first, second)
            np.testing.assert_allclose(got, np.asarray(expected), rtol=1e-5, err_msg=f"{name} {first} {second}")


@pytest.mark.parametrize(
    "a, b, expected",
    [
        ("float64", "float64", "float64"),
        ("float64", "float32", "float64"),
        ("float64", 2.5, "float64"),
        ("int64", "int64", "int64"),
        ("int64", 3, "int64"),
        ("int64", "float32", "float32"),
        ("int64", 2.5, "float32"),
        ("float32", np.float64(2.5), "float32"),
        ("int32", np.int64(3), "int32"),
        ("float32", np.float32(2), "float32"),
        ("uint64", "int32", "float32"),
    ],
)
def test_64_bits_stay(a, b, expected):
    assert ops.add(operand(a), operand(b)).dtype == expected
    assert ops.add(operand(b), operand(a)).dtype == expected
