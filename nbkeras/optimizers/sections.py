"""Sections: stretches of one arena that a step reads and writes as one flat tensor."""

from __future__ import annotations

from nbkeras.graph import trace
from nbkeras.graph.primitives import emit
from nbkeras.graph.variable import Arena


def padded(size: int) -> int:
    """Elements that a variable of this size takes up in an arena."""
    return -(-size // Arena.ALIGN) * Arena.ALIGN


def put_into_arenas(variables, name: str) -> None:
    """Move variables that live in no arena into one of their own for each dtype."""
    by_dtype = {}
    for variable in variables:
        if variable.arena is None:
            by_dtype.setdefault(variable.dtype, []).append(variable)
    for dtype, group in by_dtype.items():
        Arena(group, name=f"{name}_{dtype}")


def neighbours(variables) -> list[list[int]]:
    """Positions of variables, in groups that lie in one arena without a hole, in the arena's order."""
    arenas = {}
    for variable in variables:
        arenas.setdefault(id(variable.arena), len(arenas))
    places = sorted(range(len(variables)), key=lambda i: (arenas[id(variables[i].arena)], variables[i].offset))
    groups, end = [], None
    for i in places:
        variable = variables[i]
        place = (id(variable.arena), variable.offset)
        if place != end:
            groups.append([])
        groups[-1].append(i)
        end = (id(variable.arena), variable.offset + padded(variable.size))
    return groups


class Section:
    """Neighbours in an arena.

    Args:
        variables: in the arena's order, without a hole between them.

    Attributes:
        offsets: where each variable starts, from the section's start.
        size: of the section, in elements, the gaps after variables included.
    """

    def __init__(self, variables):
        self.variables = list(variables)
        self.arena = self.variables[0].arena
        self.start = self.variables[0].offset
        self.offsets = [v.offset - self.start for v in self.variables]
        self.size = self.offsets[-1] + padded(self.variables[-1].size)
        self.dtype = self.variables[0].dtype
        self.whole = self.start == 0 and self.size == self.arena.size

    def read(self):
        """The present values as one flat symbol; gaps are zero, or whatever they were made by an update."""
        graph = trace.current()
        if not self._in_place(graph):
            return emit("pack", *self.variables, offsets=tuple(self.offsets), size=self.size)
        flat = graph.read(self.arena)
        return flat if self.whole else emit("unpack", flat, offset=self.start, shape=(self.size,))

    def write(self, flat) -> None:
        """From this point of the step on, the variables have the values of a flat symbol."""
        graph = trace.current()
        if self.whole:
            graph.read(self.arena)
            graph.values[self.arena] = flat
        for variable, offset in zip(self.variables, self.offsets, strict=True):
            if self.whole and variable not in graph.values:
                continue  # Graph.read finds it in the arena, if anybody asks
            graph.read(variable)
            graph.values[variable] = emit("unpack", flat, offset=offset, shape=variable.shape)

    def _in_place(self, graph) -> bool:
        """Do all variables, in this step so far, have the values that the arena has?"""
        flat = graph.values.get(self.arena)
        untouched = flat is None or flat is graph.reads[self.arena]
        for variable in self.variables:
            symbol = graph.values.get(variable)
            if symbol is None or (untouched and symbol is graph.reads[variable]):
                continue
            node = symbol.node
            if node is None or node.primitive.name != "unpack" or node.inputs[0] is not flat:
                return False
            if node.params["offset"] != variable.offset:
                return False
        return True

    def pack(self, tensors):
        """Tensors of the variables' shapes as one flat symbol with the same layout, gaps zero."""
        return emit("pack", *tensors, offsets=tuple(self.offsets), size=self.size)

    def unpack(self, flat):
        """The parts of a flat symbol that belong to the variables."""
        return [
            emit("unpack", flat, offset=offset, shape=variable.shape)
            for variable, offset in zip(self.variables, self.offsets, strict=True)
        ]

    @property
    def segments(self) -> tuple[int, ...]:
        """Bounds of the variables and of the gaps after them, in turn: variable i is segment 2 * i."""
        bounds = []
        for variable, offset in zip(self.variables, self.offsets, strict=True):
            bounds += [offset, offset + variable.size]
        return (*bounds, self.size)
