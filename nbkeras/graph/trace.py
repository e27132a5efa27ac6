"""Tracing: while a graph is open, primitives add nodes to it instead of running."""

from __future__ import annotations

import contextlib
import threading

import numpy as np

from nbkeras.graph.dtypes import array_dtype
from nbkeras.graph.symbol import Node, Symbol

_local = threading.local()


def current() -> Graph | None:
    """The graph that is being traced by this thread, or None."""
    return getattr(_local, "graph", None)


class Graph:
    """A computation: sources, nodes in the order of their emission, variables read and written, outputs.

    Use as a context manager to trace; the graph inside sees only its own symbols.

    Attributes:
        live: True for graphs whose symbols have values (`live.py`).
    """

    live = False

    def __init__(self):
        self.nodes: list[Node] = []
        self.inputs: list[Symbol] = []
        self.constants: dict[Symbol, np.ndarray] = {}
        self.reads: dict = {}
        self.values: dict = {}
        self.outputs: list[Symbol] = []
        self._scopes: list[str] = []
        self._pool: dict = {}

    def __enter__(self):
        self._outer = current()
        _local.graph = self
        return self

    def __exit__(self, *_):
        _local.graph = self._outer

    @contextlib.contextmanager
    def scope(self, name: str):
        """Nodes emitted inside carry this name: what error messages and NBKERAS_DEBUG print."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def input(self, shape, dtype, name=None) -> Symbol:
        """A source whose value is given at each run."""
        symbol = Symbol(shape, dtype, name=name)
        self.inputs.append(symbol)
        return symbol

    def constant(self, value) -> Symbol:
        """A source whose value is known now; equal small constants share one symbol."""
        value = np.asarray(value)
        dtype = array_dtype(value.dtype)
        value = value.astype(dtype, copy=False)  # in the machine's order of bytes
        key = (value.shape, value.dtype.str, value.tobytes()) if value.size <= 64 else None
        if key in self._pool:
            return self._pool[key]
        symbol = Symbol(value.shape, dtype, name="constant")
        self.constants[symbol] = value
        if key is not None:
            self._pool[key] = symbol
        return symbol

    def read(self, variable) -> Symbol:
        """The variable's value at this point of the step."""
        if variable not in self.values:
            if variable not in self.reads:
                self.reads[variable] = Symbol(variable.shape, variable.dtype, name=variable.name)
            self.values[variable] = self.reads[variable]
            arena = variable.arena
            if arena in self.values and self.values[arena] is not self.reads[arena]:
                from nbkeras.graph.primitives import emit

                flat = self.values[arena]
                self.values[variable] = emit("unpack", flat, offset=variable.offset, shape=variable.shape)
        return self.values[variable]

    def write(self, variable, value) -> Symbol:
        """From this point of the step on, the variable has this value."""
        from nbkeras.graph.primitives import cast, lift

        self.read(variable)
        symbol = cast(lift(value), variable.dtype)
        self.values[variable] = symbol
        return symbol

    @property
    def writes(self) -> dict:
        """Variable -> final value, for those whose value changes."""
        return {v: s for v, s in self.values.items() if s is not self.reads[v]}

    def add(self, primitive, inputs, params) -> Node:
        node = Node(primitive, inputs, params, "/".join(self._scopes))
        self.nodes.append(node)
        return node


@contextlib.contextmanager
def paused():
    """Leave tracing for a while, so that what runs inside runs at once."""
    outer, _local.graph = current(), None
    try:
        yield
    finally:
        _local.graph = outer
