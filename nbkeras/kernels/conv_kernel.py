"""The gradient of a convolution to its kernel: for each tap a matrix product whose sum runs over pixels.

Pixels are cut into parts, a function of the shape alone; each part's sums are left apart and added in order by whoever
launched this. Within a part a block of pixels stays in the first cache: its source addresses for each tap, and one
panel of output gradients at a time, packed.
"""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.conv_tile import PANEL, multiply_channels
from nbkeras.kernels.conv_window import BASES, HEADER, PHASE, ROW, SPACE, TAP, locate, places_of, starts_of
from nbkeras.kernels.epilogue import ADD_BEFORE
from nbkeras.kernels.gemm import share
from nbkeras.kernels.geometry import panel_columns, sliver_rows
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.stack import offset, scratch

#: Pixels of a block: a panel of gradients takes 16 KB (32 in float64).
STEP = 128

#: Rows of output gradients at most so many elements apart need no packing.
NEAR = 64

#: Taps whose addresses are kept at once.
TAPS = 16
PLACES = TAPS * STEP + ROW
DY = STEP * PANEL


#: Multiply-adds: a launch is worth several threads above this.
SERIAL = 600_000


def schedule(pixels, groups, taps, depth, units, parts, tap_block):
    """(items, items a chunk): a part's taps, `tap_block` at once, of one group."""
    items = parts * groups * -(-taps // tap_block)
    return items, items if pixels * groups * taps * depth * units < SERIAL else 1


@kernel(schedule=schedule)
def convolve_kernel(
    dw: "T q*t*k*g*u",
    x: "T ?",
    dy: "T p*g*u",
    zeros: "T g*k",
    table: "i8 ?",
    pixels: "i8",
    groups: "i8",
    taps: "i8",
    depth: "i8",
    units: "i8",
    parts: "i8",
    tap_block: "i8",
    lo,
    hi,
):
    """dw[q, t, c, u] = sum over the pixels of part q of x[pixel through t, c] dy[pixel, u].

    Args:
        table: see `conv_window`; one phase.
        parts: pixels are cut into so many, of (pixels + parts - 1) // parts each.
        tap_block: taps of an item, at most TAPS.

    Items: (part, group, block of taps).
    """
    height = sliver_rows(dw)
    width = panel_columns(dw)
    item_bytes = address_of(offset(dw, 1)) - address_of(dw)
    source, nothing = address_of(x), address_of(zeros)
    places = scratch(table, PLACES)
    bases = scratch(table, BASES)
    targets = scratch(table, SPACE)
    distances = scratch(table, ROW)
    panel = scratch(dw, DY)
    row = groups * units
    share_of_part = (pixels + parts - 1) // parts
    tap_blocks = (taps + tap_block - 1) // tap_block
    first_tap = HEADER + PHASE
    inside = table[15]
    for item in range(lo, hi):
        part = item // (groups * tap_blocks)
        group = item // tap_blocks % groups
        tap_lo = item % tap_blocks * tap_block
        tap_hi = min(taps, tap_lo + tap_block)
        together = tap_hi - tap_lo if inside else 1
        pixel_lo = part * share_of_part
        pixel_hi = min(pixels, pixel_lo + share_of_part)
        flags = 0
        pixel = pixel_lo
        while True:
            steps = max(0, min(STEP, pixel_hi - pixel))
            if inside:
                starts_of(table, HEADER, pixel, steps, source, item_bytes, places)
            for p in range(0, 0 if inside else steps, ROW):
                locate(table, HEADER, pixel + p, min(ROW, steps - p), bases, targets)
                for t in range(tap_lo, tap_hi):
                    to = offset(places, (t - tap_lo) * STEP + p)
                    places_of(table, first_tap + t * TAP, bases, source, item_bytes, nothing, to)
            for j in range(0, units, PANEL):
                count = min(PANEL, units - j)
                # Rows near each other are read where they lie; others would meet in the same few lines of cache.
                near = count == PANEL and row <= NEAR
                source_panel = offset(dy, pixel * row + group * units + j)
                if not near:
                    pack(panel, source_panel, row, steps, count)
                    source_panel = panel
                for t in range(tap_lo, tap_hi, together):
                    c = 0
                    while c < together * depth:
                        rows = share(together * depth - c, height)
                        reach(table, first_tap + t * TAP, depth, c, rows, group * depth, item_bytes, distances)
                        to = ((part * taps + t) * depth + c) * row + group * units
                        for i in range(j, j + count, width):
                            multiply_channels(
                                rows, offset(dw, to + i), row, offset(places, 0 if inside else (t - tap_lo) * STEP),
                                steps, distances, offset(source_panel, i - j), row if near else PANEL,
                                min(width, units - i), flags,
                            )  # fmt: skip
                        c += rows
            pixel += steps
            flags = ADD_BEFORE
            if pixel >= pixel_hi:
                break


@scalar
def reach(table, tap, depth, channel, count, shift, item, distances):
    """How far from the address of a pixel `count` channels lie, counted on from one of a tap through those after it.

    Where taps read outside, pixels have an address for each tap, and only the channel counts.
    """
    skipped = channel // depth
    channel -= skipped * depth
    tap += skipped * TAP
    for r in range(count):
        distance = shift + channel
        if table[15]:
            distance += table[tap + 1] * table[4] + table[tap + 2] * table[5] + table[tap + 3] * table[6]
        distances[r] = distance * item
        channel += 1
        if channel == depth:
            channel = 0
            tap += TAP


@scalar
def pack(panel, dy, row, steps, count):
    """panel[p, j] = dy[p*row + j], 0 beyond the columns."""
    if count == PANEL:
        for p in range(steps):
            for j in range(PANEL):
                panel[p * PANEL + j] = dy[p * row + j]
    else:
        for p in range(steps):
            for j in range(PANEL):
                panel[p * PANEL + j] = dy[p * row + j] if j < count else 0
