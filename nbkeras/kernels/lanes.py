"""Loops over blocks of memory, emitted as whole vectors: the inner parts of the elementwise kernels.

Each loop steps through its operands a vector of 64 bytes at a time, with no remainder, no run-time check and no work
for LLVM's loop vectorizer: that is why fifty loops compile in the time of five. The caller rounds the count up to
whole vectors and sees to it that the memory reaches as far.

Memory is named by integer addresses, because a register of the machine may stand in scratch or in an array.
"""

from __future__ import annotations

import functools

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels.formula import DOUBLE, FLOAT, Value, emit, select

#: Bytes a step: one vector of AVX-512, two of AVX2, four of SSE or NEON.
STEP = 64

WORD = ir.IntType(64)

#: Type of an array -> its code in a row of operands.
DTYPE_CODES = {
    "float32": 0,
    "float64": 1,
    "int64": 2,
    "int32": 3,
    "bool": 4,
    "uint8": 5,
    "uint32": 6,
    "int16": 7,
    "uint16": 8,
    "int8": 9,
    "uint64": 10,
}

#: The codes of the types that kernels compute in.
OWN_CODE = {types.float32: 0, types.float64: 1, types.int64: 2}

# LLVM type and signedness by code.
_STORED = {
    0: (FLOAT, True),
    1: (DOUBLE, True),
    2: (WORD, True),
    3: (ir.IntType(32), True),
    4: (ir.IntType(8), False),
    5: (ir.IntType(8), False),
    6: (ir.IntType(32), False),
    7: (ir.IntType(16), True),
    8: (ir.IntType(16), False),
    9: (ir.IntType(8), True),
    10: (WORD, False),
}


def lanes(kind) -> int:
    """Elements of a Numba type in a step."""
    return STEP * 8 // kind.bitwidth


def _bytes(element):
    return {FLOAT: 4, DOUBLE: 8}.get(element) or element.width // 8


def _pointer(builder, address, kind):
    return builder.inttoptr(address, kind.as_pointer())


def _load(builder, base, index, kind, align):
    value = builder.load(builder.gep(base, [index]), typ=kind)
    value.align = align
    return value


def _loop(builder, steps, body):
    """for index in range(steps): body(index)"""
    function = builder.function
    before, inside, done = builder.block, function.append_basic_block("step"), function.append_basic_block("done")
    builder.cbranch(builder.icmp_signed(">", steps, WORD(0)), inside, done)
    builder.position_at_end(inside)
    index = builder.phi(WORD)
    index.add_incoming(WORD(0), before)
    body(index)
    following = builder.add(index, WORD(1), flags=("nuw", "nsw"))
    index.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, steps), inside, done)
    builder.position_at_end(done)


def _cases(builder, code, table):
    """A jump on a code: table maps codes to functions that emit their code; an unknown code does nothing.

    Of a constant the one case alone is emitted: what LLVM would throw away it need not be given.
    """
    if isinstance(code, ir.Constant) and code.constant in table:
        table[code.constant]()
        return
    done = builder.function.append_basic_block("done")
    jump = builder.switch(code, done)
    for key, body in table.items():
        block = builder.function.append_basic_block("case")
        jump.add_case(WORD(key), block)
        builder.position_at_end(block)
        body()
        builder.branch(done)
    builder.position_at_end(done)


def _map(builder, trace, arity, vector, align, addresses, steps):
    """result[i] = trace(a[i], b[i], ...) over whole vectors."""
    result, *sources = (_pointer(builder, address, vector) for address in addresses[: arity + 1])

    def body(index):
        values = [_load(builder, source, index, vector, align) for source in sources]
        stored = builder.store(emit(trace, builder, values), builder.gep(result, [index]))
        stored.align = align

    _loop(builder, steps, body)


