"""The gradient of a convolution to an input of few channels, a thread an element."""

from numba import cuda

from nbkeras.kernels.scalars import activation_slope
from nbkeras_cuda._jit import T, kernel
from nbkeras_cuda.window import TAP, located, phase_at, source_of, taps_at, target_of


def schedule(pixels: int, channels: int, **_) -> tuple[int, int]:
    """(items, chunk): items are elements of dx."""
    return pixels * channels, pixels * channels


@kernel(schedule=schedule)
def sum_taps(
    dx: "T p*c",
    sent: "T t*c*q",
    gate: "T p*c",
    table: "i8 ?",
    pixels: "i8",
    taps: "i8",
    channels: "i8",
    sources: "i8",
    gate_code: "i8",
    lo,
    hi,
):
    """dx[p, c] = sum over taps of sent[t, c, source pixel of p through t] * slope(gate[p, c])

    Args:
        table: see `window`; its sources have one channel.
        sources: output pixels.

    Items: elements of dx.
    """
    item = lo + cuda.grid(1)
    while item < hi:
        pixel = item // channels
        c = item - pixel * channels
        phase = phase_at(table, pixel)
        n, d, h, v = located(table, phase, pixel)
        tap = taps_at(table, phase)
        end = tap + table[phase + 1] * TAP
        total = T(0)
        while tap < end:
            source = source_of(table, tap, n, d, h, v)
            if source >= 0:
                total += sent[(table[tap] * channels + c) * sources + source]
            tap += TAP
        to = target_of(table, phase, n, d, h, v) + c
        if gate_code != 0:
            total *= activation_slope(gate_code, gate[to])
        dx[to] = total
        item += cuda.gridsize(1)
