"""Buffers: the memory of a plan's values. Temporaries share one stretch of bytes, each for the time that it lives."""

from __future__ import annotations

import bisect
import threading

import numpy as np

from nbkeras.graph.symbol import Symbol

ALIGN = 64


class Scratch:
    """Memory that plans use in turn: none of what is here outlives a run, so that many plans need no more than one.

    Attributes:
        generation: counts how often the memory has moved; plans are bound again then.
        lock: to be held while a plan runs and its results are read, where several threads may do so.
    """

    def __init__(self, backend):
        self.backend = backend
        self.generation = 0
        self.lock = threading.RLock()
        self._bytes = backend.empty((ALIGN,), "uint8")
        self._flat: dict[tuple, object] = {}

    def reserve(self, size: int) -> None:
        """Have at least so many bytes."""
        if size > self._bytes.size:
            self._bytes = self.backend.empty((size,), "uint8")
            self.generation += 1

    @property
    def bytes(self):
        """The memory, one flat array."""
        return self._bytes

    def flat(self, key, shape, dtype):
        """A buffer of its own for packed values, zero at first; equal keys share one, as their gaps are the same."""
        if key not in self._flat:
            made = self._flat[key] = self.backend.empty(shape, dtype)
            self.backend.from_host(made, np.zeros(shape, dtype))
        return self._flat[key]


class Buffers:
    """The memory of one plan.

    Args:
        graph, steps, places: what the plan runs, and where its values lie.
        scratch: where temporaries go; inputs and outputs stay from run to run and are the plan's own.

    Attributes:
        temporary_bytes: how much of the scratch memory the plan needs.
    """

    def __init__(self, graph, steps, places, backend, scratch):
        self.backend, self.places, self.scratch = backend, places, scratch
        births, deaths, owners = {}, {}, {}
        for i, step in enumerate(steps):
            for symbol in step.symbols():
                places.put_alone(symbol)
                owner, _ = places.of[id(symbol)]
                if isinstance(owner, Symbol):
                    owners[id(owner)] = owner
                    births.setdefault(id(owner), i)
                    deaths[id(owner)] = i
        lasting = {id(o): o for o, _ in (places.of[id(s)] for s in (*graph.inputs, *graph.outputs))}
        lasting = {k: o for k, o in lasting.items() if isinstance(o, Symbol)}
        apart = {id(s) for s in graph.constants} | places.pinned | set(lasting)
        moving = [owner for key, owner in owners.items() if key not in apart]
        self._offsets, self.temporary_bytes = pack_intervals(moving, births, deaths)
        scratch.reserve(self.temporary_bytes)
        self._own: dict[int, object] = {}
        number = 0
        for key, owner in {**owners, **lasting}.items():
            if key in places.pinned and key not in lasting:
                layout = (number, owner.shape, owner.dtype, _layout(owner))
                self._own[key] = scratch.flat(layout, owner.shape, owner.dtype)
                number += 1
            elif key in apart and owner not in graph.constants:
                self._own[key] = backend.empty(owner.shape, owner.dtype)
                if key in places.pinned:
                    backend.from_host(self._own[key], np.zeros(owner.shape, owner.dtype))
        for symbol, value in graph.constants.items():
            if id(symbol) in owners or id(symbol) in lasting:
                self._own[id(symbol)] = self.upload(value)

    def upload(self, value):
        """A host array's values on the device."""
        value = np.ascontiguousarray(value)
        buffer = self.backend.empty(value.shape, str(value.dtype))
        self.backend.from_host(buffer, value)
        return buffer

    def array(self, symbol):
        """The memory of a symbol, as an array of its shape and dtype."""
        owner, offset = self.places.of[id(symbol)]
        if not isinstance(owner, Symbol):
            base = owner.array
        elif id(owner) in self._own:
            base = self._own[id(owner)]
        else:
            start = self._offsets[id(owner)] + offset
            return self.scratch.bytes[start : start + symbol.nbytes].view(symbol.dtype).reshape(symbol.shape)
        if offset == 0 and base.shape == symbol.shape and base.dtype == np.dtype(symbol.dtype):
            return base
        flat = base.reshape(-1).view("uint8")
        return flat[offset : offset + symbol.nbytes].view(symbol.dtype).reshape(symbol.shape)


def _layout(flat) -> tuple:
    """Where a packed buffer has values; the rest are gaps."""
    return tuple((o, s.size) for o, s in zip(flat.node.params["offsets"], flat.node.inputs, strict=True))


def pack_intervals(owners, births, deaths):
    """Offsets of buffers in one arena, largest first, each at the lowest place that is free for its whole life."""
    offsets, placed, end = {}, [], 0
    for owner in sorted(owners, key=lambda s: -s.nbytes):
        size = -(-max(1, owner.nbytes) // ALIGN) * ALIGN
        born, dies = births[id(owner)], deaths[id(owner)]
        at = 0
        for start, stop, other_born, other_dies in placed:
            if other_born <= dies and born <= other_dies and start < at + size and at < stop:
                at = stop
        bisect.insort(placed, (at, at + size, born, dies))
        offsets[id(owner)] = at
        end = max(end, at + size)
    return offsets, end
