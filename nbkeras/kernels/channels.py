"""Loops over a block of rows of channels, emitted as whole vectors: the inner parts of normalization.

Channels lie side by side. A strip of two vectors of channels is taken down all rows of the block, so that what belongs
to a channel stays in registers; what is left over are single vectors, the last one masked.
"""

from numba import types
from numba.extending import intrinsic

from nbkeras.kernels.folds import _Shape
from nbkeras.kernels.formula import Value
from nbkeras.kernels.lanes import WORD, _cases, _loop

#: Vectors of a strip, and rows at a time: together as many accumulators as keep two adders busy.
STRIP, ROWS = 2, 2


class _Block(_Shape):
    """Rows of channels, `width` of them, `stride` elements apart."""

    def __init__(self, context, builder, kind, rows, stride, width):
        super().__init__(context, builder, kind)
        self.rows, self.width = rows, width
        self.stride = builder.mul(stride, WORD(self.size))

    def bytes_to(self, channel, k=0):
        return self.builder.add(self.builder.mul(channel, WORD(self.size)), WORD(k * self.count * self.size))

    def strips(self, body):
        """body(first channel, vectors, mask) for all strips."""
        builder, wide = self.builder, self.count * STRIP
        whole = builder.sdiv(self.width, WORD(wide))
        _loop(builder, whole, lambda i: body(builder.mul(i, WORD(wide)), STRIP, None))
        first = builder.mul(whole, WORD(wide))
        rest = builder.sub(self.width, first)
        singles = builder.sdiv(builder.add(rest, WORD(self.count - 1)), WORD(self.count))

        def single(i):
            begin = builder.add(first, builder.mul(i, WORD(self.count)))
            body(begin, 1, self.mask(builder.sub(self.width, begin)))

        _loop(builder, singles, single)

    def of_channels(self, address, first, vectors, mask):
        """What belongs to the channels of a strip, as values."""
        zero = self.constant(0)
        parts = (self.load(self.builder.add(address, self.bytes_to(first, k)), mask, zero) for k in range(vectors))
        return [Value(self.builder, part) for part in parts]

    def store_channels(self, values, address, first, mask):
        for k, value in enumerate(values):
            self.store(value.value, self.builder.add(address, self.bytes_to(first, k)), mask)

    def at(self, address, row, first, k):
        """The address of vector k of a strip in a row."""
        start = self.builder.add(address, self.builder.mul(row, self.stride))
        return self.builder.add(start, self.bytes_to(first, k))

    def value(self, address, row, first, k, mask):
        return Value(self.builder, self.load(self.at(address, row, first, k), mask, self.constant(0)))

    def totals(self, vectors, count, values):
        """The sums over all rows of values(row, k), each a tuple of `count`: [sum][k]. The order is fixed."""
        builder = self.builder
        depth = ROWS * STRIP // vectors
        with builder.goto_entry_block():
            line = lambda: [builder.alloca(self.vector) for _ in range(vectors)]  # noqa: E731
            cells = [[line() for _ in range(count)] for _ in range(depth)]
        for cell in (c for part in cells for row in part for c in row):
            cell.align = 64
            builder.store(self.constant(0), cell)

        def visit(row, part):
            for k in range(vectors):
                for line, value in zip(part, values(row, k), strict=True):
                    before = Value(builder, builder.load(line[k], typ=self.vector))
                    builder.store((before + value).value, line[k])

        whole = builder.sdiv(self.rows, WORD(depth))

        def several(i):
            for d, part in enumerate(cells):
                visit(builder.add(builder.mul(i, WORD(depth)), WORD(d)), part)

        _loop(builder, whole, several)
        done = builder.mul(whole, WORD(depth))
        _loop(builder, builder.sub(self.rows, done), lambda i: visit(builder.add(done, i), cells[0]))
        results = []
        for line in range(count):
            parts = [[Value(builder, builder.load(p[line][k], typ=self.vector)) for p in cells] for k in range(vectors)]
            results.append([sum(p[1:], p[0]) for p in parts])
        return results


def _gate(x, center, scale, shift):
    """(x - center) * scale + shift in one rounding where the processor can, so that every kernel gives the same."""
    return (x - center).call("llvm.fmuladd", scale, shift)


@intrinsic
def column_moments(typing_context, like, mean, deviation, x, rows, stride, width):
    """mean[c] of x[r, c] over the rows, and deviation[c] = the sum of (x[r, c] - mean[c])**2, in two passes."""

    def codegen(context, builder, signature, values):
        _, mean, deviation, x, rows, stride, width = values
        block = _Block(context, builder, signature.args[0].dtype, rows, stride, width)
        divisor = Value(builder, block.spread(builder.sitofp(rows, block.element)))

        def strip(first, vectors, mask):
            (totals,) = block.totals(vectors, 1, lambda row, k: (block.value(x, row, first, k, mask),))
            means = [total / divisor for total in totals]

            def square(row, k):
                away = block.value(x, row, first, k, mask) - means[k]
                return (away * away,)

            (squares,) = block.totals(vectors, 1, square)
            block.store_channels(means, mean, first, mask)
            block.store_channels(squares, deviation, first, mask)

        block.strips(strip)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 6), codegen


