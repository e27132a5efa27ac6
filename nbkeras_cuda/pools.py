"""The windows of pooling, as a thread finds them; `shape` as in `kernels/pooling.py`."""

from nbkeras_cuda._jit import device


@device
def begin(out, axis, shape):
    """Where a window begins along an axis, before it is cut."""
    return out * shape[9 + axis] - shape[12 + axis]


@device
def start(first, axis, shape):
    """The index in the window of its first place inside the input."""
    return -first if first < 0 else 0


@device
def stop(first, axis, shape):
    """The index in the window after its last place inside the input."""
    return min(shape[6 + axis], shape[axis] - first)


@device
def lines_of(row, shape):
    """(first pixel, number of lines, number of the first place) of a row of windows of pixels without depth."""
    n = row // shape[4]
    h = begin(row - n * shape[4], 1, shape)
    first = start(h, 1, shape)
    return (n * shape[1] + h + first) * shape[2], stop(h, 1, shape) - first, first * shape[8]


@device
def pixel_of(place, window, shape):
    """The pixel at a place in a window, counted over all; pixels have no depth."""
    row = window // shape[5]
    n = row // shape[4]
    line = place // shape[8]
    h = begin(row - n * shape[4], 1, shape) + line
    w = begin(window - row * shape[5], 2, shape) + place - line * shape[8]
    return (n * shape[1] + h) * shape[2] + w
