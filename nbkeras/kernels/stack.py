"""Scratch memory on the stack, and moving a pointer: the two things a kernel needs that Numba's pointers lack."""

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

    def codegen(context, builder, signature, values):
        item = context.get_value_type(like.dtype)
        with builder.goto_entry_block():  # not cgutils.alloca_once, which fills with zeros
            memory = builder.alloca(ir.ArrayType(item, elements), name="scratch")
        memory.align = ALIGNMENT
        return builder.bitcast(memory, item.as_pointer())

    return like(like, count), codegen


@intrinsic
def offset(typing_context, pointer, n):
    """`offset(p, n)`: the pointer n elements (of either sign) after p."""
    if not isinstance(pointer, types.CPointer) or not isinstance(n, types.Integer):
        raise TypingError("offset() takes a pointer and an integer.")

    def codegen(context, builder, signature, values):
        distance = context.cast(builder, values[1], signature.args[1], types.int64)
        return builder.gep(values[0], [distance])

    return pointer(pointer, n), codegen
