"""A few training steps of a small classifier, written as launches: the same program for either device."""

from __future__ import annotations

import numpy as np

from tests.twins.cases import Case, items_of

BATCH, FEATURES, UNITS, CLASSES, STEPS = 7, 5, 9, 3, 4
RELU = 1


def launches(kernels, put, dtype: str):
    """(launches, watched): a step of Dense(relu), Dense, cross-entropy, Adam; and the arrays to look at afterwards.

    Args:
        put: NumPy array -> the device's array.
    """
    rng = np.random.default_rng(5)
    real = np.dtype(dtype)
    first, second = FEATURES * UNITS, UNITS * CLASSES
    offsets = np.cumsum([0, first, UNITS, second, CLASSES])
    weights = put((rng.standard_normal(offsets[-1]) * 0.5).astype(real))
    gradients = put(np.zeros(offsets[-1], real))
    slots = [put(np.zeros(offsets[-1], real)) for _ in range(2)]
    w1, b1, w2, b2 = (weights[a:b] for a, b in zip(offsets[:-1], offsets[1:], strict=True))
    dw1, db1, dw2, db2 = (gradients[a:b] for a, b in zip(offsets[:-1], offsets[1:], strict=True))
    x = put(rng.standard_normal((BATCH, FEATURES)).astype(real))
    y = put(rng.integers(0, CLASSES, BATCH))
    h, dh = (put(np.zeros((BATCH, UNITS), real)) for _ in range(2))
    logits, p, dlogits = (put(np.zeros((BATCH, CLASSES), real)) for _ in range(3))
    loss, dloss = put(np.zeros(BATCH, real)), put(np.full(BATCH, 1 / BATCH, real))
    rate, step = put(np.array([0.01], real)), put(np.array([0]))

    def launch(name, *arguments, items=None):
        kernel = kernels[name]
        return (kernel, dtype, arguments, *items_of(Case(name, name, dtype, list(arguments), items), kernel))

    def product(c, a, b, m, n, k, bias=None, ta=0, tx=0, activation=0, gate=None):
        has_bias, code = int(bias is not None), RELU if gate is not None else 0
        numbers = (1, m, n, k, 0, 0, ta, tx, has_bias, activation, code, 0)
        return launch("matmul", c, a, b, bias, gate, *numbers)

    program = [
        product(h, x, w1, BATCH, UNITS, FEATURES, bias=b1, activation=RELU),
        product(logits, h, w2, BATCH, CLASSES, UNITS, bias=b2),
        launch("softmax_crossentropy", loss, p, logits, y, CLASSES, 0.0, items=BATCH),
        launch("softmax_crossentropy_gradient", dlogits, p, y, dloss, CLASSES, 0.0, items=BATCH),
        product(dw2, h, dlogits, UNITS, CLASSES, BATCH, ta=1),
        launch("reduce", db2, dlogits, 1, BATCH, BATCH, CLASSES, 0),
        product(dh, dlogits, w2, BATCH, UNITS, CLASSES, tx=1, gate=h),
        product(dw1, x, dh, FEATURES, UNITS, BATCH, ta=1),
        launch("reduce", db1, dh, 1, BATCH, BATCH, UNITS, 0),
        launch("adam", weights, *slots, gradients, rate, step, 0.9, 0.999, 1e-7, items=int(offsets[-1])),
        launch("increment", step, 1, items=1),
    ]
    return program, [weights, *slots, gradients, loss, p, step]
