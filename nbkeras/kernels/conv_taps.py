"""The gradient of a convolution to an input of few channels, from what each output pixel sends through each tap.

    sent [taps][channels][output pixels] = w dyᵀ, a matrix product  ->  dx[pixel, c] = sum of what reaches the pixel

A register tile over input pixels would have a column for each channel, few of many; here output pixels are the columns.
"""

from nbkeras.kernels._jit import kernel
from nbkeras.kernels.conv_window import TAP, line_of, phase_at, taps_at
from nbkeras.kernels.scalars import activation_slope
from nbkeras.kernels.stack import scratch

#: Additions worth a chunk.
GRAIN = 50_000

#: Pixels of a line whose sums are kept at once.
LINE = 256


def schedule(pixels, taps, channels, **_):
    """(items, items a chunk): items are pixels."""
    work = max(1, taps * channels)
    return pixels, pixels if pixels * work < 2 * GRAIN else max(1, GRAIN // work)


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
        table: see `conv_window`; its sources have one channel, and neighbours of a phase read neighbours.
        sources: output pixels.

    Items: pixels.
    """
    sums = scratch(dx, LINE)
    pixel = lo
    while pixel < hi:
        phase = phase_at(table, pixel)
        n, z, y, start, length = line_of(table, phase, pixel, False)
        count = min(LINE, min(hi - pixel, length - start))
        target = table[phase + 5] + n * table[10] + z * table[11] + y * table[12] + start * table[13]
        first = taps_at(table, phase)
        for c in range(channels):
            for r in range(count):
                sums[r] = 0
            for t in range(table[phase + 1]):
                tap = first + t * TAP
                d, h, v = z + table[tap + 1], y + table[tap + 2], start + table[tap + 3]
                if 0 <= d < table[0] and 0 <= h < table[1]:
                    place = n * table[3] + d * table[4] + h * table[5] + v
                    source = (table[tap] * channels + c) * sources + place
                    for r in range(max(0, -v), min(count, table[2] - v)):
                        sums[r] += sent[source + r]
            to = target + c
            if gate_code != 0:
                for r in range(count):
                    sums[r] *= activation_slope(gate_code, gate[to + r * table[13]])
            for r in range(count):
                dx[to + r * table[13]] = sums[r]
        pixel += count
