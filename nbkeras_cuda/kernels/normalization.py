"""Normalization of channels over all rows, and of rows over their channels (see nbkeras/kernels/normalization.py)."""

from numba import cuda

from nbkeras.kernels import scalars
from nbkeras_cuda._jit import WARP, T, device, kernel
from nbkeras_cuda.block import SUM, block_reduce
from nbkeras_cuda.pools import begin, lines_of, start, stop


@kernel(cover=True)
def channel_moments(partial: "T p*2*c", x: "T r*c", rows: "i8", block: "i8", c: "i8", lo, hi):
    """partial[p] = the means of the channels over rows [p*block, (p+1)*block), and the sums of squared distances.

    Items: blocks of rows; a thread a channel of one.
    """
    column = lo * c + cuda.grid(1)
    while column < hi * c:
        part = column // c
        channel = column - part * c
        end = min((part + 1) * block, rows)
        total = T(0)
        for row in range(part * block, end):
            total += x[row * c + channel]
        mean = total / T(end - part * block)
        squares = T(0)
        for row in range(part * block, end):
            away = x[row * c + channel] - mean
            squares += away * away
        partial[2 * part * c + channel] = mean
        partial[(2 * part + 1) * c + channel] = squares
        column += cuda.gridsize(1)


@kernel
def channel_merge(
    mean: "T c", variance: "T c", scale: "T c", partial: "T p*2*c", gamma: "T c", rows: "i8", block: "i8", c: "i8",
    epsilon: "T", lo, hi
):  # fmt: skip
    """Mean and variance of all rows from those of the blocks, and scale = gamma / sqrt(variance + epsilon).

    Items: channels.
    """
    channel = lo + cuda.grid(1)
    while channel < hi:
        middle = partial[channel]
        squares = partial[c + channel]
        done = min(block, rows)
        part = 1
        while done < rows:
            more = min(block, rows - done)
            away = partial[2 * part * c + channel] - middle
            middle += T(more) / T(done + more) * away
            squares += partial[(2 * part + 1) * c + channel] + T(done * more) / T(done + more) * (away * away)
            done += more
            part += 1
        squares = squares * (T(1) / T(rows))
        mean[channel] = middle
        variance[channel] = squares
        scale[channel] = gamma[channel] * scalars.rsqrt(squares + epsilon)
        channel += cuda.gridsize(1)


@device
def scaled(value, center, scale, shift, channel, relu):
    """(value - center) * scale + shift in a channel; its relu where relu is 1."""
    value = (value - center[channel]) * scale[channel] + shift[channel]
    return T(0) if relu != 0 and value < T(0) else value


@kernel(cover=True)
def channel_affine(
    y: "T r*c", x: "T r*c", center: "T c", scale: "T c", shift: "T c", places: "u2 ?", shape: "i8 16", c: "i8",
    relu: "i8", pooled: "i8", keep: "i8", lo, hi
):  # fmt: skip
    """y = (x - center) * scale + shift in each channel; its relu where relu is 1.   Items: rows.

    Where pooled is not 0, y and places get what `max_pool` gives of that, places if keep is 1 (see `pooling` for
    `shape`). Items are then rows of windows.
    """
    element = lo * c + cuda.grid(1)
    while element < hi * c:
        row = element // c
        channel = element - row * c
        if pooled == 0:
            y[element] = scaled(x[element], center, scale, shift, channel, relu)
        else:
            pixel, lines, line_place = lines_of(row, shape)
            for ow in range(shape[5]):
                w = begin(ow, 2, shape)
                best = T(0)
                place = -1
                for j in range(lines):
                    for k in range(start(w, 2, shape), stop(w, 2, shape)):
                        at = (pixel + j * shape[2] + w + k) * c + channel
                        value = scaled(x[at], center, scale, shift, channel, relu)
                        if place < 0 or value > best or value != value:
                            best = value
                            place = line_place + j * shape[8] + k
                to = (row * shape[5] + ow) * c + channel
                y[to] = best
                if keep != 0:
                    places[to] = place
        element += cuda.gridsize(1)


@device
def passed(slope, value, center, scale, shift, channel, gate, zero):
    """A gradient, or 0 where the relu of `channel_affine` let nothing pass."""
    if gate != 0 and not ((value - center[channel]) * scale[channel] + shift[channel] > zero):
        slope = zero
    return slope


@kernel(cover=True)
def channel_sums(
    partial: "T p*2*c", dy: "T r*c", x: "T r*c", center: "T c", scale: "T c", shift: "T c", rows: "i8", block: "i8",
    c: "i8", gate: "i8", lo, hi
):  # fmt: skip
    """partial[p] = the sums of g and of g * (x - center) over rows [p*block, (p+1)*block), in each channel.

    g = dy; where gate is 1, only where (x - center) * scale + shift > 0. Items: blocks of rows.
    """
    column = lo * c + cuda.grid(1)
    while column < hi * c:
        part = column // c
        channel = column - part * c
        total = T(0)
        along = T(0)
        for row in range(part * block, min((part + 1) * block, rows)):
            value = x[row * c + channel]
            slope = passed(dy[row * c + channel], value, center, scale, shift, channel, gate, T(0))
            total += slope
            along += slope * (value - center[channel])
        partial[2 * part * c + channel] = total
        partial[(2 * part + 1) * c + channel] = along
        column += cuda.gridsize(1)


