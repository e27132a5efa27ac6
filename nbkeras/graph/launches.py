"""Launches: what a plan runs, before memory is bound to it."""

from __future__ import annotations

from nbkeras.errors import KernelError
from nbkeras.graph.symbol import Node, Symbol
from nbkeras.kernels._jit import dtype_code

#: Nanoseconds of work on one core below which a launch is not split; a split launch has chunks of at least half of it.
SERIAL_BELOW = 20_000.0

#: At most this many chunks a launch: enough to balance 64 threads, few enough to cost nothing on two.
MOST_CHUNKS = 256


class At:
    """A symbol's memory from an element on, as a kernel's argument."""

    def __init__(self, symbol, element: int):
        self.symbol, self.element = symbol, element


class Operands:
    """The operand table of the elementwise kernel: rows of (symbol, numbers...)."""

    def __init__(self, rows):
        self.rows = rows


class Step:
    """One launch: kernel, dtype code, arguments (symbols not yet bound), items, items a chunk, and its node."""

    __slots__ = ("arguments", "chunk", "dtype", "items", "kernel", "node")

    def __init__(self, node, kernel, dtype, arguments, items, chunk):
        self.node, self.kernel, self.dtype = node, kernel, dtype
        self.arguments, self.items, self.chunk = arguments, items, chunk

    def symbols(self):
        for argument in self.arguments:
            if isinstance(argument, Symbol):
                yield argument
            elif isinstance(argument, At):
                yield argument.symbol
            elif isinstance(argument, Operands):
                yield from (row[0] for row in argument.rows)


def chunk_of(items: int, cost: float) -> int:
    """Items a chunk for work of `cost` nanoseconds an item; depends on the shape alone, never on the threads."""
    if items * cost <= SERIAL_BELOW:
        return max(1, items)
    smallest = max(1, int(SERIAL_BELOW / 2 / cost))
    chunk = max(smallest, -(-items // MOST_CHUNKS))
    # Flat work starts its chunks on cache lines, where vector loops want them.
    return -(-chunk // 64) * 64 if items >= 4096 else chunk


class Launches:
    """What a primitive's `lower` sees: it appends launches and asks for temporary memory."""

    def __init__(self, backend):
        self.backend = backend
        self.steps: list[Step] = []
        self.node: Node | None = None

    def launch(self, kernel, dtype, arguments, items=None, cost=1.0):
        """Append a launch. Without `items` the kernel's own schedule cuts the work."""
        code = dtype_code(dtype)
        found = self.backend.kernels.get(kernel)
        if found is None:
            raise KernelError(
                f"device {self.backend.name!r} has no kernel {kernel!r}, which {self.node!r} needs.",
                next="choose another device with NBKERAS_DEVICE.",
            )
        if items is None:
            numbers = {p.name: a for p, a in zip(found.parameters, arguments, strict=True) if not p.is_pointer}
            items, chunk = found.schedule(**numbers)
        else:
            chunk = chunk_of(items, cost)
        if items > 0:
            self.steps.append(Step(self.node, found, code, arguments, items, chunk))

    def pays(self, kernel, **numbers) -> bool:
        """Is a kernel that is one way among several the fastest on this device, as it says itself?"""
        pays = getattr(self.backend.kernels.get(kernel), "pays", None)
        return pays is not None and pays(**numbers)

    def temp(self, shape, dtype) -> Symbol:
        """Memory for the time of this node."""
        return Symbol(shape, dtype, name="temp")