def apply_table(table):
    """An intrinsic `apply(like, opcode, result, a, b, c, steps)`: the formula with an opcode over whole vectors.

    Args:
        table: opcode -> (trace, number of operands, kinds: "f" where floats can do it, "i" where integers can).
    """

    @intrinsic
    def apply(typing_context, like, opcode, result, a, b, c, steps):
        def codegen(context, builder, signature, values):
            kind = signature.args[0].dtype
            vector = ir.VectorType(context.get_value_type(kind), lanes(kind))
            own = "i" if isinstance(kind, types.Integer) else "f"
            loops = {
                code: functools.partial(_map, builder, trace, arity, vector, kind.bitwidth // 8, values[2:6], values[6])
                for code, (trace, arity, kinds) in table.items()
                if own in kinds
            }
            _cases(builder, values[1], loops)
            return context.get_dummy_value()

        return types.void(like, *[types.int64] * 6), codegen

    return apply


def _converted(value, source, target, signed_source, signed_target, to_bool):
    """A traced vector as another element type: floats saturate (as XLA's do), integers wrap."""
    if to_bool:
        nonzero = value != 0
        return nonzero.convert("zext", target)
    if source == target:
        return value
    if value.is_float and target in (FLOAT, DOUBLE):
        return value.convert("fpext" if target == DOUBLE else "fptrunc", target)
    if value.is_float:
        return _saturated(value, target, signed_target)
    if target in (FLOAT, DOUBLE):
        return value.convert("sitofp" if signed_source else "uitofp", target)
    if source.width > target.width:
        return value.convert("trunc", target)
    return value.convert("sext" if signed_source else "zext", target)


def _saturated(value, target, signed):
    """Floats as integers, cut towards 0: what is out of range as the nearest in range, NaN as 0."""
    width = target.width
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
    value = select(value != value, 0.0, value)
    # float(high) may round up to what no longer fits: that end is put right afterwards
    inside = select(value < float(low), float(low), select(value >= float(high), 0.0, value))
    way = ir.IntType(32) if width < 32 else target  # to small integers there is no instruction
    result = inside.convert("fptosi" if signed or width < 32 else "fptoui", way)
    result = select(value >= float(high), high, result)
    return result.convert("trunc", target) if width < 32 else result


def _convert(inward):
    @intrinsic
    def convert(typing_context, like, code, result, source, steps):
        def codegen(context, builder, signature, values):
            kind = signature.args[0].dtype
            own = context.get_value_type(kind)

            def body(code):
                stored, stored_signed = _STORED[code]
                origin, target = (stored, own) if inward else (own, stored)
                signs = (stored_signed, True) if inward else (True, stored_signed)
                to_bool = code == DTYPE_CODES["bool"] and not inward
                # Between floats and these there is no vector instruction before AVX-512: few lanes, short code.
                mixed = own != WORD and code in (DTYPE_CODES[name] for name in ("int64", "uint64", "uint32"))
                count = 2 if mixed else lanes(kind)
                result, source = (
                    _pointer(builder, address, ir.VectorType(element, count))
                    for address, element in ((values[2], target), (values[3], origin))
                )

                def step(index):
                    value = _load(builder, source, index, ir.VectorType(origin, count), _bytes(origin))
                    value = _converted(Value(builder, value), origin, target, *signs, to_bool)
                    builder.store(value.value, builder.gep(result, [index])).align = _bytes(target)

                _loop(builder, builder.mul(values[4], WORD(lanes(kind) // count)), step)

            table = {code: functools.partial(body, code) for code in _STORED if code != OWN_CODE[kind]}
            _cases(builder, values[1], table)
            return context.get_dummy_value()

        return types.void(like, *[types.int64] * 4), codegen

    return convert


#: convert_in(like, code, result, source, steps): numbers stored with a dtype code as the kernel's type.
convert_in = _convert(True)
#: convert_out(like, code, result, source, steps): the kernel's type stored with a dtype code.
convert_out = _convert(False)


@intrinsic
def fill_lanes(typing_context, like, result, value, steps):
    """Steps whole vectors of one number."""

    def codegen(context, builder, signature, values):
        kind = signature.args[0].dtype
        element, count = context.get_value_type(kind), lanes(kind)
        vector = ir.VectorType(element, count)
        first = builder.insert_element(ir.Constant(vector, ir.Undefined), values[2], ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
        spread = builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)
        pointer = _pointer(builder, values[1], vector)

        def step(index):
            builder.store(spread, builder.gep(pointer, [index])).align = kind.bitwidth // 8

        _loop(builder, values[3], step)
        return context.get_dummy_value()

    return types.void(like, types.int64, like.dtype, types.int64), codegen


@intrinsic
def copy_bytes(typing_context, result, source, count):
    """memcpy between two addresses."""

    def codegen(context, builder, signature, values):
        byte = ir.IntType(8).as_pointer()
        copy = builder.module.declare_intrinsic("llvm.memcpy", [byte, byte, WORD])
        result, source = (builder.inttoptr(v, byte) for v in values[:2])
        builder.call(copy, [result, source, values[2], ir.Constant(ir.IntType(1), 0)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


@intrinsic
def copy_strided(typing_context, size, result, source, stride, count):
    """count items of 1, 2, 4 or 8 bytes, `stride` bytes apart, side by side."""

    def codegen(context, builder, signature, values):
        size, result, source, stride, count = values

        def body(width):
            item = ir.IntType(8 * width)
            pointer = _pointer(builder, result, item)

            def step(index):
                address = builder.add(source, builder.mul(index, stride))
                value = _load(builder, _pointer(builder, address, item), WORD(0), item, width)
                builder.store(value, builder.gep(pointer, [index])).align = width

            _loop(builder, count, step)

        _cases(builder, size, {width: functools.partial(body, width) for width in (1, 2, 4, 8)})
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), codegen


@intrinsic
def address_of(typing_context, pointer):
    """The address a pointer holds."""

    def codegen(context, builder, signature, values):
        return builder.ptrtoint(values[0], WORD)

    return types.int64(pointer), codegen


@intrinsic
def element(typing_context, like, address):
    """The number at an address, of the type that `like` points to."""

    def codegen(context, builder, signature, values):
        return builder.load(_pointer(builder, values[1], context.get_value_type(like.dtype)))

    return like.dtype(like, types.int64), codegen


@intrinsic
def lanes_of(typing_context, like):
    """Elements of the type that `like` points to in a step: a constant."""

    def codegen(context, builder, signature, values):
        return WORD(lanes(like.dtype))

    return types.int64(like), codegen


@intrinsic
def own_code(typing_context, like):
    """The dtype code of what `like` points to: a constant."""

    def codegen(context, builder, signature, values):
        return WORD(OWN_CODE[like.dtype])

    return types.int64(like), codegen
