"""What Numba's CUDA target lacks, each with a twin in Python for the simulator.

Imported before any kernel: NVVM reads the LLVM 7 dialect, which has neither `fneg` nor, for doubles or floats, `rint`.
"""

from __future__ import annotations

import ctypes

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


class _Address:
    """The simulator's pointer to what lies at an address; nobody knows how much that is."""

    def __init__(self, address, dtype):
        self.dtype = np.dtype(dtype)
        self.address = int(address)
        self._type = np.ctypeslib.as_ctypes_type(self.dtype)

    def __getitem__(self, index):
        return self.dtype.type(self._type.from_address(self.address + int(index) * self.dtype.itemsize).value)

    def __setitem__(self, index, value):
        stored = np.asarray(value).astype(self.dtype).item()
        self._type.from_address(self.address + int(index) * self.dtype.itemsize).value = stored


#: `pointer(address, np.float32)`: a pointer to the numbers at an address that the kernel has read from a table.
pointer = _Address if SIMULATED else _pointer

#: The activation with a code, and its slope as a function of its result. (Called as a function of NumPy values, a
#: formula takes the type of its first argument; here that is the code, so the simulator calls what it traces.)
activate = scalars.activate.trace if SIMULATED else scalars.activate
activation_slope = scalars.activation_slope.trace if SIMULATED else scalars.activation_slope
