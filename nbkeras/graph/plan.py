"""Plans: a graph's nodes as launches, each value with its place in memory, bound to a program that runs in one call."""

from __future__ import annotations

import functools
import sys

import numpy as np

from nbkeras import config, device
from nbkeras.graph import interruptions
from nbkeras.graph.buffers import Buffers, Scratch
from nbkeras.graph.fuse import fuse
from nbkeras.graph.launches import At, Operands
from nbkeras.graph.lower import lower
from nbkeras.graph.symbol import Symbol
from nbkeras.graph.variable import Storage
from nbkeras.graph.write_back import write_back


class Plan:
    """A graph, ready to run.

    Args:
        graph: a traced graph with its outputs.
        scratch: memory for temporaries that is shared with plans that never run at the same time; its own by default.

    Attributes:
        steps: the launches.
        inputs: one buffer an input symbol; fill them, then `run()`.
        outputs: one array an output symbol, valid until the next run.
        checked_runs: how often it ran with NBKERAS_CHECK=1.
    """

    def __init__(self, graph, scratch=None):
        self.backend = device.backend()
        self.graph = graph
        self.checked_runs = 0
        self.nodes = fuse(graph)
        launches, places = lower(self.nodes, graph, self.backend)
        write_back(graph, launches, places)
        self.steps = launches.steps
        interruptions.make_ready(self.steps)
        self._buffers = Buffers(graph, self.steps, places, self.backend, scratch or Scratch(self.backend))
        self._bind()

    @property
    def temporary_bytes(self) -> int:
        """Bytes of scratch memory that a run needs."""
        return self._buffers.temporary_bytes

    def array(self, symbol):
        """The memory of a symbol, as an array of its shape and dtype."""
        return self._buffers.array(symbol)

    def owner(self, symbol):
        """The symbol or variable in whose memory a symbol lies; None if no launch names it."""
        return self._buffers.places.of.get(id(symbol), (None, 0))[0]

    def distance(self, symbol) -> int:
        """Bytes from the start of that memory to the symbol's."""
        return self._buffers.places.of[id(symbol)][1]

    def _bind(self):
        known: dict[int, object] = {}

        def array(symbol):
            if id(symbol) not in known:
                known[id(symbol)] = self.array(symbol)
            return known[id(symbol)]

        def bound(argument):
            if isinstance(argument, Symbol):
                return array(argument)
            if isinstance(argument, At):
                return array(argument.symbol).reshape(-1)[argument.element :]
            if isinstance(argument, Operands):
                return self.backend.table([(array(row[0]), *row[1:]) for row in argument.rows])
            if isinstance(argument, np.ndarray):
                return self._buffers.upload(argument)
            return argument

        self.program = self.backend.program(
            [(s.kernel, s.dtype, [bound(a) for a in s.arguments], s.items, s.chunk) for s in self.steps]
        )
        self._run, self._plain = None, False
        self.inputs = [self.array(s) for s in self.graph.inputs]
        self.outputs = [self.array(s) for s in self.graph.outputs]
        self._generations = Storage.generation, self._buffers.scratch.generation

    def ready(self):
        """The program, bound to where memory is now, for who points it elsewhere; None until a first `run()` has
        settled that a run is the program and nothing besides."""
        self._refresh()
        return self.program if self._plain else None

    def _refresh(self):
        """Bind again if a variable or the scratch memory has moved."""
        if self._generations != (Storage.generation, self._buffers.scratch.generation):
            self._bind()

    def run(self):
        """One pass over all launches; bound again first if a variable or the scratch memory has moved since."""
        self._refresh()
        if self._run is None:
            self._first_run()
        else:
            self._run()

    def _first_run(self):
        """Settle what a run does: with NBKERAS_CHECK=1 each one is compared with the reference."""
        from nbkeras.graph import check, show

        self._plain = not config.flag("NBKERAS_CHECK")
        self._run = self.program.run if self._plain else functools.partial(check.checked_run, self)
        if config.flag("NBKERAS_DEBUG"):
            print(show.describe(self, show.timed_run(self)), file=sys.stderr)
        else:
            self._run()
