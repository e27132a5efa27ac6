"""Cases of pooling and normalization (see cases.py)."""

from __future__ import annotations

import numpy as np

from nbkeras.graph.primitives.pooling import Pooling
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


def normalization(maker):
    for rows, block, c in ((7, 3, 5), (1, 1, 1), (9, 4, 33)):
        parts = -(-rows // block)
        label = f"{rows}-{block}-{c}"

        def vector(rng, real, c=c):
            return normal(rng, c, real)

        def matrix(rng, real, rows=rows, c=c):
            return normal(rng, (rows, c), real)

        def partial(real, parts=parts, c=c):
            return np.zeros((parts, 2, c), real)

        def sums(rng, real, gate, parts=parts, rows=rows, block=block, c=c):
            operands = [normal(rng, (rows, c), real) for _ in range(2)] + [normal(rng, c, real) for _ in range(3)]
            return [np.zeros((parts, 2, c), real), *operands, rows, block, c, gate]

        def merge(rng, real, parts=parts, rows=rows, block=block, c=c):
            given = np.abs(normal(rng, (parts, 2, c), real))
            return [*(np.zeros(c, real) for _ in range(3)), given, normal(rng, c, real), rows, block, c, 0.01]

        def mix(rng, real, gate, rows=rows, c=c):
            operands = [normal(rng, (rows, c), real) for _ in range(2)] + [normal(rng, c, real) for _ in range(6)]
            return [np.zeros((rows, c), real), *operands, c, gate]

        def affine(rng, real, relu, rows=rows, c=c):
            operands = [normal(rng, (rows, c), real)] + [normal(rng, c, real) for _ in range(3)]
            return [np.zeros((rows, c), real), *operands, None, None, c, relu, 0, 0]

        def row(rng, real, centered, rows=rows, c=c):
            operands = [normal(rng, (rows, c), real)] + [normal(rng, c, real) for _ in range(2)]
            made = [np.zeros((rows, c), real), np.zeros(rows, real), np.zeros(rows, real)]
            return [*made, *operands, c, 0.01, centered]

        def row_gradient(rng, real, centered, parts=parts, rows=rows, block=block, c=c):
            operands = [normal(rng, (rows, c), real) for _ in range(2)] + [normal(rng, rows, real) for _ in range(2)]
            made = [np.zeros((rows, c), real), np.zeros((parts, 2, c), real)]
            return [*made, *operands, normal(rng, c, real), rows, block, c, centered]

        for dtype in ("f4", "f8"):
            maker.add(
                "channel_moments",
                label,
                dtype,
                lambda rng, real, m=matrix, p=partial, r=rows, b=block, c=c: [p(real), m(rng, real), r, b, c],
                parts,
            )
            maker.add("channel_merge", label, dtype, merge, c)
            maker.add(
                "channel_totals",
                label,
                dtype,
                lambda rng, real, v=vector, p=parts, c=c: [
                    v(rng, real),
                    v(rng, real),
                    normal(rng, (p, 2, c), real),
                    p,
                    c,
                ],
                c,
            )
            for flag in (0, 1):
                made = {
                    "channel_affine": (affine, rows),
                    "channel_sums": (sums, parts),
                    "channel_mix": (mix, rows),
                    "row_norm": (row, rows),
                    "row_norm_gradient": (row_gradient, parts),
                }
                for name, (make, items) in made.items():
                    maker.add(
                        name,
                        f"{label}-{flag}",
                        dtype,
                        lambda rng, real, make=make, flag=flag: make(rng, real, flag),
                        items,
                    )


def pooled_affine(maker):
    """Normalized channels that are pooled at once."""
    for c in (1, 3, 20):
        pixels, out, window, before = (2, 1, 5, 4, c), (1, 3, 2), (1, 2, 3), (0, 1, 0)
        for dtype in ("f4", "f8"):
            for keep in (0, 1):

                def made(rng, real, keep=keep, c=c, pixels=pixels, out=out, window=window, before=before):
                    y = np.zeros((2, *out, c), real)
                    places = np.zeros(y.shape, np.uint16) if keep else None
                    pool = Pooling(y, places, pixels, window, window, before, out)
                    vectors = [normal(rng, c, real) for _ in range(3)]
                    return [y, normal(rng, pixels, real), *vectors, *pool.arrays, c, 1 - keep, *pool.numbers]

                maker.add("channel_affine", f"pooled-{c}-{keep}", dtype, made, 2 * 3)


FAMILIES = [pooling, normalization, pooled_affine]
