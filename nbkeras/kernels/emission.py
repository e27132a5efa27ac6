"""What emitted matrix code is built from: functions, loops, and vectors that are read and written with masks.

`shape` is a Geometry everywhere; addresses are pointers to bytes, so that distances may be of any origin.
"""

from __future__ import annotations

from llvmlite import ir

WORD = ir.IntType(64)
HALF = ir.IntType(32)
BYTE = ir.IntType(8)


def private_function(module, name, arguments, emit, result=None):
    """A function of a module, private to it, emitted by `emit(function)` when first asked for."""
    found = module.globals.get(name)
    if found is None:
        found = ir.Function(module, ir.FunctionType(result or ir.VoidType(), arguments), name=name)
        found.linkage = "internal"
        found.attributes.add("noinline")
        found.attributes.add("nounwind")
        emit(found)
    return found


def llvm_function(module, name, result, arguments):
    """One of LLVM's own functions."""
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(result, arguments), name=name)


def opaque(builder, value):
    """The value, its origin hidden from LLVM: it would derive each address from the one before, a chain of additions
    that takes as long as the multiply-adds it feeds."""
    return builder.call(ir.InlineAsm(ir.FunctionType(value.type, [value.type]), "", "=r,0"), [value])


def loop(builder, count, carried, body):
    """`for i in range(count): carried = body(i, carried)` (count may be 0); returns what is carried out.

    The counter is opaque: unrolled by LLVM, the loop of a register tile needs more addresses than there are registers.
    """
    before = builder.block
    inside = builder.append_basic_block("loop")
    after = builder.append_basic_block("after")
    builder.cbranch(builder.icmp_signed(">", count, WORD(0)), inside, after)
    builder.position_at_end(inside)
    index = builder.phi(WORD)
    index.add_incoming(WORD(0), before)
    values = [builder.phi(value.type) for value in carried]
    for phi, value in zip(values, carried, strict=True):
        phi.add_incoming(value, before)
    changed = body(index, values)
    following = opaque(builder, builder.add(index, WORD(1)))
    end = builder.block
    index.add_incoming(following, end)
    for phi, value in zip(values, changed, strict=True):
        phi.add_incoming(value, end)
    builder.cbranch(builder.icmp_signed("<", following, count), inside, after)
    builder.position_at_end(after)
    results = [builder.phi(value.type) for value in carried]
    for phi, value, change in zip(results, carried, changed, strict=True):
        phi.add_incoming(value, before)
        phi.add_incoming(change, end)
    return results


def when(builder, condition, values, change):
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


def raw(builder, pointer):
    """A pointer as a pointer to bytes."""
    return builder.bitcast(pointer, BYTE.as_pointer())


def splat(builder, shape, value):
    """A number in all lanes of a vector."""
    empty = ir.Constant(shape.vector, ir.Undefined)
    lane = builder.insert_element(empty, value, HALF(0))
    return builder.shuffle_vector(lane, empty, ir.Constant(ir.VectorType(HALF, shape.lanes), None))


def edge_mask(builder, shape, columns, v):
    """Which lanes of vector v of a panel lie left of its edge."""
    wide = ir.VectorType(HALF, shape.lanes)
    empty = ir.Constant(wide, ir.Undefined)
    edge = builder.insert_element(empty, builder.trunc(columns, HALF), HALF(0))
    edge = builder.shuffle_vector(edge, empty, ir.Constant(wide, None))
    return builder.icmp_signed(">", edge, ir.Constant(wide, [v * shape.lanes + i for i in range(shape.lanes)]))


def load(builder, shape, address, mask=None):
    """A vector of any alignment; lanes outside the mask are zero and not read."""
    address = builder.bitcast(address, shape.vector.as_pointer())
    if mask is None:
        value = builder.load(address)
        value.align = shape.item
        return value
    kinds = [address.type, shape.mask, shape.vector]
    masked = llvm_function(builder.module, f"llvm.masked.load.{shape.suffix}.p0", shape.vector, kinds)
    return builder.call(masked, [address, mask, ir.Constant(shape.vector, None)])


def store(builder, shape, value, address, mask=None):
    """Write a vector to an address of any alignment; lanes outside the mask are not touched."""
    address = builder.bitcast(address, shape.vector.as_pointer())
    if mask is None:
        builder.store(value, address).align = shape.item
        return
    kinds = [shape.vector, address.type, shape.mask]
    masked = llvm_function(builder.module, f"llvm.masked.store.{shape.suffix}.p0", ir.VoidType(), kinds)
    builder.call(masked, [value, address, mask])


def multiply_add(builder, shape, a, b, c):
    """a b + c of vectors: one instruction where the processor has it."""
    fma = llvm_function(builder.module, f"llvm.fmuladd.{shape.suffix}", shape.vector, [shape.vector] * 3)
    return builder.call(fma, [a, b, c])


def prefetch(builder, pointer, near=2):
    """Ask for a cache line; near: 3 the first cache, 2 the second, 1 the third."""
    ask = llvm_function(builder.module, "llvm.prefetch.p0", ir.VoidType(), [BYTE.as_pointer(), HALF, HALF, HALF])
    builder.call(ask, [raw(builder, pointer), HALF(0), HALF(near), HALF(1)])
