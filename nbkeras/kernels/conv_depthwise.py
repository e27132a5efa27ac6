"""Depthwise convolutions: each channel with filters of its own, so nothing is shared between channels.

The same kernel gives the gradient to the input, over the transposed window. Work is cut by samples and, within one, by
rows: of each phase of the window an item has its share, so that what its phases read and write lies together.

Lanes of a vector are channels, and the rows of a register tile pixels of a line. Where the pixels of a line lie side by
side in what is read and in what is written, few channels take several pixels together: a tap is then one shifted run of
numbers times its filter, repeated, and the tile goes down a column of such runs.
"""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.conv_window import HEADER, PHASE, TAP, taps_at
from nbkeras.kernels.depthwise_tile import (
    LISTED,
    RUNS,
    SUMS,
    TAPS,
    most_rows,
    multiply_taps,
    multiply_taps_pair,
    sum_products,
)
from nbkeras.kernels.epilogue import ACTIVATE, ADD_BEFORE, BIAS, GATE
from nbkeras.kernels.geometry import panel_columns
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.stack import offset, scratch, scratch_bytes

#: Multiply-adds worth a chunk; a pixel of fewer channels costs as much as one of FEW.
GRAIN = 300_000
FEW = 16

#: Parts of a kernel's gradient at most.
MOST_PARTS = 16

#: Rows of a column that are taken at once: few enough to be in the first cache for its neighbour.
BAND = 32

#: Where runs of three, two and one tap are listed.
TRIPLES, PAIRS, SINGLES = (RUNS[length] for length in (3, 2, 1))

#: Pixels are taken together up to so many vectors, of which each tap and the bias has a row in bytes.
VECTORS = 4
ROWS_BYTES = (TAPS + 1) * VECTORS * 64


def _work(pixels, taps, channels) -> int:
    return pixels * taps * max(FEW, channels)


