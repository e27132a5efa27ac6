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
AHEAD = 32

WORD = ir.IntType(64)
BYTE = ir.IntType(8)


def tile_rows() -> int:
    """Rows of the register tile on the processor that Numba compiles for: the same for all element types."""
    # As many sums as the registers hold beside the vectors of x and a factor from a; 4 rows for SSE, which has no
    # fused multiply-add and needs one more register for the product.
    return ROWS[vector.register_bytes(), vector.registers()]


ROWS = {(64, 32): 14, (32, 16): 6, (16, 32): 8, (16, 16): 4}


class Geometry:
    """The register tile for an element type: `rows` x `columns`, the columns VECTORS vectors of `lanes` elements."""

    def __init__(self, element, register_bytes: int, registers: int):
        self.element = element
        self.item = 8 if isinstance(element, ir.DoubleType) else 4
        self.lanes = register_bytes // self.item
        self.rows = ROWS[register_bytes, registers]
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
    """`for i in range(count): carried = body(i, carried)` (count may be 0); returns what is carried out.

    The counter is opaque: unrolled by LLVM, the loop of a register tile needs more addresses than there are registers.
    """
    before = builder.block
    loop = builder.append_basic_block("loop")
    after = builder.append_basic_block("after")
    builder.cbranch(builder.icmp_signed(">", count, WORD(0)), loop, after)
    builder.position_at_end(loop)
    index = builder.phi(WORD)
    index.add_incoming(WORD(0), before)
    values = [builder.phi(value.type) for value in carried]
    for phi, value in zip(values, carried, strict=True):
        phi.add_incoming(value, before)
    changed = body(index, values)
    following = _opaque(builder, builder.add(index, WORD(1)))
    end = builder.block
    index.add_incoming(following, end)
    for phi, value in zip(values, changed, strict=True):
        phi.add_incoming(value, end)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    builder.position_at_end(after)
    results = [builder.phi(value.type) for value in carried]
    for phi, value, change in zip(results, carried, changed, strict=True):
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
    for phi, value, other in zip(results, values, changed, strict=True):
        phi.add_incoming(value, before)
        phi.add_incoming(other, end)
    return results


def _mask(builder, shape, columns, v):
    """Which lanes of vector v of a panel lie left of its edge."""
    half = ir.IntType(32)
    wide = ir.VectorType(half, shape.lanes)
    empty = ir.Constant(wide, ir.Undefined)
    edge = builder.insert_element(empty, builder.trunc(columns, half), half(0))
    edge = builder.shuffle_vector(edge, empty, ir.Constant(wide, None))
    return builder.icmp_signed(">", edge, ir.Constant(wide, [v * shape.lanes + i for i in range(shape.lanes)]))


def _load(builder, shape, address, mask=None):
    """A vector of any alignment; lanes outside the mask are zero and not read."""
    if mask is None:
        value = builder.load(address)
        value.align = shape.item
        return value
    half = ir.IntType(32)
    kinds = [shape.vector.as_pointer(), half, shape.mask, shape.vector]
    load = _intrinsic(builder.module, f"llvm.masked.load.{shape.suffix}.p0", shape.vector, kinds)
    return builder.call(load, [address, half(shape.item), mask, ir.Constant(shape.vector, None)])


def _prefetch(builder, pointer, near=2):
    half = ir.IntType(32)
    ask = _intrinsic(builder.module, "llvm.prefetch.p0", ir.VoidType(), [BYTE.as_pointer(), half, half, half])
    builder.call(ask, [builder.bitcast(pointer, BYTE.as_pointer()), half(0), half(near), half(1)])


def _store(builder, shape, value, address, mask=None):
    if mask is None:
        builder.store(value, address).align = shape.item
        return
    half = ir.IntType(32)
    kinds = [shape.vector, shape.vector.as_pointer(), half, shape.mask]
    store = _intrinsic(builder.module, f"llvm.masked.store.{shape.suffix}.p0", ir.VoidType(), kinds)
    builder.call(store, [value, address, half(shape.item), mask])


#: The forms of `multiply`: for panels as wide as the tile, the same which also packs the panel as it reads it (whole
#: slivers only), and for the panel at the right edge of c.
WHOLE, PACKING, EDGE = 0, 1, 2