@intrinsic
def merge_moments(typing_context, like, mean, deviation, other, away, share, weight, width):
    """Mean and deviation of two sets of rows: mean += share * d, deviation += away + weight * d * d, d = other - mean.

    Source: Chan, Golub and LeVeque (1979), Updating formulae and a pairwise algorithm for computing sample variances.
    """

    def codegen(context, builder, signature, values):
        _, mean, deviation, other, away, share, weight, width = values
        block = _Block(context, builder, signature.args[0].dtype, WORD(1), WORD(0), width)
        share, weight = (Value(builder, block.spread(number)) for number in (share, weight))

        def strip(first, vectors, mask):
            parts = [block.of_channels(a, first, vectors, mask) for a in (mean, deviation, other, away)]
            means, deviations = [], []
            for m, v, o, a in zip(*parts, strict=True):
                distance = o - m
                means.append(m + share * distance)
                deviations.append(v + (a + weight * (distance * distance)))
            block.store_channels(means, mean, first, mask)
            block.store_channels(deviations, deviation, first, mask)

        block.strips(strip)
        return context.get_dummy_value()

    kind = like.dtype
    return types.void(like, *[types.int64] * 4, kind, kind, types.int64), codegen


@intrinsic
def affine_rows(typing_context, like, y, x, center, scale, shift, relu, rows, width):
    """y = (x - center) * scale + shift in each channel; where relu is 1, what is below 0 becomes 0 (NaN stays)."""

    def codegen(context, builder, signature, values):
        _, y, x, center, scale, shift, relu, rows, width = values
        block = _Block(context, builder, signature.args[0].dtype, rows, width, width)
        asked = builder.icmp_signed("!=", relu, WORD(0))
        lowest = block.element(float("-inf"))
        least = Value(builder, block.spread(builder.select(asked, block.element(0.0), lowest)))

        def strip(first, vectors, mask):
            centers, scales, shifts = (block.of_channels(a, first, vectors, mask) for a in (center, scale, shift))

            def row(r):
                for k in range(vectors):
                    value = _gate(block.value(x, r, first, k, mask), centers[k], scales[k], shifts[k])
                    below = builder.fcmp_ordered("<", value.value, least.value)
                    block.store(builder.select(below, least.value, value.value), block.at(y, r, first, k), mask)

            _loop(builder, rows, row)

        block.strips(strip)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 8), codegen


def _passing(block, dy, x, operands, gated, first, vectors, mask):
    """(row, k) -> (g, x - center): the gradient that passes through the gate."""
    builder = block.builder
    centers, scales, shifts = (
        block.of_channels(a, first, vectors, mask) if gated or a is operands[0] else None for a in operands
    )
    zero = block.constant(0)

    def values(row, k):
        slope, value = (block.value(a, row, first, k, mask) for a in (dy, x))
        if gated:
            positive = builder.fcmp_ordered(">", _gate(value, centers[k], scales[k], shifts[k]).value, zero)
            slope = Value(builder, builder.select(positive, slope.value, zero))
        return slope, value - centers[k]

    return values


@intrinsic
def add_column_sums(typing_context, like, first_sum, second_sum, dy, x, center, scale, shift, gate, rows, width):
    """first_sum[c] += the sum of g over the rows, second_sum[c] += that of g * (x - center).

    g = dy; where gate is 1, only where (x - center) * scale + shift > 0.
    """

    def codegen(context, builder, signature, values):
        _, one, two, dy, x, center, scale, shift, gate, rows, width = values
        block = _Block(context, builder, signature.args[0].dtype, rows, width, width)

        def strips(gated):
            def strip(first, vectors, mask):
                passing = _passing(block, dy, x, (center, scale, shift), gated, first, vectors, mask)

                def pair(row, k):
                    slope, away = passing(row, k)
                    return slope, slope * away

                sums = block.totals(vectors, 2, pair)
                for address, total in zip((one, two), sums, strict=True):
                    before = block.of_channels(address, first, vectors, mask)
                    block.store_channels([b + t for b, t in zip(before, total, strict=True)], address, first, mask)

            block.strips(strip)

        _cases(builder, gate, {0: lambda: strips(False), 1: lambda: strips(True)})
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 10), codegen


@intrinsic
def mix_rows(typing_context, like, dx, dy, x, center, a, b, d, scale, shift, gate, rows, width):
    """dx = g * a + (x - center) * b + d in each channel; g as in `add_column_sums`."""

    def codegen(context, builder, signature, values):
        _, dx, dy, x, center, a, b, d, scale, shift, gate, rows, width = values
        block = _Block(context, builder, signature.args[0].dtype, rows, width, width)

        def strips(gated):
            def strip(first, vectors, mask):
                passing = _passing(block, dy, x, (center, scale, shift), gated, first, vectors, mask)
                factors, slopes, shifts = (block.of_channels(p, first, vectors, mask) for p in (a, b, d))

                def row(r):
                    for k in range(vectors):
                        slope, away = passing(r, k)
                        value = slope * factors[k] + (away * slopes[k] + shifts[k])
                        block.store(value.value, block.at(dx, r, first, k), mask)

                _loop(builder, rows, row)

            block.strips(strip)

        _cases(builder, gate, {0: lambda: strips(False), 1: lambda: strips(True)})
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 12), codegen
