"""The table of primitives, by family, and the functions that emit them."""

from nbkeras.graph.primitives import (
    convolution,
    ctc,
    elementwise,
    factoring,
    fourier,
    indexing,
    linear,
    moving,
    normalization,
    ordering,
    own,
    pooling,
    random,
    rare,
    reduction,
    softmax,
    update,
)
from nbkeras.graph.primitives.emit import cast, emit, lift
from nbkeras.graph.primitives.table import TABLE, Primitive, primitive

__all__ = [
    "TABLE",
    "Primitive",
    "cast",
    "convolution",
    "ctc",
    "elementwise",
    "emit",
    "factoring",
    "fourier",
    "indexing",
    "lift",
    "linear",
    "moving",
    "normalization",
    "ordering",
    "own",
    "pooling",
    "primitive",
    "random",
    "rare",
    "reduction",
    "softmax",
    "update",
]
