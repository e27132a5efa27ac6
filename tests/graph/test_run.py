"""Eager calls on the caller's own arrays: same numbers as through copies, and nothing but the result is written."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nbkeras import Variable, ops
from nbkeras.graph import run


def layouts(x):
    """The same values with gaps, turned, off alignment, in the other byte order, and as they are."""
    wide = np.zeros((x.shape[0], 2 * x.shape[1]), x.dtype)
    wide[:, ::2] = x
    raw = np.zeros(x.nbytes + 1, np.uint8)
    odd = raw[1:].view(x.dtype).reshape(x.shape)
    odd[...] = x
    return x, wide[:, ::2], np.asfortranarray(x), odd, x.astype(x.dtype.newbyteorder()), x.tolist()


@pytest.mark.parametrize("rows", (3, 70), ids=("copied", "in place"))
def test_layouts_and_repeated_calls(rows):
    """A plan that is kept serves arrays of any layout, one after the other, and earlier results stay as they are."""
    generator = np.random.default_rng(rows)
    run.forget()
    results = []
    for _ in range(2):
        x = generator.normal(size=(rows, 40)).astype("f4")
        for given in layouts(x):
            before = np.array(given)
            got = ops.maximum(given, np.float32(0)), ops.matmul(given, x.T.copy()), ops.sum(given, axis=0)
            expected = np.maximum(x, 0), x.astype("f8") @ x.T, x.sum(0, dtype="f8")
            results.append((got, expected))
            np.testing.assert_array_equal(given, before)
    for got, expected in results:
        for one, other in zip(got, expected, strict=True):
            assert isinstance(one, np.ndarray) and one.flags.c_contiguous
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)


def test_results_are_never_an_input():
    """Views and variables: a result can be written to, and neither input nor variable changes."""
    x = np.ones((70, 40), "f4")
    variable = Variable(x)
    for given in (x, variable):
        for result in (ops.reshape(given, (40, 70)), ops.add(given, given), ops.transpose(given)):
            result[...] = -1
    np.testing.assert_array_equal(x, 1)
    np.testing.assert_array_equal(variable.numpy(), 1)


def test_a_variable_that_moved_is_found():
    """Kept plans are bound again when variables have moved to other memory."""
    x = np.full((70, 40), 2, "f4")
    np.testing.assert_array_equal(ops.square(x), 4)
    variables = [Variable(x), Variable(x)]
    import nbkeras

    nbkeras.optimizers.SGD(1.0).apply([ops.ones_like(x)] * 2, variables)
    np.testing.assert_array_equal(ops.square(variables[0]), 1)
    np.testing.assert_array_equal(ops.square(x), 4)


def test_threads_do_not_meet_in_a_call():
    """Calls of one shape share a plan; each thread gets its own arrays' result, small (copied) or large (bound)."""

    def work(number):
        for size in (64, 200_000):
            x = np.full(size, number, "float32")
            for _ in range(40):
                np.testing.assert_array_equal(ops.square(x), np.full(size, number * number, "float32"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(1, 5)))
