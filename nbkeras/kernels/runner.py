"""Runs a program: a table of kernel launches, walked natively, one Python call for a whole training step.

A launch whose chunk covers all its items runs on the calling thread. The others are offered to the team
(`team.py`) chunk by chunk; with one thread the same chunks run one after the other, so the bits are the same.
"""

from __future__ import annotations

import ctypes

import numpy as np
from numba import types

from nbkeras.kernels import _jit, threads
from nbkeras.kernels.team import ACTIVE, BUSY, STATE, call, load, replace, share, store

#: Columns of a program's table: address of the kernel, address of its arguments, items, items a chunk.
COLUMNS = 4


def _run(table, first, last, state):
    for step in range(first, last):
        kernel = table[4 * step]
        arguments = table[4 * step + 1]
        items = table[4 * step + 2]
        chunk = table[4 * step + 3]
        chunks = (items + chunk - 1) // chunk
        if chunks <= 1:
            call(kernel, arguments, 0, items)
        elif load(state, ACTIVE) > 1 and replace(state, BUSY, 0, 1):
            share(state, kernel, arguments, items, chunk, chunks)
            store(state, BUSY, 0)
        else:
            for part in range(chunks):
                call(kernel, arguments, part * chunk, min(items, part * chunk + chunk))


_entry = None


def entry():
    """The compiled runner as a C function of the address of its four arguments."""
    global _entry
    if _entry is None:
        packed = (types.CPointer(types.int64), types.int64, types.int64, STATE)
        make = lambda: _jit.entry_library("nbkeras_run", _run, packed, (), {"error_model": "numpy"})  # noqa: E731
        address = _jit.load_or_compile("nbkeras_run", "run", "i8", make)
        _entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)
    return _entry


class AddressTable:
    """A pointer argument that points to rows of int64: the address of an array, then numbers (see `elementwise`).

    Args:
        rows: tuples (array or address, int, int, ...), all of one length.
    """

    def __init__(self, rows):
        self.rows = [tuple(row) for row in rows]


class Program:
    """A list of launches bound to addresses.

    Args:
        launches: tuples (kernel, dtype code, arguments, items, chunk), the arguments in the kernel's order. A pointer
            takes an array (kept alive by the program), an address, an AddressTable, or None if the kernel doesn't
            read it; the others take numbers.
    """

    def __init__(self, launches):
        launches = list(launches)
        self._keep = [launch[2] for launch in launches]
        self._tables: dict[tuple[int, int], np.ndarray] = {}
        widths = [len(launch[2]) for launch in launches]
        self._starts = np.cumsum([0, *widths]).tolist()
        self.arguments = np.zeros(max(1, self._starts[-1]), np.int64)
        self.table = np.zeros((max(1, len(launches)), COLUMNS), np.int64)
        base = self.arguments.ctypes.data
        for step, (kernel, dtype, arguments, items, chunk) in enumerate(launches):
            first = self._starts[step]
            for index, (parameter, value) in enumerate(zip(kernel.parameters, arguments, strict=True)):
                self._bind(step, index, parameter, dtype, value)
            self.table[step] = kernel.address(dtype), base + 8 * first, items, max(1, chunk)
        self.steps = len(launches)
        self._shared = bool((self.table[:, 2] > self.table[:, 3]).any())
        self._call = np.array([self.table.ctypes.data, 0, self.steps, threads.address()], np.int64)
        self._address = self._call.ctypes.data
        self._entry = entry()

    def _bind(self, step: int, index: int, parameter, dtype: str, value) -> None:
        slot = self._starts[step] + index
        code = dtype if parameter.code == "T" else parameter.code
        if parameter.is_pointer:
            if isinstance(value, AddressTable):
                self._tables[step, index] = value = np.array(
                    [[_address(row[0]), *row[1:]] for row in value.rows], np.int64
                )
            elif isinstance(value, np.ndarray):
                assert value.itemsize == int(code[1:]), (step, parameter.name, value.dtype, code)
            self.arguments[slot] = _address(value)
        elif code[0] == "f":
            self.arguments[slot : slot + 1].view(np.float64)[0] = value
        else:
            value = int(value)
            self.arguments[slot] = value if value < 2**63 else value - 2**64

    def set_pointer(self, step: int, index: int, address: int, row: int | None = None) -> None:
        """Point argument `index` of a step, or one row of its AddressTable, to another address.

        The caller keeps the memory alive; nothing else is checked, so that feeding a batch costs next to nothing.
        """
        if row is None:
            self.arguments[self._starts[step] + index] = address
        else:
            self._tables[step, index][row, 0] = address

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Run the launches, in order, or those from `first` up to `last`; returns when the last has ended."""
        if self._shared and not threads.ready:
            threads.start()
        if first == 0 and last is None:
            self._entry(self._address)
        else:
            last = self.steps if last is None else last
            assert 0 <= first <= last <= self.steps, (first, last, self.steps)
            part = np.array([self.table.ctypes.data, first, last, threads.address()], np.int64)
            self._entry(part.ctypes.data)


def _address(value) -> int:
    if value is None:
        return 0
    return value.ctypes.data if isinstance(value, np.ndarray) else int(value)
