"""Convolutions in Winograd's form, a thread an output: for comparison. Plans take `convolve` here (see `pays`)."""

from numba import cuda

from nbkeras_cuda._jit import T, device, kernel
from nbkeras_cuda.epilogue import finished
from nbkeras_cuda.pools import begin, lines_of, start, stop
from nbkeras_cuda.winograd import PANEL, SPAN, TILE, filter_factor, input_factor, output_factor


def schedule(samples: int, height: int, width: int, units: int, pooled: int, **_) -> tuple[int, int]:
    """(items, chunk): items are outputs, or rows of windows in one channel."""
    items = (pooled or samples * height * width) * units
    return items, items


@kernel(cover=True)
def winograd_filters(
    panels: "T n*q*k*32", w: "T t*c*u", channels: "i8", units: "i8", turned: "i8", tall: "i8", lo, hi
):
    """panels[j, :, k, i] = G w[:, k, 32 j + i] Gᵀ for taps of 3 by 3; turned: of w[::-1, 32 j + i, k].

    Where tall is 0 there are 3 taps, and 6 numbers instead of 36. What has no filter is 0. Items: rows (j, k).
    """
    columns = channels if turned != 0 else units
    depth = units if turned != 0 else channels
    rows = SPAN if tall != 0 else 1
    count = 3 if tall != 0 else 1
    each = rows * SPAN * PANEL
    element = lo * each + cuda.grid(1)
    while element < hi * each:
        item = element // each
        rest = element - item * each
        position = rest // PANEL
        strip = item // depth
        k = item - strip * depth
        column = strip * PANEL + rest - position * PANEL
        total = T(0)
        if column < columns:
            for r in range(count):
                down = filter_factor(position // SPAN, r, 3, T(1)) if tall != 0 else T(1)
                for s in range(3):
                    tap = r * 3 + s
                    tap = count * 3 - 1 - tap if turned != 0 else tap
                    channel = column if turned != 0 else k
                    unit = k if turned != 0 else column
                    factor = down * filter_factor(position % SPAN, s, 3, T(1))
                    total += factor * w[(tap * channels + channel) * units + unit]
        panels[((strip * rows * SPAN + position) * depth + k) * PANEL + rest - position * PANEL] = total
        element += cuda.gridsize(1)


@device
def output(
    x, panels, bias, gate, pixel, unit, height, width, x_height, x_width, above, left, channels, units, tall,
    dilation_y, dilation_x, has_bias, activation, gate_code
):  # fmt: skip
    """An output of a pixel."""
    rows = SPAN if tall != 0 else 1
    rise = TILE if tall != 0 else 1
    line = pixel // width
    column = pixel - line * width
    n = line // height
    row = line - n * height
    down_at, across_at = row // dilation_y % rise, column // dilation_x % TILE
    top = row - down_at * dilation_y - above
    start_at = column - across_at * dilation_x - left
    strip = unit // PANEL
    total = T(0)
    for i in range(rows):
        down = output_factor(i, down_at, TILE) if tall != 0 else T(1)
        for j in range(SPAN):
            panel = (strip * rows * SPAN + i * SPAN + j) * channels * PANEL + unit - strip * PANEL
            product = T(0)
            for r in range(rows):
                high = input_factor(i, r) if tall != 0 else T(1)
                for s in range(SPAN):
                    factor = high * input_factor(j, s)
                    y_in, x_in = top + r * dilation_y, start_at + s * dilation_x
                    inside = y_in >= 0 and y_in < x_height and x_in >= 0 and x_in < x_width
                    if inside and factor != T(0):
                        source = ((n * x_height + y_in) * x_width + x_in) * channels
                        for c in range(channels):
                            product += factor * x[source + c] * panels[panel + c * PANEL]
            total += down * output_factor(j, across_at, TILE) * product
    return finished(total, bias, unit, has_bias, activation, gate, pixel * units + unit, gate_code)


@kernel(schedule=schedule)
def winograd(
    y: "T n*h*w*u", x: "T n*i*j*c", panels: "T s*q*c*32", bias: "T u", gate: "T n*h*w*u", zeros: "T c",
    places: "u2 ?", shape: "i8 16", samples: "i8", height: "i8", width: "i8", x_height: "i8", x_width: "i8",
    above: "i8", left: "i8", channels: "i8", units: "i8", tall: "i8", dilation_y: "i8", dilation_x: "i8",
    has_bias: "i8", activation: "i8", gate_code: "i8", pooled: "i8", keep: "i8", lo, hi
):  # fmt: skip
    """y = activate((sum over taps and channels of x w + bias) * slope(gate)), for filters from `winograd_filters`.

    Args:
        zeros: what the CPU reads outside the image: `above` rows and `left` pixels before it; not read here.
        tall: 1 for filters of 3 by 3; 0 for 3 taps along the width, each row by itself.
        pooled: 0, or the rows of windows of which y and places get what `max_pool` gives of the sums, if keep is 1.
        shape: see `pooling`.

    Items: outputs; rows of windows in one channel.
    """
    item = lo + cuda.grid(1)
    while item < hi:
        pixel = item // units
        unit = item - pixel * units
        if pooled == 0:
            y[item] = output(
                x, panels, bias, gate, pixel, unit, height, width, x_height, x_width, above, left, channels, units,
                tall, dilation_y, dilation_x, has_bias, activation, gate_code,
            )  # fmt: skip
        else:
            row = pixel
            pixel, lines, line_place = lines_of(row, shape)
            for ow in range(shape[5]):
                w = begin(ow, 2, shape)
                best = T(0)
                place = -1
                for j in range(lines):
                    for k in range(start(w, 2, shape), stop(w, 2, shape)):
                        value = output(
                            x, panels, bias, gate, pixel + j * width + w + k, unit, height, width, x_height, x_width,
                            above, left, channels, units, tall, dilation_y, dilation_x, has_bias, activation,
                            gate_code,
                        )  # fmt: skip
                        if place < 0 or value > best or value != value:
                            best = value
                            place = line_place + j * shape[8] + k
                to = (row * shape[5] + ow) * units + unit
                y[to] = best
                if keep != 0:
                    places[to] = place
        item += cuda.gridsize(1)
