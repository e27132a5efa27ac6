"""The window of a convolution as a table of numbers, and the places in memory that a run of pixels reads and writes.

Every form of a convolution reads `source` pixels through the taps of a filter and writes `target` pixels. Target pixels
are counted phase by phase: of a strided gradient to the input only some taps reach pixels of one remainder, and a phase
lists just those; forward there is one phase. Pixel (n, z, y, x) of a phase reads, through a tap with base (b0, b1, b2),
the source pixel (n, z*move0 + b0, y*move1 + b1, x*move2 + b2), or zeros where that lies outside.

    table    0  source sizes (3)        3  source steps in elements: sample, plane, row, pixel
             7  move (3)               10  target steps: sample, plane, row, pixel
            14  number of phases       15  1 if no tap ever lies outside
            16  phases, PHASE numbers each: first row and number of its taps, sizes (3), first element of the target,
                its first pixel, its number of pixels
             .  taps, TAP numbers each: number in the filter, base (3)
"""

from nbkeras.kernels._jit import scalar

HEADER, PHASE, TAP = 16, 8, 4

#: Places are kept in rows of ROW numbers: one for each row of a register tile, and more.
ROW = 16

#: Numbers of a run of pixels.
RUN = 3

#: Room for a run of located pixels and what is written beyond it, in bases (four lists) and in targets.
SPACE = 2 * ROW
BASES = 4 * SPACE


@scalar
def phase_at(table, pixel):
    """The place in the table of the phase that a pixel belongs to."""
    phase = HEADER
    while pixel >= table[phase + 6] + table[phase + 7]:
        phase += PHASE
    return phase


@scalar
def taps_at(table, phase):
    """The place in the table of a phase's first tap."""
    return HEADER + PHASE * table[14] + TAP * table[phase]


@scalar
def line_of(table, phase, pixel, narrow):
    """Where a pixel of a phase stands: (sample, plane, line, place in the line, places of a line).

    Lines are rows; columns, in a phase one pixel wide, if `narrow`.
    """
    depth = table[phase + 2]
    height = 1 if narrow else table[phase + 3]
    length = table[phase + 3] if narrow else table[phase + 4]
    line = (pixel - table[phase + 6]) // length
    start = pixel - table[phase + 6] - line * length
    plane = line // height
    y = line - plane * height
    n = plane // depth
    return n, plane - n * depth, y, start, length


@scalar
def next_line(table, phase, n, z, y, narrow):
    """The line after one: (sample, plane, line)."""
    y += 1
    if narrow or y == table[phase + 3]:
        y = 0
        z += 1
        if z == table[phase + 2]:
            z = 0
            n += 1
    return n, z, y


@scalar
def locate(table, phase, pixel, count, bases, targets):
    """Where `count` pixels of a phase from one on write (elements, to `targets`) and start to read (to `bases`).

    Runs along a line are written ROW at once, the next one over what is too much of it; places beyond `count` hold
    numbers that mean nothing.
    """
    narrow = table[phase + 4] == 1
    move_y = table[8] if narrow else 0
    move_x = 0 if narrow else table[9]
    read = move_y * table[5] + move_x * table[6]
    written = table[12] if narrow else table[13]
    n, z, y, start, length = line_of(table, phase, pixel, narrow)
    done = 0
    while done < count:
        z_in = z * table[7]
        y_in = y * table[8] + start * move_y
        x_in = start * move_x
        base = n * table[3] + z_in * table[4] + y_in * table[5] + x_in * table[6]
        target = table[phase + 5] + n * table[10] + z * table[11] + y * table[12] + start * written
        for r in range(ROW):
            bases[done + r] = base + r * read
            bases[SPACE + done + r] = z_in
            bases[2 * SPACE + done + r] = y_in + r * move_y
            bases[3 * SPACE + done + r] = x_in + r * move_x
            targets[done + r] = target + r * written
        done += length - start
        start = 0
        n, z, y = next_line(table, phase, n, z, y, narrow)


@scalar
def move_of(table, phase):
    """How far apart neighbours of a line of a phase read, in elements."""
    return table[8] * table[5] if table[phase + 4] == 1 else table[9] * table[6]


@scalar
def runs_of(table, phase, tap, pixel, count, source, item, runs):
    """The runs in which `count` pixels of a phase from one on read through a tap; returns how many.

    A run is RUN numbers: its first address in `source`, which of the `count` pixels reads that, and its pixels. What
    lies outside is in none; lines that follow each other in memory are one.
    """
    narrow = table[phase + 4] == 1
    step = move_of(table, phase)
    move, size, base = table[9], table[2], table[tap + 3]
    if narrow:
        move, size, base = table[8], table[1], table[tap + 2]
    n, z, y, start, length = line_of(table, phase, pixel, narrow)
    first, last = (move - 1 - base) // move, (size - 1 - base) // move + 1
    found, done, ends = 0, 0, 0
    while done < count:
        here = min(length - start, count - done)
        z_in = z * table[7] + table[tap + 1]
        y_in = 0 if narrow else y * table[8]
        across = table[tap + 3] if narrow else y_in + table[tap + 2]
        inside = (z_in >= 0) & (z_in < table[0]) & (across >= 0) & (across < (table[2] if narrow else table[1]))
        lo, hi = max(start, first), min(start + here, last)
        if inside and lo < hi:
            place = n * table[3] + z_in * table[4] + (y_in + table[tap + 2]) * table[5] + table[tap + 3] * table[6]
            address = source + (place + lo * step) * item
            if address == ends and lo == start:
                runs[RUN * found - 1] += hi - lo
            else:
                runs[RUN * found] = address
                runs[RUN * found + 1] = done + lo - start
                runs[RUN * found + 2] = hi - lo
                found += 1
            ends = address + (hi - lo) * step * item if hi == start + here else 0
        else:
            ends = 0
        done += here
        start = 0
        n, z, y = next_line(table, phase, n, z, y, narrow)
    return found


@scalar
def places_of(table, tap, bases, source, item, nothing, places):
    """The addresses that ROW located pixels read through a tap: in `source`, or `nothing` where that lies outside."""
    z0, y0, x0 = table[tap + 1], table[tap + 2], table[tap + 3]
    shift = source + (z0 * table[4] + y0 * table[5] + x0 * table[6]) * item
    if table[15]:
        for r in range(ROW):
            places[r] = shift + bases[r] * item
    else:
        for r in range(ROW):
            z, y, x = bases[SPACE + r] + z0, bases[2 * SPACE + r] + y0, bases[3 * SPACE + r] + x0
            inside = (z >= 0) & (z < table[0]) & (y >= 0) & (y < table[1]) & (x >= 0) & (x < table[2])
            places[r] = shift + bases[r] * item if inside else nothing
