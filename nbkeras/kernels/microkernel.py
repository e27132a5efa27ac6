"""The innermost loops of matrix products, written as LLVM vectors of the host's width.

LLVM's loop vectorizer does not build a register tile from plain loops, so these are emitted: `multiply` holds a tile of
c in registers (rows of a sliver x the columns of a panel, two vectors wide) and adds one outer product per step of k.

                 x panel: 2 vectors                  One step of k, AVX2: 2 loads, 6 broadcasts, 12 multiply-adds:
                 [ x0 ][ x1 ]                        6 cycles of the two FMA units, which nothing else delays.
    a sliver:    -------------
    row 0        [c00][c01]
    ...                                              The order of the sum over k is the order of k, whatever the number
    row 5        [c50][c51]                          of rows: an element's bits don't depend on where its tile lies.

The same source serves AVX-512 (14 rows x 2x16 floats), AVX2 (6 x 2x8) and 128-bit vectors (4 x 2x4), float32 and
float64; the shape is chosen when a kernel is compiled, for the processor Numba compiles for.
"""

from __future__ import annotations

import functools
import math

from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

from nbkeras.kernels import vector
from nbkeras.kernels.formula import Value, emit
from nbkeras.kernels.scalars import ACTIVATIONS, activate, activation_slope, relu

#: What `multiply` does with the tile after the sum, in this order; a sum of these and of codes of activations (see
#: scalars.ACTIVATIONS) times ACTIVATE and GATE.
ADD_BEFORE = 1  # add c: it holds the sum over an earlier part of k
BIAS = 2  # add the bias
ADD_AFTER = 4  # add c after all else: it holds another result
ACTIVATE = 1 << 8  # times the code: apply the activation
GATE = 1 << 16  # times the code: multiply by the slope of the activation whose output is `gate`

#: Vectors of a panel of x, and steps of k that loads of an unpacked panel are asked for in advance.
VECTORS = 2
AHEAD = 8

WORD = ir.IntType(64)
BYTE = ir.IntType(8)


class Geometry:
    """The register tile for an element type: `rows` x `columns`, the columns VECTORS vectors of `lanes` elements."""

    def __init__(self, element, register_bytes: int, registers: int):
        self.element = element
        self.item = 8 if isinstance(element, ir.DoubleType) else 4
        self.lanes = register_bytes // self.item
        # As many sums as the registers hold beside the vectors of x and a factor from a; 4 rows for SSE, which has
        # no fused multiply-add and needs one more register for the product.
        self.rows = {(64, 32): 14, (32, 16): 6, (16, 32): 8, (16, 16): 4}[register_bytes, registers]
        self.columns = VECTORS * self.lanes
        self.vector = ir.VectorType(element, self.lanes)
        self.mask = ir.VectorType(ir.IntType(1), self.lanes)
        self.suffix = f"v{self.lanes}f{8 * self.item}"


def geometry(context, pointer: types.CPointer) -> Geometry:
    """The register tile of the processor that Numba compiles for."""
    return Geometry(context.get_value_type(pointer.dtype), vector.register_bytes(), vector.registers())


def _function(module, name, arguments, emit, result=None):
    """A function of a module, private to it, emitted when first asked for."""
    found = module.globals.get(name)
    if found is None:
        found = ir.Function(module, ir.FunctionType(result or ir.VoidType(), arguments), name=name)
        found.linkage = "internal"
        found.attributes.add("noinline")
        found.attributes.add("nounwind")
        emit(found)
    return found


def _intrinsic(module, name, result, arguments):
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(result, arguments), name=name)


def _opaque(builder, value):
    """The value, its origin hidden from LLVM: it would derive each address from the one before, a chain of additions
    that takes as long as the multiply-adds it feeds."""
    return builder.call(ir.InlineAsm(ir.FunctionType(value.type, [value.type]), "", "=r,0"), [value])


def _loop(builder, count, carried, body):
    """`for i in range(count): carried = body(i, carried)` (count may be 0); returns what is carried out."""
    before = builder.block
    loop = builder.append_basic_block("loop")
    after = builder.append_basic_block("after")
    builder.cbranch(builder.icmp_signed(">", count, WORD(0)), loop, after)
    builder.position_at_end(loop)
    index = builder.phi(WORD)
    index.add_incoming(WORD(0), before)
    values = [builder.phi(value.type) for value in carried]
    for phi, value in zip(values, carried):
        phi.add_incoming(value, before)
    changed = body(index, values)
    following = builder.add(index, WORD(1), flags=["nsw"])
    index.add_incoming(following, builder.block)
    for phi, value in zip(values, changed):
        phi.add_incoming(value, builder.block)
    end = builder.block
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    builder.position_at_end(after)
    results = [builder.phi(value.type) for value in carried]
    for phi, value, change in zip(results, carried, changed):
        phi.add_incoming(value, before)
        phi.add_incoming(change, end)
    return results