class _Tile:
    """Emits `multiply` in one of its forms for one number of rows."""

    NAMES = "c c_row a a_row a_column x x_row panel depth columns bias gate gate_row flags".split()

    def __init__(self, shape: Geometry, rows: int, form: int):
        self.shape, self.rows, self.form = shape, rows, form
        self.name = f"multiply_{shape.suffix}_{rows}_{form}"

    def declare(self, module):
        return _function(module, self.name, self.arguments(self.shape), self.emit)

    @staticmethod
    def arguments(shape):
        data = shape.element.as_pointer()
        return [data, WORD, data, WORD, WORD, data, WORD, data, WORD, WORD, data, data, WORD, WORD]

    def emit(self, function):
        shape = self.shape
        self.builder = builder = ir.IRBuilder(function.append_basic_block("entry"))
        for name, value in zip(self.NAMES, function.args, strict=True):
            value.name = name
            setattr(self, name, value)
        self.module = function.module
        self.masks = None
        sums = self._product()
        if self.form == EDGE:
            self.masks = [_mask(builder, shape, self.columns, v) for v in range(VECTORS)]
        sums = self._finish(sums)
        self._store(sums)
        builder.ret_void()

    def _bytes(self, count):
        return self.builder.mul(count, WORD(self.shape.item))

    def _at(self, pointer, distance, kind=None):
        """The address `distance` bytes after a byte pointer, as a pointer to vectors (or to `kind`)."""
        return self.builder.bitcast(self.builder.gep(pointer, [distance]), (kind or self.shape.vector).as_pointer())

    def _raw(self, pointer):
        return self.builder.bitcast(pointer, BYTE.as_pointer())

    def _load(self, pointer, distance, v):
        """Vector v of a row, as far as it lies left of the edge of c."""
        address = self._at(pointer, self.builder.add(distance, WORD(v * self.shape.lanes * self.shape.item)))
        return _load(self.builder, self.shape, address, self.masks and self.masks[v])

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
        for r in range(self.rows):  # c is wanted when the loop ends
            row = builder.gep(self._raw(self.c), [builder.mul(self._bytes(self.c_row), WORD(r))])
            _prefetch(builder, row, near=3)
            _prefetch(builder, builder.gep(row, [WORD(VECTORS * shape.lanes * shape.item - 1)]), near=3)
        zero = ir.Constant(shape.vector, None)
        carried = [zero] * (self.rows * VECTORS) + [*bases, self._raw(self.x), self._raw(self.panel)]

        def body(_, values):
            sums, (*bases, x, panel) = values[: self.rows * VECTORS], values[self.rows * VECTORS :]
            if self.form == PACKING:
                _prefetch(builder, builder.gep(x, [builder.mul(x_row, WORD(AHEAD))]))
            columns = [self._load(x, WORD(0), v) for v in range(VECTORS)]
            if self.form == PACKING:
                for v, value in enumerate(columns):
                    builder.store(value, self._at(panel, WORD(v * shape.lanes * shape.item))).align = shape.item
            result = []
            for r in range(self.rows):
                one = builder.load(self._at(bases[r // group], steps[r % group], shape.element))
                factor = self._splat(one)
                for v in range(VECTORS):
                    result.append(builder.call(multiply_add, [factor, columns[v], sums[r * VECTORS + v]]))
            bases = [_opaque(builder, builder.gep(base, [a_column])) for base in bases]
            panel = builder.gep(panel, [WORD(shape.columns * shape.item)])
            return [*result, *bases, builder.gep(x, [x_row]), panel]

        return _loop(builder, self.depth, carried, body)[: self.rows * VECTORS]

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

        def store(v, mask=None):
            for r in range(self.rows):
                distance = builder.add(builder.mul(stride, WORD(r)), WORD(v * shape.lanes * shape.item))
                _store(builder, shape, sums[r * VECTORS + v], self._at(base, distance), mask)

        for v in range(VECTORS):
            if self.form != EDGE:
                store(v)
                continue
            # Masked stores are slow on some processors (Zen: 12 cycles each); whole vectors don't need them.
            with builder.if_else(builder.icmp_signed(">=", self.columns, WORD((v + 1) * shape.lanes))) as (full, part):
                with full:
                    store(v)
                with part, builder.if_then(builder.icmp_signed(">", self.columns, WORD(v * shape.lanes))):
                    store(v, self.masks[v])


def _transpose(builder, shape: Geometry, rows):
    """The transpose of a lanes x lanes block in vectors: interleaved within 16 bytes, then 16-byte parts swapped."""
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


def _emit_copy_panel(shape: Geometry, function):
    """panel[p*panel_columns + j] = x[p*x_row + j], zero beyond `columns`."""
    panel, x, x_row, depth, columns = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    masks = [_mask(builder, shape, columns, v) for v in range(VECTORS)]

    def body(_, values):
        panel, x = values
        for v in range(VECTORS):
            source, to = (
                builder.bitcast(builder.gep(p, [WORD(v * shape.lanes)]), shape.vector.as_pointer()) for p in (x, panel)
            )
            _store(builder, shape, _load(builder, shape, source, masks[v]), to)
        return [builder.gep(panel, [WORD(shape.columns)]), builder.gep(x, [x_row])]

    _loop(builder, depth, [panel, x], body)
    builder.ret_void()


def _emit_transpose_panel(shape: Geometry, function):
    """panel[p*panel_columns + j] = x[j*x_row + p] for whole blocks of `lanes` steps of k.

    Columns from `columns` on repeat the last one. One vector of columns after the other: rows of x that lie a power of
    two apart share few places in the first cache.
    """
    panel, x, x_row, blocks, columns = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    lanes = shape.lanes
    last = builder.sub(columns, WORD(1))
    following = builder.mul(x_row, WORD(shape.columns))

    def half(v, values):
        (start,) = values
        steps = []
        for j in range(lanes):
            column = builder.add(builder.mul(v, WORD(lanes)), WORD(j))
            column = builder.select(builder.icmp_signed("<", column, last), column, last)
            steps.append(builder.mul(x_row, column))

        def body(_, values):
            panel, x = values
            places = [builder.gep(x, [step]) for step in steps]
            for place in places:  # the same of the next panel
                _prefetch(builder, builder.gep(place, [following]))
            rows = [_load(builder, shape, builder.bitcast(place, shape.vector.as_pointer())) for place in places]
            for p, row in enumerate(_transpose(builder, shape, rows)):
                place = builder.gep(panel, [WORD(p * shape.columns)])
                _store(builder, shape, row, builder.bitcast(place, shape.vector.as_pointer()))
            return [builder.gep(panel, [WORD(lanes * shape.columns)]), builder.gep(x, [WORD(lanes)])]

        _loop(builder, blocks, [start, x], body)
        return [builder.gep(start, [WORD(lanes)])]

    _loop(builder, WORD(VECTORS), [panel], half)
    builder.ret_void()


def _emit_copy_slivers(shape: Geometry, function):
    """slivers[s*distance + p*sliver_rows + r] = a[p*a_column + s*sliver_rows + r] for `count` whole slivers.

    A row of a is read at once (it may lie on a page of its own), in pieces of powers of two.
    """
    slivers, a, a_column, depth, count, distance = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    pieces, start = [], 0
    while start < shape.rows:
        size = min(shape.lanes, 1 << ((shape.rows - start).bit_length() - 1))
        pieces.append((start, ir.VectorType(shape.element, size)))
        start += size

    def copy(_, values):
        sliver, a = values
        for start, kind in pieces:
            piece = builder.load(builder.bitcast(builder.gep(a, [WORD(start)]), kind.as_pointer()))
            piece.align = shape.item
            place = builder.bitcast(builder.gep(sliver, [WORD(start)]), kind.as_pointer())
            builder.store(piece, place).align = shape.item
        return [builder.gep(sliver, [distance]), builder.gep(a, [WORD(shape.rows)])]

    def body(_, values):
        sliver, a = values
        _prefetch(builder, builder.gep(a, [builder.mul(a_column, WORD(AHEAD // 4))]))
        _loop(builder, count, [sliver, a], copy)
        return [builder.gep(sliver, [WORD(shape.rows)]), builder.gep(a, [a_column])]

    _loop(builder, depth, [slivers, a], body)
    builder.ret_void()


def _emit_transpose_sliver(shape: Geometry, function):
    """sliver[p*sliver_rows + r] = a[r*a_row + p] for whole blocks of `lanes` steps of k and a whole sliver.

    Vectors that reach beyond the rows repeat the last one; what they write too far is written over by the next step
    (after the last one: up to `lanes` elements behind the sliver).
    """
    sliver, a, a_row, blocks = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    lanes = shape.lanes
    steps = [builder.mul(a_row, WORD(r)) for r in range(shape.rows)]
    following = builder.mul(a_row, WORD(shape.rows))
    starts = range(0, shape.rows, lanes)

    def body(_, values):
        sliver, a = values
        for step in steps:  # of the next sliver
            _prefetch(builder, builder.gep(builder.gep(a, [following]), [step]))
        turned = []
        for start in starts:
            rows = [builder.gep(a, [steps[min(start + r, shape.rows - 1)]]) for r in range(lanes)]
            rows = [builder.bitcast(row, shape.vector.as_pointer()) for row in rows]
            turned.append(_transpose(builder, shape, [_load(builder, shape, row) for row in rows]))
        for p in range(lanes):
            for start, columns in zip(starts, turned, strict=True):
                place = builder.gep(sliver, [WORD(p * shape.rows + start)])
                _store(builder, shape, columns[p], builder.bitcast(place, shape.vector.as_pointer()))
        return [builder.gep(sliver, [WORD(lanes * shape.rows)]), builder.gep(a, [WORD(lanes)])]

    _loop(builder, blocks, [sliver, a], body)
    builder.ret_void()


def _same_pointers(*kinds):
    if not isinstance(kinds[0], types.CPointer) or any(kind != kinds[0] for kind in kinds):
        raise TypingError("the pointers of a microkernel have one element type.")


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
    typing_context, rows, form, c, c_row, a, a_row, a_column, x, x_row, panel, depth, columns, bias, gate, gate_row,
    flags,
):  # fmt: skip
    """c[r, j] = sum over p < depth of a[r*a_row + p*a_column] * x[p*x_row + j], for rows x columns; then `flags`.

    `rows` is 1 to sliver_rows(c). x has panel_columns(c) columns, c the same or, with form EDGE, `columns`. With form
    PACKING (rows = sliver_rows(c)) the rows of x are copied to `panel`, for the slivers that follow.
    """
    _same_pointers(c, a, x, panel, bias, gate)
    index = types.int64
    plain = types.void(index, index, c, index, a, index, index, x, index, panel, index, index, bias, gate, index, index)

    def codegen(context, builder, signature, values):
        shape = geometry(context, c)
        rows, form, *arguments = values
        done = builder.append_basic_block("done")
        forms = [(count, form) for count in range(1, shape.rows + 1) for form in (WHOLE, EDGE)]
        whole = _Tile(shape, shape.rows, WHOLE)
        otherwise = builder.append_basic_block(whole.name)
        choice = builder.switch(builder.add(builder.shl(rows, WORD(2)), form), otherwise)
        blocks = [(otherwise, whole)]
        for count, kind in [*forms[:-2], forms[-1], (shape.rows, PACKING)]:
            tile = _Tile(shape, count, kind)
            block = builder.append_basic_block(tile.name)
            choice.add_case(WORD(4 * count + kind), block)
            blocks.append((block, tile))
        for block, tile in blocks:
            builder.position_at_end(block)
            builder.call(tile.declare(builder.module), arguments)
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return plain, codegen


def _caller(emit_body, pointers, name, numbers):
    """The code generator of an intrinsic that calls one emitted function of two pointers and some numbers."""

    def codegen(context, builder, signature, values):
        shape = geometry(context, pointers)
        data = shape.element.as_pointer()
        kinds = [data, data] + [WORD] * numbers
        target = _function(builder.module, f"{name}_{shape.suffix}", kinds, functools.partial(emit_body, shape))
        builder.call(target, values)
        return context.get_dummy_value()

    return codegen


@intrinsic
def copy_panel(typing_context, panel, x, x_row, depth, columns):
    """panel[p*panel_columns + j] = x[p*x_row + j] for `depth` rows of x, zero beyond `columns`."""
    _same_pointers(panel, x)
    plain = types.void(panel, x, types.int64, types.int64, types.int64)
    return plain, _caller(_emit_copy_panel, panel, "copy_panel", 3)


@intrinsic
def transpose_panel(typing_context, panel, x, x_row, blocks, columns):
    """panel[p*panel_columns + j] = x[j*x_row + p] for j < columns, `blocks` times one vector's steps of k."""
    _same_pointers(panel, x)
    plain = types.void(panel, x, types.int64, types.int64, types.int64)
    return plain, _caller(_emit_transpose_panel, panel, "transpose_panel", 3)


@intrinsic
def copy_slivers(typing_context, slivers, a, a_column, depth, count, distance):
    """slivers[s*distance + p*sliver_rows + r] = a[p*a_column + s*sliver_rows + r] for `count` whole slivers."""
    _same_pointers(slivers, a)
    plain = types.void(slivers, a, types.int64, types.int64, types.int64, types.int64)
    return plain, _caller(_emit_copy_slivers, slivers, "copy_slivers", 4)


@intrinsic
def transpose_sliver(typing_context, sliver, a, a_row, blocks):
    """sliver[p*sliver_rows + r] = a[r*a_row + p] for a whole sliver, `blocks` times one vector's steps of k."""
    _same_pointers(sliver, a)
    plain = types.void(sliver, a, types.int64, types.int64)
    return plain, _caller(_emit_transpose_sliver, sliver, "transpose_sliver", 2)
