"""Cases of pooling (see cases.py)."""

from __future__ import annotations

import numpy as np

from tests.twins.cases import normal

#: Name -> shape of the input; lengths, strides and zeros before of the windows, and how many there are.
POOLS = {
    "overlap": ((2, 1, 3, 4, 3), (1, 2, 3), (1, 1, 2), (0, 0, 1), (1, 2, 2)),
    "gaps": ((1, 3, 4, 1, 5), (1, 2, 1), (2, 3, 1), (0, 0, 0), (2, 1, 1)),
    "one": ((1, 1, 1, 1, 1), (1, 1, 1), (1, 1, 1), (0, 0, 0), (1, 1, 1)),
}


def pooling(maker):
    for label, (shape, *geometry, out) in POOLS.items():
        window, strides, before = geometry
        table = np.array([*shape[1:4], *out, *window, *strides, *before, shape[4]])
        small = (shape[0], *out, shape[4])
        rows, own_rows = (int(np.prod(s[:3])) for s in (small, shape))

        def few(rng, where, real):
            return rng.integers(-2, 3, where).astype(real)

        def places(rng, small=small, window=window, before=before):
            """Places that lie inside the input: the window's first one that is never cut."""
            del rng
            number = (before[0] * window[1] + before[1]) * window[2] + before[2]
            return np.full(small, number, np.uint16)

        for dtype in ("f4", "f8"):
            for keep in (0, 1):
                maker.add(
                    "max_pool",
                    f"{label}-keep{keep}",
                    dtype,
                    lambda rng, real, shape=shape, small=small, table=table, keep=keep: [
                        np.zeros(small, real),
                        np.zeros(small, np.uint16),
                        few(rng, shape, real),
                        table,
                        keep,
                    ],
                    rows,
                )
            maker.add(
                "max_pool_gradient",
                label,
                dtype,
                lambda rng, real, shape=shape, small=small, table=table, places=places: [
                    np.zeros(shape, real),
                    normal(rng, small, real),
                    places(rng),
                    table,
                ],
                own_rows,
            )
            maker.add(
                "max_pool_gather",
                label,
                dtype,
                lambda rng, real, shape=shape, small=small, table=table, places=places: [
                    np.zeros(small, real),
                    normal(rng, shape, real),
                    places(rng),
                    table,
                ],
                rows,
            )
            maker.add(
                "average_pool",
                label,
                dtype,
                lambda rng, real, shape=shape, small=small, table=table: [
                    np.zeros(small, real),
                    normal(rng, shape, real),
                    table,
                ],
                rows,
            )
            maker.add(
                "average_pool_gradient",
                label,
                dtype,
                lambda rng, real, shape=shape, small=small, table=table: [
                    np.zeros(shape, real),
                    normal(rng, small, real),
                    table,
                ],
                own_rows,
            )


FAMILIES = [pooling]