def _when(builder, condition, values, change):
    """`if condition: values = change(values)`; returns the values after it."""
    before = builder.block
    inside = builder.append_basic_block("when")
    after = builder.append_basic_block("after")
    builder.cbranch(condition, inside, after)
    builder.position_at_end(inside)
    changed = change(values)
    end = builder.block
    builder.branch(after)
    builder.position_at_end(after)
    results = [builder.phi(value.type) for value in values]
    for phi, value, other in zip(results, values, changed):
        phi.add_incoming(value, before)
        phi.add_incoming(other, end)
    return results


class _Tile:
    """Emits `multiply` for one number of rows, of whole panels or of panels with a ragged right edge."""

    NAMES = "c c_row a a_row a_column x x_row panel depth columns bias gate gate_row flags".split()

    def __init__(self, shape: Geometry, rows: int, masked: bool):
        self.shape, self.rows, self.masked = shape, rows, masked
        self.name = f"multiply_{shape.suffix}_{rows}{'_first' if masked else ''}"

    def declare(self, module):
        return _function(module, self.name, self.arguments(self.shape), self.emit)

    @staticmethod
    def arguments(shape):
        data = shape.element.as_pointer()
        return [data, WORD, data, WORD, WORD, data, WORD, data, WORD, WORD, data, data, WORD, WORD]

    def emit(self, function):
        shape = self.shape
        self.builder = builder = ir.IRBuilder(function.append_basic_block("entry"))
        for name, value in zip(self.NAMES, function.args):
            value.name = name
            setattr(self, name, value)
        self.module = function.module
        self.masks = [self._mask(v) for v in range(VECTORS)] if self.masked else None
        sums = self._product()
        sums = self._finish(sums)
        self._store(sums)
        builder.ret_void()

    def _mask(self, v):
        """Lanes of vector v that lie left of the edge."""
        builder, shape = self.builder, self.shape
        wide = ir.VectorType(ir.IntType(32), shape.lanes)
        here = builder.trunc(self.columns, ir.IntType(32))
        edge = builder.insert_element(ir.Constant(wide, ir.Undefined), here, ir.IntType(32)(0))
        edge = builder.shuffle_vector(edge, ir.Constant(wide, ir.Undefined), ir.Constant(wide, [0] * shape.lanes))
        return builder.icmp_signed(">", edge, ir.Constant(wide, [v * shape.lanes + i for i in range(shape.lanes)]))

    def _bytes(self, count):
        return self.builder.mul(count, WORD(self.shape.item))

    def _at(self, pointer, distance, kind=None):
        """The address `distance` bytes after a byte pointer, as a pointer to vectors (or to `kind`)."""
        return self.builder.bitcast(self.builder.gep(pointer, [distance]), (kind or self.shape.vector).as_pointer())

    def _raw(self, pointer):
        return self.builder.bitcast(pointer, BYTE.as_pointer())

    def _load(self, pointer, distance, v):
        builder, shape = self.builder, self.shape
        address = self._at(pointer, builder.add(distance, WORD(v * shape.lanes * shape.item)))
        if not self.masked:
            value = builder.load(address)
            value.align = shape.item
            return value
        name = f"llvm.masked.load.{shape.suffix}.p0"
        load = _intrinsic(
            self.module, name, shape.vector, [shape.vector.as_pointer(), ir.IntType(32), shape.mask, shape.vector]
        )
        zero = ir.Constant(shape.vector, None)
        return builder.call(load, [address, ir.IntType(32)(shape.item), self.masks[v], zero])

    def _product(self):
        """Sums over k, rows x VECTORS of them."""
        builder, shape = self.builder, self.shape
        multiply_add = _intrinsic(self.module, f"llvm.fmuladd.{shape.suffix}", shape.vector, [shape.vector] * 3)
        a_row, a_column, x_row = self._bytes(self.a_row), self._bytes(self.a_column), self._bytes(self.x_row)
        # The rows of a are found from a few moving bases at a few fixed distances: all fit the address registers.
        group = math.isqrt(self.rows - 1) + 1
        bases = [
            _opaque(builder, builder.gep(self._raw(self.a), [builder.mul(a_row, WORD(first))]))
            for first in range(0, self.rows, group)
        ]
        steps = [_opaque(builder, builder.mul(a_row, WORD(r))) if r else WORD(0) for r in range(group)]
        zero = ir.Constant(shape.vector, None)
        carried = [zero] * (self.rows * VECTORS) + [*bases, self._raw(self.x), self._raw(self.panel)]

        def body(_, values):
            sums, (*bases, x, panel) = values[: self.rows * VECTORS], values[self.rows * VECTORS :]
            if self.masked:
                self._prefetch(builder.gep(x, [builder.mul(x_row, WORD(AHEAD))]))
            columns = [self._load(x, WORD(0), v) for v in range(VECTORS)]
            if self.masked:
                for v, value in enumerate(columns):
                    builder.store(value, self._at(panel, WORD(v * shape.lanes * shape.item))).align = shape.item
            result = []
            for r in range(self.rows):
                one = builder.load(self._at(bases[r // group], steps[r % group], shape.element))
                factor = self._splat(one)
                for v in range(VECTORS):
                    result.append(builder.call(multiply_add, [factor, columns[v], sums[r * VECTORS + v]]))
            bases = [builder.gep(base, [a_column]) for base in bases]
            panel = builder.gep(panel, [WORD(shape.columns * shape.item)])
            return [*result, *bases, builder.gep(x, [x_row]), panel]

        return _loop(builder, self.depth, carried, body)[: self.rows * VECTORS]

    def _prefetch(self, pointer):
        word = ir.IntType(32)
        ask = _intrinsic(self.module, "llvm.prefetch.p0", ir.VoidType(), [BYTE.as_pointer(), word, word, word])
        self.builder.call(ask, [pointer, word(0), word(3), word(1)])

    def _splat(self, value):
        builder, shape = self.builder, self.shape
        empty = ir.Constant(shape.vector, ir.Undefined)
        lane = builder.insert_element(empty, value, ir.IntType(32)(0))
        return builder.shuffle_vector(lane, empty, ir.Constant(ir.VectorType(ir.IntType(32), shape.lanes), None))

    def _tile(self, pointer, row, then):
        """Vectors of a tile in memory, combined with the sums by `then(sum, vector)`."""

        def change(sums):
            base, stride = self._raw(pointer), self._bytes(row)
            result = []
            for r in range(self.rows):
                distance = self.builder.mul(stride, WORD(r))
                result += [then(sums[r * VECTORS + v], self._load(base, distance, v)) for v in range(VECTORS)]
            return result

        return change

    def _finish(self, sums):
        builder = self.builder

        def flag(bit):
            return builder.icmp_signed("!=", builder.and_(self.flags, WORD(bit)), WORD(0))

        def code(unit):
            return builder.and_(builder.sdiv(self.flags, WORD(unit)), WORD(GATE // ACTIVATE - 1))

        def add_bias(sums):
            bias = [self._load(self._raw(self.bias), WORD(0), v) for v in range(VECTORS)]
            return [builder.fadd(value, bias[i % VECTORS]) for i, value in enumerate(sums)]

        # relu and its slope are applied where they stand, the others by a call for each vector.
        activation, gate_code = code(ACTIVATE), code(GATE)
        relu_code = WORD(ACTIVATIONS["relu"])

        def rectify(sums):
            return [emit(relu.trace, builder, [value]) for value in sums]

        def apply(sums):
            return [builder.call(self._choice(activate), [activation, value]) for value in sums]

        def rectified(value, gate):
            slope = emit(lambda y: activation_slope.trace(ACTIVATIONS["relu"], y), builder, [gate])
            return builder.fmul(value, slope)

        def slope(value, gate):
            return builder.fmul(value, builder.call(self._choice(activation_slope), [gate_code, gate]))

        sums = _when(builder, flag(ADD_BEFORE), sums, self._tile(self.c, self.c_row, builder.fadd))
        sums = _when(builder, flag(BIAS), sums, add_bias)
        sums = _when(builder, builder.icmp_signed("==", activation, relu_code), sums, rectify)
        sums = _when(builder, builder.icmp_signed(">", activation, relu_code), sums, apply)
        in_place = self._tile(self.gate, self.gate_row, rectified)
        sums = _when(builder, builder.icmp_signed("==", gate_code, relu_code), sums, in_place)
        called = self._tile(self.gate, self.gate_row, slope)
        sums = _when(builder, builder.icmp_signed(">", gate_code, relu_code), sums, called)
        return _when(builder, flag(ADD_AFTER), sums, self._tile(self.c, self.c_row, builder.fadd))

    def _choice(self, formula):
        """`formula(code, vector)` as a function, so that its many cases stand in the code once."""
        shape = self.shape

        def emit_choice(function):
            builder = ir.IRBuilder(function.append_basic_block("entry"))
            builder.ret(formula.trace(*(Value(builder, argument) for argument in function.args)).value)

        name = f"{formula._name}_{shape.suffix}"
        return _function(self.module, name, [WORD, shape.vector], emit_choice, shape.vector)

    def _store(self, sums):
        builder, shape = self.builder, self.shape
        base, stride = self._raw(self.c), self._bytes(self.c_row)

        def address(r, v):
            distance = builder.add(builder.mul(stride, WORD(r)), WORD(v * shape.lanes * shape.item))
            return self._at(base, distance)

        def whole(v):
            for r in range(self.rows):
                builder.store(sums[r * VECTORS + v], address(r, v)).align = shape.item

        def part(v):
            name = f"llvm.masked.store.{shape.suffix}.p0"
            store = _intrinsic(
                self.module,
                name,
                ir.VoidType(),
                [shape.vector, shape.vector.as_pointer(), ir.IntType(32), shape.mask],
            )
            for r in range(self.rows):
                value = sums[r * VECTORS + v]
                builder.call(store, [value, address(r, v), ir.IntType(32)(shape.item), self.masks[v]])

        for v in range(VECTORS):
            if not self.masked:
                whole(v)
                continue
            # Masked stores are slow on some processors (Zen: 12 cycles each); whole vectors don't need them.
            with builder.if_else(builder.icmp_signed(">=", self.columns, WORD((v + 1) * shape.lanes))) as (full, ragged):
                with full:
                    whole(v)
                with ragged, builder.if_then(builder.icmp_signed(">", self.columns, WORD(v * shape.lanes))):
                    part(v)


def _transpose(builder, shape: Geometry, rows):
    """The transpose of a lanes x lanes block held in vectors: interleaved within 16 bytes, then 16-byte parts swapped."""
    lanes, part = shape.lanes, 16 // shape.item
    index = ir.VectorType(ir.IntType(32), lanes)

    def shuffle(first, second, pick):
        return builder.shuffle_vector(first, second, ir.Constant(index, [pick(i) for i in range(lanes)]))

    width = 1  # elements that already lie together
    while width < part:
        result = list(rows)
        half = part // 2

        def interleave(i, high, width=width, half=half):
            lane, place = divmod(i, part)
            unit, rest = divmod(place, width)
            source = lane * part + high * half + (unit // 2) * width + rest
            return source + (lanes if unit % 2 else 0)

        # Rows r and r + width of every group of 2*width hold neighbours; after the step result[r], result[r+...] hold
        # the low and the high half of both.
        for group in range(0, lanes, 2 * width):
            for r in range(width):
                first, second = rows[group + r], rows[group + width + r]
                result[group + 2 * r] = shuffle(first, second, lambda i: interleave(i, 0))
                result[group + 2 * r + 1] = shuffle(first, second, lambda i: interleave(i, 1))
        rows, width = result, 2 * width
    parts, step = lanes // part, 1
    while step < parts:
        result = list(rows)
        for r in range(lanes):
            if (r // part) & step == 0:
                first, second = rows[r], rows[r + step * part]

                def low(i, step=step):
                    lane, place = divmod(i, part)
                    return i if lane & step == 0 else lanes + (lane - step) * part + place

                def high(i, step=step):
                    lane, place = divmod(i, part)
                    return (lane + step) * part + place if lane & step == 0 else lanes + i

                result[r] = shuffle(first, second, low)
                result[r + step * part] = shuffle(first, second, high)
        rows, step = result, 2 * step
    return rows


def _emit_transpose_panel(shape: Geometry, function):
    """panel[p*columns + j] = x[j*x_row + p] for whole blocks of `lanes` steps of k and a whole panel of columns."""
    panel, x, x_row, blocks = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    steps = [builder.mul(x_row, WORD(j)) for j in range(shape.columns)]
    lanes = shape.lanes

    def body(_, values):
        panel, x = values
        for v in range(VECTORS):
            rows = []
            for j in range(v * lanes, (v + 1) * lanes):
                row = builder.load(builder.bitcast(builder.gep(x, [steps[j]]), shape.vector.as_pointer()))
                row.align = shape.item
                rows.append(row)
            for p, row in enumerate(_transpose(builder, shape, rows)):
                place = builder.gep(panel, [WORD(p * shape.columns + v * lanes)])
                builder.store(row, builder.bitcast(place, shape.vector.as_pointer())).align = shape.item
        return [builder.gep(panel, [WORD(lanes * shape.columns)]), builder.gep(x, [WORD(lanes)])]

    _loop(builder, blocks, [panel, x], body)
    builder.ret_void()


def _emit_copy_sliver(shape: Geometry, function):
    """sliver[p*rows + r] = a[p*a_column + r] for a whole sliver of rows, in pieces of powers of two."""
    sliver, a, a_column, depth = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    pieces, start = [], 0
    while start < shape.rows:
        size = min(shape.lanes, 1 << ((shape.rows - start).bit_length() - 1))
        pieces.append((start, ir.VectorType(shape.element, size)))
        start += size

    def body(_, values):
        sliver, a = values
        for start, kind in pieces:
            piece = builder.load(builder.bitcast(builder.gep(a, [WORD(start)]), kind.as_pointer()))
            piece.align = shape.item
            place = builder.bitcast(builder.gep(sliver, [WORD(start)]), kind.as_pointer())
            builder.store(piece, place).align = shape.item
        return [builder.gep(sliver, [WORD(shape.rows)]), builder.gep(a, [a_column])]

    _loop(builder, depth, [sliver, a], body)
    builder.ret_void()


def _same_pointers(*kinds):
    if not isinstance(kinds[0], types.CPointer) or any(kind != kinds[0] for kind in kinds):
        raise TypingError("the pointers of a microkernel have one element type.")


def _word(context, builder, signature, values, at):
    return context.cast(builder, values[at], signature.args[at], types.int64)


@intrinsic
def sliver_rows(typing_context, like):
    """Rows of the register tile for elements of a pointer's type: a constant of the processor."""

    def codegen(context, builder, signature, values):
        return WORD(geometry(context, like).rows)

    return types.int64(like), codegen


@intrinsic
def panel_columns(typing_context, like):
    """Columns of the register tile for elements of a pointer's type: a constant of the processor."""

    def codegen(context, builder, signature, values):
        return WORD(geometry(context, like).columns)

    return types.int64(like), codegen


@intrinsic
def multiply(
    typing_context, rows, first, c, c_row, a, a_row, a_column, x, x_row, panel, depth, columns, bias, gate, gate_row, flags
):
    """c[r, j] = sum over p < depth of a[r*a_row + p*a_column] * x[p*x_row + j], for rows x columns; then `flags`.

    `rows` is 1 to sliver_rows(c). With `first` set, columns may be less than panel_columns(c), and the rows of x are
    copied to `panel`, filled up with zeros to panel_columns(c), so that the slivers that follow read them packed.
    """
    _same_pointers(c, a, x, panel, bias, gate)
    index = types.int64
    plain = types.void(index, index, c, index, a, index, index, x, index, panel, index, index, bias, gate, index, index)

    def codegen(context, builder, signature, values):
        shape = geometry(context, c)
        values = [
            value if isinstance(kind, types.CPointer) else context.cast(builder, value, kind, index)
            for value, kind in zip(values, signature.args)
        ]
        rows, first, *arguments = values
        done = builder.append_basic_block("done")
        nothing = builder.append_basic_block("nothing")
        choice = builder.switch(builder.add(builder.shl(rows, WORD(1)), first), nothing)
        builder.position_at_end(nothing)
        builder.unreachable()
        for count in range(1, shape.rows + 1):
            for masked in (False, True):
                target = _Tile(shape, count, masked).declare(builder.module)
                block = builder.append_basic_block(target.name)
                choice.add_case(WORD(2 * count + masked), block)
                builder.position_at_end(block)
                builder.call(target, arguments)
                builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return plain, codegen


@intrinsic
def transpose_panel(typing_context, panel, x, x_row, blocks):
    """panel[p*columns + j] = x[j*x_row + p]: a whole panel of columns, `blocks` times one vector's steps of k."""
    _same_pointers(panel, x)

    def codegen(context, builder, signature, values):
        shape = geometry(context, panel)
        data = shape.element.as_pointer()
        name = f"transpose_panel_{shape.suffix}"
        target = _function(builder.module, name, [data, data, WORD, WORD], functools.partial(_emit_transpose_panel, shape))
        builder.call(target, values)
        return context.get_dummy_value()

    return types.void(panel, x, types.int64, types.int64), codegen


@intrinsic
def copy_sliver(typing_context, sliver, a, a_column, depth):
    """sliver[p*rows + r] = a[p*a_column + r] for the sliver_rows(a) rows of a whole sliver."""
    _same_pointers(sliver, a)

    def codegen(context, builder, signature, values):
        shape = geometry(context, sliver)
        data = shape.element.as_pointer()
        name = f"copy_sliver_{shape.suffix}"
        target = _function(builder.module, name, [data, data, WORD, WORD], functools.partial(_emit_copy_sliver, shape))
        builder.call(target, values)
        return context.get_dummy_value()

    return types.void(sliver, a, types.int64, types.int64), codegen
