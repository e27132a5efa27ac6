"""The window of a convolution: how the table of `nbkeras/kernels/conv_window.py` is read by a thread."""

from nbkeras_cuda._jit import device

#: Numbers of the table's head, of a phase and of a tap; columns of a packed panel of filters.
HEADER, PHASE, TAP, PANEL = 16, 8, 4, 32


@device
def phase_at(table, pixel):
    """The place in the table of the phase that a pixel belongs to."""
    phase = HEADER
    while pixel >= table[phase + 6] + table[phase + 7]:
        phase += PHASE
    return phase


@device
def taps_at(table, phase):
    """The place in the table of a phase's first tap."""
    return HEADER + PHASE * table[14] + TAP * table[phase]


@device
def located(table, phase, pixel):
    """Sample, plane, row and column of a pixel within its phase."""
    rest = pixel - table[phase + 6]
    width, height, depth = table[phase + 4], table[phase + 3], table[phase + 2]
    line = rest // width
    x = rest - line * width
    plane = line // height
    y = line - plane * height
    n = plane // depth
    return n, plane - n * depth, y, x


@device
def target_of(table, phase, n, z, y, x):
    """The element that a pixel writes first."""
    return table[phase + 5] + n * table[10] + z * table[11] + y * table[12] + x * table[13]


@device
def source_of(table, tap, n, z, y, x):
    """The element that a pixel reads first through a tap; -1 where that lies outside."""
    z_in = z * table[7] + table[tap + 1]
    y_in = y * table[8] + table[tap + 2]
    x_in = x * table[9] + table[tap + 3]
    place = n * table[3] + z_in * table[4] + y_in * table[5] + x_in * table[6]
    if z_in < 0 or z_in >= table[0] or y_in < 0 or y_in >= table[1] or x_in < 0 or x_in >= table[2]:
        place = -1
    return place
