"""Depthwise convolutions, a thread an element."""

from numba import cuda

from nbkeras_cuda._jit import T, kernel
from nbkeras_cuda.epilogue import finished
from nbkeras_cuda.window import HEADER, PHASE, TAP, located, phase_at, source_of, taps_at, target_of


def schedule(pixels: int, channels: int, **_) -> tuple[int, int]:
    """(items, chunk): items are outputs."""
    return pixels * channels, pixels * channels


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
    samples: "i8",
    cuts: "i8",
    has_bias: "i8",
    activation: "i8",
    gate_code: "i8",
    lo,
    hi,
):
    """y[p, c] = activate((sum over taps of x[pixel through t, c] w[t, c] + bias[c]) * slope(gate[p, c]))

    Args:
        table: see `window`.

    Items: outputs.
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
                total += x[source + c] * w[table[tap] * channels + c]
            tap += TAP
        to = target_of(table, phase, n, d, h, v) + c
        y[to] = finished(total, bias, c, has_bias, activation, gate, to, gate_code)
        item += cuda.gridsize(1)


def kernel_schedule(taps: int, channels: int, parts: int, **_) -> tuple[int, int]:
    """(items, chunk): items are elements of the parts."""
    items = parts * taps * channels
    return items, items


@kernel(schedule=kernel_schedule)
def depthwise_kernel(
    dw: "T q*t*c",
    x: "T ?",
    dy: "T p*c",
    table: "i8 ?",
    pixels: "i8",
    taps: "i8",
    channels: "i8",
    samples: "i8",
    cuts: "i8",
    parts: "i8",
    lo,
    hi,
):
    """dw[q, t, c] = sum over the pixels of part q of x[pixel through t, c] dy[pixel, c].

    Args:
        table: see `window`.
        cuts: the rows of a sample are cut into so many pieces.
        parts: the pieces of all samples are cut into so many, of (samples * cuts + parts - 1) // parts each.

    Items: elements.
    """
    share_of_part = (samples * cuts + parts - 1) // parts
    item = lo + cuda.grid(1)
    while item < hi:
        line = item // channels
        c = item - line * channels
        part = line // taps
        t = line - part * taps
        piece = part * share_of_part
        end_piece = min(samples * cuts, piece + share_of_part)
        total = T(0)
        while piece < end_piece:
            n = piece // cuts
            cut = piece - n * cuts
            phase = HEADER
            end_phase = HEADER + PHASE * table[14]
            while phase < end_phase:
                tap = taps_at(table, phase)
                end_tap = tap + table[phase + 1] * TAP
                while tap < end_tap and table[tap] != t:
                    tap += TAP
                if tap < end_tap:
                    height, width = table[phase + 3], table[phase + 4]
                    rows = table[phase + 2] * height
                    row = rows * cut // cuts
                    end_row = rows * (cut + 1) // cuts
                    while row < end_row:
                        z = row // height
                        y = row - z * height
                        for v in range(width):
                            source = source_of(table, tap, n, z, y, v)
                            if source >= 0:
                                total += x[source + c] * dy[target_of(table, phase, n, z, y, v) + c]
                        row += 1
                phase += PHASE
            piece += 1
        dw[item] = total
        item += cuda.gridsize(1)
