"""What Numba's CUDA target lacks, each with a twin in Python for the simulator."""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels import formula
from nbkeras_cuda._jit import SIMULATED


@intrinsic
def _pointer(typing_context, address, element):
    kind = types.CPointer(element.dtype)

    def codegen(context, builder, signature, values):
        return builder.inttoptr(values[0], context.get_value_type(kind))

    return kind(types.int64, element), codegen


class Pointer:
    """The simulator's pointer: indexed like a kernel's argument, and it checks its bounds.

    Args:
        address: where the elements are, in host memory.
        size: how many there are; None where nobody knows.
    """

    def __init__(self, address: int, dtype: str, size: int | None = None):
        self.dtype = np.dtype(dtype)
        self.address = int(address)
        self.size = size
        self._type = np.ctypeslib.as_ctypes_type(self.dtype)

    def __getitem__(self, index):
        return self.dtype.type(self._element(index).value)

    def __setitem__(self, index, value):
        # Stored as a C cast would: floats are truncated, integers wrap.
        self._element(index).value = np.asarray(value).astype(self.dtype).item()

    def _element(self, index):
        if index < 0 or (self.size is not None and index >= self.size):
            raise IndexError(f"index {index} of a pointer to {self.size} elements of {self.dtype}")
        return self._type.from_address(self.address + int(index) * self.dtype.itemsize)


#: `pointer(address, np.float32)`: a pointer to the numbers at an address that the kernel has read from a table.
pointer = Pointer if SIMULATED else _pointer


def table(name: str, traces: dict):
    """A function `name(code, a, b, c)`: the formula with a code, of as many of the operands as it takes.

    Args:
        traces: code -> (trace, number of operands, kinds: "f" where floats can do it, "i" where integers can);
            other codes give a.
    """
    if SIMULATED:

        def apply(code, a, b, c):
            trace, arity, _ = traces[int(code)]
            with np.errstate(all="ignore"):
                return a.dtype.type(trace(*(a, b, c)[:arity]))

        return apply

    def apply_codegen(typing_context, code, a, b, c):
        def codegen(context, builder, signature, values):
            kind = "i" if isinstance(signature.args[1], types.Integer) else "f"
            return _switch(builder, values[0], values[1:], traces, kind)

        return a(types.int64, a, a, a), codegen

    apply_codegen.__name__ = name
    return intrinsic(apply_codegen)


def _switch(builder, code, operands, traces, kind):
    function = builder.function
    usable = {key: trace for key, trace in traces.items() if kind in trace[2]}
    done = function.append_basic_block("done")
    other = builder.block
    jump = builder.switch(code, done)
    ends = [(operands[0], other)]
    for key, (trace, arity, _) in usable.items():
        builder.position_at_end(function.append_basic_block(f"case{key}"))
        jump.add_case(code.type(key), builder.block)
        ends.append((formula.emit(trace, builder, operands[:arity]), builder.block))
        builder.branch(done)
    builder.position_at_end(done)
    result = builder.phi(operands[0].type)
    for value, block in ends:
        result.add_incoming(value, block)
    return result
