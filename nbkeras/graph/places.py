"""Places: which buffer each value of a plan lies in, and from which byte on."""

from __future__ import annotations

from nbkeras.graph.dtypes import ITEMSIZE
from nbkeras.graph.symbol import Symbol


class Places:
    """Where symbols live: an owner, which is a symbol or a variable, and an offset in bytes.

    Attributes:
        pinned: ids of owners with a buffer of their own, whose gaps stay zero; nothing else may live there.
        first: id(symbol) -> number of the first launch of the node that makes it.
    """

    def __init__(self):
        self.of: dict[int, tuple] = {}
        self.pinned: set[int] = set()
        self.first: dict[int, int] = {}
        self._lodgers: dict[int, list] = {}

    def put(self, symbol, owner, offset) -> None:
        """The symbol lives in `owner` from a byte on."""
        self.of[id(symbol)] = (owner, offset)
        self._lodgers.setdefault(id(owner), []).append(symbol)

    def put_alone(self, symbol) -> None:
        """The symbol owns its memory, unless it has a place already."""
        if id(symbol) not in self.of:
            self.put(symbol, symbol, 0)

    def move(self, owner, target, offset) -> None:
        """Whatever lived in `owner` lives in `target` from now on."""
        for symbol in self._lodgers.pop(id(owner)):
            self.put(symbol, target, self.of[id(symbol)][1] + offset)

    def region(self, symbol) -> tuple:
        """The bytes of a symbol: (id of the buffer, first, end); variables inside an arena are parts of it."""
        owner, first = self.of[id(symbol)]
        if not isinstance(owner, Symbol) and owner.arena is not None:
            owner, first = owner.arena, first + owner.offset * ITEMSIZE[owner.dtype]
        return id(owner), first, first + symbol.nbytes

    def meets(self, symbol, region) -> bool:
        """Does a symbol share bytes with a region?"""
        buffer, first, end = self.region(symbol)
        return buffer == region[0] and first < region[2] and region[1] < end

    def is_part(self, variable, symbol, flat) -> bool:
        """Does a variable's value lie in its arena's value where the variable lies in the arena?"""
        buffer, first, _ = self.region(flat)
        return self.region(symbol)[:2] == (buffer, first + variable.offset * ITEMSIZE[variable.dtype])
