"""Cases of products, losses and optimizers (see cases.py)."""

from __future__ import annotations

import numpy as np

from nbkeras.kernels.scalars import RESIDUAL
from tests.twins.cases import normal

SIZES = (1, 31, 33)


#: Segments of an arena of 33 elements, one of them empty.
OFFSETS = np.array([0, 1, 1, 20, 33])


def optimizer(maker):
    for dtype in ("f4", "f8"):
        for n in SIZES:
            for label, momentum, nesterov in (("plain", 0.0, 0), ("momentum", 0.9, 0), ("nesterov", 0.9, 1)):
                maker.add(
                    "sgd",
                    f"{label}-{n}",
                    dtype,
                    lambda rng, real, n=n, momentum=momentum, nesterov=nesterov: [
                        normal(rng, n, real),
                        normal(rng, n, real),
                        normal(rng, n, real),
                        np.array([0.01], real),
                        momentum,
                        nesterov,
                    ],
                    n,
                )
            for step in (0, 6):
                maker.add(
                    "adam",
                    f"{n}-step{step}",
                    dtype,
                    lambda rng, real, n=n, step=step: [
                        normal(rng, n, real),
                        normal(rng, n, real),
                        normal(rng, n, real) ** 2,
                        normal(rng, n, real),
                        np.array([0.001], real),
                        np.array([step]),
                        0.9,
                        0.999,
                        1e-7,
                    ],
                    n,
                )
            maker.add(
                "adam_amsgrad",
                f"{n}",
                dtype,
                lambda rng, real, n=n: [
                    normal(rng, n, real),
                    normal(rng, n, real),
                    normal(rng, n, real) ** 2,
                    normal(rng, n, real) ** 2,
                    normal(rng, n, real),
                    np.array([0.001], real),
                    np.array([2]),
                    0.9,
                    0.999,
                    1e-7,
                ],
                n,
            )
            for momentum in (0.0, 0.5):
                for centered in (0, 1):
                    maker.add(
                        "rmsprop",
                        f"{n}-{momentum}-{centered}",
                        dtype,
                        lambda rng, real, n=n, momentum=momentum, centered=centered: [
                            normal(rng, n, real),
                            1 + normal(rng, n, real) ** 2,
                            normal(rng, n, real, 0.1),
                            normal(rng, n, real),
                            normal(rng, n, real),
                            np.array([0.001], real),
                            0.9,
                            momentum,
                            1e-7,
                            centered,
                        ],
                        n,
                    )
            maker.add(
                "clip_values",
                f"{n}",
                dtype,
                lambda rng, real, n=n: [np.where(np.arange(n) == 7, np.nan, normal(rng, n, real)).astype(real), 0.5],
                n,
            )
            for step in (0, 1):
                maker.add(
                    "average_from_first",
                    f"{n}-step{step}",
                    dtype,
                    lambda rng, real, n=n, step=step: [
                        normal(rng, n, real),
                        normal(rng, n, real),
                        np.array([step]),
                        0.99,
                    ],
                    n,
                )
        for limit in (0.5, 100.0):
            maker.add(
                "clip_segments",
                f"{limit}",
                dtype,
                lambda rng, real, limit=limit: [
                    normal(rng, 33, real),
                    np.array([0.4, 0.0, 3.0, np.nan], real),
                    OFFSETS.copy(),
                    limit,
                ],
                4,
            )
            maker.add(
                "clip_global",
                f"{limit}",
                dtype,
                lambda rng, real, limit=limit: [normal(rng, 33, real), np.array([0.4, 0.0, 3.0], real), 3, limit],
                33,
            )
            maker.add(
                "clip_global",
                f"{limit}-nan",
                dtype,
                lambda rng, real, limit=limit: [np.array([0.0, 1.0, -0.0], real), np.array([np.nan], real), 1, limit],
                3,
            )
        maker.add(
            "segment_norms", "4", dtype, lambda rng, real: [np.zeros(4, real), normal(rng, 33, real), OFFSETS.copy()], 4
        )
        maker.add(
            "decay_segments",
            "4",
            dtype,
            lambda rng, real: [
                normal(rng, 33, real),
                np.array([0.1], real),
                0.02,
                OFFSETS.copy(),
                np.array([1, 1, 0, 1]),
            ],
            4,
        )
    maker.add("increment", "2", "i8", lambda rng, real: [np.array([5]), 2], 1)


def softmax(maker):
    for dtype in ("f4", "f8"):
        for n, c in ((1, 1), (3, 10), (2, 33), (5, 2)):
            for log in (0, 1):
                maker.add(
                    "softmax",
                    f"{n}-{c}-log{log}",
                    dtype,
                    lambda rng, real, n=n, c=c, log=log: [
                        np.zeros((n, c), real),
                        normal(rng, (n, c), real, 10),
                        n,
                        c,
                        log,
                    ],
                    n,
                )


