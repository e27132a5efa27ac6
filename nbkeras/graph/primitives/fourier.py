"""The discrete Fourier transform of rows, of real and imaginary parts, without a factor in either direction."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import ShapeError
from nbkeras.graph.primitives.emit import emit
from nbkeras.graph.primitives.moving import copy, strides_of
from nbkeras.graph.primitives.table import primitive


def factors(n: int) -> list[int]:
    """The radices of a transform of n values: fours, then primes.

    Example:
        >>> factors(96)
        [4, 4, 2, 3]
    """
    found, radix = [], 4
    while n > 1:
        while n % radix == 0:
            found.append(radix)
            n //= radix
        radix = {4: 2, 2: 3}.get(radix, radix + 2)
    return found


def _infer(node):
    real, imaginary = node.inputs
    if len(real.shape) != 2 or real.shape != imaginary.shape or real.dtype != imaginary.dtype:
        raise ShapeError(f"fourier: parts of shapes {tuple(real.shape)} and {tuple(imaginary.shape)} do not fit.")
    return [(real.shape, real.dtype)] * 2


def _reference(real, imaginary, inverse):
    x = real.astype(np.float64) + 1j * imaginary.astype(np.float64)
    y = np.fft.ifft(x, norm="forward") if inverse else np.fft.fft(x)
    return y.real.astype(real.dtype), y.imag.astype(real.dtype)


def _grad(node, *gradients):
    # The transform is symmetric: its adjoint is the transform with the conjugate roots.
    x = node.inputs[0]
    zeros = np.zeros((), x.dtype)
    parts = [emit("broadcast_to", zeros, shape=x.shape) if g is None else g for g in gradients]
    return list(emit("fourier", *parts, inverse=not node.params["inverse"]))


def _lower(node, low):
    batch, n = node.inputs[0].shape
    kind, radices = node.inputs[0].dtype, factors(n)
    if not radices:
        strides = strides_of((batch, n))
        for out, x in zip(node.outputs, node.inputs, strict=True):
            copy(low, out, x, (batch, n), strides, strides)
        return
    angles = 2 * np.pi * np.arange(n) / n * (1 if node.params["inverse"] else -1)
    tables = [np.cos(angles).astype(kind), np.sin(angles).astype(kind)]
    source, length, stride = node.inputs, n, 1
    for i, radix in enumerate(radices):
        last = i == len(radices) - 1
        target = node.outputs if last else [low.temp((batch, n), kind) for _ in range(2)]
        args = [*target, *source, *tables, length, radix, stride]
        low.launch("fourier_stage", kind, args, items=batch * (length // radix), cost=1.0 * radix * radix * stride)
        source, length, stride = target, length // radix, stride * radix


primitive("fourier", infer=_infer, reference=_reference, grad=_grad, lower=_lower)
