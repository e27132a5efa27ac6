"""The matrix product against NumPy in float64, at its rounding bound; the same bits for any cut and thread count."""

import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from nbkeras.kernels import gemm, threads
from nbkeras.kernels.scalars import ACTIVATIONS, activate, activation_slope
from tests.kernels.launch import launch

DTYPES = {"f4": np.float32, "f8": np.float64}
SIZES = (1, 2, 3, 5, 7, 13, 16, 31, 33, 129, 257)
FORMS = list(itertools.product((0, 1), (0, 1)))


def stored(matrix, transposed):
    """A stack of matrices as the kernel reads it."""
    return np.ascontiguousarray(matrix.swapaxes(-1, -2) if transposed else matrix)


def product(
    code, a, x, transpose_a=0, transpose_x=0, bias=None, activation=0, gate=None, gate_code=0, c=None, cut=None
):
    """Run the kernel on (batch or 1, m, k) and (batch or 1, k, n); cut: items a chunk, None for its own."""
    batch, (m, k), n = max(len(a), len(x)), a.shape[1:], x.shape[2]
    dtype = DTYPES[code]
    accumulate = int(c is not None)
    c = np.full((batch, m, n), np.nan, dtype) if c is None else c.copy()
    numbers = {
        "batch": batch,
        "m": m,
        "n": n,
        "k": k,
        "a_step": m * k if len(a) > 1 else 0,
        "x_step": k * n if len(x) > 1 else 0,
        "transpose_a": transpose_a,
        "transpose_x": transpose_x,
        "has_bias": int(bias is not None),
        "activation": activation,
        "gate_code": gate_code,
        "accumulate": accumulate,
    }
    items, chunk = gemm.matmul.schedule(**numbers)
    if cut is not None:
        chunk = cut
    launch(
        gemm.matmul, code, c, stored(a, transpose_a), stored(x, transpose_x), bias, gate, *numbers.values(),
        items=items, chunk=chunk,
    )  # fmt: skip
    return c


def operands(code, batch, m, n, k, seed=0, shared=""):
    generator = np.random.default_rng([seed, m, n, k])
    a = generator.normal(size=(1 if "a" in shared else batch, m, k)).astype(DTYPES[code])
    x = generator.normal(size=(1 if "x" in shared else batch, k, n)).astype(DTYPES[code])
    return a, x


def check(got, a, x, bias=None, activation=0, gate=None, gate_code=0, c=None):
    """Compare with float64, within the bound of the sum's rounding errors carried through what follows it."""
    wide = [None if array is None else array.astype("f8") for array in (a, x, bias, gate, c)]
    a64, x64, bias64, gate64, c64 = wide
    epsilon = np.finfo(got.dtype).eps
    total = a64 @ x64 + (0 if bias is None else bias64)
    error = epsilon * (a.shape[2] + 4) * (np.abs(a64) @ np.abs(x64) + (0 if bias is None else np.abs(bias64)))
    slope = activation_slope(gate_code, gate64) if gate_code else 1
    total, error = total * slope, error * (np.abs(slope) + 16 * epsilon) + 16 * epsilon * np.abs(total)
    expected = activate(activation, total)
    if activation == ACTIVATIONS["exponential"]:
        error = error * expected
    error = 2 * error + 16 * epsilon * (np.abs(expected) + 1)
    if c is not None:
        expected = expected + c64
        error = error + 2 * epsilon * (np.abs(expected) + np.abs(c64))
    wrong = ~(np.abs(got - expected) <= error)
    assert not wrong.any(), (np.argwhere(wrong)[:3], got[wrong][:3], expected[wrong][:3])


@pytest.mark.parametrize("transpose_a, transpose_x", FORMS)
@pytest.mark.parametrize("code", DTYPES)
def test_shapes(code, transpose_a, transpose_x):
    shapes = list(itertools.product(SIZES[:-2], SIZES[:-2], (1, 7, 33)))
    shapes += [(257, 1, 1), (1, 257, 3), (129, 257, 31), (257, 129, 16), (3, 33, 257), (33, 7, 600), (150, 140, 513)]
    shapes += [(519, 290, 410), (200, 300, 1024)]  # several tiles, groups of slivers and blocks of k
    shapes += [(1, 1100, 900), (1100, 1, 900)]  # the same of a matrix and a vector
    for m, n, k in shapes:
        a, x = operands(code, 1, m, n, k)
        check(product(code, a, x, transpose_a, transpose_x), a, x)


