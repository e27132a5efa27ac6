"""Convolutions, a thread an output: plain sums over taps and channels, filters read from packed panels."""

from numba import cuda

from nbkeras_cuda._jit import T, device, kernel
from nbkeras_cuda.epilogue import finished
from nbkeras_cuda.pools import begin, lines_of, start, stop
from nbkeras_cuda.window import PANEL, TAP, located, phase_at, source_of, taps_at, target_of


def schedule(pixels: int, groups: int, units: int, pooled: int, **_) -> tuple[int, int]:
    """(items, chunk): items are outputs, or rows of windows in one channel."""
    items = (pooled or pixels) * groups * units
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


@device
def output(x, panels, bias, gate, table, pixel, column, taps, depth, units, has_bias, activation, gate_code):
    """An output of a pixel, and where it belongs."""
    across = (units + PANEL - 1) // PANEL
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
    return finished(total, bias, column, has_bias, activation, gate, to, gate_code), to


@kernel(schedule=schedule)
def convolve(
    y: "T p*g*u",
    x: "T ?",
    panels: "T g*n*t*k*32",
    bias: "T g*u",
    gate: "T p*g*u",
    zeros: "T g*k",
    table: "i8 ?",
    places: "u2 ?",
    shape: "i8 16",
    pixels: "i8",
    groups: "i8",
    taps: "i8",
    depth: "i8",
    units: "i8",
    has_bias: "i8",
    activation: "i8",
    gate_code: "i8",
    pooled: "i8",
    keep: "i8",
    lo,
    hi,
):
    """y = activate((sum over taps and channels of x w + bias) * slope(gate)), for pixels as the table has them.

    Args:
        panels: filters from `pack_filters`, of `taps` taps of `depth` numbers for `units` outputs a group.
        zeros: what the CPU reads outside the image; not read here.
        table: see `window`; of one phase if it pools.
        pooled: 0, or the rows of windows of which y and places get what `max_pool` gives of the sums, if keep is 1.
        shape: see `pooling`.

    Items: outputs; rows of windows in one channel.
    """
    columns = groups * units
    item = lo + cuda.grid(1)
    while item < hi:
        pixel = item // columns
        column = item - pixel * columns
        if pooled == 0:
            value, to = output(
                x, panels, bias, gate, table, pixel, column, taps, depth, units, has_bias, activation, gate_code
            )
            y[to] = value
        else:
            row = pixel
            pixel, lines, line_place = lines_of(row, shape)
            for ow in range(shape[5]):
                w = begin(ow, 2, shape)
                best = T(0)
                place = -1
                for j in range(lines):
                    for k in range(start(w, 2, shape), stop(w, 2, shape)):
                        value, _ = output(
                            x, panels, bias, gate, table, pixel + j * shape[2] + w + k, column, taps, depth, units,
                            has_bias, activation, gate_code,
                        )  # fmt: skip
                        if place < 0 or value > best or value != value:
                            best = value
                            place = line_place + j * shape[8] + k
                to = (row * shape[5] + ow) * columns + column
                y[to] = best
                if keep != 0:
                    places[to] = place
        item += cuda.gridsize(1)
