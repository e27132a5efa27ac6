"""The gradient of a convolution to its kernel, a thread an element: a plain sum over pixels."""

from numba import cuda

from nbkeras_cuda._jit import T, kernel
from nbkeras_cuda.pools import pixel_of
from nbkeras_cuda.window import HEADER, PHASE, TAP, located, source_of, target_of


def schedule(groups: int, taps: int, depth: int, units: int, parts: int, **_) -> tuple[int, int]:
    """(items, chunk): items are elements of the parts."""
    items = parts * taps * depth * groups * units
    return items, items


@kernel(schedule=schedule)
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
        table: see `window`; one phase.
        parts: pixels are cut into so many, of (pixels + parts - 1) // parts each; rows of windows, if pooled.
        tap_block: taps of an item of the CPU; not read here.
        pooled: 0, or the rows of windows of which dy and places are the gradient and the places (see `pooling`, for
            `shape` too): what is multiplied is then `max_pool_gradient` of them.

    Items: elements.
    """
    columns = groups * units
    share_of_part = ((pooled if pooled != 0 else pixels) + parts - 1) // parts
    each = shape[5] if pooled != 0 else 1
    item = lo + cuda.grid(1)
    while item < hi:
        row = item // columns
        column = item - row * columns
        line = row // depth
        c = row - line * depth + column // units * depth
        part = line // taps
        tap = HEADER + PHASE + (line - part * taps) * TAP
        step = part * share_of_part * each
        last = min(pooled if pooled != 0 else pixels, (part + 1) * share_of_part) * each
        total = T(0)
        both = T(0)
        sums_too = summed != 0 and row == part * taps * depth
        while step < last:
            pixel = step
            place = step * columns + column
            if pooled != 0:
                pixel = pixel_of(places[place], step, shape)
            n, d, h, v = located(table, HEADER, pixel)
            source = source_of(table, tap, n, d, h, v)
            if pooled == 0:
                place = target_of(table, HEADER, n, d, h, v) + column
            if source >= 0:
                total += x[source + c] * dy[place]
            if sums_too:
                both += dy[place]
            step += 1
        dw[((part * taps + table[tap]) * depth + row - line * depth) * columns + column] = total
        if sums_too:
            db[part * columns + column] = both
        item += cuda.gridsize(1)
