"""Scratch memory on the stack, and moving a pointer: what a kernel needs and Numba's pointers lack."""

from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

#: Bytes to which scratch is aligned: a cache line, which is also the widest vector.
ALIGNMENT = 64


@intrinsic(prefer_literal=True)
def scratch(typing_context, like, count):
    """`scratch(p, COUNT)`: a pointer to COUNT uninitialized elements of p's type, alive until the function returns.

    COUNT is a constant. The memory is taken once a call of the kernel, also when this stands in a loop.
    """
    if not isinstance(like, types.CPointer) or not isinstance(count, types.IntegerLiteral):
        raise TypingError("scratch() takes a pointer and a constant count.")
    elements = count.literal_value

    return like(like, count), _taken(like, elements * like.dtype.bitwidth // 8)


@intrinsic(prefer_literal=True)
def scratch_bytes(typing_context, like, count):
    """`scratch` of COUNT bytes, whatever the size of an element."""
    if not isinstance(like, types.CPointer) or not isinstance(count, types.IntegerLiteral):
        raise TypingError("scratch_bytes() takes a pointer and a constant count.")
    return like(like, count), _taken(like, count.literal_value)


@intrinsic(prefer_literal=True)
def scratch_words(typing_context, count):
    """`scratch` of COUNT whole numbers: addresses, places."""
    if not isinstance(count, types.IntegerLiteral):
        raise TypingError("scratch_words() takes a constant count.")
    words = types.CPointer(types.int64)
    taken = _taken(words, 8 * count.literal_value)
    return words(count), taken


def _taken(like, size):
    def codegen(context, builder, signature, values):
        with builder.goto_entry_block():  # not cgutils.alloca_once, which fills with zeros
            memory = builder.alloca(ir.ArrayType(ir.IntType(8), size), name="scratch")
        memory.align = ALIGNMENT
        return builder.bitcast(memory, context.get_value_type(like))

    return codegen


@intrinsic
def offset(typing_context, pointer, n):
    """`offset(p, n)`: the pointer n elements (of either sign) after p."""
    if not isinstance(pointer, types.CPointer) or not isinstance(n, types.Integer):
        raise TypingError("offset() takes a pointer and an integer.")

    def codegen(context, builder, signature, values):
        distance = context.cast(builder, values[1], signature.args[1], types.int64)
        return builder.gep(values[0], [distance])

    return pointer(pointer, n), codegen
