"""The gradient of a convolution to its kernel: for each tap a matrix product whose sum runs over pixels.

Pixels are cut into parts, a function of the shape alone; each part's sums are left apart and added in order by whoever
launched this. Within a part a block of pixels stays in the first cache, with one panel of output gradients at a time.
Through a tap pixels are read in runs along the lines, and those that would read outside are in none.
"""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.conv_tile import AHEAD, PANEL, multiply_channels
from nbkeras.kernels.conv_window import HEADER, PHASE, RUN, TAP, move_of, runs_of
from nbkeras.kernels.epilogue import ADD_BEFORE
from nbkeras.kernels.folds import SUM, fold_columns
from nbkeras.kernels.gemm import share
from nbkeras.kernels.geometry import panel_columns, sliver_rows
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.pooling import lines_of, send_lines
from nbkeras.kernels.stack import offset, scratch

#: Pixels of a block: a panel of gradients takes 16 KB (32 in float64), and pixels of the next block are asked for.
STEP = AHEAD

#: Rows of output gradients at most so many elements apart need no packing: 1.2-1.6 times as fast for 8 or 16 units.
NEAR = 64

RUNS = STEP * RUN
DY = STEP * PANEL


#: Multiply-adds: a launch is worth several threads above this.
SERIAL = 600_000


def pays(pixels_shape, window, strides, **_):
    """Is it faster to spread a gradient to pooled pixels block by block than to write and read all pixels?"""
    apart = all(k <= s for k, s in zip(window, strides, strict=True))
    return apart and pixels_shape[1] == 1 and window[1] * pixels_shape[3] <= STEP


def schedule(pixels, groups, taps, depth, units, parts, tap_block, **_):
    """(items, items a chunk): a part's taps, `tap_block` at once, of one group."""
    items = parts * groups * -(-taps // tap_block)
    return items, items if pixels * groups * taps * depth * units < SERIAL else 1


@kernel(schedule=schedule, pays=pays)
def convolve_kernel(
    dw: "T q*t*k*g*u",
    db: "T q*g*u",
    x: "T ?",
    dy: "T p*g*u",
    places: "u2 ?",
    table: "i8 ?",
    shape: "i8 16",
    pixels: "i8",
    groups: "i8",
    taps: "i8",
    depth: "i8",
    units: "i8",
    parts: "i8",
    tap_block: "i8",
    summed: "i8",
    pooled: "i8",
    lo,
    hi,
):
    """dw[q, t, c, u] = sum over the pixels of part q of x[pixel through t, c] dy[pixel, u].

    Args:
        db: the sums over the pixels of part q of dy[pixel, u], where summed is 1.
        table: see `conv_window`; one phase.
        parts: pixels are cut into so many, of (pixels + parts - 1) // parts each; rows of windows, if pooled.
        tap_block: taps of an item.
        pooled: 0, or the rows of windows of which dy and places are the gradient and the places (see `pooling`, for
            `shape` too): what is multiplied is then `max_pool_gradient` of them.

    Items: (part, group, block of taps).
    """
    height = sliver_rows(dw)
    width = panel_columns(dw)
    item_bytes = address_of(offset(dw, 1)) - address_of(dw)
    source = address_of(x)
    runs = scratch(table, RUNS)
    panel = scratch(dw, DY)
    sums = scratch(dw, PANEL)
    row = groups * units
    whole = pooled if pooled else pixels
    share_of_part = (whole + parts - 1) // parts
    tap_blocks = (taps + tap_block - 1) // tap_block
    first_tap = HEADER + PHASE
    step = move_of(table, HEADER)
    for item in range(lo, hi):
        part = item // (groups * tap_blocks)
        group = item // tap_blocks % groups
        tap_lo = item % tap_blocks * tap_block
        tap_hi = min(taps, tap_lo + tap_block)
        at = part * share_of_part
        last = min(whole, at + share_of_part)
        sums_too = summed and tap_lo == 0
        total = offset(db, part * row + group * units)
        for j in range(units if sums_too else 0):
            total[j] = 0
        flags = 0
        while True:
            pixel, steps = at, max(0, min(STEP, last - at))
            if pooled and steps:
                pixel, lines = lines_of(at, shape)
                steps = lines * shape[2]
            for j in range(0, units, PANEL):
                count = min(PANEL, units - j)
                # Rows near each other are read where they lie, up to a panel's width, which may be beyond their end;
                # others would meet in the same few lines of cache.
                place = pixel * row + group * units + j
                near = not pooled and row <= NEAR and place + (steps - 1) * row + PANEL <= pixels * row
                panel_row = row if near else PANEL
                if pooled and steps:
                    send_lines(panel, PANEL, dy, places, at, shape, group * units + j, count)
                elif not near:
                    pack(panel, offset(dy, place), row, steps, count)
                source_panel = offset(dy, place) if near else panel
                if sums_too and steps:
                    fold_columns(dw, SUM, address_of(sums), address_of(source_panel), steps, panel_row, count)
                    for i in range(count):
                        total[j + i] += sums[i]
                for t in range(tap_lo, tap_hi):
                    found = runs_of(table, HEADER, first_tap + t * TAP, pixel, steps, source, item_bytes, runs)
                    c = 0
                    while c < depth:
                        rows = share(depth - c, height)
                        to = ((part * taps + t) * depth + c) * row + group * units
                        for i in range(j, j + count, width):
                            multiply_channels(
                                rows, offset(dw, to + i), row, runs, found, group * depth + c, step,
                                offset(source_panel, i - j), panel_row, min(width, units - i), flags,
                            )  # fmt: skip
                        c += rows
            at += 1 if pooled else steps
            flags = ADD_BEFORE
            if at >= last:
                break


@scalar
def pack(panel, dy, row, steps, count):
    """panel[p, j] = dy[p*row + j]; what stands beyond the columns is never used."""
    if count == PANEL:
        for p in range(steps):
            for j in range(PANEL):
                panel[p * PANEL + j] = dy[p * row + j]
    else:
        for p in range(steps):
            for j in range(count):
                panel[p * PANEL + j] = dy[p * row + j]
