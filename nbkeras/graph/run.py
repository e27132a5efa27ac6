"""Eager calls: a primitive on arrays runs at once, through a plan of one node that is kept for the next such call.

The launches of a kept plan are pointed to the caller's arrays and to fresh ones for the results, where the device can
say where its arrays lie: nothing is copied.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from nbkeras import device
from nbkeras.graph import trace
from nbkeras.graph.dtypes import ITEMSIZE, array_dtype, dtype_name
from nbkeras.graph.launches import At, Operands
from nbkeras.graph.plan import Plan
from nbkeras.graph.primitives.table import TABLE
from nbkeras.graph.symbol import Symbol

#: Plans of single primitives; the least recently used goes first, so that a long session does not grow.
_calls: OrderedDict = OrderedDict()
KEPT = 512

#: Bytes of inputs and outputs below which copying them takes no longer than pointing the launches to them.
COPIED_BELOW = 8192


def forget() -> None:
    """Drop all kept plans."""
    _calls.clear()


def _key(value):
    if isinstance(value, (list, tuple)):
        return tuple(_key(v) for v in value)
    if isinstance(value, np.ndarray):
        return value.tobytes(), value.shape, value.dtype.str
    return value


def as_array(value):
    """A device array as it is; variables give their storage; anything else goes through NumPy to the device."""
    return _as_array(value, device.backend())


def _as_array(value, backend):
    if hasattr(value, "assign"):
        # Inside a StatelessScope the value is the scope's.
        value = value.current if trace.current() is None else value.array
    if not isinstance(value, backend.array):
        value = np.asarray(value)
    if isinstance(value, backend.array):
        return value
    host = value
    target = backend.empty(host.shape, str(host.dtype))
    backend.from_host(target, host)
    return target


class _Call:
    """A plan of one primitive and the places in its launches that name the memory of inputs and outputs."""

    def __init__(self, name, arrays, params):
        with trace.Graph() as graph:
            symbols = [graph.input(a.shape, array_dtype(a.dtype)) for a in arrays]
            graph.outputs = list(graph.add(TABLE[name], symbols, params).outputs)
        self.plan = Plan(graph)
        self.backend = self.plan.backend
        self.lock = threading.Lock()  # its pointers are set for one caller at a time
        self.results = [(s.shape, s.dtype) for s in graph.outputs]
        ends = (*graph.inputs, *graph.outputs)
        owners = [self.plan.owner(symbol) for symbol in ends]
        # Where an output is (part of) an input's memory, a view or in-place work, the plan's own buffers are used.
        self.bound = sum(symbol.nbytes for symbol in ends) >= COPIED_BELOW
        self.bound &= len({id(owner) for owner in owners}) == len(ends)
        self.bound &= all(owner is symbol for owner, symbol in zip(owners, ends, strict=True))
        self.spots = [[] for _ in ends]
        number = {id(owner): i for i, owner in enumerate(owners)}
        for step, launch in enumerate(self.plan.steps):
            for index, argument in enumerate(launch.arguments):
                for symbol, row, shift in _named(argument):
                    owner = number.get(id(self.plan.owner(symbol)))
                    if owner is not None:
                        distance = self.plan.distance(symbol) + shift
                        self.spots[owner].append((step, index, row, distance))

    def __call__(self, arrays):
        empty = self.backend.empty
        results = [empty(shape, dtype) for shape, dtype in self.results]
        with self.lock:
            self._run(self.backend, arrays, results)
        return results[0] if len(results) == 1 else tuple(results)

    def _run(self, backend, arrays, results):
        program = self.plan.ready() if self.bound else None
        if program is None:
            self._copied(backend, arrays, results)
        else:
            kept = []  # copies, alive until the launches have ended
            for array, spots in zip((*arrays, *results), self.spots, strict=True):
                address = backend.address(array)
                if address is None:
                    copy = backend.empty(array.shape, dtype_name(array.dtype))
                    backend.from_host(copy, array)
                    kept.append(copy)
                    address = backend.address(copy)
                for step, index, row, distance in spots:
                    program.set_pointer(step, index, address + distance, row)
            program.run()

    def _copied(self, backend, arrays, results):
        if not self.plan.steps and len(arrays) == len(results) == 1:
            array, result = arrays[0], results[0]
            if array.size == result.size and array.dtype == result.dtype:
                backend.from_host(result, array.reshape(result.shape))  # a view
                return
        for buffer, array in zip(self.plan.inputs, arrays, strict=True):
            backend.from_host(buffer, array)
        self.plan.run()
        for target, array in zip(results, self.plan.outputs, strict=True):
            backend.from_host(target, array)


def _named(argument):
    """(symbol, row of a table or None, bytes from the symbol's start) for each symbol in a launch's argument."""
    if isinstance(argument, Symbol):
        yield argument, None, 0
    elif isinstance(argument, At):
        yield argument.symbol, None, argument.element * ITEMSIZE[argument.symbol.dtype]
    elif isinstance(argument, Operands):
        for row, (symbol, *_) in enumerate(argument.rows):
            yield symbol, row, 0


def eager(name: str, inputs, params):
    """Run one primitive on arrays; returns a new array, or a tuple of them."""
    backend = device.loaded or device.backend()
    arrays = [value if type(value) is backend.array else _as_array(value, backend) for value in inputs]
    kinds = [(a.shape, a.dtype) for a in arrays]
    try:
        key = (name, *kinds, *params.items())
        call = _calls.get(key)
    except TypeError:  # lists and arrays among the parameters
        key = (name, *kinds, *[(k, _key(v)) for k, v in params.items()])
        call = _calls.get(key)
    if call is None:
        call = _calls[key] = _Call(name, arrays, params)
        if len(_calls) > KEPT:
            _calls.popitem(last=False)
    else:
        _calls.move_to_end(key)
    return call(arrays)
