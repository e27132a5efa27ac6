"""The gradient to filters of 3 by 3, or 3 along the last axis alone, in Winograd's form (see `winograd`).

    x of a tile -> v [36][tiles][channels],  dy of a tile -> s [36][tiles][units];  36 sums over tiles  vᵀ s  ->  dw

Tiles are cut into parts, a function of the shape alone; each part's gradient is left apart and added in order by
whoever launched this. An item has the sums of a part for a block of channels and units in the second cache, and goes
through the part's tiles a few at a time.
"""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.conv_tile import PANEL
from nbkeras.kernels.conv_winograd import LANES, POSITIONS, SKEW, fills, grid, read_tile, tile_at, tiles_of
from nbkeras.kernels.gemm import share
from nbkeras.kernels.geometry import panel_columns, sliver_rows
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.stack import offset, scratch, scratch_words
from nbkeras.kernels.winograd import SPAN, TILE, add_outputs, map_inputs, map_products, map_slopes, multiply_rows

#: Channels of a block at most, and elements of a block of channels and units.
CHANNELS = 128
ELEMENTS = 4096

#: Channels and units of all tiles that are taken together.
TOGETHER = 2560

#: Items wanted, and fewest tiles of a part.
WANTED = 16
FEWEST = 48

#: Channels times units at least, for filters along the last axis: 16 x 32 are 0.9 times as fast, 64 x 64 1.4-1.6 times.
FEWEST_FLAT = 1024

#: Scratch: sums, with whole panels of units; mapped pixels and gradients, the same.
SUMS = POSITIONS * (ELEMENTS + SKEW)
MAPPED = POSITIONS * (TOGETHER + 2 * SKEW)
PLACES = POSITIONS


@scalar
def blocks(channels, units, tall):
    """(channels of a block, units of a block in whole panels, tiles taken together)."""
    most = min(channels, CHANNELS)
    strip = min((units + PANEL - 1) // PANEL, ELEMENTS // (most * PANEL)) * PANEL
    together = TOGETHER // (most + strip)
    return most, strip, together if tall else together * SPAN


def parts_of(samples, height, width, channels, units, tall, dilation_y, dilation_x, **_):
    """Parts that the tiles are cut into."""
    most, strip, _ = blocks.py_func(channels, units, tall)
    tiles = tiles_of(samples, height, width, tall, dilation_y, dilation_x)
    return max(1, min(WANTED // (-(-channels // most) * -(-units // strip)), tiles // FEWEST))


def pays(channels, units, tall, **sizes):
    """Is it faster than summing over the pixels of each tap? (16 units: 0.3-0.7 times.)"""
    fits = channels % LANES == 0 and units % LANES == 0 and units >= PANEL
    fits = fits and (tall or channels * units >= FEWEST_FLAT)
    return fits and fills(tall=tall, **sizes) and tiles_of(tall=tall, **sizes) >= 2 * FEWEST


def schedule(channels, units, tall, parts, **_):
    """(items, items a chunk): a part, a block of channels and one of units."""
    most, strip, _ = blocks.py_func(channels, units, tall)
    return parts * -(-channels // most) * -(-units // strip), 1


@kernel(schedule=schedule, pays=pays)
def winograd_kernel(
    dw: "T q*t*c*u", db: "T q*u", x: "T n*i*j*c", dy: "T n*h*w*u", zeros: "T c", samples: "i8", height: "i8",
    width: "i8", x_height: "i8", x_width: "i8", above: "i8", left: "i8", channels: "i8", units: "i8", tall: "i8",
    dilation_y: "i8", dilation_x: "i8", parts: "i8", summed: "i8", lo, hi
):  # fmt: skip
    """dw[q, t, c, u] = sum over the pixels of part q of x[pixel through t, c] dy[pixel, u].

    Args:
        db: the sums over the pixels of part q of dy[pixel, u], where summed is 1.
        zeros: what is read outside of the images: of x `above` rows and `left` pixels before it.
        tall: 1 for filters of 3 by 3; 0 for 3 taps along the width, each row by itself.
        parts: tiles are cut into so many, of (tiles + parts - 1) // parts each.

    Items: (part, block of channels, block of units), see `blocks`.
    """
    rows = sliver_rows(dw)
    columns = panel_columns(dw)
    size = address_of(offset(dw, 1)) - address_of(dw)
    nothing = address_of(zeros)
    sums = scratch(dw, SUMS)
    mapped = scratch(dw, MAPPED)
    places = scratch_words(PLACES)
    positions = POSITIONS if tall else SPAN
    rise = TILE if tall else 1
    span = SPAN if tall else 1
    down, across = grid(height, width, tall, dilation_y, dilation_x)
    tiles = samples * dilation_y * dilation_x * down * across
    share_of_part = (tiles + parts - 1) // parts
    most, strip, together = blocks(channels, units, tall)
    unit_blocks = (units + strip - 1) // strip
    channel_blocks = (channels + most - 1) // most
    for item in range(lo, hi):
        part = item // (unit_blocks * channel_blocks)
        first_channel = item // unit_blocks % channel_blocks * most
        first_unit = item % unit_blocks * strip
        depth = min(most, channels - first_channel)
        wide = min(strip, units - first_unit)
        row = (wide + columns - 1) // columns * columns
        source = address_of(offset(x, first_channel))
        slopes = address_of(offset(dy, first_unit))
        distance = together * depth + SKEW
        apart = together * row + SKEW
        gradients = offset(mapped, positions * distance)
        between = depth * row + SKEW
        tile = part * share_of_part
        last = min(tiles, tile + share_of_part)
        more = 0
        total = offset(db, part * units + first_unit)
        sums_too = summed and first_channel == 0
        for u in range(wide if sums_too else 0):
            total[u] = 0
        while True:
            count = max(0, min(together, last - tile))
            for t in range(count):
                n, top, start = tile_at(tile + t, down, across, tall, dilation_y, dilation_x)
                read_tile(
                    places, source, channels * size, nothing, n, top - above, start - left, x_height, x_width, span,
                    SPAN, dilation_y, dilation_x,
                )  # fmt: skip
                map_inputs(tall, offset(mapped, t * depth), distance, places, depth)
                read_tile(
                    places, slopes, units * size, nothing, n, top, start, height, width, rise, TILE, dilation_y,
                    dilation_x,
                )  # fmt: skip
                map_slopes(tall, offset(gradients, t * row), apart, places, wide)
                if sums_too:
                    add_outputs(tall, total, places, wide)
            for p in range(positions):
                for j in range(0, row, columns):
                    c = 0
                    while c < depth:
                        height_of = share(depth - c, rows)
                        multiply_rows(
                            height_of, offset(sums, p * between + c * row + j), row,
                            offset(mapped, p * distance + c), 1, depth,
                            offset(gradients, p * apart + j), row, count, more,
                        )  # fmt: skip
                        c += height_of
            more = 1
            tile += count
            if tile >= last:
                break
        for c in range(depth):
            for p in range(positions):
                places[p] = address_of(offset(sums, p * between + c * row))
            taps = 9 if tall else 3
            to = (part * taps * channels + first_channel + c) * units + first_unit
            map_products(tall, offset(dw, to), channels * units, places, wide)
