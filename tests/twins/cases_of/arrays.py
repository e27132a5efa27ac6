"""Cases of copies, reductions, sorting and random numbers (see cases.py)."""

from __future__ import annotations

import numpy as np

from tests.twins.cases import normal


def move(maker):
    for dtype in ("u1", "i4", "i8"):

        def numbers(rng, shape, real):
            return rng.integers(0, 100, shape).astype(real)

        maker.add(
            "strided_copy",
            "transpose",
            dtype,
            lambda rng, real: [
                np.zeros((31, 3), real),
                numbers(rng, (3, 31), real),
                np.array([31, 3, 3, 1, 1, 31]),
                2,
                0,
                0,
            ],
            31,
        )
        maker.add(
            "strided_copy",
            "flip",
            dtype,
            lambda rng, real: [np.zeros(33, real), numbers(rng, 33, real), np.array([33, 1, -1]), 1, 0, 32],
            1,
        )
        maker.add(
            "strided_copy",
            "slice",
            dtype,
            lambda rng, real: [
                np.zeros((2, 3, 5), real),
                numbers(rng, (4, 7, 9), real),
                np.array([2, 3, 4, 15, 5, 1, 126, 9, 2]),
                3,
                1,
                10,
            ],
            6,
        )
        for outer, count, size, inner in ((1, 5, 3, 1), (2, 3, 7, 33), (1, 1, 1, 1)):
            maker.add(
                "gather",
                f"{outer}-{count}-{size}-{inner}",
                dtype,
                lambda rng, real, o=outer, k=count, m=size, i=inner: [
                    np.zeros((o, k, i), real),
                    numbers(rng, (o, m, i), real),
                    rng.integers(-2 * m, 2 * m, k),
                    o,
                    k,
                    m,
                    i,
                ],
                outer * count,
            )
    for dtype in ("f4", "f8", "i8"):
        for op in (1, 2, 3):
            maker.add(
                "scatter_reduce",
                f"op{op}",
                dtype,
                lambda rng, real, op=op: [
                    normal(rng, (4, 5), real, 3),
                    rng.integers(-4, 5, 9),
                    normal(rng, (9, 5), real, 3),
                    9,
                    4,
                    5,
                    op,
                ],
                5,
            )
        maker.add("fill", "33", dtype, lambda rng, real: [np.zeros(33, real), 3], 33)
        for outer, count, size, inner in ((1, 33, 3, 1), (2, 9, 7, 5), (1, 1, 1, 1), (1, 4, 0, 3)):
            maker.add(
                "scatter_add",
                f"{outer}-{count}-{size}-{inner}",
                dtype,
                lambda rng, real, o=outer, k=count, m=size, i=inner: [
                    normal(rng, (o, m, i), real, 9),
                    rng.integers(-m, m + 1, k),
                    normal(rng, (o, k, i), real, 9),
                    o,
                    k,
                    m,
                    i,
                ],
            )


