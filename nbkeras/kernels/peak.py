"""Multiply-adds that never leave the registers: the rate that no other kernel can pass (`nbkeras bench`)."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from nbkeras.kernels import vector
from nbkeras.kernels._jit import kernel
from nbkeras.kernels.stack import offset

#: Vectors that are worked on at once: two units, four to five steps deep, are kept busy by 10; 16 registers hold 14.
CHAINS = 12


def block() -> int:
    """Elements of an item: CHAINS vectors of float32 (in float64 they take two turns)."""
    return CHAINS * vector.register_bytes() // 4


def schedule(n, **_):
    """(items, items a chunk): a block each."""
    return -(-n // block()), 1


@intrinsic
def block_elements(typing_context, y):
    """`block()` as a constant of the processor that is compiled for."""
    return types.int64(y), lambda *_: ir.IntType(64)(block())


@intrinsic
def iterate(typing_context, y, factor, addend, steps):
    """`steps` times y = y * factor + addend, for a whole block."""

    def codegen(context, builder, signature, values):
        pointer, factor, addend, steps = values
        element = context.get_value_type(signature.args[0].dtype)
        lanes = vector.register_bytes() // (8 if isinstance(element, ir.DoubleType) else 4)
        kind = ir.VectorType(element, lanes)
        name = f"llvm.fmuladd.v{lanes}f{8 * vector.register_bytes() // lanes}"
        multiply_add = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
        factors, addends = _splat(builder, kind, factor), _splat(builder, kind, addend)
        for turn in range(block() // (CHAINS * lanes)):
            places = [
                builder.bitcast(builder.gep(pointer, [ir.IntType(64)((turn * CHAINS + i) * lanes)]), kind.as_pointer())
                for i in range(CHAINS)
            ]
            chains = [cgutils.alloca_once(builder, kind) for _ in places]
            for chain, place in zip(chains, places, strict=True):
                value = builder.load(place)
                value.align = 4
                builder.store(value, chain)
            with cgutils.for_range(builder, steps):
                for chain in chains:
                    builder.store(builder.call(multiply_add, [builder.load(chain), factors, addends]), chain)
            for chain, place in zip(chains, places, strict=True):
                builder.store(builder.load(chain), place).align = 4
        return context.get_dummy_value()

    return types.void(y, y.dtype, y.dtype, types.int64), codegen


def _splat(builder, kind, value):
    vector_of_one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None)
    return builder.shuffle_vector(vector_of_one, ir.Constant(kind, ir.Undefined), zeros)


@kernel(schedule=schedule)
def peak(y: "T n", factor: "T", addend: "T", steps: "i8", n: "i8", lo, hi):
    """`steps` times y = y * factor + addend.   Items: blocks of elements."""
    size = block_elements(y)
    for item in range(lo, hi):
        first = item * size
        if first + size <= n:
            iterate(offset(y, first), factor, addend, steps)
        else:
            for i in range(first, n):
                for _ in range(steps):
                    y[i] = y[i] * factor + addend
