"""Convolutions with filters of 3 by 3, or 3 along the last axis alone, in Winograd's form (see `winograd`).

A block of tiles of 4 by 4 outputs goes through three steps while it stays in the second cache: the pixels that it
reads are mapped to 36 numbers a channel; each of the 36 is a matrix product of its own, tiles by filters; and their
sums are mapped to the outputs, which go through the epilogue as those of `conv`. Filters are mapped once before.

    d of a tile -> v [36][tiles][channels]  ->  m [36][tiles][32 units] = v filters  ->  y of a tile

The gradient to the input is the same over filters that are turned.
"""

from nbkeras.kernels._jit import kernel
from nbkeras.kernels.conv_tile import PANEL
from nbkeras.kernels.epilogue import ACTIVATE, ADD_BEFORE, BIAS, GATE
from nbkeras.kernels.geometry import VECTORS, panel_columns, sliver_rows, tile_rows
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.stack import offset, scratch, scratch_words
from nbkeras.kernels.winograd import SPAN, TILE, finish_tile, map_filters, map_inputs, multiply_whole

POSITIONS = SPAN * SPAN

#: Channels of an input are a multiple of this: a vector of either float type on every processor.
LANES = 16

#: Tiles of a block at most (whole slivers), and channels that are summed together.
BLOCK = 16
CHANNELS = 128

#: Elements between the numbers of neighbouring positions, besides: they should not all meet in a few lines of cache.
SKEW = 16

#: Scratch: the mapped pixels of a block and its sums for a panel of filters, addresses, a panel of filters.
PIXELS = POSITIONS * (BLOCK * CHANNELS + SKEW)
SUMS = POSITIONS * (BLOCK * PANEL + SKEW)
PLACES = POSITIONS
TARGETS = BLOCK * TILE * TILE
TAPS = 9 * PANEL

#: Multiply-adds a chunk has about.
GRAIN = 400_000

#: Fewest tiles for which mapping the filters is worth it.
FEWEST = 48


