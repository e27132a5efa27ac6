"""Normalization: of channels over all rows (batch normalization), and of rows over their channels.

Statistics of channels are made block by block and put together in order: the same bits for any number of threads.
"""

from nbkeras.kernels import scalars
from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.channels import add_column_sums, affine_rows, column_moments, merge_moments, mix_rows
from nbkeras.kernels.folds import SUM, fold_columns, fold_row, pair_loop, row_loop, triple_loop
from nbkeras.kernels.formula import constant, formula
from nbkeras.kernels.lanes import address_of
from nbkeras.kernels.pooling import LINES, lines_of, pays_in_lines, pool_row
from nbkeras.kernels.stack import offset, scratch

#: Channels that scratch memory holds statistics of.
TILE = 256
#: Elements that stay in the first-level cache between two passes over them.
CACHED = 4096
#: Rows that a strip of channels goes down before the next one begins.
GROUP = 32


@formula
def ratio(like, a, b):
    """a / b of whole numbers, in the type of `like`."""
    return a / b


@formula
def nothing(like):
    """0, of the type of `like`."""
    return constant(0, like)


#: clear(like, y, y, zero, _, count): y = zero.
clear = row_loop(lambda _, zero: zero)
#: scaled(like, y, x, factor, count): y = x * factor.
scaled = row_loop(lambda x, factor: x * factor)
#: squares(like, _, x, mean, count): the sum of (x - mean)**2.
squares = row_loop(lambda x, mean: (x - mean) * (x - mean), SUM, stores=False)
#: inverse_root(like, y, variance, gamma, epsilon, _, count): y = gamma / sqrt(variance + epsilon).
inverse_root = pair_loop(lambda v, gamma, epsilon, _: gamma * scalars.rsqrt.trace(v + epsilon))
#: plus(like, total, total, x, _, _, count): total += x.
plus = pair_loop(lambda total, x, _, __: total + x)
#: product(like, _, x, t, _, _, count): the sum of x * t.
product = pair_loop(lambda x, t, _, __: x * t, SUM, stores=False)
#: normalized(like, y, x, gamma, beta, mean, inverse, _, _, count): y = (x - mean) * inverse * gamma + beta.
normalized = triple_loop(lambda x, gamma, beta, mean, inverse, _, __: (x - mean) * inverse * gamma + beta)
#: projected(like, _, dy, gamma, x, mean, inverse, _, _, count): the sum of dy * gamma * (x - mean) * inverse.
projected = triple_loop(
    lambda dy, gamma, x, mean, inverse, _, __: dy * gamma * ((x - mean) * inverse), SUM, stores=False
)
#: slopes(like, dx, dy, gamma, x, mean, inverse, a, b, count): dx = dy * gamma * inverse + (x - mean) * a + b.
slopes = triple_loop(lambda dy, gamma, x, mean, inverse, a, b: dy * gamma * inverse + ((x - mean) * a + b))
#: plus_normalized(like, total, total, dy, x, mean, inverse, _, _, count): total += dy * (x - mean) * inverse.
plus_normalized = triple_loop(lambda total, dy, x, mean, inverse, _, __: total + dy * ((x - mean) * inverse))


