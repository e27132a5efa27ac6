"""Convolutions with filters of 3 by 3, or 3 along the last axis alone, in Winograd's form (see `winograd`).

A block of tiles of 4 by 4 outputs goes through three steps while it stays in the second cache: the pixels that it
reads are mapped to 36 numbers a channel; each of the 36 is a matrix product of its own, tiles by filters; and their
sums are mapped to the outputs, which go through the epilogue as those of `conv`. Filters are mapped once before.

    d of a tile -> v [36][tiles][channels]  ->  m [36][tiles][32 units] = v filters  ->  y of a tile

The gradient to the input is the same over filters that are turned. Pixels that a dilated filter reads lie apart: those
of one remainder are an image of their own, beside the others.
"""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.conv_tile import PANEL
from nbkeras.kernels.epilogue import ACTIVATE, ADD_BEFORE, BIAS, GATE
from nbkeras.kernels.geometry import VECTORS, panel_columns, sliver_rows, tile_rows
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.pooling import pool_tile
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
OUTPUTS = TILE * TILE * PANEL

#: The first target of a tile that lies outside.
NOWHERE = -1

#: Multiply-adds a chunk has about.
GRAIN = 400_000

#: Fewest tiles for which mapping the filters is worth it.
FEWEST = 48

#: Most places of tiles for each pixel. Full tiles of 4 by 4 are 1.4-2.0 times as fast as sums over taps; at 1.8 places
#: 1.0-1.3 times, at 2.6 0.8 times, at 4 (images of 2 by 2) 0.3 times. Tiles of 4: 1.2 times full, 0.6 at 2 places.
MOST_TALL = 2
MOST_FLAT = 1.25


@scalar
def grid(height, width, tall, dilation_y, dilation_x):
    """(tiles down, tiles across) an image of the pixels that lie `dilation` apart."""
    rise = TILE if tall else 1
    rows, columns = (height + dilation_y - 1) // dilation_y, (width + dilation_x - 1) // dilation_x
    return (rows + rise - 1) // rise, (columns + TILE - 1) // TILE


@scalar
def tile_at(tile, down, across, tall, dilation_y, dilation_x):
    """(sample, row, column) of a tile's first pixel, which may lie outside if tiles of other remainders do not."""
    line = tile // across
    image = line // down
    n, y, x = image, 0, 0
    if dilation_y * dilation_x > 1:
        n = image // (dilation_y * dilation_x)
        remainder = image - n * dilation_y * dilation_x
        y = remainder // dilation_x
        x = remainder - y * dilation_x
    row = (line - image * down) * (TILE if tall else 1)
    column = (tile - line * across) * TILE
    return n, y + row * dilation_y, x + column * dilation_x


@scalar
def read_tile(places, source, size, nothing, n, row, column, height, width, rows, columns, dilation_y, dilation_x):
    """places[r, q] = the address of a pixel of `size` bytes, `dilation` from the last; `nothing` outside the image."""
    for r in range(rows):
        y = row + r * dilation_y
        line = (n * height + y) * width + column
        inside = y >= 0 and y < height
        for q in range(columns):
            x = column + q * dilation_x
            reads = inside and x >= 0 and x < width
            places[r * columns + q] = source + (line + q * dilation_x) * size if reads else nothing


def tiles_of(samples, height, width, tall, dilation_y, dilation_x, **_):
    """Tiles of all images."""
    down, across = grid.py_func(height, width, tall, dilation_y, dilation_x)
    return samples * dilation_y * dilation_x * down * across


def fills(samples, height, width, tall, dilation_y, dilation_x, **_):
    """Are there enough tiles, and are they filled well enough, that fewer products pay for the maps?"""
    tiles = tiles_of(samples, height, width, tall, dilation_y, dilation_x)
    pixels = samples * height * width
    return tiles >= FEWEST and tiles * TILE * (TILE if tall else 1) <= (MOST_TALL if tall else MOST_FLAT) * pixels


def pays(channels, units, pooled=0, **numbers):
    """Is it faster than summing over the taps, or where rows of windows are given, than pooling later?"""
    if pooled:
        return pools(channels=channels, **numbers)
    return channels % LANES == 0 and units >= LANES and fills(**numbers)


def pools(pixels_shape, window, strides, before, channels, tall, dilation_y, dilation_x, **_):
    """Does each window lie in one tile, whose sums are all there at once? 1.05-1.25 times as fast as pooling later."""
    if pixels_shape[1] > 1 or dilation_y * dilation_x > 1 or channels > CHANNELS or before != (0, 0, 0):
        return False
    rise = TILE if tall else 1
    apart = window[1] <= strides[1] and window[2] <= strides[2]
    return apart and rise % strides[1] == 0 and TILE % strides[2] == 0


