"""Plans: a graph's nodes as launches, each value with its place in memory, bound to a program that runs in one call."""

from __future__ import annotations

import functools
import sys

import numpy as np

from nbkeras import config, device
from nbkeras.errors import KernelError
from nbkeras.graph import order
from nbkeras.graph.assemble import OutOfRegisters, assemble, read_before_made
from nbkeras.graph.dtypes import ITEMSIZE
from nbkeras.graph.fuse import fuse
from nbkeras.graph.groups import GROUP, is_group
from nbkeras.graph.primitives.moving import copy, strides_of
from nbkeras.graph.symbol import Node, Symbol
from nbkeras.graph.variable import Storage
from nbkeras.kernels import elementwise as vm
from nbkeras.kernels._jit import dtype_code

#: Nanoseconds of work on one core below which a launch is not split; a split launch has chunks of at least half of it.
SERIAL_BELOW = 20_000.0

#: At most this many chunks a launch: enough to balance 64 threads, few enough to cost nothing on two.
MOST_CHUNKS = 256

ALIGN = 64


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


class Lowering:
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

    def temp(self, shape, dtype) -> Symbol:
        """Memory for the time of this node."""
        return Symbol(shape, dtype, name="temp")


class Plan:
    """A graph, ready to run.

    Args:
        graph: a traced graph with its outputs.

    Attributes:
        inputs: one buffer an input symbol; fill them, then `run()`.
        outputs: one array an output symbol, valid until the next run.
    """

    def __init__(self, graph):
        self.backend = device.backend()
        self.graph = graph
        self.nodes = fuse(graph)
        lowering = Lowering(self.backend)
        self.place: dict[int, tuple] = {}
        self._lodgers: dict[int, list] = {}
        self._lower(lowering)
        self._write_back(lowering)
        self.steps = lowering.steps
        self._allocate()
        self._bind()

    # -- lowering -------------------------------------------------------------------------------------------------

    def _lower(self, low):
        graph = self.graph
        for symbol in (*graph.inputs, *graph.constants):
            self._put(symbol, symbol, 0)
        for variable, symbol in graph.reads.items():
            self._put(symbol, variable, 0)
        self._producer, self._pinned = {}, set()
        packed = order.packed(self.nodes)
        for node in self.nodes:
            low.node = node
            first = len(low.steps)
            for output, source in node.primitive.inplace.items():
                self._put(node.outputs[output], *self.place[id(node.inputs[source])])
            if node.primitive.view:
                owner, offset = self.place[id(node.inputs[0])]
                shift = node.params.get("offset", 0) * ITEMSIZE[node.outputs[0].dtype]
                self._put(node.outputs[0], owner, offset + shift)
            elif node.primitive.name == "pack":
                self._pack(node, low, packed)
            elif is_group(node):
                self._group(node, low)
            else:
                node.primitive.lower(node, low)
            for symbol in node.outputs:
                if id(symbol) not in self.place:
                    self._put(symbol, symbol, 0)
                self._producer.setdefault(id(symbol), (node, first))

    def _group(self, node, low):
        """Launch a group; one that needs too many registers is cut in two."""
        try:
            kernel, kind, operands, shape, program, constants = assemble(node)
        except OutOfRegisters:
            for part in _halves(node, self._symbol_uses()):
                self._group(part, low)
            return
        n = node.params["members"][0].outputs[0].size
        rows = [(symbol, code, mode, *strides) for symbol, code, mode, strides in operands]
        length = len(program) // 5
        args = [Operands(rows), shape, program, constants, len(shape), length, n]
        blocks = -(-n // vm.BLOCK)
        low.launch(kernel, kind, args, items=blocks, cost=0.2 * vm.BLOCK * length)

    def _symbol_uses(self):
        uses: dict[int, int] = {}
        for node in self.nodes:
            for symbol in node.inputs:
                uses[id(symbol)] = uses.get(id(symbol), 0) + 1
        return uses

    def _pack(self, node, low, packed):
        """Place each input in the flat buffer where it is made; copy those that live elsewhere."""
        flat = node.outputs[0]
        self._put(flat, flat, 0)
        self._pinned.add(id(flat))
        width = ITEMSIZE[flat.dtype]
        for symbol, offset in zip(node.inputs, node.params["offsets"], strict=True):
            owner, _ = self.place[id(symbol)]
            if id(owner) in packed and id(owner) not in self._pinned:
                self._move(owner, flat, offset * width)
            else:
                target = Symbol(symbol.shape, flat.dtype, name="packed")
                self._put(target, flat, offset * width)
                self._copy(low, target, symbol)

    def _put(self, symbol, owner, offset):
        """The symbol lives in `owner` from a byte on."""
        self.place[id(symbol)] = (owner, offset)
        self._lodgers.setdefault(id(owner), []).append(symbol)

    def _move(self, owner, target, offset):
        """Whatever lived in `owner` lives in `target` from now on."""
        for symbol in self._lodgers.pop(id(owner)):
            self._put(symbol, target, self.place[id(symbol)][1] + offset)

    def _write_back(self, low):
        """Values that variables get: computed in the variable's own memory where nothing reads the old value after."""
        low.node = None
        # Arenas first: a value that one of their variables gets besides is written over theirs.
        writes = sorted(self.graph.writes.items(), key=lambda item: item[0].arena is not None)
        arenas = {variable: symbol for variable, symbol in writes if variable.arena is None}
        late = [*self.graph.outputs, *(symbol for _, symbol in writes)]
        for variable, symbol in writes:
            owner, shift = self.place[id(symbol)]
            made = id(owner) in self._producer and id(owner) not in self._pinned
            whole = made and shift == 0 and owner.size == symbol.size
            alone = variable.arena not in arenas and not any(
                v.arena is variable and not self._is_part(v, s, symbol) for v, s in writes
            )
            if whole and alone and self._old_value_is_dead(low.steps, variable, owner, late):
                self._move(owner, variable, 0)
        copies = []
        for variable, symbol in writes:
            old = self.graph.reads[variable]
            flat = arenas.get(variable.arena)
            if self._region(symbol) == self._region(old) if flat is None else self._is_part(variable, symbol, flat):
                continue
            if not isinstance(self.place[id(symbol)][0], Symbol):
                # The new value is another variable's memory: copy it aside before anything is overwritten.
                aside = low.temp(symbol.shape, symbol.dtype)
                self._put(aside, aside, 0)
                self._copy(low, aside, symbol)
                symbol = aside
            copies.append((old, symbol))
        for target, source in copies:
            self._copy(low, target, source)

    def _is_part(self, variable, symbol, flat) -> bool:
        """Does a variable's value lie in its arena's value where the variable lies in the arena?"""
        buffer, first, _ = self._region(flat)
        return self._region(symbol)[:2] == (buffer, first + variable.offset * ITEMSIZE[variable.dtype])

    @staticmethod
    def _copy(low, target, source):
        strides = strides_of(source.shape)
        copy(low, target, source, source.shape, strides, strides)

    def _region(self, symbol):
        """The bytes of a symbol: (id of the buffer, first, end); variables inside an arena are parts of it."""
        owner, first = self.place[id(symbol)]
        if not isinstance(owner, Symbol) and owner.arena is not None:
            owner, first = owner.arena, first + owner.offset * ITEMSIZE[owner.dtype]
        return id(owner), first, first + symbol.nbytes

    def _old_value_is_dead(self, steps, variable, owner, late) -> bool:
        """Nothing touches the variable's memory from the step that makes `owner` on, but elementwise at one index."""
        old = self.graph.reads[variable]
        memory = self._region(old)
        if any(self._meets(s, memory) for s in late):
            return False
        first = self._producer[id(owner)][1]
        for i, step in enumerate(steps[first:], first):
            for symbol in step.symbols():
                if id(symbol) in self.place and self._meets(symbol, memory):
                    same = self._region(symbol) == memory
                    if i != first or not same or not self._elementwise(step, symbol, old, owner):
                        return False
        return True

    def _meets(self, symbol, memory) -> bool:
        buffer, first, end = self._region(symbol)
        return buffer == memory[0] and first < memory[2] and memory[1] < end

    @staticmethod
    def _elementwise(step, symbol, old, owner) -> bool:
        """The step reads the old value element by element, and each before it writes the new one there."""
        if step.node is None or not is_group(step.node):
            return False
        members = step.node.params["members"]
        aligned = symbol.dtype == old.dtype and symbol.shape == members[0].outputs[0].shape
        return aligned and read_before_made(members, symbol, owner)

    # -- memory ---------------------------------------------------------------------------------------------------

    def _allocate(self):
        """Give temporaries their place in one arena: two share memory when their lifetimes do not meet."""
        births, deaths = {}, {}
        last = len(self.steps)
        owners = {}
        for i, step in enumerate(self.steps):
            for symbol in step.symbols():
                owner, _ = self.place.setdefault(id(symbol), (symbol, 0))
                if isinstance(owner, Symbol):
                    owners[id(owner)] = owner
                    births.setdefault(id(owner), i)
                    deaths[id(owner)] = i
        self._buffers = {}
        for symbol in (*self.graph.inputs, *self.graph.outputs):
            owner, _ = self.place[id(symbol)]
            if isinstance(owner, Symbol):
                owners.setdefault(id(owner), owner)
                births[id(owner)], deaths[id(owner)] = -1, last
        fixed = {id(s) for s in self.graph.constants} | self._pinned
        moving = [o for k, o in owners.items() if k not in fixed]
        self._offsets, end = _pack_intervals(moving, births, deaths)
        self.arena_bytes = end
        self._arena = self.backend.empty((max(end, ALIGN),), "uint8")
        for key, owner in owners.items():
            if key in self._pinned:
                self._buffers[key] = self.backend.empty(owner.shape, owner.dtype)
                self.backend.from_host(self._buffers[key], np.zeros(owner.shape, owner.dtype))
        for symbol, value in self.graph.constants.items():
            if id(symbol) in owners:
                self._buffers[id(symbol)] = self._upload(value)

    def _upload(self, value):
        value = np.ascontiguousarray(value)
        buffer = self.backend.empty(value.shape, str(value.dtype))
        self.backend.from_host(buffer, value)
        return buffer

    def array(self, symbol):
        """The memory of a symbol, as an array of its shape and dtype."""
        owner, offset = self.place[id(symbol)]
        if not isinstance(owner, Symbol):
            base = owner.array
        elif id(owner) in self._buffers:
            base = self._buffers[id(owner)]
        else:
            start = self._offsets[id(owner)] + offset
            return self._arena[start : start + symbol.nbytes].view(symbol.dtype).reshape(symbol.shape)
        if offset == 0 and base.shape == symbol.shape and base.dtype == np.dtype(symbol.dtype):
            return base
        flat = base.reshape(-1).view("uint8")
        return flat[offset : offset + symbol.nbytes].view(symbol.dtype).reshape(symbol.shape)

    # -- binding and running --------------------------------------------------------------------------------------

    def _bind(self):
        launches = []
        for step in self.steps:
            arguments = [self._argument(a) for a in step.arguments]
            launches.append((step.kernel, step.dtype, arguments, step.items, step.chunk))
        self.program = self.backend.program(launches)
        self._run = None
        self.inputs = [self.array(s) for s in self.graph.inputs]
        self.outputs = [self.array(s) for s in self.graph.outputs]
        self.generation = Storage.generation

    def _argument(self, argument):
        if isinstance(argument, Symbol):
            return self.array(argument)
        if isinstance(argument, At):
            return self.array(argument.symbol).reshape(-1)[argument.element :]
        if isinstance(argument, Operands):
            return self.backend.table([(self.array(row[0]), *row[1:]) for row in argument.rows])
        if isinstance(argument, np.ndarray):
            return self._upload(argument)
        return argument

    def run(self):
        """One pass over all launches; bound again first if a variable has moved since."""
        if self.generation != Storage.generation:
            self._bind()
        if self._run is None:
            self._first_run()
        else:
            self._run()

    def _first_run(self):
        """Settle what a run does: with NBKERAS_CHECK=1 each one is compared with the reference."""
        from nbkeras.graph import check, show

        self._run = functools.partial(check.checked_run, self) if config.flag("NBKERAS_CHECK") else self.program.run
        if config.flag("NBKERAS_DEBUG"):
            print(show.describe(self, show.timed_run(self)), file=sys.stderr)
        else:
            self._run()


def _halves(node, uses):
    """Cut a group into two; values that cross the cut are stored and loaded."""
    members = node.params["members"]
    if len(members) < 2:
        raise KernelError(f"{members[0]!r} needs more registers than the elementwise kernel has.")
    middle = len(members) // 2
    for part in (members[:middle], members[middle:]):
        inside = {id(m.outputs[0]) for m in part}
        constants = node.params["constants"]
        sources = {id(s): s for m in part for s in m.inputs if id(s) not in inside and id(s) not in constants}
        others = [m for m in members if m not in part]
        crossing = {id(s) for m in others for s in m.inputs}
        asked = {id(s) for s in node.params["results"]}
        results = [m.outputs[0] for m in part if id(m.outputs[0]) in asked | crossing]
        made = Node.__new__(Node)
        made.primitive, made.scope = GROUP, node.scope
        made.inputs, made.outputs = tuple(sources.values()), tuple(results)
        made.params = {
            "members": part,
            "sources": tuple(sources.values()),
            "results": tuple(results),
            "constants": constants,
        }
        yield made


def _pack_intervals(owners, births, deaths):
    """Offsets of buffers in one arena, largest first, each at the lowest place that is free for its whole life."""
    offsets, placed, end = {}, [], 0
    for owner in sorted(owners, key=lambda s: -s.nbytes):
        size = -(-max(1, owner.nbytes) // ALIGN) * ALIGN
        born, dies = births[id(owner)], deaths[id(owner)]
        at = 0
        for start, stop, other_born, other_dies in placed:
            if other_born <= dies and born <= other_dies and start < at + size and at < stop:
                at = stop
        placed.append((at, at + size, born, dies))
        placed.sort()
        offsets[id(owner)] = at
        end = max(end, at + size)
    return offsets, end
