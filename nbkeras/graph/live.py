"""Live graphs: each node runs at once as it is added, so that symbols have values, and the record of nodes is there
for gradients. This is how code runs that a user wants to look into: `print`, breakpoints and Python's `if` work."""

from __future__ import annotations

import numpy as np

from nbkeras import device, tree
from nbkeras.graph import run, trace
from nbkeras.graph.dtypes import dtype_name
from nbkeras.graph.primitives import lift
from nbkeras.graph.symbol import Symbol
from nbkeras.graph.traced import copied


class LiveGraph(trace.Graph):
    """A graph that computes while it is traced. Variables keep their values until `commit`."""

    live = True

    def feed(self, value) -> Symbol:
        """A source with a value."""
        array = run.as_array(value)
        symbol = self.input(array.shape, dtype_name(array.dtype))
        symbol.array = array
        return symbol

    def constant(self, value) -> Symbol:
        symbol = super().constant(value)
        if symbol.array is None:
            symbol.array = run.as_array(self.constants[symbol])
        return symbol

    def read(self, variable) -> Symbol:
        symbol = super().read(variable)
        if symbol.array is None:
            symbol.array = copied(variable.array)
        return symbol

    def add(self, primitive, inputs, params):
        node = super().add(primitive, inputs, params)
        with trace.paused():
            found = run.eager(primitive.name, [s.array for s in inputs], params)
        for symbol, array in zip(node.outputs, found if isinstance(found, tuple) else (found,), strict=True):
            symbol.array = array
        return node

    def commit(self) -> None:
        """Give the variables that were written their new values."""
        backend = device.backend()
        # Arenas first: a value that one of their variables got besides is written over theirs.
        for variable, symbol in sorted(self.writes.items(), key=lambda item: item[0].arena is not None):
            backend.from_host(variable.array, symbol.array)


def compute(function, arguments):
    """Call a function on nested arrays in a live graph.

    Args:
        function: as one for `Traced`.
        arguments: of the function; leaves that are no arrays are passed as they are.

    Returns:
        What the function returned, arrays in the place of symbols and variables.
    """
    with LiveGraph() as graph:
        result = function(*(tree.map_structure(lambda leaf: _stand_in(graph, leaf), a) for a in arguments))
        result = tree.map_structure(_array, result)
        graph.commit()
    return result


def shapes_of(function, arguments):
    """What `compute` would give, as symbols; variables stay as they are."""
    with LiveGraph() as graph:
        return function(*(tree.map_structure(lambda leaf: _stand_in(graph, leaf), a) for a in arguments))


def host(array) -> np.ndarray:
    """A copy of a device array on the host."""
    return np.array(device.backend().to_host(array))


def _stand_in(graph, leaf):
    return graph.feed(leaf) if hasattr(leaf, "dtype") and hasattr(leaf, "shape") else leaf


def _array(leaf):
    if isinstance(leaf, Symbol) or hasattr(leaf, "assign"):
        return copied(lift(leaf).array)
    return leaf
