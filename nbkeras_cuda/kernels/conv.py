"""Convolutions, a thread an output: plain sums over taps and channels, filters read from packed panels."""

from numba import cuda

from nbkeras_cuda._jit import T, kernel
from nbkeras_cuda.epilogue import finished
from nbkeras_cuda.window import PANEL, TAP, located, phase_at, source_of, taps_at, target_of


def schedule(pixels: int, groups: int, units: int, **_) -> tuple[int, int]:
    """(items, chunk): items are outputs."""
    items = pixels * groups * units
    return items, items


@kernel(cover=True)
def pack_filters(
    panels: "T g*n*t*k*32", w: "T t*c*u", taps: "i8", channels: "i8", units: "i8", groups: "i8", turned: "i8", lo, hi
):
    """panels[g, j, t, c, i] = w[t, c, g*units + 32 j + i]; turned: panels[g, j, t, u, i] = w[t, 32 j + i, g*units + u].

    What has no filter is 0. Items: panels of one tap, groups * ceil(columns / 32) * taps.
    """
    columns = channels if turned != 0 else units
    depth = units if turned != 0 else channels
    across = (columns + PANEL - 1) // PANEL
    element = lo * depth * PANEL + cuda.grid(1)
    while element < hi * depth * PANEL:
        row = element // PANEL
        item = row // depth
        k = row - item * depth
        strip = item // taps
        tap = item - strip * taps
        group = strip // across
        column = (strip - group * across) * PANEL + element - row * PANEL
        value = T(0)
        if column < columns:
            channel = column if turned != 0 else k
            unit = k if turned != 0 else column
            value = w[((tap * channels + channel) * groups + group) * units + unit]
        panels[element] = value
        element += cuda.gridsize(1)


@kernel(schedule=schedule)
def convolve(
    y: "T p*g*u",
    x: "T ?",
    panels: "T g*n*t*k*32",
    bias: "T g*u",
    gate: "T p*g*u",
    zeros: "T g*k",
    table: "i8 ?",
    pixels: "i8",
    groups: "i8",
    taps: "i8",
    depth: "i8",
    units: "i8",
    has_bias: "i8",
    activation: "i8",
    gate_code: "i8",
    lo,
    hi,
):
    """y = activate((sum over taps and channels of x w + bias) * slope(gate)), for pixels as the table has them.

    Args:
        panels: filters from `pack_filters`, of `taps` taps of `depth` numbers for `units` outputs a group.
        zeros: what the CPU reads outside the image; not read here.
        table: see `window`.

    Items: outputs.
    """
    across = (units + PANEL - 1) // PANEL
    item = lo + cuda.grid(1)
    while item < hi:
        pixel = item // (groups * units)
        column = item - pixel * groups * units
        group = column // units
        unit = column - group * units
        panel = unit // PANEL
        strip = (group * across + panel) * taps * depth * PANEL + unit - panel * PANEL
        phase = phase_at(table, pixel)
        n, d, h, v = located(table, phase, pixel)
        tap = taps_at(table, phase)
        end = tap + table[phase + 1] * TAP
        total = T(0)
        while tap < end:
            source = source_of(table, tap, n, d, h, v)
            if source >= 0:
                filters = strip + table[tap] * depth * PANEL
                for k in range(depth):
                    total += x[source + group * depth + k] * panels[filters + k * PANEL]
            tap += TAP
        to = target_of(table, phase, n, d, h, v) + column
        y[to] = finished(total, bias, column, has_bias, activation, gate, to, gate_code)
        item += cuda.gridsize(1)