@pytest.mark.parametrize("code", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 10, 5), (33, 31, 13), (13, 129, 300), (1, 70, 400), (70, 1, 400)])
def test_options(code, shape):
    """All combinations of orientation, bias, activation, gate and accumulation, in one block of k and in several."""
    m, n, k = shape
    generator = np.random.default_rng(1)
    a, x = operands(code, 1, m, n, k)
    a /= k**0.5
    dtype = DTYPES[code]
    bias = generator.normal(size=n).astype(dtype)
    before = generator.normal(size=(1, m, n)).astype(dtype)
    for form, has_bias, gate_name, accumulate in itertools.product(
        FORMS, (False, True), (None, "relu", "tanh", "softplus"), (False, True)
    ):
        for activation in ("linear",) if accumulate else ("linear", "relu", "tanh", "exponential"):
            gate_code = ACTIVATIONS[gate_name] if gate_name else 0
            gate = activate(gate_code, before) if gate_name else None
            options = {
                "bias": bias if has_bias else None,
                "activation": ACTIVATIONS[activation],
                "gate": gate,
                "gate_code": gate_code,
                "c": before if accumulate else None,
            }
            check(product(code, a, x, *form, **options), a, x, **options)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    for code, dtype in DTYPES.items():
        a, x = operands(code, 1, 9, 21, 5)
        y = activate(ACTIVATIONS[name], np.linspace(-3, 3, 9 * 21).astype(dtype).reshape(1, 9, 21))
        check(product(code, a, x, activation=ACTIVATIONS[name]), a, x, activation=ACTIVATIONS[name])
        check(product(code, a, x, gate=y, gate_code=ACTIVATIONS[name]), a, x, gate=y, gate_code=ACTIVATIONS[name])


@pytest.mark.parametrize("shared", ["", "a", "x"])
def test_batches(shared):
    for form, (m, n, k) in itertools.product(FORMS, [(5, 3, 7), (33, 16, 257), (130, 140, 9)]):
        a, x = operands("f4", 4, m, n, k, shared=shared)
        check(product("f4", a, x, *form), a, x)


@pytest.mark.parametrize("code", DTYPES)
def test_empty_sum(code):
    """With k = 0 the sum is 0: c is the activated bias."""
    bias = np.array([-1, 0, 2, np.inf, np.nan], DTYPES[code])
    a, x = operands(code, 1, 3, 5, 0)
    for form in FORMS:
        got = product(code, a, x, *form, bias=bias, activation=ACTIVATIONS["relu"])
        np.testing.assert_array_equal(got[0], np.broadcast_to(np.array([0, 0, 2, np.inf, np.nan]), (3, 5)))
        for m, n in ((1, 3), (3, 1)):
            assert not product(code, *operands(code, 1, m, n, 0), *form).any()


@pytest.mark.parametrize("transpose_a, transpose_x", FORMS)
def test_not_a_number_spreads(transpose_a, transpose_x):
    """0 * NaN and 0 * inf are NaN, in whole panels and at edges; neighbours stay clean; relu keeps NaN."""
    for value, (m, n, k) in itertools.product((np.nan, np.inf), [(7, 21, 5), (40, 40, 300)]):
        a, x = (np.zeros(shape, np.float32) for shape in ((1, m, k), (1, k, n)))
        x[0, k - 1, n - 1] = value
        got = product("f4", a, x, transpose_a, transpose_x, activation=ACTIVATIONS["relu"])
        assert np.isnan(got[0, :, -1]).all() and (got[0, :, :-1] == 0).all()
        x[:] = 0
        a[0, m - 1, 0] = value
        got = product("f4", a, x, transpose_a, transpose_x)
        assert np.isnan(got[0, -1]).all() and (got[0, :-1] == 0).all()


@pytest.mark.parametrize("transpose_a, transpose_x", FORMS)
def test_nothing_outside_is_touched(transpose_a, transpose_x):
    """Writes stay within c, and what lies around the operands (NaN here) never comes in."""
    for m, n, k in [(1, 1, 1), (7, 10, 5), (33, 17, 9), (13, 35, 260)]:
        a, x = operands("f4", 1, m, n, k)
        room = {
            name: np.full(size + 128, np.nan, np.float32) for name, size in (("a", m * k), ("x", k * n), ("c", m * n))
        }
        room["a"][64:-64], room["x"][64:-64] = stored(a, transpose_a).ravel(), stored(x, transpose_x).ravel()
        inner = {name: array[64:-64] for name, array in room.items()}
        items, _ = gemm.schedule(batch=1, m=m, n=n, k=k)
        launch(
            gemm.matmul, "f4", inner["c"], inner["a"], inner["x"], None, None,
            1, m, n, k, 0, 0, transpose_a, transpose_x, 0, 0, 0, 0, items=items,
        )  # fmt: skip
        assert np.isnan(room["c"][:64]).all() and np.isnan(room["c"][-64:]).all()
        check(inner["c"].reshape(1, m, n), a, x)


