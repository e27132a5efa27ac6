"""The cases, by family (see cases.py)."""

from __future__ import annotations

import numpy as np

from tests.twins.cases import normal

SIZES = (1, 31, 33)


def optimizer(maker):
    for dtype in ("f4", "f8"):
        for n in SIZES:
            for label, momentum, nesterov in (("plain", 0.0, 0), ("momentum", 0.9, 0), ("nesterov", 0.9, 1)):
                maker.add(
                    "sgd", f"{label}-{n}", dtype, lambda rng, real, n=n, momentum=momentum, nesterov=nesterov: [
                        normal(rng, n, real), normal(rng, n, real), normal(rng, n, real), np.array([0.01], real),
                        momentum, nesterov,
                    ], n,
                )  # fmt: skip
            for step in (0, 6):
                maker.add(
                    "adam", f"{n}-step{step}", dtype, lambda rng, real, n=n, step=step: [
                        normal(rng, n, real), normal(rng, n, real), normal(rng, n, real) ** 2, normal(rng, n, real),
                        np.array([0.001], real), np.array([step]), 0.9, 0.999, 1e-7,
                    ], n,
                )  # fmt: skip
            maker.add(
                "adam_amsgrad", f"{n}", dtype, lambda rng, real, n=n: [
                    normal(rng, n, real), normal(rng, n, real), normal(rng, n, real) ** 2, normal(rng, n, real) ** 2,
                    normal(rng, n, real), np.array([0.001], real), np.array([2]), 0.9, 0.999, 1e-7,
                ], n,
            )  # fmt: skip
            for momentum in (0.0, 0.5):
                for centered in (0, 1):
                    maker.add(
                        "rmsprop", f"{n}-{momentum}-{centered}", dtype,
                        lambda rng, real, n=n, momentum=momentum, centered=centered: [
                            normal(rng, n, real), 1 + normal(rng, n, real) ** 2, normal(rng, n, real, 0.1),
                            normal(rng, n, real), normal(rng, n, real), np.array([0.001], real), 0.9, momentum, 1e-7,
                            centered,
                        ], n,
                    )  # fmt: skip
            maker.add(
                "clip_values", f"{n}", dtype, lambda rng, real, n=n: [
                    np.where(np.arange(n) == 7, np.nan, normal(rng, n, real)).astype(real), 0.5], n,
            )  # fmt: skip
            maker.add("average", f"{n}", dtype, lambda rng, real, n=n: [normal(rng, n, real), normal(rng, n, real), 0.99], n)
            for step in (0, 1):
                maker.add(
                    "average_from_first", f"{n}-step{step}", dtype, lambda rng, real, n=n, step=step: [
                        normal(rng, n, real), normal(rng, n, real), np.array([step]), 0.99], n,
                )  # fmt: skip
        offsets = np.array([0, 1, 1, 20, 33])
        for limit in (0.5, 100.0):
            maker.add(
                "clip_segments", f"{limit}", dtype, lambda rng, real, limit=limit: [
                    normal(rng, 33, real), np.array([0.4, 0.0, 3.0, np.nan], real), offsets.copy(), limit], 4,
            )  # fmt: skip
            maker.add(
                "clip_global", f"{limit}", dtype, lambda rng, real, limit=limit: [
                    normal(rng, 33, real), np.array([0.4, 0.0, 3.0], real), 3, limit], 33,
            )  # fmt: skip
        maker.add("segment_norms", "4", dtype, lambda rng, real: [np.zeros(4, real), normal(rng, 33, real), offsets.copy()], 4)
        maker.add(
            "decay_segments", "4", dtype, lambda rng, real: [
                normal(rng, 33, real), np.array([0.1], real), 0.02, offsets.copy(), np.array([1, 1, 0, 1])], 4,
        )  # fmt: skip
    maker.add("increment", "2", "i8", lambda rng, real: [np.array([5]), 2], 1)


