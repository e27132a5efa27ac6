"""Convolutions without a column matrix: the register tile of the matrix product over pixels found by address.

A tile is as many target pixels as the register tile has rows, in the order of `conv_window`, wherever they lie; their
source addresses are worked out once for each tap and serve all panels of filters. Zeros stand outside the image. The
gradient to the input is the same kernel over filters that are packed turned.

The lines of outputs that a row of windows covers can be pooled before they leave the cache: they are then not written
(1.15-1.25 times as fast as pooling them later where sums are short).

An output's sum runs over taps and channels in order, whatever tile it is in: the same bits for any cut.
"""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.conv_tile import PANEL, multiply_pixels
from nbkeras.kernels.conv_window import BASES, ROW, SPACE, TAP, locate, phase_at, places_of, taps_at
from nbkeras.kernels.epilogue import ACTIVATE, ADD_BEFORE, BIAS, GATE
from nbkeras.kernels.gemm import share
from nbkeras.kernels.geometry import panel_columns, sliver_rows, tile_rows
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.pooling import LINES, lines_of, pays_in_lines, pool_row
from nbkeras.kernels.stack import offset, scratch

#: Taps whose addresses are kept at once; longer filters are summed in several passes.
TAPS = 256
PLACES = TAPS * ROW

#: Multiply-adds: a launch is worth several threads above SERIAL, a chunk has about GRAIN.
GRAIN = 400_000
SERIAL = 600_000

#: Tiles of pixels of one item, and items below which panels are dealt out too.
TILES = 12
FEW = 32


@scalar
def cutting(pixels, groups, panels, height):
    """(pixels of a block, items of a block): whole tiles; each panel is an item of its own where blocks are few."""
    tiles = (pixels + height - 1) // height
    block = max(1, min(TILES, tiles // 64)) * height
    blocks = (pixels + block - 1) // block
    return block, groups * panels if blocks < FEW else 1


def schedule(pixels, groups, taps, depth, units, pooled, **_):
    """(items, items a chunk) of a convolution: a function of its shape alone."""
    panels = -(-units // PANEL)
    block, parts = cutting.py_func(pixels, groups, panels, tile_rows())
    items = pooled or -(-pixels // block) * parts
    work = pixels * max(1, taps * depth) * units * groups
    if work < SERIAL:
        return items, max(1, items)
    return items, max(1, GRAIN * items // work)


@kernel
def pack_filters(
    panels: "T g*n*t*k*32", w: "T t*c*u", taps: "i8", channels: "i8", units: "i8", groups: "i8", turned: "i8", lo, hi
):
    """panels[g, j, t, c, i] = w[t, c, g*units + 32 j + i]; turned: panels[g, j, t, u, i] = w[t, 32 j + i, g*units + u].

    What has no filter is 0. Items: panels of one tap, groups * ceil(columns / 32) * taps.
    """
    columns = channels if turned else units
    depth = units if turned else channels
    across = (columns + PANEL - 1) // PANEL
    for item in range(lo, hi):
        tap = item % taps
        strip = item // taps
        group = strip // across
        first = (strip - group * across) * PANEL
        count = min(PANEL, columns - first)
        to = item * depth * PANEL
        if turned:
            source = (tap * channels + first) * groups * units + group * units
            for j in range(count):
                start = source + j * groups * units
                for k in range(depth):
                    panels[to + k * PANEL + j] = w[start + k]
            for j in range(count, PANEL):
                for k in range(depth):
                    panels[to + k * PANEL + j] = 0
        else:
            source = tap * channels * groups * units + group * units + first
            for k in range(depth):
                start = source + k * groups * units
                for j in range(count):
                    panels[to + k * PANEL + j] = w[start + j]
                for j in range(count, PANEL):
                    panels[to + k * PANEL + j] = 0


@kernel(schedule=schedule, pays=pays_in_lines)
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
        zeros: what is read outside the image.
        table: see `conv_window`; of one phase if it pools.
        pooled: 0, or the rows of windows of which y and places get what `max_pool` gives of the sums, if keep is 1.
        shape: see `pooling`.

    Items: blocks of pixels, or panels of them (see `cutting`); rows of windows.
    """
    height = sliver_rows(y)
    width = panel_columns(y)
    item_bytes = address_of(offset(y, 1)) - address_of(y)
    source, nothing = address_of(x), address_of(zeros)
    across = (units + PANEL - 1) // PANEL
    panel_size = taps * depth * PANEL
    taps_of = scratch(table, PLACES)
    bases = scratch(table, BASES)
    targets = scratch(table, SPACE)
    lines = scratch(y, LINES)
    block, parts = cutting(pixels, groups, across, height)
    for item in range(lo, hi):
        if pooled:
            pixel, count = lines_of(item, shape)
            last = pixel + count * shape[2]
            strip_lo, strip_hi = 0, groups * across
            out = offset(lines, -pixel * groups * units)
        else:
            part = item % parts
            pixel = item // parts * block
            last = min(pixels, pixel + block)
            strip_lo, strip_hi = (part, part + 1) if parts > 1 else (0, groups * across)
            out = y
        while pixel < last:
            phase = phase_at(table, pixel)
            rows = share(min(last, table[phase + 6] + table[phase + 7]) - pixel, height)
            locate(table, phase, pixel, rows, bases, targets)
            tap = taps_at(table, phase)
            left = table[phase + 1]
            flags = 0
            while True:
                count = min(left, TAPS)
                for t in range(count):
                    row = offset(taps_of, t * ROW)
                    places_of(table, tap + t * TAP, bases, source, item_bytes, nothing, row)
                    row[ROW - 1] = table[tap + t * TAP] * depth * PANEL * item_bytes
                if left == count:
                    flags += (BIAS if has_bias else 0) + ACTIVATE * activation + GATE * gate_code
                for strip in range(strip_lo, strip_hi):
                    group = strip // across
                    first = (strip - group * across) * PANEL
                    for j in range(first, min(units, first + PANEL), width):
                        column = group * units + j
                        to_y, to_gate, to_bias = offset(out, column), offset(gate, column), offset(bias, column)
                        panel = offset(panels, strip * panel_size + j - first)
                        multiply_pixels(
                            rows, to_y, targets, taps_of, count, depth, group * depth, panel,
                            min(width, units - j), to_bias, to_gate, flags,
                        )  # fmt: skip
                left -= count
                tap += count * TAP
                flags = ADD_BEFORE
                if left == 0:
                    break
            pixel += rows
        if pooled:
            pool_row(y, places, lines, 0, item, shape, keep)