@kernel
def channel_totals(first: "T c", second: "T c", partial: "T p*2*c", parts: "i8", c: "i8", lo, hi):
    """The sums of the blocks that `channel_sums` left.   Items: channels."""
    channel = lo + cuda.grid(1)
    while channel < hi:
        one = T(0)
        two = T(0)
        for part in range(parts):
            one += partial[2 * part * c + channel]
            two += partial[(2 * part + 1) * c + channel]
        first[channel] = one
        second[channel] = two
        channel += cuda.gridsize(1)


@kernel(cover=True)
def channel_mix(
    dx: "T r*c", dy: "T r*c", x: "T r*c", center: "T c", a: "T c", b: "T c", d: "T c", scale: "T c", shift: "T c",
    c: "i8", gate: "i8", lo, hi
):  # fmt: skip
    """dx = g * a + (x - center) * b + d in each channel; g as in `channel_sums`.   Items: rows."""
    element = lo * c + cuda.grid(1)
    while element < hi * c:
        channel = element % c
        value = x[element]
        slope = passed(dy[element], value, center, scale, shift, channel, gate, T(0))
        dx[element] = slope * a[channel] + ((value - center[channel]) * b[channel] + d[channel])
        element += cuda.gridsize(1)


@kernel(launch="block", threads=WARP)
def row_norm(
    y: "T r*c", mean: "T r", inverse: "T r", x: "T r*c", gamma: "T c", beta: "T c", c: "i8", epsilon: "T",
    centered: "i8", lo, hi
):  # fmt: skip
    """y = (x - mean) * inverse * gamma + beta, by rows; inverse = 1 / sqrt(variance + epsilon).

    Where centered is 0 the mean counts as 0 (root mean square normalization). Items: rows.
    """
    scratch = cuda.shared.array(WARP, T)
    row = lo + cuda.blockIdx.x
    while row < hi:
        share = T(1) / T(c)
        middle = T(0)
        if centered != 0:
            j = cuda.threadIdx.x + 0
            while j < c:
                middle += x[row * c + j]
                j += cuda.blockDim.x
            middle = block_reduce(middle, scratch, SUM) * share
        squares = T(0)
        j = cuda.threadIdx.x + 0
        while j < c:
            away = x[row * c + j] - middle
            squares += away * away
            j += cuda.blockDim.x
        root = scalars.rsqrt(block_reduce(squares, scratch, SUM) * share + epsilon)
        if cuda.threadIdx.x == 0:
            mean[row] = middle
            inverse[row] = root
        j = cuda.threadIdx.x + 0
        while j < c:
            y[row * c + j] = (x[row * c + j] - middle) * root * gamma[j] + beta[j]
            j += cuda.blockDim.x
        row += cuda.gridDim.x


@kernel(launch="block", threads=WARP)
def row_norm_gradient(
    dx: "T r*c", partial: "T p*2*c", dy: "T r*c", x: "T r*c", mean: "T r", inverse: "T r", gamma: "T c", rows: "i8",
    block: "i8", c: "i8", centered: "i8", lo, hi
):  # fmt: skip
    """The gradient of `row_norm` to x, and partial[p] = the gradients to gamma and beta from rows of block p.

    With h = (x - mean) * inverse and g = dy * gamma: dx = inverse * (g - mean of g - h * mean of g h).
    Items: blocks of rows.
    """
    scratch = cuda.shared.array(WARP, T)
    item = lo + cuda.blockIdx.x
    while item < hi:
        share = T(1) / T(c)
        j = cuda.threadIdx.x + 0
        while j < c:
            partial[2 * item * c + j] = T(0)
            partial[(2 * item + 1) * c + j] = T(0)
            j += cuda.blockDim.x
        for row in range(item * block, min((item + 1) * block, rows)):
            middle = mean[row]
            root = inverse[row]
            level = T(0)
            along = T(0)
            j = cuda.threadIdx.x + 0
            while j < c:
                slope = dy[row * c + j]
                h = (x[row * c + j] - middle) * root
                level += slope * gamma[j]
                along += slope * gamma[j] * h
                # each thread has channels of its own: nobody else touches these sums
                partial[2 * item * c + j] += slope * h
                partial[(2 * item + 1) * c + j] += slope
                j += cuda.blockDim.x
            level = block_reduce(level, scratch, SUM) * share
            along = block_reduce(along, scratch, SUM) * share
            if centered == 0:
                level = T(0)
            j = cuda.threadIdx.x + 0
            while j < c:
                h = (x[row * c + j] - middle) * root
                dx[row * c + j] = root * (dy[row * c + j] * gamma[j] - level - h * along)
                j += cuda.blockDim.x
        item += cuda.gridDim.x
