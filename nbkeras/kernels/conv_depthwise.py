"""Depthwise convolutions: each channel with filters of its own, so nothing is shared between channels.

The same kernel gives the gradient to the input, over the transposed window.
"""

from nbkeras.kernels._jit import kernel
from nbkeras.kernels.conv_window import BASES, HEADER, PHASE, ROW, SPACE, TAP, locate, phase_at, taps_at
from nbkeras.kernels.scalars import activate, activation_slope
from nbkeras.kernels.stack import scratch

#: Multiply-adds worth a chunk.
GRAIN = 50_000

#: Channels whose sums are kept at once.
CHANNELS = 256


def schedule(pixels, taps, channels, **_):
    """(items, items a chunk): items are pixels."""
    work = max(1, taps * channels)
    chunk = max(1, -(-GRAIN // work))
    return pixels, pixels if pixels * work < 2 * GRAIN else chunk


@kernel(schedule=schedule)
def depthwise(
    y: "T p*c",
    x: "T ?",
    w: "T t*c",
    bias: "T c",
    gate: "T p*c",
    table: "i8 ?",
    pixels: "i8",
    taps: "i8",
    channels: "i8",
    has_bias: "i8",
    activation: "i8",
    gate_code: "i8",
    lo,
    hi,
):
    """y[p, c] = activate(sum over taps of x[pixel through t, c] w[t, c] + bias[c]) * slope(gate[p, c])

    Args:
        table: see `conv_window`.

    Items: pixels.
    """
    bases = scratch(table, BASES)
    targets = scratch(table, SPACE)
    sums = scratch(y, CHANNELS)
    pixel = lo
    while pixel < hi:
        phase = phase_at(table, pixel)
        rows = min(ROW, min(hi, table[phase + 6] + table[phase + 7]) - pixel)
        locate(table, phase, pixel, rows, bases, targets)
        first = taps_at(table, phase)
        for r in range(rows):
            for start in range(0, channels, CHANNELS):
                count = min(CHANNELS, channels - start)
                for c in range(count):
                    sums[c] = 0
                for t in range(table[phase + 1]):
                    tap = first + t * TAP
                    z0, y0, x0 = table[tap + 1], table[tap + 2], table[tap + 3]
                    z, h, v = bases[SPACE + r] + z0, bases[2 * SPACE + r] + y0, bases[3 * SPACE + r] + x0
                    if 0 <= z < table[0] and 0 <= h < table[1] and 0 <= v < table[2]:
                        source = bases[r] + z0 * table[4] + y0 * table[5] + x0 * table[6] + start
                        weight = table[tap] * channels + start
                        for c in range(count):
                            sums[c] += x[source + c] * w[weight + c]
                to = targets[r] + start
                if has_bias:
                    for c in range(count):
                        sums[c] += bias[start + c]
                if activation != 0:
                    for c in range(count):
                        sums[c] = activate(activation, sums[c])
                if gate_code != 0:
                    for c in range(count):
                        sums[c] *= activation_slope(gate_code, gate[to + c])
                for c in range(count):
                    y[to + c] = sums[c]
        pixel += rows


def kernel_schedule(parts, taps, **_):
    """(items, items a chunk): one tap of one part of the pixels."""
    return parts * taps, 1


@kernel(schedule=kernel_schedule)
def depthwise_kernel(
    dw: "T q*t*c",
    x: "T ?",
    dy: "T p*c",
    table: "i8 ?",
    pixels: "i8",
    taps: "i8",
    channels: "i8",
    parts: "i8",
    lo,
    hi,
):
    """dw[q, t, c] = sum over the pixels of part q of x[pixel through t, c] dy[pixel, c].

    Args:
        table: see `conv_window`; one phase.
        parts: pixels are cut into so many, of (pixels + parts - 1) // parts each.

    Items: (part, tap).
    """
    bases = scratch(table, BASES)
    targets = scratch(table, SPACE)
    share_of_part = (pixels + parts - 1) // parts
    for item in range(lo, hi):
        part = item // taps
        tap = HEADER + PHASE + (item - part * taps) * TAP
        to = (part * taps + table[tap]) * channels
        for c in range(channels):
            dw[to + c] = 0
        z0, y0, x0 = table[tap + 1], table[tap + 2], table[tap + 3]
        shift = z0 * table[4] + y0 * table[5] + x0 * table[6]
        pixel = part * share_of_part
        pixel_hi = min(pixels, pixel + share_of_part)
        while pixel < pixel_hi:
            rows = min(ROW, pixel_hi - pixel)
            locate(table, HEADER, pixel, rows, bases, targets)
            for r in range(rows):
                z, h, v = bases[SPACE + r] + z0, bases[2 * SPACE + r] + y0, bases[3 * SPACE + r] + x0
                if 0 <= z < table[0] and 0 <= h < table[1] and 0 <= v < table[2]:
                    source = bases[r] + shift
                    for c in range(channels):
                        dw[to + c] += x[source + c] * dy[targets[r] + c]
            pixel += rows
