"""What Numba's CUDA target lacks, each with a twin in Python for the simulator.

Imported before any kernel: NVVM reads the LLVM 7 dialect, which has neither `fneg` nor, for doubles or floats, `rint`.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import intrinsic

from nbkeras.kernels import formula, scalars
from nbkeras_cuda._jit import SIMULATED


def _negated(value):
    """-x as -0.0 - x, which is exact and which every LLVM turns into its own negation."""
    if not value.is_float:
        return formula.Value(value.builder, value.builder.neg(value.value))
    return formula.Value(value.builder, value.builder.fsub(value.lift(-0.0).value, value.value))


formula.Value.__neg__ = _negated


@formula.formula
def round_half_even(x):
    """The nearest whole number, halves to even: adding 2**23 (2**52) leaves no bits for a fraction."""
    if formula.is_integer(x):
        return x
    limit = 4503599627370496.0 if formula.is_double(x) else 8388608.0
    size = formula.magnitude(x)
    rounded = formula.signed((size + limit) - limit, formula.sign_bit(x))
    return formula.select(size < limit, rounded, x)


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

#: The activation with a code, and its slope as a function of its result. (Called as a function of NumPy values, a
#: formula takes the type of its first argument; here that is the code, so the simulator calls what it traces.)
activate = scalars.activate.trace if SIMULATED else scalars.activate
activation_slope = scalars.activation_slope.trace if SIMULATED else scalars.activation_slope


def table(name: str, traces: dict):
    """A function `name(code, a, b, c)`: the formula with a code, of as many of the operands as it takes.

    Args:
        traces: code -> (trace, number of operands, whether integers can do it); other codes give a.
    """
    if SIMULATED:

        def apply(code, a, b, c):
            trace, arity, _ = traces[int(code)]
            with np.errstate(all="ignore"):
                return a.dtype.type(trace(*(a, b, c)[:arity]))

        return apply

    def apply_codegen(typing_context, code, a, b, c):
        def codegen(context, builder, signature, values):
            return _switch(builder, values[0], values[1:], traces, isinstance(signature.args[1], types.Integer))

        return a(types.int64, a, a, a), codegen

    apply_codegen.__name__ = name
    return intrinsic(apply_codegen)


def _switch(builder, code, operands, traces, integer):
    function = builder.function
    usable = {key: trace for key, trace in traces.items() if trace[2] or not integer}
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