def gemm(maker):
    def product(b, m, n, k, shared=False, ta=0, tx=0, bias=0, activation=0, gate=0, accumulate=0):
        def make(rng, real):
            return [
                normal(rng, (b, m, n), real),
                normal(rng, (b, k, m) if ta else (b, m, k), real),
                normal(rng, (1 if shared else b, n, k) if tx else (1 if shared else b, k, n), real),
                normal(rng, n, real),
                normal(rng, (b, m, n), real),
                b,
                m,
                n,
                k,
                m * k,
                0 if shared else k * n,
                ta,
                tx,
                bias,
                activation,
                gate,
                accumulate,
            ]

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
        maker.add("matmul", "residual", dtype, product(1, 5, 7, 3, bias=1, activation=1, gate=RESIDUAL))
        maker.add("matmul", "accumulate", dtype, product(1, 5, 7, 3, accumulate=1))


def loss(maker):
    for dtype in ("f4", "f8"):
        for n, c in ((1, 1), (3, 10), (5, 2), (2, 33)):
            for epsilon in (0.0, 1e-7, 0.2):

                def targets(rng, n, c):
                    t = rng.integers(0, c, n)
                    if n > 2:
                        t[1] = c
                    return t

                def probabilities(rng, shape, real):
                    p = rng.random(shape) + 0.01
                    return (p / p.sum(-1, keepdims=True)).astype(real)

                label = f"{n}-{c}-{epsilon}"
                shape = (n, c)
                maker.add(
                    "softmax_crossentropy",
                    label,
                    dtype,
                    lambda rng, real, n=n, c=c, e=epsilon, s=shape: [
                        np.zeros(n, real),
                        np.zeros(s, real),
                        normal(rng, s, real, 3),
                        targets(rng, n, c),
                        c,
                        e,
                    ],
                    n,
                )
                maker.add(
                    "softmax_crossentropy_gradient",
                    label,
                    dtype,
                    lambda rng, real, n=n, c=c, e=epsilon, s=shape: [
                        np.zeros(s, real),
                        probabilities(rng, s, real),
                        targets(rng, n, c),
                        normal(rng, n, real),
                        c,
                        e,
                    ],
                    n,
                )
                maker.add(
                    "dense_softmax_crossentropy",
                    label,
                    dtype,
                    lambda rng, real, n=n, c=c, e=epsilon, s=shape: [
                        np.zeros(n, real),
                        np.zeros(s, real),
                        normal(rng, s, real, 3),
                        probabilities(rng, s, real),
                        c,
                        e,
                    ],
                    n,
                )
                maker.add(
                    "dense_softmax_crossentropy_gradient",
                    label,
                    dtype,
                    lambda rng, real, n=n, c=c, e=epsilon, s=shape: [
                        np.zeros(s, real),
                        probabilities(rng, s, real),
                        probabilities(rng, s, real),
                        normal(rng, n, real),
                        c,
                        e,
                    ],
                    n,
                )


def in_place(maker):
    """Kernels that may write where they read."""

    def make(before, after):
        def arguments(rng, real):
            both = np.abs(normal(rng, (3, 31), real, 0.03))
            return [*before(rng, real), both, both, *after(rng, real)]

        return arguments

    for dtype in ("f4", "f8"):
        for log in (0, 1):
            maker.add(
                "softmax",
                f"in-place-log{log}",
                dtype,
                make(lambda rng, real: [], lambda rng, real, log=log: [3, 31, log]),
                3,
            )
        for e in (0.0, 1e-2):
            loss = lambda rng, real: [np.zeros(3, real)]  # noqa: E731
            label = f"in-place-{e}"
            maker.add(
                "softmax_crossentropy",
                label,
                dtype,
                make(loss, lambda rng, real, e=e: [rng.integers(0, 31, 3), 31, e]),
                3,
            )
            maker.add(
                "dense_softmax_crossentropy",
                label,
                dtype,
                make(loss, lambda rng, real, e=e: [normal(rng, (3, 31), real), 31, e]),
                3,
            )
            maker.add(
                "softmax_crossentropy_gradient",
                label,
                dtype,
                make(
                    lambda rng, real: [], lambda rng, real, e=e: [rng.integers(0, 31, 3), normal(rng, 3, real), 31, e]
                ),
                3,
            )
            maker.add(
                "dense_softmax_crossentropy_gradient",
                label,
                dtype,
                make(
                    lambda rng, real: [],
                    lambda rng, real, e=e: [normal(rng, (3, 31), real), normal(rng, 3, real), 31, e],
                ),
                3,
            )
        maker.add("cumulative", "in-place", dtype, make(lambda rng, real: [], lambda rng, real: [3, 31, 1, 0, 0]), 3)


FAMILIES = [optimizer, softmax, gemm, loss, in_place]
