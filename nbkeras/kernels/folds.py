"""Loops over one row or one strip of columns, emitted as whole vectors: the inner parts of reductions and softmax.

As in lanes.py each step is a vector of 64 bytes; here the last step of a row is masked, so rows may have any length.
The lanes of an accumulator are combined in one fixed order, halves first: the same bits on every run.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels.formula import Value, emit, select
from nbkeras.kernels.lanes import WORD, _cases, _load, _loop, _pointer, lanes

#: Codes of the ways to fold.
SUM, MAXIMUM, MINIMUM, PRODUCT = 0, 1, 2, 3
FOLDS = {"sum": SUM, "max": MAXIMUM, "min": MINIMUM, "prod": PRODUCT}


def _greater(total, x):
    """The greater, NaN if either is NaN."""
    return select(x != x, x, select(x > total, x, total))


def _lesser(total, x):
    return select(x != x, x, select(x < total, x, total))


_COMBINE = {
    SUM: lambda total, x: total + x,
    MAXIMUM: _greater,
    MINIMUM: _lesser,
    PRODUCT: lambda total, x: total * x,
}


def _identity(op, kind):
    """What leaves the other operand as it is."""
    if op in (SUM, PRODUCT):
        return op == PRODUCT
    if isinstance(kind, types.Integer):
        info = np.iinfo(str(kind))
        return int(info.min if op == MAXIMUM else info.max)
    return -np.inf if op == MAXIMUM else np.inf


class _Shape:
    """The vector type of a kernel's dtype, with what is often made of it."""

    def __init__(self, context, builder, kind):
        self.builder, self.kind = builder, kind
        self.size = kind.bitwidth // 8
        self.count = lanes(kind)
        self.element = context.get_value_type(kind)
        self.vector = ir.VectorType(self.element, self.count)

    def constant(self, number):
        return Value(self.builder, ir.Constant(self.vector, ir.Undefined)).lift(number).value

    def spread(self, number):
        """A scalar in all lanes."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(undefined, number, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.count), [0] * self.count)
        return self.builder.shuffle_vector(first, undefined, zeros)

    def mask(self, width):
        """Lanes below width."""
        numbers = ir.VectorType(ir.IntType(32), self.count)
        narrow = self.builder.trunc(width, ir.IntType(32))
        first = self.builder.insert_element(ir.Constant(numbers, ir.Undefined), narrow, ir.IntType(32)(0))
        zeros = ir.Constant(numbers, [0] * self.count)
        limit = self.builder.shuffle_vector(first, ir.Constant(numbers, ir.Undefined), zeros)
        return self.builder.icmp_signed("<", ir.Constant(numbers, list(range(self.count))), limit)

    def load(self, address, mask=None, rest=None):
        """A vector from an address; lanes off the mask are not read and hold `rest`."""
        pointer = _pointer(self.builder, address, self.vector)
        if mask is None:
            return _load(self.builder, pointer, WORD(0), self.vector, self.size)
        return self.masked("load", self.vector, [(pointer, pointer.type), (mask, mask.type), (rest, self.vector)])

    def store(self, value, address, mask=None):
        pointer = _pointer(self.builder, address, self.vector)
        if mask is None:
            self.builder.store(value, pointer).align = self.size
        else:
            self.masked("store", ir.VoidType(), [(value, self.vector), (pointer, pointer.type), (mask, mask.type)])

    def masked(self, verb, result, arguments):
        name = f"llvm.masked.{verb}.v{self.count}{'f' if isinstance(self.kind, types.Float) else 'i'}{self.size * 8}.p0"
        module = self.builder.module
        function = module.globals.get(name)
        if function is None:
            function = ir.Function(module, ir.FunctionType(result, [kind for _, kind in arguments]), name=name)
        return self.builder.call(function, [value for value, _ in arguments])

    def combine(self, op, total, x):
        if op in (MAXIMUM, MINIMUM) and isinstance(self.kind, types.Integer):
            return self.builder.select(self.ordered(">" if op == MAXIMUM else "<", x, total), x, total)
        return emit(_COMBINE[op], self.builder, [total, x])

    def ordered(self, operator, a, b):
        """A comparison of integers, which have a sign or not."""
        compare = self.builder.icmp_signed if self.kind.signed else self.builder.icmp_unsigned
        return compare(operator, a, b)

    def across(self, op, total):
        """The lanes of a vector folded to one number: halves first."""
        width = self.count
        while width > 1:
            width //= 2
            kind = ir.VectorType(ir.IntType(32), width)
            undefined = ir.Constant(total.type, ir.Undefined)
            low = self.builder.shuffle_vector(total, undefined, ir.Constant(kind, list(range(width))))
            high = self.builder.shuffle_vector(total, undefined, ir.Constant(kind, list(range(width, 2 * width))))
            total = self.combine(op, low, high)
        return self.builder.extract_element(total, ir.IntType(32)(0))


def _row(shape, trace, op, result, sources, count):
    """Emit: v = trace(sources); store v in result (if one is given); the fold of all v (if op is given)."""
    builder = shape.builder
    with builder.goto_entry_block():
        total = builder.alloca(shape.vector)
    total.align = 64
    if op is not None:
        builder.store(shape.constant(_identity(op, shape.kind)), total)

    def step(index, mask=None):
        offset = builder.mul(index, WORD(shape.count * shape.size))
        zero = shape.constant(0)
        values = [shape.load(builder.add(source, offset), mask, zero) for source in sources]
        value = emit(trace, builder, values)
        if result is not None:
            shape.store(value, builder.add(result, offset), mask)
        if op is not None:
            if mask is not None:
                value = builder.select(mask, value, shape.constant(_identity(op, shape.kind)))
            builder.store(shape.combine(op, builder.load(total, typ=shape.vector), value), total)

    whole = builder.lshr(count, WORD(shape.count.bit_length() - 1))
    _loop(builder, whole, step)
    rest = builder.and_(count, WORD(shape.count - 1))
    tail, done = (builder.function.append_basic_block(name) for name in ("tail", "done"))
    builder.cbranch(builder.icmp_signed(">", rest, WORD(0)), tail, done)
    builder.position_at_end(tail)
    step(whole, shape.mask(rest))
    builder.branch(done)
    builder.position_at_end(done)
    return shape.across(op, builder.load(total, typ=shape.vector)) if op is not None else shape.element(0)


def row_loop(trace, op=None, stores=True):
    """An intrinsic `loop(like, result, x, number, count)`: v[i] = trace(x[i], number), stored in result (if stores).

    Returns the v folded by op, or 0. In place is fine.
    """

    @intrinsic
    def loop(typing_context, like, result, x, number, count):
        def codegen(context, builder, signature, values):
            shape = _Shape(context, builder, signature.args[0].dtype)
            _, result, x, number, count = values
            spread = Value(builder, shape.spread(number))
            return _row(shape, lambda v: trace(v, spread), op, result if stores else None, [x], count)

        kind = like.dtype
        return kind(like, types.int64, types.int64, kind, types.int64), codegen

    return loop


def pair_loop(trace, op=None, stores=True):
    """`row_loop` of two rows and two numbers: loop(like, result, x, t, a, b, count), v[i] = trace(x[i], t[i], a, b)."""

    @intrinsic
    def loop(typing_context, like, result, x, t, a, b, count):
        def codegen(context, builder, signature, values):
            shape = _Shape(context, builder, signature.args[0].dtype)
            _, result, x, t, a, b, count = values
            first, second = (Value(builder, shape.spread(number)) for number in (a, b))
            total = lambda v, w: trace(v, w, first, second)  # noqa: E731
            return _row(shape, total, op, result if stores else None, [x, t], count)

        kind = like.dtype
        return kind(like, types.int64, types.int64, types.int64, kind, kind, types.int64), codegen

    return loop


def triple_loop(trace, op=None, stores=True):
    """`row_loop` of three rows and four numbers: loop(like, result, x, t, u, a, b, c, d, count).

    v[i] = trace(x[i], t[i], u[i], a, b, c, d).
    """

    @intrinsic
    def loop(typing_context, like, result, x, t, u, a, b, c, d, count):
        def codegen(context, builder, signature, values):
            shape = _Shape(context, builder, signature.args[0].dtype)
            _, result, x, t, u, *numbers, count = values
            spread = [Value(builder, shape.spread(number)) for number in numbers]
            total = lambda *rows: trace(*rows, *spread)  # noqa: E731
            return _row(shape, total, op, result if stores else None, [x, t, u], count)

        kind = like.dtype
        return kind(like, *[types.int64] * 4, *[kind] * 4, types.int64), codegen

    return loop


@intrinsic
def fold_row(typing_context, like, op, x, count):
    """The fold of count numbers by an op known at run time."""

    def codegen(context, builder, signature, values):
        shape = _Shape(context, builder, signature.args[0].dtype)
        with builder.goto_entry_block():
            found = builder.alloca(shape.element)

        def body(op):
            builder.store(_row(shape, lambda v: v, op, None, [values[2]], values[3]), found)

        _cases(builder, values[1], {op: (lambda op=op: body(op)) for op in _COMBINE})
        return builder.load(found, typ=shape.element)

    return like.dtype(like, types.int64, types.int64, types.int64), codegen


#: Vectors side by side in a strip of columns: as many accumulators as keep two adders busy.
STRIP = 4


@intrinsic
def fold_columns(typing_context, like, op, result, x, rows, stride, width):
    """result[c] = fold of x[r * stride + c] over r, for c < width: a strip of 4 vectors at a time, then single ones."""

    def codegen(context, builder, signature, values):
        shape = _Shape(context, builder, signature.args[0].dtype)
        _, op, result, x, rows, stride, width = values
        wide, bytes_ = shape.count * STRIP, shape.size

        def strip(op, first, vectors, mask):
            """Fold one strip that begins at column `first`."""
            identity = shape.constant(_identity(op, shape.kind))
            offset = builder.mul(first, WORD(bytes_))
            start = builder.add(x, offset)
            before = builder.block
            inside, done = (builder.function.append_basic_block(name) for name in ("row", "done"))
            builder.branch(inside)
            builder.position_at_end(inside)
            row = builder.phi(WORD)
            row.add_incoming(WORD(0), before)
            totals = [builder.phi(shape.vector) for _ in range(vectors)]
            address = builder.add(start, builder.mul(row, builder.mul(stride, WORD(bytes_))))
            for k, total in enumerate(totals):
                total.add_incoming(identity, before)
                value = shape.load(builder.add(address, WORD(k * shape.count * bytes_)), mask, identity)
                total.add_incoming(shape.combine(op, total, value), inside)
            following = builder.add(row, WORD(1))
            row.add_incoming(following, inside)
            builder.cbranch(builder.icmp_signed("<", following, rows), inside, done)
            builder.position_at_end(done)
            target = builder.add(result, offset)
            for k, total in enumerate(totals):
                value = total.incomings[1][0]
                shape.store(value, builder.add(target, WORD(k * shape.count * bytes_)), mask)

        def body(op):
            strips = builder.sdiv(width, WORD(wide))
            _loop(builder, strips, lambda i: strip(op, builder.mul(i, WORD(wide)), STRIP, None))
            first = builder.mul(strips, WORD(wide))
            rest = builder.sub(width, first)
            singles = builder.sdiv(builder.add(rest, WORD(shape.count - 1)), WORD(shape.count))

            def single(i):
                begin = builder.add(first, builder.mul(i, WORD(shape.count)))
                strip(op, begin, 1, shape.mask(builder.sub(width, begin)))

            _loop(builder, singles, single)

        _cases(builder, op, {code: (lambda code=code: body(code)) for code in _COMBINE})
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 6), codegen


__all__ = ["FOLDS", "MAXIMUM", "MINIMUM", "PRODUCT", "SUM"]
__all__ += ["fold_columns", "fold_row", "pair_loop", "row_loop", "triple_loop"]