def move(maker):
    for dtype in ("u1", "i4", "i8"):

        def numbers(rng, shape, real):
            return rng.integers(0, 100, shape).astype(real)

        maker.add(
            "strided_copy", "transpose", dtype, lambda rng, real: [
                np.zeros((31, 3), real), numbers(rng, (3, 31), real), np.array([31, 3, 3, 1, 1, 31]), 2, 0, 0], 31,
        )  # fmt: skip
        maker.add(
            "strided_copy", "flip", dtype, lambda rng, real: [
                np.zeros(33, real), numbers(rng, 33, real), np.array([33, 1, -1]), 1, 0, 32], 1,
        )  # fmt: skip
        maker.add(
            "strided_copy", "slice", dtype, lambda rng, real: [
                np.zeros((2, 3, 5), real), numbers(rng, (4, 7, 9), real),
                np.array([2, 3, 4, 15, 5, 1, 126, 9, 2]), 3, 1, 10], 6,
        )  # fmt: skip
        for outer, count, size, inner in ((1, 5, 3, 1), (2, 3, 7, 33), (1, 1, 1, 1)):
            maker.add(
                "gather", f"{outer}-{count}-{size}-{inner}", dtype,
                lambda rng, real, o=outer, k=count, m=size, i=inner: [
                    np.zeros((o, k, i), real), numbers(rng, (o, m, i), real), rng.integers(-2 * m, 2 * m, k), o, k, m, i],
                outer * count,
            )  # fmt: skip
    for dtype in ("f4", "f8", "i8"):
        maker.add("fill", "33", dtype, lambda rng, real: [np.zeros(33, real), 3], 33)
        for outer, count, size, inner in ((1, 33, 3, 1), (2, 9, 7, 5), (1, 1, 1, 1), (1, 4, 0, 3)):
            maker.add(
                "scatter_add", f"{outer}-{count}-{size}-{inner}", dtype,
                lambda rng, real, o=outer, k=count, m=size, i=inner: [
                    normal(rng, (o, m, i), real, 9), rng.integers(-m, m + 1, k), normal(rng, (o, k, i), real, 9),
                    o, k, m, i],
            )  # fmt: skip


def reduce(maker):
    shapes = ((1, 1, 1, 1), (3, 33, 33, 1), (2, 31, 8, 1), (1, 7, 7, 5), (2, 9, 4, 33), (31, 2, 2, 1))
    for dtype in ("f4", "f8", "i8"):
        for op in range(4):
            for outer, mid, block, inner in shapes:
                maker.add(
                    "reduce", f"op{op}-{outer}-{mid}-{block}-{inner}", dtype,
                    lambda rng, real, o=outer, m=mid, b=block, i=inner, op=op: [
                        np.zeros((o, -(-m // b), i), real), normal(rng, (o, m, i), real, 1 if real != np.int64 else 5),
                        o, m, b, i, op],
                )  # fmt: skip
        for op in range(2):
            for outer, mid, _, inner in shapes:
                maker.add(
                    "arg_reduce", f"op{op}-{outer}-{mid}-{inner}", dtype,
                    lambda rng, real, o=outer, m=mid, i=inner, op=op: [
                        np.zeros((o, i), np.int64), rng.integers(0, 9, (o, m, i)).astype(real), o, m, i, op],
                    outer * inner,
                )  # fmt: skip
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


def softmax(maker):
    for dtype in ("f4", "f8"):
        for n, c in ((1, 1), (3, 10), (2, 33), (31, 2)):
            for log in (0, 1):
                maker.add(
                    "softmax", f"{n}-{c}-log{log}", dtype, lambda rng, real, n=n, c=c, log=log: [
                        np.zeros((n, c), real), normal(rng, (n, c), real, 10), n, c, log], n,
                )  # fmt: skip


def gemm(maker):
    def product(b, m, n, k, shared=False, ta=0, tx=0, bias=0, activation=0, gate=0, accumulate=0):
        def make(rng, real):
            return [
                normal(rng, (b, m, n), real), normal(rng, (b, k, m) if ta else (b, m, k), real),
                normal(rng, (1 if shared else b, n, k) if tx else (1 if shared else b, k, n), real),
                normal(rng, n, real), normal(rng, (b, m, n), real), b, m, n, k, m * k, 0 if shared else k * n,
                ta, tx, bias, activation, gate, accumulate,
            ]  # fmt: skip

        return make

    for dtype in ("f4", "f8"):
        for shape in ((1, 1, 1, 1), (1, 3, 31, 7), (2, 5, 9, 4), (1, 33, 2, 1)):
            for ta in (0, 1):
                for tx in (0, 1):
                    label = "x".join(map(str, shape)) + f"-{ta}{tx}"
                    maker.add("matmul", label, dtype, product(*shape, ta=ta, tx=tx))
        maker.add("matmul", "shared", dtype, product(3, 5, 4, 3, shared=True))
        for code in (1, 2, 3):
            maker.add("matmul", f"bias-activation{code}", dtype, product(1, 5, 7, 3, bias=1, activation=code))
            maker.add("matmul", f"gate{code}", dtype, product(1, 5, 7, 3, gate=code))
        maker.add("matmul", "accumulate", dtype, product(1, 5, 7, 3, accumulate=1))


FAMILIES = [optimizer, move, reduce, softmax, gemm]
