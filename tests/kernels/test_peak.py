"""The loop that measures a processor's limit does the arithmetic that it is timed for."""

import numpy as np
import pytest

from nbkeras.kernels.peak import block, peak, schedule
from tests.kernels.launch import launch


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("n", [1, block() - 1, block(), 2 * block() + 3])
@pytest.mark.parametrize("steps", [0, 1, 5])
def test_every_element_takes_every_step(dtype, n, steps):
    y = np.arange(n).astype(dtype) / 8  # exact in float32 through five halvings
    expected = y.copy()
    for _ in range(steps):
        expected = expected * 0.5 + 1.0
    items, chunk = schedule(n)
    launch(peak, dtype, y, 0.5, 1.0, steps, n, items=items, chunk=chunk)
    np.testing.assert_allclose(y, expected, rtol=1e-6 if dtype == "f4" else 1e-15)
