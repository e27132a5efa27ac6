"""The gradient to a filter in Winograd's form, a thread an element: for comparison. Plans take `convolve_kernel`."""

from numba import cuda

from nbkeras_cuda._jit import T, kernel
from nbkeras_cuda.winograd import SPAN, TILE, filter_factor, input_factor, output_factor


def schedule(channels: int, units: int, tall: int, parts: int, **_) -> tuple[int, int]:
    """(items, chunk): items are elements of the parts."""
    items = parts * (9 if tall else 3) * channels * units
    return items, items


@kernel(schedule=schedule)
def winograd_kernel(
    dw: "T q*t*c*u", db: "T q*u", x: "T n*i*j*c", dy: "T n*h*w*u", zeros: "T c", samples: "i8", height: "i8",
    width: "i8", x_height: "i8", x_width: "i8", above: "i8", left: "i8", channels: "i8", units: "i8", tall: "i8",
    dilation_y: "i8", dilation_x: "i8", parts: "i8", summed: "i8", lo, hi
):  # fmt: skip
    """dw[q, t, c, u] = sum over the pixels of part q of x[pixel through t, c] dy[pixel, u].

    Args:
        db: the sums over the pixels of part q of dy[pixel, u], where summed is 1.
        zeros: what the CPU reads outside of the images: of x `above` rows and `left` pixels before it; not read here.
        tall: 1 for filters of 3 by 3; 0 for 3 taps along the width, each row by itself.
        parts: tiles are cut into so many, of (tiles + parts - 1) // parts each.

    Items: elements.
    """
    rows = SPAN if tall != 0 else 1
    rise = TILE if tall != 0 else 1
    across = ((width + dilation_x - 1) // dilation_x + TILE - 1) // TILE
    down = ((height + dilation_y - 1) // dilation_y + rise - 1) // rise
    tiles = samples * dilation_y * dilation_x * down * across
    share_of_part = (tiles + parts - 1) // parts
    taps = 9 if tall != 0 else 3
    item = lo + cuda.grid(1)
    while item < hi:
        unit = item % units
        channel = item // units % channels
        line = item // (units * channels)
        part = line // taps
        tap = line - part * taps
        tile = part * share_of_part
        last = min(tiles, tile + share_of_part)
        total = T(0)
        both = T(0)
        while tile < last:
            row = tile // across
            image = row // down
            n = image // (dilation_y * dilation_x)
            remainder = image - n * dilation_y * dilation_x
            top = remainder // dilation_x + (row - image * down) * rise * dilation_y
            start = remainder % dilation_x + (tile - row * across) * TILE * dilation_x
            for i in range(rows):
                for j in range(SPAN):
                    value, slope = T(0), T(0)
                    for r in range(rows):
                        high = input_factor(i, r) if tall != 0 else T(1)
                        for s in range(SPAN):
                            y_in, x_in = top + r * dilation_y - above, start + s * dilation_x - left
                            if y_in >= 0 and y_in < x_height and x_in >= 0 and x_in < x_width:
                                place = ((n * x_height + y_in) * x_width + x_in) * channels + channel
                                value += high * input_factor(j, s) * x[place]
                    for r in range(rise):
                        high = filter_factor(i, r, TILE, T(1)) if tall != 0 else T(1)
                        for s in range(TILE):
                            row_at, column_at = top + r * dilation_y, start + s * dilation_x
                            if row_at < height and column_at < width:
                                place = ((n * height + row_at) * width + column_at) * units + unit
                                slope += high * filter_factor(j, s, TILE, T(1)) * dy[place]
                                if i == 0 and j == 0:
                                    both += dy[place]
                    factor = output_factor(j, tap % 3, 3)
                    if tall != 0:
                        factor *= output_factor(i, tap // 3, 3)
                    total += factor * value * slope
            tile += 1
        dw[item] = total
        if summed != 0 and tap == 0 and channel == 0:
            db[part * units + unit] = both
        item += cuda.gridsize(1)
