"""Depthwise convolutions: each channel with filters of its own, so nothing is shared between channels.

The same kernel gives the gradient to the input, over the transposed window. Work is cut by samples and, within one, by
rows: of each phase of the window an item has its share, so that what its phases read and write lies together.

Lanes of a vector are channels. Where the pixels of a line lie side by side in what is read and in what is written, few
channels take several pixels together: a tap is then one shifted row of numbers times its filter, repeated.
"""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.conv_window import HEADER, PHASE, TAP, taps_at
from nbkeras.kernels.depthwise_tile import SUMS, most_rows, multiply_taps, multiply_taps_pair, sum_products
from nbkeras.kernels.epilogue import ACTIVATE, ADD_BEFORE, BIAS, GATE
from nbkeras.kernels.geometry import panel_columns
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.stack import offset, scratch, scratch_bytes

#: Multiply-adds worth a chunk.
GRAIN = 300_000

#: Parts of a kernel's gradient at most.
MOST_PARTS = 16

#: Taps that are listed at once.
TAPS = 64
LISTED = 2 * TAPS

#: Pixels are taken together up to so many vectors, of which each tap and the bias has a row in bytes.
VECTORS = 4
ROWS_BYTES = (TAPS + 1) * VECTORS * 64


def cuts_of(samples, rows, pixels, taps, channels) -> int:
    """Parts that the rows of a sample are cut into."""
    work = pixels * taps * channels // max(1, samples)
    return max(1, min(rows, work // GRAIN))


def schedule(pixels, taps, channels, samples, cuts, **_):
    """(items, items a chunk): items are parts of samples."""
    work, items = pixels * taps * channels, samples * cuts
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
    """y[p, c] = activate(sum over taps of x[pixel through t, c] w[t, c] + bias[c]) * slope(gate[p, c])

    Args:
        table: see `conv_window`.
        cuts: the rows of a sample are cut into so many parts.

    Items: (sample, part).
    """
    item_bytes = address_of(offset(x, 1)) - address_of(x)
    listed = scratch(table, LISTED)
    together = pixels_together(channels, panel_columns(x) // 2) if taps <= TAPS else 1
    row = together * channels
    filters, biases = w, bias
    if together > 1:
        filters = scratch_bytes(x, ROWS_BYTES)
        for t in range(taps):
            for c in range(row):
                filters[t * row + c] = w[t * channels + c % channels]
        biases = offset(filters, taps * row)
        if has_bias:
            for c in range(row):
                biases[c] = bias[c % channels]
    what_follows = has_bias * BIAS + activation * ACTIVATE + gate_code * GATE
    for item in range(lo, hi):
        n = item // cuts
        cut = item - n * cuts
        phase = HEADER
        for _ in range(table[14]):
            narrow, read, written, first_row, end_row = part_of(table, phase, cut, cuts)
            height = table[phase + 3]
            side_by_side = together if read == channels and written == channels else 1
            line = first_row
            shown = -1
            while line < end_row:
                z = line // height
                v = line - z * height
                count = min(end_row - line, height - v) if narrow else table[phase + 4]
                line += count if narrow else 1
                source = n * table[3] + z * table[7] * table[4] + v * table[8] * table[5]
                target = table[phase + 5] + n * table[10] + z * table[11] + v * table[12]
                # Where taps read outside each pixel has a list of its own.
                alike = count if table[15] else 1
                for p in range(0, count, alike):
                    tap = 0
                    flags = 0
                    while True:
                        if shown != tap or not table[15]:
                            following, number = list_taps(
                                table, phase, tap, z, v + p * narrow, p * (1 - narrow), row, item_bytes, listed
                            )
                            shown = tap
                        tap = following
                        done = tap == table[phase + 1]
                        if done:
                            flags += what_follows
                        to = target + p * written
                        multiply_line(
                            offset(y, to), offset(x, source + p * read), filters, alike, read, written, listed, number,
                            channels, side_by_side, biases, offset(gate, to), flags,
                        )  # fmt: skip
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
def part_of(table, phase, cut, cuts):
    """A part of a phase of each sample: (1 if lines are columns, steps of reading and writing, its first row, its last
    row + 1). Lines are rows; columns in a phase one pixel wide."""
    rows = table[phase + 2] * table[phase + 3]
    narrow = 1 if table[phase + 4] == 1 else 0
    read = table[8] * table[5] if narrow else table[9] * table[6]
    written = table[12] if narrow else table[13]
    return narrow, read, written, rows * cut // cuts, rows * (cut + 1) // cuts


@scalar
def list_taps(table, phase, first, z, y, x, row, item, listed):
    """List up to TAPS taps of a phase from one on that read inside at a pixel: (the tap after them, their number)."""
    z, y, x = z * table[7], y * table[8], x * table[9]
    tap = taps_at(table, phase) + first * TAP
    following = min(table[phase + 1], first + TAPS)
    number = 0
    for _ in range(first, following):
        z0, y0, x0 = table[tap + 1], table[tap + 2], table[tap + 3]
        if 0 <= z + z0 < table[0] and 0 <= y + y0 < table[1] and 0 <= x + x0 < table[2]:
            listed[2 * number] = (z0 * table[4] + y0 * table[5] + x0 * table[6]) * item
            listed[2 * number + 1] = table[tap] * row * item
            number += 1
        tap += TAP
    return following, number


@scalar
def multiply_line(y, x, w, pixels, read, written, taps, number, channels, together, bias, gate, flags):
    """`multiply_taps` for all pixels of a line, `together` at once, and all of their channels."""
    lanes = panel_columns(y) // 2
    place = 0
    while place < pixels:
        # Whole groups of pixels, then what is left as one.
        groups = (pixels - place) // together
        width = together * channels
        if groups == 0:
            groups, width = 1, (pixels - place) * channels
        step, step_to = read * together, written * together
        start = 0
        while start < width:
            pair = width - start >= 2 * lanes
            most = most_rows(y, 2) if pair else most_rows(y, 1)
            columns = min(width - start, 2 * lanes if pair else lanes)
            done = 0
            while done < groups:
                rows = evenly(groups - done, most)
                blocks = (groups - done) // rows
                to = (place * written) + done * step_to + start
                at = (place * read) + done * step + start
                if pair:
                    multiply_taps_pair(
                        rows, offset(y, to), offset(x, at), offset(w, start), blocks, step, step_to, taps, number,
                        columns, offset(bias, start), offset(gate, to), flags,
                    )  # fmt: skip
                else:
                    multiply_taps(
                        rows, offset(y, to), offset(x, at), offset(w, start), blocks, step, step_to, taps, number,
                        columns, offset(bias, start), offset(gate, to), flags,
                    )  # fmt: skip
                done += rows * blocks
            start += columns
        place += groups * together


@scalar
def evenly(left, most):
    """Rows of the next blocks, so that the last has not much fewer."""
    blocks = -(-left // most)
    return -(-left // blocks)


def parts_of(pixels, taps, channels, samples, cuts) -> int:
    """Parts of a kernel's gradient, which are summed apart."""
    return max(1, min(MOST_PARTS, samples * cuts, pixels * taps * channels // GRAIN))


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
    item_bytes = address_of(offset(x, 1)) - address_of(x)
    lanes = panel_columns(x) // 2
    listed = scratch(table, LISTED)
    together = pixels_together(channels, lanes) if taps <= TAPS else 1
    row = together * channels
    repeated = scratch_bytes(x, ROWS_BYTES)
    share_of_part = (samples * cuts + parts - 1) // parts
    for part in range(lo, hi):
        target = offset(dw, part * taps * channels)
        sums = repeated if together > 1 else target
        for i in range(taps * row):
            sums[i] = 0
        for piece in range(part * share_of_part, min(samples * cuts, (part + 1) * share_of_part)):
            n = piece // cuts
            cut = piece - n * cuts
            phase = HEADER
            for _ in range(table[14]):
                narrow, read, written, first_row, end_row = part_of(table, phase, cut, cuts)
                height = table[phase + 3]
                side_by_side = together if read == channels and written == channels else 1
                line = first_row
                shown = -1
                while line < end_row:
                    z = line // height
                    v = line - z * height
                    count = min(end_row - line, height - v) if narrow else table[phase + 4]
                    line += count if narrow else 1
                    source = n * table[3] + z * table[7] * table[4] + v * table[8] * table[5]
                    place = table[phase + 5] + n * table[10] + z * table[11] + v * table[12]
                    alike = count if table[15] else 1
                    for p in range(0, count, alike):
                        tap = 0
                        while tap < table[phase + 1]:
                            if shown != tap or not table[15]:
                                following, number = list_taps(
                                    table, phase, tap, z, v + p * narrow, p * (1 - narrow), row, item_bytes, listed
                                )
                                shown = tap
                            tap = following
                            sum_line(
                                sums, offset(x, source + p * read), offset(dy, place + p * written), alike, read,
                                written, listed, number, channels, side_by_side, lanes,
                            )  # fmt: skip
                phase += PHASE
        if together > 1:
            for t in range(taps):
                for c in range(channels):
                    total = sums[t * row + c]
                    for i in range(c + channels, row, channels):
                        total += sums[t * row + i]
                    target[t * channels + c] = total


@scalar
def sum_line(sums, x, dy, pixels, read, written, taps, number, channels, together, lanes):
    """`sum_products` for all pixels of a line, `together` at once, all of their channels and all listed taps."""
    place = 0
    while place < pixels:
        groups = (pixels - place) // together
        width = together * channels
        if groups == 0:
            groups, width = 1, (pixels - place) * channels
        first = 0
        while first < number:
            count = evenly(number - first, SUMS)
            for start in range(0, width, lanes):
                sum_products(
                    count, offset(sums, start), offset(x, place * read + start), offset(dy, place * written + start),
                    groups, read * together, written * together, offset(taps, 2 * first), width - start,
                )  # fmt: skip
            first += count
        place += groups * together
