"""Pooling over windows of one to three axes, channels last: a thread an element (see nbkeras/kernels/pooling.py).

`shape` holds d h w, od oh ow, the window's lengths, the strides, the zeros before each axis, and c.
"""

from numba import cuda

from nbkeras_cuda._jit import T, device, kernel
from nbkeras_cuda.pools import begin, start, stop


@device
def earliest(place, axis, shape):
    """The first window along an axis that covers a place of the input."""
    reach = place + shape[12 + axis] - shape[6 + axis]
    return reach // shape[9 + axis] + 1 if reach >= 0 else 0


@device
def latest(place, axis, shape):
    """The last window along an axis that covers a place of the input; below `earliest` if none does."""
    return min(shape[3 + axis] - 1, (place + shape[12 + axis]) // shape[9 + axis])


@kernel(cover=True)
def max_pool(y: "T n*od*oh*ow*c", places: "u2 n*od*oh*ow*c", x: "T n*d*h*w*c", shape: "i8 16", keep: "i8", lo, hi):
    """y = the greatest of each window; places = the number in the window of the first that is it, if keep is 1.

    Items: rows of y, n*od*oh.
    """
    c = shape[15]
    width = shape[5] * c
    element = lo * width + cuda.grid(1)
    while element < hi * width:
        cell = element // c
        line = cell // shape[5]
        slab = line // shape[4]
        n = slab // shape[3]
        d = begin(slab - n * shape[3], 0, shape)
        h = begin(line - slab * shape[4], 1, shape)
        w = begin(cell - line * shape[5], 2, shape)
        place = (start(d, 0, shape) * shape[7] + start(h, 1, shape)) * shape[8] + start(w, 2, shape)
        at = ((n * shape[0] + d + start(d, 0, shape)) * shape[1] + h + start(h, 1, shape)) * shape[2]
        best = x[(at + w + start(w, 2, shape)) * c + element - cell * c]
        for i in range(start(d, 0, shape), stop(d, 0, shape)):
            for j in range(start(h, 1, shape), stop(h, 1, shape)):
                for k in range(start(w, 2, shape), stop(w, 2, shape)):
                    at = ((n * shape[0] + d + i) * shape[1] + h + j) * shape[2] + w + k
                    value = x[at * c + element - cell * c]
                    if value > best or value != value:
                        best = value
                        place = (i * shape[7] + j) * shape[8] + k
        y[element] = best
        if keep != 0:
            places[element] = place
        element += cuda.gridsize(1)


@kernel(cover=True)
def max_pool_gradient(dx: "T n*d*h*w*c", dy: "T n*od*oh*ow*c", places: "u2 n*od*oh*ow*c", shape: "i8 16", lo, hi):
    """dx = the sum of dy over the windows whose `places` name the place.   Items: rows of dx, n*d*h."""
    c = shape[15]
    width = shape[2] * c
    element = lo * width + cuda.grid(1)
    while element < hi * width:
        cell = element // c
        line = cell // shape[2]
        slab = line // shape[1]
        n = slab // shape[0]
        d = slab - n * shape[0]
        h = line - slab * shape[1]
        w = cell - line * shape[2]
        total = T(0)
        for od in range(earliest(d, 0, shape), latest(d, 0, shape) + 1):
            for oh in range(earliest(h, 1, shape), latest(h, 1, shape) + 1):
                for ow in range(earliest(w, 2, shape), latest(w, 2, shape) + 1):
                    place = (d - begin(od, 0, shape)) * shape[7] + h - begin(oh, 1, shape)
                    place = place * shape[8] + w - begin(ow, 2, shape)
                    at = (((n * shape[3] + od) * shape[4] + oh) * shape[5] + ow) * c + element - cell * c
                    if places[at] == place:
                        total += dy[at]
        dx[element] = total
        element += cuda.gridsize(1)


@kernel(cover=True)
def max_pool_gather(y: "T n*od*oh*ow*c", x: "T n*d*h*w*c", places: "u2 n*od*oh*ow*c", shape: "i8 16", lo, hi):
    """y = x at the places: the adjoint of `max_pool_gradient`.   Items: rows of y, n*od*oh."""
    c = shape[15]
    width = shape[5] * c
    element = lo * width + cuda.grid(1)
    while element < hi * width:
        cell = element // c
        line = cell // shape[5]
        slab = line // shape[4]
        n = slab // shape[3]
        place = int(places[element])
        column = place // shape[8]
        depth = column // shape[7]
        d = begin(slab - n * shape[3], 0, shape) + depth
        h = begin(line - slab * shape[4], 1, shape) + column - depth * shape[7]
        w = begin(cell - line * shape[5], 2, shape) + place - column * shape[8]
        y[element] = x[(((n * shape[0] + d) * shape[1] + h) * shape[2] + w) * c + element - cell * c]
        element += cuda.gridsize(1)


@kernel(cover=True)
def average_pool(y: "T n*od*oh*ow*c", x: "T n*d*h*w*c", shape: "i8 16", lo, hi):
    """y = the mean of each window, of its places inside the input.   Items: rows of y, n*od*oh."""
    c = shape[15]
    width = shape[5] * c
    element = lo * width + cuda.grid(1)
    while element < hi * width:
        cell = element // c
        line = cell // shape[5]
        slab = line // shape[4]
        n = slab // shape[3]
        d = begin(slab - n * shape[3], 0, shape)
        h = begin(line - slab * shape[4], 1, shape)
        w = begin(cell - line * shape[5], 2, shape)
        total = T(0)
        count = 0
        for i in range(start(d, 0, shape), stop(d, 0, shape)):
            for j in range(start(h, 1, shape), stop(h, 1, shape)):
                for k in range(start(w, 2, shape), stop(w, 2, shape)):
                    at = ((n * shape[0] + d + i) * shape[1] + h + j) * shape[2] + w + k
                    total += x[at * c + element - cell * c]
                    count += 1
        y[element] = total / T(count)
        element += cuda.gridsize(1)


@kernel(cover=True)
def average_pool_gradient(dx: "T n*d*h*w*c", dy: "T n*od*oh*ow*c", shape: "i8 16", lo, hi):
    """dx = the sum of dy / (places of the window) over the windows that cover the place.   Items: rows of dx, n*d*h."""
    c = shape[15]
    width = shape[2] * c
    element = lo * width + cuda.grid(1)
    while element < hi * width:
        cell = element // c
        line = cell // shape[2]
        slab = line // shape[1]
        n = slab // shape[0]
        d = slab - n * shape[0]
        h = line - slab * shape[1]
        w = cell - line * shape[2]
        total = T(0)
        for od in range(earliest(d, 0, shape), latest(d, 0, shape) + 1):
            i = begin(od, 0, shape)
            depth = stop(i, 0, shape) - start(i, 0, shape)
            for oh in range(earliest(h, 1, shape), latest(h, 1, shape) + 1):
                j = begin(oh, 1, shape)
                area = depth * (stop(j, 1, shape) - start(j, 1, shape))
                for ow in range(earliest(w, 2, shape), latest(w, 2, shape) + 1):
                    k = begin(ow, 2, shape)
                    at = (((n * shape[3] + od) * shape[4] + oh) * shape[5] + ow) * c + element - cell * c
                    total += dy[at] * (T(1) / T(area * (stop(k, 2, shape) - start(k, 2, shape))))
        dx[element] = total
        element += cuda.gridsize(1)
