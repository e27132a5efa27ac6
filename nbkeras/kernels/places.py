"""Where the greatest number of a row or a column stands, emitted as whole vectors: the inner parts of `arg_reduce`.

Each lane keeps the best number that it has seen and where that was. The least is the greatest of the numbers turned
round: floats with the other sign, integers with all bits inverted, so one loop does both.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels.folds import MAXIMUM, _identity, _Shape
from nbkeras.kernels.lanes import WORD, _loop

#: Vectors side by side in a strip of columns: as many as leave registers to compare in.
STRIP = 2

HALF = ir.IntType(32)


class _Contest(_Shape):
    """Vectors of numbers, turned round as they are loaded if `least`, and vectors of places."""

    def __init__(self, context, builder, kind, least):
        super().__init__(context, builder, kind)
        self.is_float = isinstance(kind, types.Float)
        self.word = ir.IntType(self.size * 8)
        self.place = ir.IntType(max(32, self.size * 8))  # rows of small numbers are shorter than 2**31
        self.places = ir.VectorType(self.place, self.count)
        turned = 1 << (self.size * 8 - 1) if self.is_float else (1 << (self.size * 8)) - 1
        number = builder.select(builder.icmp_signed("!=", least, WORD(0)), self.word(turned), self.word(0))
        self.turn = self.spread_word(number)

    def spread_word(self, number):
        """An integer in all lanes."""
        undefined = ir.Constant(ir.VectorType(number.type, self.count), ir.Undefined)
        first = self.builder.insert_element(undefined, number, HALF(0))
        zeros = ir.Constant(ir.VectorType(HALF, self.count), [0] * self.count)
        return self.builder.shuffle_vector(first, undefined, zeros)

    def number(self, address, mask=None):
        """A vector from an address; lanes off the mask never win."""
        value = self.load(address, mask, self.constant(0))
        words = self.builder.xor(self.builder.bitcast(value, self.turn.type), self.turn)
        value = self.builder.bitcast(words, self.vector)
        if mask is not None:
            lowest = self.constant(-np.inf if self.is_float else _identity(MAXIMUM, self.kind))
            value = self.builder.select(mask, value, lowest)
        return value

    def better(self, value, best):
        """Where value is greater, or the first NaN."""
        if not self.is_float:
            return self.ordered(">", value, best)
        beyond = self.builder.fcmp_unordered(">", value, best)
        return self.builder.and_(beyond, self.builder.fcmp_ordered("ord", best, best))

    def keep(self, wins, new, old):
        return [self.builder.select(wins, a, b) for a, b in zip(new, old, strict=True)]

    def numbered(self, first):
        """Places first, first + 1, ..."""
        lanes = ir.Constant(self.places, list(range(self.count)))
        return self.builder.add(self.spread_word(self.builder.trunc(first, self.place)), lanes)

    def across(self, best, place):
        """The place of the best of all lanes; the first of equals."""
        width = self.count
        while width > 1:
            width //= 2
            halves = []
            for vector in (best, place):
                undefined = ir.Constant(vector.type, ir.Undefined)
                for start in (0, width):
                    lanes = ir.Constant(ir.VectorType(HALF, width), list(range(start, start + width)))
                    halves.append(self.builder.shuffle_vector(vector, undefined, lanes))
            low, high, low_place, high_place = halves
            tie = self.builder.not_(self.better(low, high))
            earlier = self.builder.and_(tie, self.builder.icmp_signed("<", high_place, low_place))
            wins = self.builder.or_(self.better(high, low), earlier)
            best, place = self.keep(wins, (high, high_place), (low, low_place))
        return self.builder.sext(self.builder.extract_element(place, HALF(0)), WORD)


@intrinsic
def row_place(typing_context, like, least, x, count):
    """The first place of the greatest (or least) of count >= 1 numbers in a row; the first NaN wins over all."""

    def codegen(context, builder, signature, values):
        _, least, x, count = values
        shape = _Contest(context, builder, signature.args[0].dtype, least)
        with builder.goto_entry_block():
            memory = [builder.alloca(kind) for kind in (shape.vector, shape.places)]
        for slot in memory:
            slot.align = 64

        def held():
            return [
                builder.load(slot, typ=kind) for slot, kind in zip(memory, (shape.vector, shape.places), strict=True)
            ]

        def hold(values):
            for value, slot in zip(values, memory, strict=True):
                builder.store(value, slot)

        def step(first):
            new = shape.number(builder.add(x, builder.mul(first, WORD(shape.size)))), shape.numbered(first)
            old = held()
            hold(shape.keep(shape.better(new[0], old[0]), new, old))

        lanes = ir.Constant(shape.places, list(range(shape.count)))
        with builder.if_else(builder.icmp_signed("<", count, WORD(shape.count))) as (short, long):
            with short:
                hold((shape.number(x, shape.mask(count)), lanes))
            with long:
                hold((shape.number(x), lanes))
                more = builder.sub(builder.lshr(count, WORD(shape.count.bit_length() - 1)), WORD(1))
                _loop(builder, more, lambda index: step(builder.mul(builder.add(index, WORD(1)), WORD(shape.count))))
                step(builder.sub(count, WORD(shape.count)))  # the last vector overlaps: no place changes by it
        return shape.across(*held())

    return types.int64(like, types.int64, types.int64, types.int64), codegen


@intrinsic
def column_places(typing_context, like, least, result, x, rows, stride, width):
    """result[c] = the first r with the greatest (or least) x[r * stride + c], for c < width; NaN as in `row_place`."""

    def codegen(context, builder, signature, values):
        _, least, result, x, rows, stride, width = values
        shape = _Contest(context, builder, signature.args[0].dtype, least)
        pitch = builder.mul(stride, WORD(shape.size))

        def strip(first, vectors, left):
            """The columns of some vectors from column `first`; of the last vector only as many as are left."""
            mask = None if left is None else shape.mask(left)
            start = builder.add(x, builder.mul(first, WORD(shape.size)))

            def row(address):
                addresses = [builder.add(address, WORD(k * shape.count * shape.size)) for k in range(vectors)]
                return [shape.number(place, mask) for place in addresses]

            head, before = row(start), builder.block
            inside, done = (builder.function.append_basic_block(name) for name in ("row", "done"))
            builder.branch(inside)
            builder.position_at_end(inside)
            index = builder.phi(WORD)
            index.add_incoming(WORD(0), before)
            old = [(builder.phi(shape.vector), builder.phi(shape.places)) for _ in range(vectors)]
            place = shape.spread_word(builder.trunc(index, shape.place))
            values = row(builder.add(start, builder.mul(index, pitch)))
            kept = []
            for (best, seen), value, first_value in zip(old, values, head, strict=True):
                best.add_incoming(first_value, before)
                seen.add_incoming(ir.Constant(shape.places, [0] * shape.count), before)
                new = shape.keep(shape.better(value, best), (value, place), (best, seen))
                best.add_incoming(new[0], inside)
                seen.add_incoming(new[1], inside)
                kept.append(new[1])
            following = builder.add(index, WORD(1))
            index.add_incoming(following, inside)
            builder.cbranch(builder.icmp_signed("<", following, rows), inside, done)
            builder.position_at_end(done)
            target = builder.add(result, builder.mul(first, WORD(8)))
            for k, places in enumerate(kept):
                places = builder.sext(places, ir.VectorType(WORD, shape.count))
                _store(builder, places, builder.add(target, WORD(8 * k * shape.count)), left)

        wide = WORD(shape.count * STRIP)
        strips = builder.sdiv(width, wide)
        _loop(builder, strips, lambda i: strip(builder.mul(i, wide), STRIP, None))
        first = builder.mul(strips, wide)
        rest = builder.sub(width, first)

        def single(i):
            begin = builder.add(first, builder.mul(i, WORD(shape.count)))
            strip(begin, 1, builder.sub(width, begin))

        _loop(builder, builder.sdiv(builder.add(rest, WORD(shape.count - 1)), WORD(shape.count)), single)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 6), codegen


def _store(builder, value, address, left):
    """Store a vector of int64, or its first `left` lanes."""
    if left is None:
        builder.store(value, builder.inttoptr(address, value.type.as_pointer())).align = 8
        return
    with builder.goto_entry_block():
        memory = builder.alloca(value.type)
    memory.align = 64
    builder.store(value, memory)
    whole = WORD(value.type.count)
    count = builder.select(builder.icmp_signed("<", left, whole), left, whole)
    byte = ir.IntType(8).as_pointer()
    copy = builder.module.declare_intrinsic("llvm.memcpy", [byte, byte, WORD])
    places = [builder.inttoptr(address, byte), builder.bitcast(memory, byte)]
    builder.call(copy, [*places, builder.mul(count, WORD(8)), ir.Constant(ir.IntType(1), 0)])
