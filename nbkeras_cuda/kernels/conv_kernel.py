"""The gradient of a convolution to its kernel, a thread an element: a plain sum over pixels."""

from numba import cuda

from nbkeras_cuda._jit import T, kernel
from nbkeras_cuda.window import HEADER, PHASE, TAP, located, source_of, target_of


def schedule(groups: int, taps: int, depth: int, units: int, parts: int, **_) -> tuple[int, int]:
    """(items, chunk): items are elements of the parts."""
    items = parts * taps * depth * groups * units
    return items, items


@kernel(schedule=schedule)
def convolve_kernel(
    dw: "T q*t*k*g*u",
    x: "T ?",
    dy: "T p*g*u",
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
        table: see `window`; one phase.
        parts: pixels are cut into so many, of (pixels + parts - 1) // parts each.
        tap_block: taps of an item of the CPU; not read here.

    Items: elements.
    """
    share_of_part = (pixels + parts - 1) // parts
    item = lo + cuda.grid(1)
    while item < hi:
        row = item // (groups * units)
        column = item - row * groups * units
        line = row // depth
        c = row - line * depth + column // units * depth
        part = line // taps
        tap = HEADER + PHASE + (line - part * taps) * TAP
        pixel = part * share_of_part
        last = min(pixels, pixel + share_of_part)
        total = T(0)
        while pixel < last:
            n, d, h, v = located(table, HEADER, pixel)
            source = source_of(table, tap, n, d, h, v)
            if source >= 0:
                total += x[source + c] * dy[target_of(table, HEADER, n, d, h, v) + column]
            pixel += 1
        dw[((part * taps + table[tap]) * depth + row - line * depth) * groups * units + column] = total
        item += cuda.gridsize(1)
