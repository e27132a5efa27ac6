"""Cases of factors of matrices, Fourier transforms, random numbers by attempts, label sequences (see cases.py)."""

from __future__ import annotations

import numpy as np

from tests.twins.cases import normal


def _definite(rng, batch, n, real):
    x = normal(rng, (batch, n, n), np.float64)
    return (x @ x.swapaxes(1, 2) + np.diag(np.arange(1.0, n + 1))).astype(real)


def triangles(maker):
    for dtype in ("f4", "f8"):
        for batch, n, k in ((3, 4, 2), (1, 1, 1), (5, 3, 1)):

            def zeros(real, *shape):
                return np.zeros(shape, real)

            def add(kernel, label, make, dtype=dtype, batch=batch, n=n):
                maker.add(kernel, f"{label}{batch}-{n}", dtype, make, batch)

            add("cholesky", "", lambda rng, real, b=batch, n=n: [zeros(real, b, n, n), _definite(rng, b, n, real), n])
            for flags in ((0, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 0)):
                add(
                    "triangular_solve",
                    "".join(map(str, flags)) + "-",
                    lambda rng, real, b=batch, n=n, k=k, flags=flags: [
                        zeros(real, b, n, k),
                        _definite(rng, b, n, real),
                        normal(rng, (b, n, k), real),
                        n,
                        k,
                        *flags,
                    ],
                )
            for inverse in (0, 1):
                add(
                    "permute_rows",
                    f"{inverse}-",
                    lambda rng, real, b=batch, n=n, k=k, inverse=inverse: [
                        zeros(real, b, n, k),
                        np.stack([rng.permutation(n) for _ in range(b)]),
                        normal(rng, (b, n, k), real),
                        n,
                        k,
                        inverse,
                    ],
                )
            add(
                "determinant",
                "",
                lambda rng, real, b=batch, n=n: [
                    *(zeros(real, b) for _ in range(3)),
                    normal(rng, (b, n, n), real),
                    np.tile(np.arange(n, dtype=np.int32)[::-1].copy(), (b, 1)),
                    n,
                ],
            )
        for batch, m, n in ((3, 4, 4), (2, 5, 3), (2, 3, 5)):
            maker.add(
                "lu",
                f"{batch}-{m}-{n}",
                dtype,
                lambda rng, real, b=batch, m=m, n=n: [
                    np.zeros((b, m, n), real),
                    np.zeros((b, min(m, n)), np.int32),
                    np.zeros((b, m), np.int64),
                    normal(rng, (b, m, n), real),
                    m,
                    n,
                ],
                batch,
            )


def orthogonal(maker):
    for dtype in ("f4", "f8"):
        for batch, m, n, c in ((2, 4, 3, 3), (2, 4, 3, 4), (1, 3, 5, 3), (1, 1, 1, 1)):
            maker.add(
                "qr",
                f"{batch}-{m}-{n}-{c}",
                dtype,
                lambda rng, real, b=batch, m=m, n=n, c=c: [
                    np.zeros((b, m, c), real),
                    np.zeros((b, c, n), real),
                    np.zeros((b, m + 1, n), real),
                    normal(rng, (b, m, n), real),
                    m,
                    n,
                    c,
                ],
                batch,
            )
        for batch, n in ((3, 4), (1, 1)):
            maker.add(
                "eigh",
                f"{batch}-{n}",
                dtype,
                lambda rng, real, b=batch, n=n: [
                    np.zeros((b, n), real),
                    np.zeros((b, n, n), real),
                    np.zeros((b, n, n), real),
                    _definite(rng, b, n, real),
                    n,
                ],
                batch,
            )
        for batch, m, n in ((2, 4, 3), (1, 1, 1)):
            maker.add(
                "svd",
                f"{batch}-{m}-{n}",
                dtype,
                lambda rng, real, b=batch, m=m, n=n: [
                    np.zeros((b, m, n), real),
                    np.zeros((b, n), real),
                    np.zeros((b, n, n), real),
                    normal(rng, (b, m, n), real),
                    m,
                    n,
                ],
                batch,
            )


def fourier(maker):
    for dtype in ("f4", "f8"):
        for batch, length, radix, stride in ((2, 6, 3, 1), (1, 4, 4, 3), (3, 10, 2, 2)):

            def make(rng, real, b=batch, length=length, radix=radix, stride=stride):
                n = length * stride
                angles = 2 * np.pi * np.arange(n) / n
                arrays = [np.zeros((b, n), real) for _ in range(2)] + [normal(rng, (b, n), real) for _ in range(2)]
                return [*arrays, np.cos(angles).astype(real), np.sin(angles).astype(real), length, radix, stride]

            maker.add("fourier_stage", f"{batch}-{length}-{radix}-{stride}", dtype, make, batch * length // radix)


def attempts(maker):
    state = np.array([7, 3], np.int64)
    for dtype in ("f4", "f8"):
        maker.add(
            "random_gamma",
            "33",
            dtype,
            lambda rng, real: [np.zeros(33, real), state.copy(), rng.uniform(0.1, 4, 33).astype(real)],
            33,
        )
        maker.add(
            "random_binomial",
            "33",
            dtype,
            lambda rng, real: [
                np.zeros(33, real),
                state.copy(),
                rng.integers(0, 60, 33).astype(real),
                rng.uniform(0, 1, 33).astype(real),
            ],
            33,
        )


def sequences(maker):
    for dtype in ("f4", "f8"):

        def make(rng, real):
            scores = np.log(rng.dirichlet(np.ones(4), (3, 5))).astype(real)
            labels = np.array([[1, 1, 2], [3, 2, 0], [1, 0, 0]], np.int64)
            work = [np.zeros((3, 5, 7), real), np.zeros((3, 2, 7), real)]
            arrays = [np.zeros(3, real), np.zeros((3, 5, 4), real), *work, scores, labels]
            return [*arrays, np.array([5, 4, 0]), np.array([3, 2, 1]), 5, 4, 3, 0]

        maker.add("ctc", "3-5-4-3", dtype, make, 3)


FAMILIES = [triangles, orthogonal, fourier, attempts, sequences]