def schedule(samples, height, width, channels, units, tall, dilation_y, dilation_x, **_):
    """(items, items a chunk): blocks of tiles."""
    block = BLOCK // tile_rows() * tile_rows()
    work = block * (POSITIONS if tall else SPAN) * channels * units
    tiles = tiles_of(samples, height, width, tall, dilation_y, dilation_x)
    return -(-tiles // block), max(1, GRAIN // work)


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
    places: "u2 ?", shape: "i8 16", samples: "i8", height: "i8", width: "i8", x_height: "i8", x_width: "i8",
    above: "i8", left: "i8", channels: "i8", units: "i8", tall: "i8", dilation_y: "i8", dilation_x: "i8",
    has_bias: "i8", activation: "i8", gate_code: "i8", pooled: "i8", keep: "i8", lo, hi
):  # fmt: skip
    """y = activate((sum over taps and channels of x w + bias) * slope(gate)), for filters from `winograd_filters`.

    Args:
        zeros: what is read outside the image: `above` rows and `left` pixels before it, and behind it.
        tall: 1 for filters of 3 by 3; 0 for 3 taps along the width, each row by itself.
        pooled: 0, or the rows of windows of which y and places get what `max_pool` gives of the sums, if keep is 1.
        shape: see `pooling`; windows lie in tiles (see `pools`).

    Items: blocks of tiles.
    """
    rows = sliver_rows(y)
    columns = panel_columns(y)
    lanes = columns // VECTORS
    size = address_of(offset(y, 1)) - address_of(y)
    source, nothing = address_of(x), address_of(zeros)
    mapped = scratch(y, PIXELS)
    sums = scratch(y, SUMS)
    pixels = scratch_words(PLACES)
    targets = scratch_words(TARGETS)
    outputs = scratch(y, OUTPUTS)
    positions = POSITIONS if tall else SPAN
    rise = TILE if tall else 1
    span = SPAN if tall else 1
    block = BLOCK // rows * rows
    apart = block * PANEL + SKEW
    down, across = grid(height, width, tall, dilation_y, dilation_x)
    tiles = samples * dilation_y * dilation_x * down * across
    last = (BIAS if has_bias else 0) + ACTIVATE * activation + GATE * gate_code
    for item in range(lo, hi):
        first = item * block
        count = min(block, tiles - first)
        for begin in range(0, channels, CHANNELS):
            depth = min(CHANNELS, channels - begin)
            distance = block * depth + SKEW
            flags = (ADD_BEFORE if begin else 0) + (last if begin + depth == channels else 0)
            for t in range(count):
                n, top, start = tile_at(first + t, down, across, tall, dilation_y, dilation_x)
                read_tile(
                    pixels, source + begin * size, channels * size, nothing, n, top - above, start - left, x_height,
                    x_width, span, SPAN, dilation_y, dilation_x,
                )  # fmt: skip
                map_inputs(tall, offset(mapped, t * depth), distance, pixels, depth)
                # Backwards, so that what lies outside is written before the pixel at the edge, in its place.
                low, far = 0, 0
                for r in range(1, TILE):
                    low += top + r * dilation_y < height
                    far += start + r * dilation_x < width
                for r in range(rise):
                    down_to = min(rise - 1 - r, low)
                    line = (n * height + top + down_to * dilation_y) * width + start
                    for q in range(TILE):
                        along = min(TILE - 1 - q, far)
                        place = (down_to * TILE + along) * PANEL if pooled else (line + along * dilation_x) * units
                        targets[(t * rise + r) * TILE + q] = place
                if top >= height or start >= width:
                    targets[t * rise * TILE] = NOWHERE
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
                    if targets[t * rise * TILE] == NOWHERE:
                        continue
                    channel = strip * PANEL
                    for j in range(channel, min(units, channel + PANEL), lanes):
                        finish_tile(
                            tall, offset(outputs, j - channel) if pooled else offset(y, j),
                            offset(targets, t * rise * TILE), offset(sums, t * PANEL + j - channel), apart,
                            min(lanes, units - j), offset(bias, j), offset(gate, j), flags,
                        )  # fmt: skip
                    if pooled:
                        n, top, start = tile_at(first + t, down, across, tall, dilation_y, dilation_x)
                        most = min(PANEL, units - channel)
                        pool_tile(y, places, outputs, rise, TILE, PANEL, n, top, start, shape, channel, most, keep)