def reduce(maker):
    shapes = ((1, 1, 1, 1), (3, 33, 33, 1), (2, 31, 8, 1), (1, 7, 7, 5), (2, 9, 4, 33), (31, 2, 2, 1))
    for dtype in ("f4", "f8", "i8"):
        for op in range(4):
            for outer, mid, block, inner in shapes:
                maker.add(
                    "reduce",
                    f"op{op}-{outer}-{mid}-{block}-{inner}",
                    dtype,
                    lambda rng, real, o=outer, m=mid, b=block, i=inner, op=op: [
                        np.zeros((o, -(-m // b), i), real),
                        normal(rng, (o, m, i), real, 1 if real != np.int64 else 5),
                        o,
                        m,
                        b,
                        i,
                        op,
                    ],
                )
        for op in range(2):
            for outer, mid, _, inner in shapes:
                maker.add(
                    "arg_reduce",
                    f"op{op}-{outer}-{mid}-{inner}",
                    dtype,
                    lambda rng, real, o=outer, m=mid, i=inner, op=op: [
                        np.zeros((o, i), np.int64),
                        rng.integers(0, 9, (o, m, i)).astype(real),
                        o,
                        m,
                        i,
                        op,
                    ],
                    outer * inner,
                )
    for dtype in ("f4", "f8"):
        for op in range(2):

            def with_nan(rng, real, op=op):
                x = normal(rng, (3, 31), real)
                x[1, [5, 9]] = np.nan
                return [np.zeros(3, np.int64), x, 3, 31, 1, op]

            maker.add("arg_reduce", f"nan-op{op}", dtype, with_nan, 3)
        for op in (1, 2):

            def reduced(rng, real, op=op):
                x = normal(rng, (3, 31), real)
                x[1, 9] = np.nan
                x[2, 3] = np.inf
                return [np.zeros(3, real), x, 3, 31, 31, 1, op]

            maker.add("reduce", f"nan-op{op}", dtype, reduced)


def random(maker):
    state = np.array([0x1234567890ABCDE, 77])
    for n in (1, 31, 33, 130):
        for dtype in ("f4", "f8"):
            maker.add(
                "random_uniform", f"{n}", dtype, lambda rng, real, n=n: [np.zeros(n, real), state.copy(), -1.0, 2.0], n
            )
            for truncated in (0, 1):
                maker.add(
                    "random_normal",
                    f"{n}-truncated{truncated}",
                    dtype,
                    lambda rng, real, n=n, truncated=truncated: [np.zeros(n, real), state.copy(), 0.5, 2.0, truncated],
                    n,
                )
            for rate in (0.0, 0.3, 1.0):
                maker.add(
                    "random_bernoulli",
                    f"{n}-{rate}",
                    dtype,
                    lambda rng, real, n=n, rate=rate: [np.zeros(n, real), state.copy(), rate, 2.5],
                    n,
                )
                maker.add(
                    "dropout",
                    f"{n}-{rate}",
                    dtype,
                    lambda rng, real, n=n, rate=rate: [np.zeros(n, real), normal(rng, n, real), state.copy(), rate],
                    n,
                )
        maker.add(
            "random_integers", f"{n}", "i8", lambda rng, real, n=n: [np.zeros(n, real), state.copy(), -3, 1 << 40], n
        )
        maker.add("random_permutation", f"{n}", "i8", lambda rng, real, n=n: [np.zeros(n, real), state.copy(), n], 1)


def order(maker):
    for dtype in ("f4", "f8", "i8"):
        for outer, mid, inner in ((1, 1, 1), (2, 31, 1), (3, 5, 7)):
            for op in range(4):
                maker.add(
                    "cumulative",
                    f"op{op}-{outer}-{mid}-{inner}",
                    dtype,
                    lambda rng, real, o=outer, m=mid, i=inner, op=op: [
                        np.zeros((o, m, i), real),
                        rng.integers(-3, 4, (o, m, i)).astype(real),
                        o,
                        m,
                        i,
                        op,
                        op % 2,
                    ],
                    outer * inner,
                )
        for descending in (0, 1):
            for outer, mid in ((1, 1), (3, 31)):

                def rows(rng, real, o=outer, m=mid, descending=descending):
                    x = rng.integers(0, 9, (o, m)).astype(real)
                    if real != np.int64:
                        x[0, ::5] = np.nan
                    return [np.zeros((o, m), real), np.zeros((o, m), np.int64), x, o, m, descending]

                maker.add("sort", f"{outer}-{mid}-descending{descending}", dtype, rows, outer)


def peak(maker):
    for dtype in ("f4", "f8"):
        for n in (1, 33):
            maker.add("peak", f"{n}", dtype, lambda rng, real, n=n: [rng.random(n).astype(real), 0.5, 1.0, 3, n])


FAMILIES = [move, reduce, random, order, peak]
