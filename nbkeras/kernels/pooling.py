"""Pooling over windows of one to three axes, channels last: greatest and mean, and what their gradients need.

x is (n, d, h, w, c) and y (n, od, oh, ow, c); missing axes have length 1. `shape` holds d h w, od oh ow, the window's
lengths, the strides, the zeros before each axis, and c. Windows are cut at the borders.
"""

from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.folds import pair_loop, row_loop
from nbkeras.kernels.formula import constant, formula
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.stack import offset
from nbkeras.kernels.windows import add_at_place, send_to_place, tile_maximum, window_maximum, window_mean

#: Numbers of the lines of pixels that a kernel keeps until it has pooled them, and fewest rows of windows for that.
LINES = 32768
FEWEST_ROWS = 32


def pays_in_lines(pixels_shape, window, strides, pooled, **_):
    """Is it faster to make the lines of pixels of a row of windows and pool them than to read them all again?

    Where windows overlap lines would be made twice.
    """
    _, depth, _, width, channels = pixels_shape
    lines = window[1] * width * channels
    return depth == 1 and window[1] <= strides[1] and lines <= LINES and pooled >= FEWEST_ROWS


@formula
def share(like, count):
    """1 / count, of the type of `like`."""
    return constant(1, like) / count


@formula
def nothing(like):
    """0, of the type of `like`."""
    return constant(0, like)


#: clear(like, y, y, zero, _, count): y = zero.
clear = row_loop(lambda _, zero: zero)
#: add_part(like, total, total, x, factor, _, count): total += x * factor.
add_part = pair_loop(lambda total, x, factor, _: total + x * factor)


@scalar
def _size(x):
    """Bytes of an element."""
    return address_of(offset(x, 1)) - address_of(x)


@scalar
def _first(out, axis, shape):
    """Where a window begins along an axis, before it is cut."""
    return out * shape[9 + axis] - shape[12 + axis]


@scalar
def _end(first, axis, shape):
    """The index in the window after its last place inside the input."""
    return min(shape[6 + axis], shape[axis] - first)


@scalar
def _earliest(place, axis, shape):
    """The first window along an axis that covers a place of the input."""
    reach = place + shape[12 + axis] - shape[6 + axis]
    return reach // shape[9 + axis] + 1 if reach >= 0 else 0


