"""The table of primitives: all facts of one in one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from nbkeras.errors import GraphError

#: name -> row
TABLE: dict[str, Primitive] = {}


@dataclass(frozen=True, eq=False)
class Primitive:
    """One row.

    Args:
        name: also the name of its kernel, its reference and its tests.
        infer: `infer(node) -> [(shape, dtype), ...]`, one pair an output; raises for inputs that do not fit.
        reference: `reference(*arrays, **params)` in NumPy: the meaning of the primitive, slow and plain.
        grad: `grad(node, *output_gradients) -> [gradient or None, ...]`, one an input, written with primitives, so
            that gradients of gradients work; None where the primitive has no derivative.
        lower: `lower(node, low)`: calls `low.launch(...)`; None for views and elementwise rows.
        opcode: name in the elementwise kernel's OPCODES, for elementwise rows.
        view: the output is the input's memory under another shape.
        inplace: output index -> input index whose memory it takes over.
    """

    name: str
    infer: Callable
    reference: Callable
    grad: Callable | None = None
    lower: Callable | None = None
    opcode: str | None = None
    view: bool = False
    inplace: dict = field(default_factory=dict)


def primitive(name: str, **row) -> Primitive:
    """Add a row to the table."""
    if name in TABLE:
        raise GraphError(f"primitive {name!r} is in the table already.")
    TABLE[name] = made = Primitive(name, **row)
    return made


def same(node):
    """Shape and dtype of the first input."""
    return [(node.inputs[0].shape, node.inputs[0].dtype)]


def broadcast(*shapes):
    """NumPy's broadcast of shapes; raises ValueError where they do not fit."""
    return np.broadcast_shapes(*shapes)
