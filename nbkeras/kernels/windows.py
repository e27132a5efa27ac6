"""Loops over the channels of one window, emitted as whole vectors: the inner parts of pooling.

Channels lie side by side, so a vector is the same place of a window in several channels; the last one is masked. A
window is given by the address of its first place, the number of places along three axes and the bytes between them.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels.folds import SUM, _Shape
from nbkeras.kernels.formula import Value
from nbkeras.kernels.lanes import WORD, _loop


class _Places(_Shape):
    """Vectors of the numbers of places in a window, as many lanes as a vector of values has."""

    def __init__(self, context, builder, count):
        super().__init__(context, builder, types.uint16)
        self.count, self.vector = count, ir.VectorType(self.element, count)

    def of(self, number):
        """A number of a place in all lanes."""
        return self.spread(self.builder.trunc(number, self.element))


def _channels(shape, count, step):
    """step(first channel, mask) for each vector of channels; the mask is None where all lanes are channels."""
    builder = shape.builder
    whole = builder.lshr(count, WORD(shape.count.bit_length() - 1))
    _loop(builder, whole, lambda i: step(builder.mul(i, WORD(shape.count)), None))
    rest = builder.and_(count, WORD(shape.count - 1))
    tail, done = (builder.function.append_basic_block(name) for name in ("tail", "done"))
    builder.cbranch(builder.icmp_signed(">", rest, WORD(0)), tail, done)
    builder.position_at_end(tail)
    step(builder.mul(whole, WORD(shape.count)), shape.mask(rest))
    builder.branch(done)
    builder.position_at_end(done)


def _window(builder, counts, steps, body):
    """body(bytes from the first place, index in the window) for every place, in order."""
    sums = lambda a, b: builder.add(a, b)  # noqa: E731

    def inner(i, j):
        first = sums(builder.mul(i, steps[0]), builder.mul(j, steps[1]))
        _loop(builder, counts[2], lambda k: body(sums(first, builder.mul(k, steps[2])), (i, j, k)))

    _loop(builder, counts[0], lambda i: _loop(builder, counts[1], lambda j: inner(i, j)))


def _at(builder, address, first, size):
    return builder.add(address, builder.mul(first, WORD(size)))


@intrinsic
def window_maximum(typing_context, like, y, places, x, n0, n1, n2, s0, s1, s2, place, p0, p1, keep, count):
    """y[c] = the greatest of a window in each channel, NaN if one is NaN; places[c] = the first place that has it.

    Places are numbered from `place`, in steps of p0, p1 and 1 along the axes; they are stored if keep is not 0.
    """

    def codegen(context, builder, signature, values):
        shape = _Shape(context, builder, signature.args[0].dtype)
        _, y, places, x, *rest, place, p0, p1, keep, count = values
        spots = _Places(context, builder, shape.count)
        with builder.goto_entry_block():
            best, found = builder.alloca(shape.vector), builder.alloca(spots.vector)
        best.align = found.align = 64

        def step(first, mask):
            lowest = shape.constant(float("-inf"))
            builder.store(lowest, best)
            builder.store(spots.of(place), found)
            start = _at(builder, x, first, shape.size)

            def visit(distance, index):
                value = shape.load(builder.add(start, distance), mask, lowest)
                before = builder.load(best, typ=shape.vector)
                number = builder.add(builder.mul(index[0], p0), builder.mul(index[1], p1))
                number = builder.add(builder.add(place, number), index[2])
                greater = builder.fcmp_ordered(">", value, before)
                better = builder.or_(greater, builder.fcmp_unordered("uno", value, value))
                builder.store(builder.select(better, value, before), best)
                kept = builder.load(found, typ=spots.vector)
                builder.store(builder.select(better, spots.of(number), kept), found)

            _window(builder, rest[:3], rest[3:], visit)
            shape.store(builder.load(best, typ=shape.vector), _at(builder, y, first, shape.size), mask)
            with builder.if_then(builder.icmp_signed("!=", keep, WORD(0))):
                spots.store(builder.load(found, typ=spots.vector), _at(builder, places, first, 2), mask)

        _channels(shape, count, step)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 14), codegen


@intrinsic
def window_mean(typing_context, like, y, x, n0, n1, n2, s0, s1, s2, count):
    """y[c] = the mean of a window in each channel."""

    def codegen(context, builder, signature, values):
        shape = _Shape(context, builder, signature.args[0].dtype)
        _, y, x, *rest, count = values
        size = builder.mul(rest[0], builder.mul(rest[1], rest[2]))
        divisor = shape.spread(builder.sitofp(size, shape.element))
        with builder.goto_entry_block():
            total = builder.alloca(shape.vector)
        total.align = 64

        def step(first, mask):
            zero = shape.constant(0)
            builder.store(zero, total)
            start = _at(builder, x, first, shape.size)

            def visit(distance, index):
                value = shape.load(builder.add(start, distance), mask, zero)
                builder.store(shape.combine(SUM, builder.load(total, typ=shape.vector), value), total)

            _window(builder, rest[:3], rest[3:], visit)
            mean = builder.fdiv(builder.load(total, typ=shape.vector), divisor)
            shape.store(mean, _at(builder, y, first, shape.size), mask)

        _channels(shape, count, step)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 9), codegen


@intrinsic
def add_at_place(typing_context, like, total, x, places, place, count):
    """total[c] += x[c] in the channels whose places[c] is `place`."""

    def codegen(context, builder, signature, values):
        shape = _Shape(context, builder, signature.args[0].dtype)
        _, total, x, places, place, count = values
        spots = _Places(context, builder, shape.count)
        wanted = spots.of(place)

        def step(first, mask):
            zero = shape.constant(0)
            target = _at(builder, total, first, shape.size)
            kept = spots.load(_at(builder, places, first, 2), mask, spots.constant(0))
            value = shape.load(_at(builder, x, first, shape.size), mask, zero)
            before = shape.load(target, mask, zero)
            chosen = builder.select(builder.icmp_unsigned("==", kept, wanted), value, zero)
            after = Value(builder, before) + Value(builder, chosen)
            shape.store(after.value, target, mask)

        _channels(shape, count, step)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 5), codegen
