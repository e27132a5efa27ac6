"""Emitting: the one door through which every computation enters a graph, or runs at once outside one."""

from __future__ import annotations

import numpy as np

from nbkeras.graph import trace
from nbkeras.graph.dtypes import ITEMSIZE, dtype_name
from nbkeras.graph.primitives.table import TABLE
from nbkeras.graph.symbol import Symbol


def lift(value) -> Symbol:
    """The symbol of a value in the active graph: variables are read, numbers and arrays become constants."""
    if isinstance(value, Symbol):
        return value
    if hasattr(value, "assign"):
        # Inside a StatelessScope the value is the scope's.
        value = value.current
        if isinstance(value, Symbol):
            return value
    return trace.current().constant(value)


def emit(name: str, *inputs, **params):
    """Apply a primitive: add a node to the active graph, or compute at once when there is none.

    Returns one symbol or array, or a tuple where the primitive has several outputs.
    """
    graph = trace.current()
    if graph is None:
        from nbkeras.graph import run

        return run.eager(name, inputs, params)
    node = graph.add(TABLE[name], [lift(value) for value in inputs], params)
    return node.outputs[0] if len(node.outputs) == 1 else node.outputs


def cast(x, dtype: str):
    """The same values as another dtype; nothing is emitted when it is that dtype already.

    Arrays of half precision and of long doubles come in here, and nowhere else: there are no kernels for them.
    """
    dtype, given = dtype_name(dtype), dtype_name(x.dtype)
    if given == dtype:
        return x
    if isinstance(x, np.ndarray) and given not in ITEMSIZE and x.dtype.kind == "f":
        return x.astype(dtype)
    return emit("cast", x, dtype=dtype)