def cuts_of(samples, rows, pixels, taps, channels) -> int:
    """Parts that the rows of a sample are cut into."""
    return max(1, min(rows, _work(pixels, taps, channels) // (max(1, samples) * GRAIN)))


def schedule(pixels, taps, channels, samples, cuts, **_):
    """(items, items a chunk): items are parts of samples."""
    work, items = _work(pixels, taps, channels), samples * cuts
    return items, items if work < 2 * GRAIN else max(1, items * GRAIN // work)


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
        table: see `conv_window`.
        cuts: the rows of a sample are cut into so many parts.

    Items: (sample, part).
    """
    size = address_of(offset(x, 1)) - address_of(x)
    singles = scratch(table, LISTED)
    listed = scratch(table, LISTED)
    together = pixels_together(channels, panel_columns(x) // 2) if taps <= TAPS else 1
    period = together * channels
    filters, biases = w, bias
    if together > 1:
        filters = scratch_bytes(x, ROWS_BYTES)
        for t in range(taps):
            for c in range(period):
                filters[t * period + c] = w[t * channels + c % channels]
        biases = offset(filters, taps * period)
        if has_bias:
            for c in range(period):
                biases[c] = bias[c % channels]
    what_follows = has_bias * BIAS + activation * ACTIVATE + gate_code * GATE
    wide = together if side_by_side(table, channels) else 1
    for item in range(lo, hi):
        n = item // cuts
        cut = item - n * cuts
        phase = HEADER
        for _ in range(table[14]):
            columns, across, read, written, row, end_row = part_of(table, phase, cut, cuts, wide)
            shown = -1
            while row < end_row:
                z = row // table[phase + 3]
                v = row - z * table[phase + 3]
                rows = evenly(min(end_row - row, table[phase + 3] - v), BAND) if columns else 1
                count = rows if columns else table[phase + 4]
                source = n * table[3] + z * table[7] * table[4] + v * table[8] * table[5]
                target = table[phase + 5] + n * table[10] + z * table[11] + v * table[12]
                row += rows
                # Where taps read outside each pixel has a list of its own.
                alike = count if table[15] else 1
                for p in range(0, count, alike):
                    tap = 0
                    flags = 0
                    while True:
                        if shown != tap or not table[15]:
                            following, number = list_taps(
                                table, phase, tap, z, v + p * columns, p * (1 - columns), columns, period, size, singles
                            )
                            triples, pairs, number = runs_of(singles, number, read * size, listed)
                            shown = tap
                        tap = following
                        done = tap == table[phase + 1]
                        if done:
                            flags += what_follows
                        first = 0
                        while first < across:
                            groups, width, beyond = group_of(first, across, columns, wide, alike)
                            to = target + p * written + first * channels
                            multiply_line(
                                offset(y, to), offset(x, source + p * read + first * channels), filters, groups, read,
                                written, listed, triples, pairs, number, width * channels, biases, offset(gate, to),
                                flags,
                            )  # fmt: skip
                            first = beyond
                        flags = ADD_BEFORE
                        if done:
                            break
            phase += PHASE


@scalar
def pixels_together(channels, lanes):
    """How many pixels fill vectors best: 1 where a pixel's channels fill them well enough, or more than VECTORS."""
    best, waste = 1, -(-channels // lanes) * lanes / channels
    for count in range(2, VECTORS * lanes // channels + 1):
        other = -(-count * channels // lanes) * lanes / (count * channels)
        if other < waste:
            best, waste = count, other
    return best


@scalar
def side_by_side(table, channels):
    """Do the pixels of a line lie side by side in what is read and written, and do no taps read outside?"""
    return table[9] * table[6] == channels and table[13] == channels and table[15] == 1


@scalar
def part_of(table, phase, cut, cuts, wide):
    """A part of a phase of each sample, whose lines are columns in a phase one pixel wide, and where pixels are taken
    together in several rows.

    Returns (1 if lines are columns, pixels to take together, steps of reading and writing, first row, last row + 1).
    """
    rows, width = table[phase + 2] * table[phase + 3], table[phase + 4]
    columns = 1 if width == 1 or (wide > 1 and table[phase + 3] > 1) else 0
    read = table[8] * table[5] if columns else table[9] * table[6] * wide
    written = table[12] if columns else table[13] * wide
    return columns, width if columns or wide > 1 else 1, read, written, rows * cut // cuts, rows * (cut + 1) // cuts


@scalar
def group_of(first, across, columns, wide, pixels):
    """What is taken together from a pixel of a line on: (groups of pixels, pixels of a group, the pixel after them)."""
    width = min(wide, across - first)
    if not columns and wide > 1:
        pixels = (across - first) // width
        return pixels, width, first + pixels * width
    return pixels, width, first + width


@scalar
def list_taps(table, phase, first, z, y, x, columns, period, size, listed):
    """List up to TAPS taps of a phase from one on that read inside at a pixel, each as a run of its own.

    Returns (the tap after them, their number). Taps stand in the order of lines: one column after the other, if so.
    """
    z, y, x = z * table[7], y * table[8], x * table[9]
    start, taps = taps_at(table, phase), table[phase + 1]
    end = start + taps * TAP
    step = TAP
    if columns:
        while step < taps * TAP and table[start + 1] == table[start + step + 1] and (
            table[start + 2] == table[start + step + 2]
        ):
            step += TAP
    following = min(taps, first + TAPS)
    number = 0
    tap = start
    for i in range(following):
        z0, y0, x0 = table[tap + 1], table[tap + 2], table[tap + 3]
        if i >= first and 0 <= z + z0 < table[0] and 0 <= y + y0 < table[1] and 0 <= x + x0 < table[2]:
            listed[3 * number] = (z0 * table[4] + y0 * table[5] + x0 * table[6]) * size
            listed[3 * number + 1] = table[tap] * period * size
            number += 1
        tap += step
        if tap >= end:
            tap += TAP - taps * TAP
    return following, number


@scalar
def runs_of(singles, number, step, listed):
    """Taps in runs that read `step` bytes apart: (runs of three, of two, of one)."""
    triples, pairs, rest = 0, 0, 0
    tap = 0
    while tap < number:
        end = tap + 1
        while end < number and singles[3 * end] == singles[3 * end - 3] + step:
            end += 1
        while tap < end:
            left = end - tap
            place = 3 * tap
            if left == 3 or left > 4:
                tap += 3
                to = TRIPLES + 3 * triples
                triples += 1
            elif left > 1:
                tap += 2
                to = PAIRS + 3 * pairs
                pairs += 1
            else:
                tap += 1
                to = SINGLES + 3 * rest
                rest += 1
            listed[to] = singles[place]
            listed[to + 1] = singles[place + 1]
            listed[to + 2] = singles[place + 4] - singles[place + 1]
    return triples, pairs, rest


@scalar
def multiply_line(y, x, w, pixels, read, written, taps, triples, pairs, singles, width, bias, gate, flags):
    """`multiply_taps` for all pixels of a line and numbers side by side."""
    lanes = panel_columns(y) // 2
    start = 0
    while start < width:
        pair = width - start >= 2 * lanes
        most = most_rows(2) if pair else most_rows(1)
        columns = min(width - start, 2 * lanes if pair else lanes)
        done = 0
        while done < pixels:
            rows = evenly(pixels - done, most)
            blocks = (pixels - done) // rows
            to, at = done * written + start, done * read + start
            if pair:
                multiply_taps_pair(
                    rows, offset(y, to), offset(x, at), offset(w, start), blocks, read, written, taps, triples, pairs,
                    singles, columns, offset(bias, start), offset(gate, to), flags,
                )  # fmt: skip
            else:
                multiply_taps(
                    rows, offset(y, to), offset(x, at), offset(w, start), blocks, read, written, taps, triples, pairs,
                    singles, columns, offset(bias, start), offset(gate, to), flags,
                )  # fmt: skip
            done += rows * blocks
        start += columns


@scalar
def evenly(left, most):
    """Rows of the next blocks, so that the last has not much fewer."""
    blocks = -(-left // most)
    return -(-left // blocks)


def parts_of(pixels, taps, channels, samples, cuts) -> int:
    """Parts of a kernel's gradient, which are summed apart."""
    return max(1, min(MOST_PARTS, samples * cuts, _work(pixels, taps, channels) // GRAIN))


def kernel_schedule(parts, **_):
    """(items, items a chunk): parts."""
    return parts, 1


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
        table: see `conv_window`.
        cuts: the rows of a sample are cut into so many pieces.
        parts: the pieces of all samples are cut into so many, of (samples * cuts + parts - 1) // parts each.

    Items: parts.
    """
    size = address_of(offset(x, 1)) - address_of(x)
    lanes = panel_columns(x) // 2
    listed = scratch(table, LISTED)
    together = pixels_together(channels, lanes) if taps <= TAPS else 1
    period = together * channels
    repeated = scratch_bytes(x, ROWS_BYTES)
    wide = together if side_by_side(table, channels) else 1
    share_of_part = (samples * cuts + parts - 1) // parts
    for part in range(lo, hi):
        target = offset(dw, part * taps * channels)
        sums = repeated if together > 1 else target
        for i in range(taps * period):
            sums[i] = 0
        for piece in range(part * share_of_part, min(samples * cuts, (part + 1) * share_of_part)):
            n = piece // cuts
            cut = piece - n * cuts
            phase = HEADER
            for _ in range(table[14]):
                columns, across, read, written, row, end_row = part_of(table, phase, cut, cuts, wide)
                shown = -1
                while row < end_row:
                    z = row // table[phase + 3]
                    v = row - z * table[phase + 3]
                    rows = evenly(min(end_row - row, table[phase + 3] - v), BAND) if columns else 1
                    count = rows if columns else table[phase + 4]
                    source = n * table[3] + z * table[7] * table[4] + v * table[8] * table[5]
                    place = table[phase + 5] + n * table[10] + z * table[11] + v * table[12]
                    row += rows
                    alike = count if table[15] else 1
                    for p in range(0, count, alike):
                        tap = 0
                        while tap < table[phase + 1]:
                            if shown != tap or not table[15]:
                                following, number = list_taps(
                                    table, phase, tap, z, v + p * columns, p * (1 - columns), columns, period, size,
                                    listed,
                                )  # fmt: skip
                                shown = tap
                            tap = following
                            first = 0
                            while first < across:
                                groups, width, beyond = group_of(first, across, columns, wide, alike)
                                sum_line(
                                    sums, offset(x, source + p * read + first * channels),
                                    offset(dy, place + p * written + first * channels), groups, read, written, listed,
                                    number, width * channels, lanes,
                                )  # fmt: skip
                                first = beyond
                phase += PHASE
        if together > 1:
            for t in range(taps):
                for c in range(channels):
                    total = sums[t * period + c]
                    for i in range(c + channels, period, channels):
                        total += sums[t * period + i]
                    target[t * channels + c] = total


@scalar
def sum_line(sums, x, dy, pixels, read, written, taps, number, width, lanes):
    """`sum_products` for all pixels of a line, numbers side by side and listed taps."""
    first = 0
    while first < number:
        count = evenly(number - first, SUMS)
        for start in range(0, width, lanes):
            sum_products(
                count, offset(sums, start), offset(x, start), offset(dy, start), pixels, read, written,
                offset(taps, 3 * first), width - start,
            )  # fmt: skip
        first += count
