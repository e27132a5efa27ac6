"""Traced functions: a Python function of tensors becomes one plan for each signature that it is called with."""

from __future__ import annotations

import numpy as np

from nbkeras import device, tree
from nbkeras.graph import run, trace
from nbkeras.graph.buffers import Scratch
from nbkeras.graph.dtypes import dtype_name
from nbkeras.graph.plan import Plan
from nbkeras.graph.primitives import lift
from nbkeras.graph.symbol import Symbol


class Signature:
    """What of the arguments a plan depends on: structure, shapes, dtypes, and the leaves that are no arrays."""

    def __init__(self, arguments):
        self.leaves = tree.flatten(arguments)
        self.is_array = [hasattr(leaf, "dtype") and hasattr(leaf, "shape") for leaf in self.leaves]
        self.arrays = [run.as_array(a) for a, yes in zip(self.leaves, self.is_array, strict=True) if yes]
        # With their types: 1, 1.0 and True are equal.
        fixed = tuple((type(leaf), leaf) for leaf, yes in zip(self.leaves, self.is_array, strict=True) if not yes)
        self.key = (outline(arguments), tuple((a.shape, dtype_name(a.dtype)) for a in self.arrays), fixed)


def outline(structure):
    if isinstance(structure, dict):
        return ("{", *((key, outline(structure[key])) for key in sorted(structure)))
    if isinstance(structure, (list, tuple)):
        return ("[", *(outline(part) for part in structure))
    return None


class TracedPlan:
    """A plan and the structure of what it gives.

    Args:
        function: called once, on symbols.
        arguments: nested arrays; other leaves are passed as they are.
        scratch: memory for temporaries that is shared with other plans; see `Plan`.
    """

    def __init__(self, function, arguments, scratch=None):
        with trace.Graph() as graph:

            def stand_in(leaf):
                if hasattr(leaf, "dtype") and hasattr(leaf, "shape"):
                    return graph.input(leaf.shape, dtype_name(leaf.dtype))
                return leaf

            symbols = [tree.map_structure(stand_in, a) for a in arguments]
            result = function(*symbols)
            leaves = [lift(leaf) if _is_value(leaf) else leaf for leaf in tree.flatten(result)]
        self._result = result
        self._slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Symbol)]
        self._leaves = leaves
        graph.outputs = [leaves[i] for i in self._slots]
        self.plan = Plan(graph, scratch)

    def feed(self, arrays) -> None:
        """Copy arrays into the plan's inputs, in the order of the arguments' leaves."""
        copy = self.plan.backend.from_host
        for buffer, array in zip(self.plan.inputs, arrays, strict=True):
            copy(buffer, array)

    def run(self) -> None:
        self.plan.run()

    def result(self):
        """The structure that the function returned, with views of the plan's outputs: valid until the next run."""
        leaves = list(self._leaves)
        for slot, array in zip(self._slots, self.plan.outputs, strict=True):
            leaves[slot] = array
        return tree.pack_sequence_as(self._result, leaves)


def _is_value(leaf) -> bool:
    return isinstance(leaf, (Symbol, np.ndarray, np.generic, float, int)) or hasattr(leaf, "assign")


class Traced:
    """A function that is traced at its first call with a signature and runs as one program from then on.

    Args:
        function: takes and gives nested tensors; reads and assigns variables as it likes.
    """

    #: Plans kept: calls with shapes or numbers that never come again should not fill the memory.
    KEPT = 64

    def __init__(self, function):
        self.function = function
        self.plans: dict = {}
        self._scratch = Scratch(device.backend())

    def __call__(self, *arguments):
        """Run; returns copies of the results."""
        signature = Signature(arguments)
        with self._scratch.lock:
            traced = self.plans.get(signature.key)
            if traced is None:
                if len(self.plans) >= self.KEPT:
                    self.plans.pop(next(iter(self.plans)))
                traced = self.plans[signature.key] = TracedPlan(self.function, arguments, self._scratch)
            traced.feed(signature.arrays)
            traced.run()
            return tree.map_structure(copied, traced.result())


def copied(array):
    """A copy that outlives the next run."""
    backend = device.backend()
    if not isinstance(array, backend.array):
        return array
    target = backend.empty(array.shape, dtype_name(array.dtype))
    backend.from_host(target, array)
    return target