def tiles_of(samples, height, width, tall):
    """Tiles of all images."""
    return samples * (-(-height // TILE) if tall else height) * -(-width // TILE)


def pays(samples, height, width, channels, units, tall, **_):
    """Is it faster than summing over the taps?"""
    fits = channels % LANES == 0 and units >= LANES
    return fits and tiles_of(samples, height, width, tall) >= FEWEST


def schedule(samples, height, width, channels, units, tall, **_):
    """(items, items a chunk): blocks of tiles."""
    block = BLOCK // tile_rows() * tile_rows()
    work = block * (POSITIONS if tall else SPAN) * channels * units
    return -(-tiles_of(samples, height, width, tall) // block), max(1, GRAIN // work)


@kernel
def winograd_filters(
    panels: "T n*q*k*32", w: "T t*c*u", channels: "i8", units: "i8", turned: "i8", tall: "i8", lo, hi
):
    """panels[j, :, k, i] = G w[:, k, 32 j + i] Gᵀ for taps of 3 by 3; turned: of w[::-1, 32 j + i, k].

    Where tall is 0 there are 3 taps, and 6 numbers instead of 36. What has no filter is 0. Items: rows (j, k).
    """
    columns = channels if turned else units
    depth = units if turned else channels
    taps = scratch(w, TAPS)
    places = scratch_words(PLACES)
    count = 9 if tall else 3
    for item in range(lo, hi):
        strip = item // depth
        k = item - strip * depth
        first = strip * PANEL
        most = min(PANEL, columns - first)
        for t in range(count):
            places[t] = address_of(offset(taps, t * PANEL))
            if turned:
                source = ((count - 1 - t) * channels + first) * units + k
                for i in range(most):
                    taps[t * PANEL + i] = w[source + i * units]
            else:
                source = (t * channels + k) * units + first
                for i in range(most):
                    taps[t * PANEL + i] = w[source + i]
            for i in range(most, PANEL):
                taps[t * PANEL + i] = 0
        to = offset(panels, (strip * (POSITIONS if tall else SPAN) * depth + k) * PANEL)
        map_filters(tall, to, depth * PANEL, places, PANEL)


@kernel(schedule=schedule, pays=pays)
def winograd(
    y: "T n*h*w*u", x: "T n*i*j*c", panels: "T s*q*c*32", bias: "T u", gate: "T n*h*w*u", zeros: "T c",
    samples: "i8", height: "i8", width: "i8", x_height: "i8", x_width: "i8", above: "i8", left: "i8", channels: "i8",
    units: "i8", tall: "i8", has_bias: "i8", activation: "i8", gate_code: "i8", lo, hi
):  # fmt: skip
    """y = activate(sum over taps and channels of x w + bias) * slope(gate), for filters from `winograd_filters`.

    Args:
        zeros: what is read outside the image: `above` rows and `left` pixels before it, and behind it.
        tall: 1 for filters of 3 by 3; 0 for 3 taps along the width, each row by itself.

    Items: blocks of tiles.
    """
    rows = sliver_rows(y)
    columns = panel_columns(y)
    lanes = columns // VECTORS
    size = address_of(offset(y, 1)) - address_of(y)
    source, nothing = address_of(x), address_of(zeros)
    mapped = scratch(y, PIXELS)
    sums = scratch(y, SUMS)
    places = scratch_words(PLACES)
    targets = scratch_words(TARGETS)
    positions = POSITIONS if tall else SPAN
    rise = TILE if tall else 1
    span = SPAN if tall else 1
    block = BLOCK // rows * rows
    apart = block * PANEL + SKEW
    across = (width + TILE - 1) // TILE
    down = (height + rise - 1) // rise
    tiles = samples * down * across
    last = (BIAS if has_bias else 0) + ACTIVATE * activation + GATE * gate_code
    for item in range(lo, hi):
        first = item * block
        count = min(block, tiles - first)
        for begin in range(0, channels, CHANNELS):
            depth = min(CHANNELS, channels - begin)
            distance = block * depth + SKEW
            flags = (ADD_BEFORE if begin else 0) + (last if begin + depth == channels else 0)
            for t in range(count):
                line = (first + t) // across
                n = line // down
                top = (line - n * down) * rise
                start = (first + t - line * across) * TILE
                for r in range(span):
                    row = (n * x_height + top + r - above) * x_width + start - left
                    inside = top + r - above >= 0 and top + r - above < x_height
                    for q in range(SPAN):
                        here = inside and start + q - left >= 0 and start + q - left < x_width
                        at = source + ((row + q) * channels + begin) * size
                        places[r * SPAN + q] = at if here else nothing
                map_inputs(tall, offset(mapped, t * depth), distance, places, depth)
                for r in range(rise):
                    row = min(top + rise - 1 - r, height - 1)
                    for q in range(TILE):
                        place = min(start + TILE - 1 - q, width - 1)
                        targets[(t * rise + r) * TILE + q] = ((n * height + row) * width + place) * units
            for strip in range((units + PANEL - 1) // PANEL):
                for p in range(positions):
                    panel = offset(panels, ((strip * positions + p) * channels + begin) * PANEL)
                    for t in range(0, count, rows):
                        for j in range(0, PANEL, columns):
                            multiply_whole(
                                rows, offset(sums, p * apart + t * PANEL + j), PANEL,
                                offset(mapped, p * distance + t * depth), depth, 1, offset(panel, j), PANEL, depth, 0,
                            )  # fmt: skip
                for t in range(count):
                    for j in range(strip * PANEL, min(units, strip * PANEL + PANEL), lanes):
                        finish_tile(
                            tall, offset(y, j), offset(targets, t * rise * TILE),
                            offset(sums, t * PANEL + j - strip * PANEL), apart, min(lanes, units - j), offset(bias, j),
                            offset(gate, j), flags,
                        )  # fmt: skip
