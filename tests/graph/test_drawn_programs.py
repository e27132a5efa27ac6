"""Programs drawn at random give, fused and planned, what their primitives' references give node by node."""

from __future__ import annotations

import pytest

from tests.graph.programs import Drawing, compare, smaller


@pytest.mark.parametrize("rare", [False, True], ids=["plain", "rare"])
@pytest.mark.parametrize("block", range(10))
def test_drawn_programs(block, rare):
    for seed in range(30 * block, 30 * block + (10 if rare else 30)):
        program = Drawing(seed, rare).program
        if compare(program, seed) is not None:
            program = smaller(program, seed)
            pytest.fail(f"seed {seed}: {compare(program, seed)}\n{program}", pytrace=False)
