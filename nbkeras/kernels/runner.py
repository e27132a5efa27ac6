"""Runs a program: a table of kernel launches, walked natively, one Python call for a whole training step."""

from __future__ import annotations

import ctypes

import numba
import numpy as np
from llvmlite import ir
from numba import prange, types
from numba.extending import intrinsic

from nbkeras.kernels import _jit

#: Columns of a program's table: address of the kernel, address of its arguments, items, items a chunk.
COLUMNS = 4

#: Work, in nanoseconds of one core, below which a launch stays on the calling thread.
SERIAL_BELOW = 20_000


@intrinsic
def _call(typing_context, address, arguments, lo, hi):
    def codegen(context, builder, signature, values):
        word = ir.IntType(64)
        entry = ir.FunctionType(ir.VoidType(), [word, word, word])
        builder.call(builder.inttoptr(values[0], entry.as_pointer()), values[1:])
        return context.get_dummy_value()

    return types.void(address, arguments, lo, hi), codegen


def _run(table, steps):
    for step in range(steps):
        address = table[4 * step]
        arguments = table[4 * step + 1]
        items = table[4 * step + 2]
        chunk = table[4 * step + 3]
        if chunk >= items:
            _call(address, arguments, 0, items)
        else:
            for part in prange((items + chunk - 1) // chunk):
                _call(address, arguments, part * chunk, min(items, part * chunk + chunk))


_entry = None


def entry():
    """The compiled runner as a C function `(table address, steps)`; the threading layer is started on first use."""
    global _entry
    if _entry is None:
        from numba.np.ufunc import parallel

        parallel._launch_threads()
        options = {"nogil": True, "parallel": True, "error_model": "numpy"}
        make = lambda: _jit.entry_library("nbkeras_run", _run, (types.CPointer(types.int64), types.int64), (), options)  # noqa: E731
        address = _jit.load_or_compile("nbkeras_run", "run", "i8", make)
        _entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)
    return _entry


class Program:
    """A list of launches bound to addresses.

    Args:
        launches: tuples (kernel, dtype code, arguments, items, chunk): arguments are arrays (their addresses are
            taken; the program keeps them alive), ints and floats, in the kernel's order.
    """

    def __init__(self, launches):
        self._keep = [launch[2] for launch in launches]
        widths = [len(launch[2]) for launch in launches]
        starts = np.cumsum([0, *widths])
        self.arguments = np.zeros(max(1, starts[-1]), np.int64)
        self.table = np.zeros((max(1, len(launches)), COLUMNS), np.int64)
        base = self.arguments.ctypes.data
        floats = self.arguments.view(np.float64)
        for row, (kernel, dtype, arguments, items, chunk) in enumerate(launches):
            first = int(starts[row])
            for slot, (parameter, value) in enumerate(zip(kernel.parameters, arguments, strict=True), first):
                if parameter.is_pointer:
                    self.arguments[slot] = value.ctypes.data
                elif isinstance(value, float):
                    floats[slot] = value
                else:
                    self.arguments[slot] = value
            self.table[row] = kernel.address(dtype), base + 8 * first, items, max(1, chunk)
        self._call = np.array([self.table.ctypes.data, len(launches)], np.int64)
        self._address = self._call.ctypes.data
        self._entry = entry()

    def run(self):
        """Run every launch, in order; returns when the last has ended."""
        self._entry(self._address)