@scalar
def _latest(place, axis, shape):
    """The last window along an axis that covers a place of the input; below `_earliest` if none does."""
    return min(shape[3 + axis] - 1, (place + shape[12 + axis]) // shape[9 + axis])


@scalar
def lines_of(row, shape):
    """(the first pixel, the number of lines) that a row of windows covers in each plane of x."""
    slab = row // shape[4]
    n = slab // shape[3]
    d = _first(slab - n * shape[3], 0, shape)
    h = _first(row - slab * shape[4], 1, shape)
    kh = max(0, -h)
    return ((n * shape[0] + d + max(0, -d)) * shape[1] + h + kh) * shape[2], _end(h, 1, shape) - kh


@scalar
def pool_row(y, places, x, pixel, row, shape, keep):
    """A row of windows of `max_pool`, whose first line begins at a pixel of x."""
    c = shape[15]
    size = _size(x)
    slab = row // shape[4]
    d = _first(slab % shape[3], 0, shape)
    h = _first(row - slab * shape[4], 1, shape)
    kd = max(0, -d)
    kh = max(0, -h)
    for ow in range(shape[5]):
        w = _first(ow, 2, shape)
        kw = max(0, -w)
        out = (row * shape[5] + ow) * c
        window_maximum(
            x,
            address_of(offset(y, out)),
            address_of(offset(places, out)),
            address_of(offset(x, (pixel + w + kw) * c)),
            _end(d, 0, shape) - kd,
            _end(h, 1, shape) - kh,
            _end(w, 2, shape) - kw,
            shape[1] * shape[2] * c * size,
            shape[2] * c * size,
            c * size,
            (kd * shape[7] + kh) * shape[8] + kw,
            shape[7] * shape[8],
            shape[8],
            keep,
            c,
        )


@scalar
def pool_tile(y, places, x, rise, side, apart, n, top, start, shape, channel, count, keep):
    """The windows of `max_pool` in a tile of pixels, by whose edges none is cut, in some channels.

    Args:
        x: the tile, of rise by side pixels, `apart` numbers apart, which stands at row `top` and column `start` of
            sample n; there is no depth.
        channel, count: the first of the channels, and how many.
    """
    size = _size(x)
    for i in range(0, min(rise, shape[1] - top), shape[10]):
        oh = (top + i) // shape[10]
        for j in range(0, min(side, shape[2] - start), shape[11]):
            ow = (start + j) // shape[11]
            if oh < shape[4] and ow < shape[5]:
                out = ((n * shape[4] + oh) * shape[5] + ow) * shape[15] + channel
                tile_maximum(
                    x,
                    address_of(offset(y, out)),
                    address_of(offset(places, out)),
                    address_of(offset(x, (i * side + j) * apart)),
                    1,
                    _end(top + i, 1, shape),
                    _end(start + j, 2, shape),
                    0,
                    side * apart * size,
                    apart * size,
                    0,
                    0,
                    shape[8],
                    keep,
                    count,
                )


@kernel
def max_pool(y: "T n*od*oh*ow*c", places: "u2 n*od*oh*ow*c", x: "T n*d*h*w*c", shape: "i8 16", keep: "i8", lo, hi):
    """y = the greatest of each window; places = the number in the window of the first that is it, if keep is 1.

    Items: rows of y, n*od*oh.
    """
    for row in range(lo, hi):
        pixel, _ = lines_of(row, shape)
        pool_row(y, places, x, pixel, row, shape, keep)


@scalar
def send_line(line, apart, dy, places, row, place, shape, channel, count):
    """A line of pixels, `apart` numbers apart, gets what a row of windows sends it, of which none overlap.

    Args:
        place: the number in a window of its first place in this line.
        channel, count: the first of the channels, and how many.
    """
    c = shape[15]
    size = _size(dy)
    zero = nothing(dy[0])
    done = 0
    for ow in range(shape[5]):
        w = _first(ow, 2, shape)
        kw = max(0, -w)
        end = _end(w, 2, shape)
        for k in range(done, w + kw):
            between = address_of(offset(line, k * apart))
            clear(dy, between, between, zero, count)
        target = address_of(offset(line, (w + kw) * apart))
        source = (row * shape[5] + ow) * c + channel
        spots = address_of(offset(places, source))
        send_to_place(dy, target, apart * size, address_of(offset(dy, source)), spots, place + kw, end - kw, count)
        done = w + end
    for k in range(done, shape[2]):
        behind = address_of(offset(line, k * apart))
        clear(dy, behind, behind, zero, count)


@scalar
def send_lines(lines, apart, dy, places, row, shape, channel, count):
    """`send_line` for the lines that a row of windows covers, one after the other; there is no depth."""
    h = _first(row % shape[4], 1, shape)
    first = max(0, -h)
    for i in range(_end(h, 1, shape) - first):
        line = offset(lines, i * shape[2] * apart)
        send_line(line, apart, dy, places, row, (first + i) * shape[8], shape, channel, count)


@kernel
def max_pool_gradient(dx: "T n*d*h*w*c", dy: "T n*od*oh*ow*c", places: "u2 n*od*oh*ow*c", shape: "i8 16", lo, hi):
    """dx = the sum of dy over the windows whose `places` name the place.   Items: rows of dx, n*d*h."""
    c = shape[15]
    apart = (shape[6] <= shape[9]) & (shape[7] <= shape[10]) & (shape[8] <= shape[11])
    for row in range(lo, hi):
        slab = row // shape[1]
        n = slab // shape[0]
        d = slab - n * shape[0]
        h = row - slab * shape[1]
        target = address_of(offset(dx, row * shape[2] * c))
        zero = nothing(dx[row * shape[2] * c])
        od = _latest(d, 0, shape)
        oh = _latest(h, 1, shape)
        if apart and od >= _earliest(d, 0, shape) and oh >= _earliest(h, 1, shape):
            place = ((d - _first(od, 0, shape)) * shape[7] + h - _first(oh, 1, shape)) * shape[8]
            line = offset(dx, row * shape[2] * c)
            send_line(line, c, dy, places, (n * shape[3] + od) * shape[4] + oh, place, shape, 0, c)
            continue
        clear(dx, target, target, zero, shape[2] * c)
        for od in range(_earliest(d, 0, shape), _latest(d, 0, shape) + 1):
            for oh in range(_earliest(h, 1, shape), _latest(h, 1, shape) + 1):
                place = ((d - _first(od, 0, shape)) * shape[7] + h - _first(oh, 1, shape)) * shape[8]
                line = ((n * shape[3] + od) * shape[4] + oh) * shape[5]
                for ow in range(shape[5]):
                    w = _first(ow, 2, shape)
                    source = address_of(offset(dy, (line + ow) * c))
                    spots = address_of(offset(places, (line + ow) * c))
                    for kw in range(max(0, -w), _end(w, 2, shape)):
                        target = address_of(offset(dx, (row * shape[2] + w + kw) * c))
                        add_at_place(dx, target, source, spots, place + kw, c)


@kernel
def max_pool_gather(y: "T n*od*oh*ow*c", x: "T n*d*h*w*c", places: "u2 n*od*oh*ow*c", shape: "i8 16", lo, hi):
    """y = x at the places: the adjoint of `max_pool_gradient`.   Items: rows of y, n*od*oh."""
    c = shape[15]
    for row in range(lo, hi):
        slab = row // shape[4]
        n = slab // shape[3]
        d = _first(slab - n * shape[3], 0, shape)
        h = _first(row - slab * shape[4], 1, shape)
        for ow in range(shape[5]):
            w = _first(ow, 2, shape)
            out = (row * shape[5] + ow) * c
            for channel in range(c):
                place = int(places[out + channel])
                line = place // shape[8]
                kd = line // shape[7]
                kh = line - kd * shape[7]
                at = ((n * shape[0] + d + kd) * shape[1] + h + kh) * shape[2] + w + place - line * shape[8]
                y[out + channel] = x[at * c + channel]


@kernel
def average_pool(y: "T n*od*oh*ow*c", x: "T n*d*h*w*c", shape: "i8 16", lo, hi):
    """y = the mean of each window, of its places inside the input.   Items: rows of y, n*od*oh."""
    c = shape[15]
    size = _size(x)
    for row in range(lo, hi):
        slab = row // shape[4]
        n = slab // shape[3]
        d = _first(slab - n * shape[3], 0, shape)
        h = _first(row - slab * shape[4], 1, shape)
        kd = max(0, -d)
        kh = max(0, -h)
        depth = _end(d, 0, shape) - kd
        height = _end(h, 1, shape) - kh
        line = ((n * shape[0] + d + kd) * shape[1] + h + kh) * shape[2]
        for ow in range(shape[5]):
            w = _first(ow, 2, shape)
            kw = max(0, -w)
            window_mean(
                x,
                address_of(offset(y, (row * shape[5] + ow) * c)),
                address_of(offset(x, (line + w + kw) * c)),
                depth,
                height,
                _end(w, 2, shape) - kw,
                shape[1] * shape[2] * c * size,
                shape[2] * c * size,
                c * size,
                c,
            )


@kernel
def average_pool_gradient(dx: "T n*d*h*w*c", dy: "T n*od*oh*ow*c", shape: "i8 16", lo, hi):
    """dx = the sum of dy / (places of the window) over the windows that cover the place.   Items: rows of dx, n*d*h."""
    c = shape[15]
    for row in range(lo, hi):
        slab = row // shape[1]
        n = slab // shape[0]
        d = slab - n * shape[0]
        h = row - slab * shape[1]
        target = address_of(offset(dx, row * shape[2] * c))
        zero = nothing(dx[row * shape[2] * c])
        clear(dx, target, target, zero, shape[2] * c)
        for od in range(_earliest(d, 0, shape), _latest(d, 0, shape) + 1):
            first = _first(od, 0, shape)
            depth = _end(first, 0, shape) - max(0, -first)
            for oh in range(_earliest(h, 1, shape), _latest(h, 1, shape) + 1):
                first = _first(oh, 1, shape)
                area = depth * (_end(first, 1, shape) - max(0, -first))
                line = ((n * shape[3] + od) * shape[4] + oh) * shape[5]
                for ow in range(shape[5]):
                    w = _first(ow, 2, shape)
                    kw = max(0, -w)
                    end = _end(w, 2, shape)
                    factor = share(zero, area * (end - kw))
                    source = address_of(offset(dy, (line + ow) * c))
                    for k in range(kw, end):
                        target = address_of(offset(dx, (row * shape[2] + w + k) * c))
                        add_part(dx, target, target, source, factor, zero, c)
