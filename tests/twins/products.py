"""Matrix products that are large enough for the large tiles of a GPU."""

import numpy as np

from tests.twins.cases import Case
from tests.twins.simulate import run_case


def large_product(batch: int, m: int, n: int, k: int, turn_a: int, turn_x: int) -> Case:
    """A product with enough large tiles, bias and relu."""
    rng = np.random.default_rng(0)
    shapes = (batch, m, n), (batch, k, m) if turn_a else (batch, m, k), (batch, n, k) if turn_x else (batch, k, n), n
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    numbers = [batch, m, n, k, m * k, k * n, turn_a, turn_x, 1, 1, 0, 0]
    return Case("matmul-large", "matmul", "f4", [*arrays, arrays[0], *numbers])


def compare_product(case: Case, machine):
    a, x = (np.float64(array.swapaxes(1, 2) if turn else array) for array, turn in zip(
        case.arguments[1:3], case.arguments[11:13], strict=True))  # fmt: skip
    expected = np.maximum(a @ x + case.arguments[3], 0)
    np.testing.assert_allclose(run_case(case, *machine)[0], expected, rtol=1e-4, atol=1e-4)