@pytest.mark.parametrize("code", DTYPES)
@pytest.mark.parametrize("shape", [(1, 33, 31, 7), (1, 32, 130, 784), (3, 129, 257, 33), (1, 300, 10, 513)])
def test_same_bits_for_any_cut(code, shape):
    a, x = operands(code, *shape)
    bias = np.random.default_rng(2).normal(size=shape[2]).astype(DTYPES[code])
    for form in FORMS:
        results = []
        for count, chunk in itertools.product((1, 2), (1, 3, 10**6)):
            with threads.set_num_threads(count):
                results.append(product(code, a, x, *form, bias=bias, activation=1, cut=chunk))
        assert all(result.tobytes() == results[0].tobytes() for result in results)


@pytest.mark.parametrize("code", DTYPES)
@pytest.mark.parametrize("n", [1, 40, 300])
def test_bits_do_not_depend_on_neighbours(code, n):
    """A row's result is the same alone and among others: batch 1 predicts what batch 32 does."""
    a, x = operands(code, 1, 32, n, 1000)
    whole = product(code, a, x)
    for i in (0, 5, 31):
        assert product(code, a[:, i : i + 1], x).tobytes() == whole[:, i].tobytes()


def test_schedule_covers_the_product():
    for batch, m, n, k in [(1, 1, 1, 0), (2, 1000, 1, 3), (1, 784, 512, 128), (64, 17, 33, 5), (1, 1024, 1024, 1024)]:
        rows, columns = gemm.tiling.py_func(batch, m, n, k, gemm.tile_rows())
        items, chunk = gemm.schedule(batch=batch, m=m, n=n, k=k)
        most = gemm.TILE_ROWS if n > 1 else 2 * gemm.THIN_ROWS
        assert rows <= most and columns <= gemm.TILE_COLUMNS and columns % gemm.LEAST_COLUMNS == 0
        assert items == batch * -(-m // rows) * -(-n // columns) and 1 <= chunk <= items


OTHER_PROCESSOR = """
import json, sys
import numpy as np
from nbkeras.kernels import gemm, runner, vector
errors = []
for code, dtype in (("f4", np.float32), ("f8", np.float64)):
    for m, n, k in ((1, 1, 1), (7, 10, 5), (33, 35, 300), (1, 150, 30), (150, 1, 30)):
        for form in ((0, 0), (0, 1), (1, 0), (1, 1)):
            generator = np.random.default_rng(0)
            a, x = generator.integers(-3, 4, (m, k)).astype(dtype), generator.integers(-3, 4, (k, n)).astype(dtype)
            c = np.full((m, n), np.nan, dtype)
            stored = [np.ascontiguousarray(y.T if t else y) for y, t in zip((a, x), form)]
            items, chunk = gemm.schedule(batch=1, m=m, n=n, k=k)
            arguments = (c, *stored, None, None, 1, m, n, k, 0, 0, *form, 0, 0, 0, 0)
            runner.Program([(gemm.matmul, code, arguments, items, chunk)]).run()
            errors.append(float(abs(c - a @ x).max()))
print(json.dumps([vector.register_bytes(), max(errors)]))
"""


@pytest.mark.parametrize("name, features, width", [("nehalem", "", 16), ("x86-64", "", 16)])
def test_narrow_vectors(name, features, width, tmp_path):
    """Compiled for processors with 16-byte vectors, in a process of its own: exact on small integers."""
    if not sys.platform.startswith("linux") or os.uname().machine != "x86_64":
        pytest.skip("compares processors of the x86 family")
    environment = os.environ | {
        "NUMBA_CPU_NAME": name,
        "NUMBA_CPU_FEATURES": features,
        "NBKERAS_CACHE_DIR": str(tmp_path),
    }
    ran = subprocess.run([sys.executable, "-c", OTHER_PROCESSOR], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [width, 0.0]
