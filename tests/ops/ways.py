"""One call in three ways: on arrays, on traced symbols, on Keras tensors."""

from __future__ import annotations

import numpy as np

from nbkeras import tree
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.graph.traced import Traced
from tests.ops.calls import TABLES as FIRST
from tests.ops.calls_of_shapes import TABLES as SECOND
from tests.ops.calls_of_the_rest import TABLES as THIRD
from tests.ops.draw import ROWS


def table() -> dict:
    """Function name -> list of (arguments, keywords)."""
    merged = {}
    for part in (*FIRST, *SECOND, *THIRD):
        for name, calls in part.items():
            for call in calls:
                options = call[-1] if isinstance(call[-1], dict) else {}
                arguments = call[:-1] if isinstance(call[-1], dict) else call
                merged.setdefault(name, []).append((arguments, options))
    return merged


def _holes(structure):
    """The arrays in a call, and a function that puts others in their places."""
    leaves = tree.flatten(structure)
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray)]

    def fill(values):
        filled = list(leaves)
        for place, value in zip(places, values, strict=True):
            filled[place] = value
        return tree.pack_sequence_as(structure, filled)

    return [leaves[i] for i in places], fill


def traced(function, arguments, options):
    """The result of a call inside a traced function, whose inputs are the arrays of the call."""
    arrays, fill = _holes([list(arguments), options])

    def body(*symbols):
        args, kwargs = fill(symbols)
        return function(*args, **kwargs)

    return Traced(body)(*arrays)


def symbolic(function, arguments, options, make=KerasTensor):
    """The result of a call on Keras tensors whose first axis is open where it is as long as a batch."""
    arrays, fill = _holes([list(arguments), options])
    tensors = [make((None, *a.shape[1:]) if a.shape[:1] == (ROWS,) else a.shape, a.dtype.name) for a in arrays]
    args, kwargs = fill(tensors)
    return function(*args, **kwargs)


def called(function, arguments, options, convert):
    """The result of a call whose arrays are converted first."""
    arrays, fill = _holes([list(arguments), options])
    args, kwargs = fill([convert(a) for a in arrays])
    return function(*args, **kwargs)


def arrays_in(arguments, options):
    """The arrays of a call."""
    return _holes([list(arguments), options])[0]
