"""Loops over the channels of one window, emitted as whole vectors: the inner parts of pooling.

Channels lie side by side, so a vector is the same place of a window in several channels; the last one is masked. A
window is given by the address of its first place, the number of places along three axes and the bytes between them.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels.folds import SUM, _Shape
from nbkeras.kernels.formula import Value
from nbkeras.kernels.lanes import WORD, _loop

#: Lengths of windows whose places are visited without a loop: 2.7 times as fast in cache.
KNOWN = ((1, 1, 2), (1, 2, 2), (1, 3, 3))
#: The same of what lies in a line.
KNOWN_LINES = ((0, 0, 2), (0, 0, 3))


class _Places(_Shape):
    """Vectors of the numbers of places in a window, as many lanes as a vector of values has."""

    def __init__(self, context, builder, count):
        super().__init__(context, builder, types.uint16)
        self.count, self.vector = count, ir.VectorType(self.element, count)

    def of(self, number):
        """A number of a place in all lanes."""
        return self.spread(self.builder.trunc(number, self.element))


def _channels(shape, count, step, known=None):
    """step(first channel, mask) for each vector of channels; the mask is None where all lanes are channels.

    known: emits the loop over whole vectors, of which it gets the number, in place of steps without a mask.
    """
    builder = shape.builder
    whole = builder.lshr(count, WORD(shape.count.bit_length() - 1))
    if known is None:
        _vectors(shape, whole, step)
    else:
        known(whole)
    rest = builder.and_(count, WORD(shape.count - 1))
    tail, done = (builder.function.append_basic_block(name) for name in ("tail", "done"))
    builder.cbranch(builder.icmp_signed(">", rest, WORD(0)), tail, done)
    builder.position_at_end(tail)
    step(builder.mul(whole, WORD(shape.count)), shape.mask(rest))
    builder.branch(done)
    builder.position_at_end(done)


def _vectors(shape, whole, step):
    """step(first channel, None) for each of so many vectors of channels."""
    _loop(shape.builder, whole, lambda i: step(shape.builder.mul(i, WORD(shape.count)), None))


def _distance(builder, index, steps):
    """Bytes from the first place of a window to another."""
    total = WORD(0)
    for i, step in zip(index, steps, strict=True):
        total = builder.add(total, builder.mul(i, step))
    return total


def _window(builder, counts, steps, body):
    """body(bytes from the first place, index in the window) for every place, in order."""
    def inner(i, j):
        _loop(builder, counts[2], lambda k: body(_distance(builder, (i, j, k), steps), (i, j, k)))

    _loop(builder, counts[0], lambda i: _loop(builder, counts[1], lambda j: inner(i, j)))


def _by_lengths(shape, counts, lengths_known, known, step, whole):
    """Whole vectors of channels: known(lengths, whole) for a window of lengths that are known, else by steps."""
    builder = shape.builder
    done, rest = (builder.function.append_basic_block(name) for name in ("done", "rest"))
    key = builder.add(builder.shl(builder.add(builder.shl(counts[0], WORD(20)), counts[1]), WORD(20)), counts[2])
    jump = builder.switch(key, rest)
    for lengths in lengths_known:
        block = builder.function.append_basic_block("known")
        jump.add_case(WORD((lengths[0] << 40) + (lengths[1] << 20) + lengths[2]), block)
        builder.position_at_end(block)
        known(lengths, whole)
        builder.branch(done)
    builder.position_at_end(rest)
    _vectors(shape, whole, step)
    builder.branch(done)
    builder.position_at_end(done)


def _at(builder, address, first, size):
    return builder.add(address, builder.mul(first, WORD(size)))


def _maximum(lengths_known):
    """An intrinsic (like, y, places, x, n0, n1, n2, s0, s1, s2, place, p0, p1, keep, count), see `window_maximum`."""

    @intrinsic
    def maximum(typing_context, like, y, places, x, n0, n1, n2, s0, s1, s2, place, p0, p1, keep, count):
        def codegen(context, builder, signature, values):
            shape = _Shape(context, builder, signature.args[0].dtype)
            _, y, places, x, *rest, place, p0, p1, keep, count = values
            spots = _Places(context, builder, shape.count)
            with builder.goto_entry_block():
                best, found = builder.alloca(shape.vector), builder.alloca(spots.vector)
            best.align = found.align = 64

            lowest = shape.constant(float("-inf"))

            def number_of(i, j, k):
                number = builder.add(builder.mul(i, p0), builder.mul(j, p1))
                return spots.of(builder.add(builder.add(place, number), k))

            def better(value, number, best, found):
                """What is greatest once a place has been seen, and where."""
                greater = builder.fcmp_ordered(">", value, best)
                greater = builder.or_(greater, builder.fcmp_unordered("uno", value, value))
                return builder.select(greater, value, best), builder.select(greater, number, found)

            def store(first, mask, best, found):
                shape.store(best, _at(builder, y, first, shape.size), mask)
                with builder.if_then(builder.icmp_signed("!=", keep, WORD(0))):
                    spots.store(found, _at(builder, places, first, 2), mask)

            def known(lengths, whole):
                indices = [[WORD(i) for i in index] for index in np.ndindex(lengths)]
                visits = [(_distance(builder, index, rest[3:]), number_of(*index)) for index in indices]

                def step(first, mask):
                    start = _at(builder, x, first, shape.size)
                    best, found = lowest, visits[0][1]
                    for distance, number in visits:
                        value = shape.load(builder.add(start, distance), mask, lowest)
                        best, found = better(value, number, best, found)
                    store(first, mask, best, found)

                _vectors(shape, whole, step)

            def step(first, mask):
                builder.store(lowest, best)
                builder.store(spots.of(place), found)
                start = _at(builder, x, first, shape.size)

                def visit(distance, index):
                    value = shape.load(builder.add(start, distance), mask, lowest)
                    so_far = builder.load(best, typ=shape.vector), builder.load(found, typ=spots.vector)
                    value, number = better(value, number_of(*index), *so_far)
                    builder.store(value, best)
                    builder.store(number, found)

                _window(builder, rest[:3], rest[3:], visit)
                store(first, mask, builder.load(best, typ=shape.vector), builder.load(found, typ=spots.vector))

            _channels(shape, count, step, lambda whole: _by_lengths(shape, rest[:3], lengths_known, known, step, whole))
            return context.get_dummy_value()

        return types.void(like, *[types.int64] * 14), codegen

    return maximum


#: y[c] = the greatest of a window in each channel, NaN if one is NaN; places[c] = the first place that has it. Places
#: are numbered from `place`, in steps of p0, p1 and 1 along the axes; they are stored if keep is not 0.
window_maximum = _maximum(KNOWN)
#: The same for windows in a tile, where they divide 4: half the code to compile.
tile_maximum = _maximum(KNOWN[:2])


@intrinsic
def window_mean(typing_context, like, y, x, n0, n1, n2, s0, s1, s2, count):
    """y[c] = the mean of a window in each channel."""

    def codegen(context, builder, signature, values):
        shape = _Shape(context, builder, signature.args[0].dtype)
        _, y, x, *rest, count = values
        size = builder.mul(rest[0], builder.mul(rest[1], rest[2]))
        divisor = shape.spread(builder.sitofp(size, shape.element))
        zero = shape.constant(0)

        def store(first, mask, total):
            shape.store(builder.fdiv(total, divisor), _at(builder, y, first, shape.size), mask)

        def known(lengths, whole):
            distances = [_distance(builder, [WORD(i) for i in index], rest[3:]) for index in np.ndindex(lengths)]

            def step(first, mask):
                start, total = _at(builder, x, first, shape.size), zero
                for distance in distances:
                    total = shape.combine(SUM, total, shape.load(builder.add(start, distance), mask, zero))
                store(first, mask, total)

            _vectors(shape, whole, step)

        with builder.goto_entry_block():
            total = builder.alloca(shape.vector)
        total.align = 64

        def step(first, mask):
            builder.store(zero, total)
            start = _at(builder, x, first, shape.size)

            def visit(distance, index):
                value = shape.load(builder.add(start, distance), mask, zero)
                builder.store(shape.combine(SUM, builder.load(total, typ=shape.vector), value), total)

            _window(builder, rest[:3], rest[3:], visit)
            store(first, mask, builder.load(total, typ=shape.vector))

        _channels(shape, count, step, lambda whole: _by_lengths(shape, rest[:3], KNOWN, known, step, whole))
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


@intrinsic
def send_to_place(typing_context, like, target, apart, x, places, place, number, count):
    """target[k, c] = x[c] if places[c] is place + k, else 0: for `number` places `apart` bytes apart, `count` channels.
    """

    def codegen(context, builder, signature, values):
        shape = _Shape(context, builder, signature.args[0].dtype)
        _, target, apart, x, places, place, number, count = values
        spots = _Places(context, builder, shape.count)
        zero = shape.constant(0)

        def start(first, mask):
            """What is sent, where to, and the address of the first place, in the channels of a vector."""
            value = shape.load(_at(builder, x, first, shape.size), mask, zero)
            wanted = spots.load(_at(builder, places, first, 2), mask, spots.constant(0))
            return value, wanted, _at(builder, target, first, shape.size)

        def send(value, wanted, address, k, spot, mask):
            sent = builder.select(builder.icmp_unsigned("==", wanted, spot), value, zero)
            shape.store(sent, builder.add(address, builder.mul(k, apart)), mask)

        def known(lengths, whole):
            numbers = [(WORD(k), spots.of(builder.add(place, WORD(k)))) for k in range(lengths[2])]

            def step(first, mask):
                source = start(first, mask)
                for k, spot in numbers:
                    send(*source, k, spot, mask)

            _vectors(shape, whole, step)

        def step(first, mask):
            source = start(first, mask)
            _loop(builder, number, lambda k: send(*source, k, spots.of(builder.add(place, k)), mask))

        lengths = (WORD(0), WORD(0), number)
        _channels(shape, count, step, lambda whole: _by_lengths(shape, lengths, KNOWN_LINES, known, step, whole))
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 7), codegen