@kernel
def channel_moments(partial: "T p*2*c", x: "T r*c", rows: "i8", block: "i8", c: "i8", lo, hi):
    """partial[p] = the means of the channels over rows [p*block, (p+1)*block), and the sums of squared distances.

    Items: blocks of rows.
    """
    means = scratch(x, TILE)
    distances = scratch(x, TILE)
    for item in range(lo, hi):
        first = item * block
        count = min(block, rows - first)
        for tile in range(0, c, TILE):
            width = min(TILE, c - tile)
            mean = address_of(offset(partial, 2 * item * c + tile))
            distance = address_of(offset(partial, (2 * item + 1) * c + tile))
            most = max(8, CACHED // width)
            done = min(most, count)
            column_moments(x, mean, distance, address_of(offset(x, first * c + tile)), done, c, width)
            while done < count:
                more = min(most, count - done)
                source = address_of(offset(x, (first + done) * c + tile))
                column_moments(x, address_of(means), address_of(distances), source, more, c, width)
                share = ratio(x[0], more, done + more)
                weight = ratio(x[0], done * more, done + more)
                merge_moments(x, mean, distance, address_of(means), address_of(distances), share, weight, width)
                done += more


@kernel
def channel_merge(
    mean: "T c", variance: "T c", scale: "T c", partial: "T p*2*c", gamma: "T c", rows: "i8", block: "i8", c: "i8",
    epsilon: "T", lo, hi
):  # fmt: skip
    """Mean and variance of all rows from those of the blocks, and scale = gamma / sqrt(variance + epsilon).

    Items: channels.
    """
    width = hi - lo
    target = address_of(offset(mean, lo))
    spread = address_of(offset(variance, lo))
    zero = nothing(partial[0])
    scaled(partial, target, address_of(offset(partial, lo)), ratio(zero, 1, 1), width)
    scaled(partial, spread, address_of(offset(partial, c + lo)), ratio(zero, 1, 1), width)
    done = min(block, rows)
    part = 1
    while done < rows:
        more = min(block, rows - done)
        other = address_of(offset(partial, 2 * part * c + lo))
        away = address_of(offset(partial, (2 * part + 1) * c + lo))
        share = ratio(zero, more, done + more)
        weight = ratio(zero, done * more, done + more)
        merge_moments(partial, target, spread, other, away, share, weight, width)
        done += more
        part += 1
    scaled(partial, spread, spread, ratio(zero, 1, rows), width)
    inverse_root(partial, address_of(offset(scale, lo)), spread, address_of(offset(gamma, lo)), epsilon, zero, width)


@kernel(pays=pays_in_lines)
def channel_affine(
    y: "T r*c", x: "T r*c", center: "T c", scale: "T c", shift: "T c", places: "u2 ?", shape: "i8 16", c: "i8",
    relu: "i8", pooled: "i8", keep: "i8", lo, hi
):  # fmt: skip
    """y = (x - center) * scale + shift in each channel; its relu where relu is 1.   Items: rows.

    Where pooled is not 0, y and places get what `max_pool` gives of that, places if keep is 1: the lines that a row of
    windows covers (see `pooling` for `shape`) are pooled before they leave the cache. Items are then rows of windows.
    """
    lines = scratch(x, LINES)
    if pooled:
        for item in range(lo, hi):
            row, count = lines_of(item, shape)
            _affine(lines, offset(x, row * c), center, scale, shift, relu, count * shape[2], c)
            pool_row(y, places, lines, 0, item, shape, keep)
    else:
        for row in range(lo, hi, GROUP):
            _affine(offset(y, row * c), offset(x, row * c), center, scale, shift, relu, min(GROUP, hi - row), c)


@scalar
def _affine(y, x, center, scale, shift, relu, rows, c):
    """`channel_affine` of some rows."""
    affine_rows(
        x, address_of(y), address_of(x), address_of(center), address_of(scale), address_of(shift), relu, rows, c
    )  # fmt: skip


@kernel
def channel_sums(
    partial: "T p*2*c", dy: "T r*c", x: "T r*c", center: "T c", scale: "T c", shift: "T c", rows: "i8", block: "i8",
    c: "i8", gate: "i8", lo, hi
):  # fmt: skip
    """partial[p] = the sums of g and of g * (x - center) over rows [p*block, (p+1)*block), in each channel.

    g = dy; where gate is 1, only where (x - center) * scale + shift > 0: the gradient through relu of
    `channel_affine`. Without the gate scale and shift are not read. Items: blocks of rows.
    """
    for item in range(lo, hi):
        one = address_of(offset(partial, 2 * item * c))
        two = address_of(offset(partial, (2 * item + 1) * c))
        clear(x, one, one, nothing(x[0]), 2 * c)
        end = min((item + 1) * block, rows)
        for row in range(item * block, end, GROUP):
            add_column_sums(
                x,
                one,
                two,
                address_of(offset(dy, row * c)),
                address_of(offset(x, row * c)),
                address_of(center),
                address_of(scale),
                address_of(shift),
                gate,
                min(GROUP, end - row),
                c,
            )


@kernel
def channel_totals(first: "T c", second: "T c", partial: "T p*2*c", parts: "i8", c: "i8", lo, hi):
    """The sums of the blocks that `channel_sums` left.   Items: channels."""
    width = hi - lo
    source = address_of(offset(partial, lo))
    fold_columns(partial, SUM, address_of(offset(first, lo)), source, parts, 2 * c, width)
    source = address_of(offset(partial, c + lo))
    fold_columns(partial, SUM, address_of(offset(second, lo)), source, parts, 2 * c, width)


@kernel
def channel_mix(
    dx: "T r*c", dy: "T r*c", x: "T r*c", center: "T c", a: "T c", b: "T c", d: "T c", scale: "T c", shift: "T c",
    c: "i8", gate: "i8", lo, hi
):  # fmt: skip
    """dx = g * a + (x - center) * b + d in each channel; g as in `channel_sums`.   Items: rows."""
    for row in range(lo, hi, GROUP):
        mix_rows(
            x,
            address_of(offset(dx, row * c)),
            address_of(offset(dy, row * c)),
            address_of(offset(x, row * c)),
            address_of(center),
            address_of(a),
            address_of(b),
            address_of(d),
            address_of(scale),
            address_of(shift),
            gate,
            min(GROUP, hi - row),
            c,
        )


@kernel
def row_norm(
    y: "T r*c", mean: "T r", inverse: "T r", x: "T r*c", gamma: "T c", beta: "T c", c: "i8", epsilon: "T",
    centered: "i8", lo, hi
):  # fmt: skip
    """y = (x - mean) * inverse * gamma + beta, by rows; inverse = 1 / sqrt(variance + epsilon).

    Where centered is 0 the mean counts as 0 (root mean square normalization). Items: rows.
    """
    for row in range(lo, hi):
        source = address_of(offset(x, row * c))
        zero = nothing(x[row * c])
        share = ratio(zero, 1, c)
        middle = fold_row(x, SUM, source, c) * share if centered != 0 else zero
        root = scalars.rsqrt(squares(x, source, source, middle, c) * share + epsilon)
        mean[row] = middle
        inverse[row] = root
        target = address_of(offset(y, row * c))
        normalized(x, target, source, address_of(gamma), address_of(beta), middle, root, zero, zero, c)


@kernel
def row_norm_gradient(
    dx: "T r*c", partial: "T p*2*c", dy: "T r*c", x: "T r*c", mean: "T r", inverse: "T r", gamma: "T c", rows: "i8",
    block: "i8", c: "i8", centered: "i8", lo, hi
):  # fmt: skip
    """The gradient of `row_norm` to x, and partial[p] = the gradients to gamma and beta from rows of block p.

    With h = (x - mean) * inverse and g = dy * gamma: dx = inverse * (g - mean of g - h * mean of g h).
    Items: blocks of rows.
    """
    for item in range(lo, hi):
        to_gamma = address_of(offset(partial, 2 * item * c))
        to_beta = address_of(offset(partial, (2 * item + 1) * c))
        zero = nothing(x[0])
        share = ratio(zero, 1, c)
        clear(x, to_gamma, to_gamma, zero, 2 * c)
        for row in range(item * block, min((item + 1) * block, rows)):
            slope = address_of(offset(dy, row * c))
            source = address_of(offset(x, row * c))
            middle = mean[row]
            root = inverse[row]
            level = product(x, source, slope, address_of(gamma), zero, zero, c) if centered != 0 else zero
            along = projected(x, source, slope, address_of(gamma), source, middle, root, zero, zero, c)
            a = -(root * root) * (along * share)
            b = -root * (level * share)
            plus_normalized(x, to_gamma, to_gamma, slope, source, middle, root, zero, zero, c)
            plus(x, to_beta, to_beta, slope, zero, zero, c)
            target = address_of(offset(dx, row * c))
            slopes(x, target, slope, address_of(gamma), source, middle, root, a, b, c)
