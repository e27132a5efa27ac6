"""A GPU in NumPy: runs the PTX of kernels, all threads of a block at once, and watches what they do.

numba's simulator runs the Python source; this runs what NVVM made of it, with the block and tile sizes of a real GPU.
So it shows what the compiler got wrong, and, as it sees every access to memory, what goes wrong on a GPU by chance:

- two threads of a block that touch one element between two barriers, one of them writing (a race);
- two blocks that touch one element, one of them writing;
- an access outside of every array, or not aligned to its size;
- a barrier that not all threads of the block reach together.

Each is a `Fault`. Threads run in lockstep where they agree; where they part, those that are behind go first.
"""

from __future__ import annotations

import ctypes
import re
import weakref

import numpy as np

from nbkeras_cuda.memory import ALIGNMENT, HostMemory

#: The target of the PTX that is run.
ARCHITECTURE = (9, 0)

TYPES = {
    "f32": np.float32, "f64": np.float64, "s8": np.int8, "s16": np.int16, "s32": np.int32, "s64": np.int64,
    "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
    "b8": np.uint8, "b16": np.uint16, "b32": np.uint32, "b64": np.uint64, "pred": np.bool_,
}  # fmt: skip

#: Blocks of a launch at most: fewer than there are items, so that blocks go from one item to the next.
MOST_BLOCKS = 2

#: More threads than a block can have: who read an element when several did.
MANY = 2048
STAMP = 4096


class Fault(AssertionError):
    """Something that a GPU does not promise to do as the kernel's author thought."""


class Buffer:
    """Some memory, and who touched which of its elements since when."""

    def __init__(self, size: int, name: str, address: int | None = None, private: bool = False):
        if address is None:
            self.owner = np.full(size + ALIGNMENT, 0xFF, np.uint8)
            address = self.owner.ctypes.data + -self.owner.ctypes.data % ALIGNMENT
        self.address, self.size, self.name, self.private = address, size, name, private
        whole = -(-size // 8)  # what is behind the end is never looked at
        self.bytes = np.ctypeslib.as_array((ctypes.c_uint8 * (whole * 8)).from_address(address))
        if not private:
            self.written, self.read = np.full(size, -1), np.full(size, -1)  # moment * STAMP + thread
            self.writer, self.reader = np.full(size, -1), np.full(size, -1)  # block; -2: several

    def view(self, dtype) -> np.ndarray:
        return self.bytes.view(dtype)

    def watch(self, places, threads, moment, block, writes: bool):
        """Note an access, and complain about what it collides with."""
        if self.private:
            return
        stamps = moment * STAMP + threads
        checked = (self.written, self.read) if writes else (self.written,)
        for before in checked:
            old = before[places]
            bad = (old // STAMP == moment) & (old != stamps)
            if bad.any():
                at = int(np.flatnonzero(bad)[0])
                other = int(old[at]) % STAMP
                raise Fault(
                    f"race on {self.name}, byte {int(places[at])}: thread {int(threads[at])} "
                    f"{'writes' if writes else 'reads'} what "
                    f"{'several threads' if other == MANY else f'thread {other}'} "
                    f"{'read' if before is self.read else 'wrote'} since the last barrier"
                )
        mine = self.written if writes else self.read
        mine[places] = stamps
        shared = mine[places] != stamps
        if shared.any():
            if writes:
                raise Fault(f"race on {self.name}, byte {int(places[shared][0])}: several threads write it at once")
            mine[places[shared]] = moment * STAMP + MANY
        for before in (self.writer, self.reader) if writes else (self.writer,):
            old = before[places]
            if ((old != -1) & (old != block)).any():
                raise Fault(f"race on {self.name}: block {block} and another one, without an order between them")
        mine = self.writer if writes else self.reader
        mine[places] = np.where((mine[places] == -1) | (mine[places] == block), block, -2)


class Memory(HostMemory):
    """The host's memory in place of a GPU's, of which every array that is alive is known."""

    def __init__(self):
        self._alive: dict[int, Buffer] = {}
        self._made = 0

    @property
    def buffers(self) -> list[Buffer]:
        return list(self._alive.values())

    def allocate(self, size: int):
        address, owner = super().allocate(size)
        self._alive[address] = Buffer(size, f"array {self._made}", address)
        self._made += 1
        weakref.finalize(owner, self._alive.pop, address)
        return address, owner


class Machine:
    """A launcher (see `nbkeras_cuda.launch`) that runs each launch at once, by its PTX."""

    def __init__(self, memory: Memory):
        self.memory = memory

    def prepare(self, kernel, dtype: str, blocks: int, threads: int):
        return kernel, dtype, min(blocks, MOST_BLOCKS), threads

    def pointer(self, parameter, dtype: str, address: int, size: int | None):
        return np.int64(address)

    def number(self, parameter, dtype: str, value):
        return np.dtype(parameter.dtype(dtype)).type(value)

    def range(self, items: int):
        return [np.int64(0), np.int64(items)]

    def graph(self, launches):
        return lambda: [self.launch(*launch) for launch in launches]

    def launch(self, prepared, arguments):
        kernel, dtype, blocks, threads = prepared
        run(kernel.ptx(dtype, ARCHITECTURE)[0], arguments, blocks, threads, self.memory.buffers)


_programs: dict[str, Program] = {}


def run(text: str, arguments, blocks: int, threads: int, buffers: list[Buffer]):
    """Run a kernel's PTX on blocks of threads, over buffers of which the arguments hold addresses."""
    if text not in _programs:
        _programs[text] = Program(text)
    program = _programs[text]
    for buffer in buffers:
        for record in (buffer.written, buffer.read, buffer.writer, buffer.reader):
            record[:] = -1
    moment = 0
    for block in range(blocks):
        moment = Block(program, arguments, block, blocks, threads, buffers, moment).run()


class Program:
    """PTX of one kernel, taken apart into instructions: (line, guard, operation words, operands)."""

    def __init__(self, text: str):
        body = text[text.index(".visible .entry") :]
        self.parameters = re.findall(r"\.param \.(\w+) (\w+)", body[: body.index(")")])
        self.arrays = {
            name: (space, int(size))
            for space, name, size in re.findall(r"\.(shared|local)\s+\.align \d+ \.b8\s+(\w+)\[(\d+)\];", text)
        }
        self.constants = {
            name: np.array(values.split(","), np.uint8)
            for name, values in re.findall(r"\.const\s+\.align \d+ \.b8\s+([\w$]+)\[\d+\] = \{([^}]*)\};", text)
        }
        self.widths = {prefix: TYPES[kind] for kind, prefix in re.findall(r"\.reg \.(\w+)\s+(%[A-Za-z]+)<?", body)}
        self.lines, labels = [], {}
        for raw in body[body.index("{") + 1 :].splitlines():
            line = raw.split("//")[0].strip()
            if match := re.match(r"(\$\w+):", line):
                labels[match[1]] = len(self.lines)
            elif line.endswith(";") and not line.startswith("."):
                self.lines.append(line[:-1])
        self.code = [self._parsed(line, labels) for line in self.lines]

    @staticmethod
    def _parsed(line: str, labels: dict):
        guard = None
        if line.startswith("@"):
            word, line = line.split(None, 1)
            guard = word[1:].lstrip("!"), "!" in word
        operation, _, rest = line.partition(" ") if " " in line.split("\t")[0] else line.partition("\t")
        operands = [part.strip() for part in re.findall(r"\{[^}]*\}|\[[^\]]*\]|[^,\s][^,]*", rest)]
        words = operation.strip().split(".")
        if words[0] == "bra":
            operands = [labels[operands[0]]]
        return guard, words, operands

    def dtype_of(self, register: str):
        return self.widths[re.match(r"%[A-Za-z]+", register)[0]]


class Block:
    """One block of threads at work."""

    def __init__(self, program, arguments, block, blocks, threads, buffers, moment):
        self.program, self.block, self.moment = program, block, moment
        self.threads = np.arange(threads)
        self.registers: dict[str, np.ndarray] = {}
        self.special = {
            "%tid.x": self.threads.astype(np.int32), "%ntid.x": np.int32(threads), "%ctaid.x": np.int32(block),
            "%nctaid.x": np.int32(blocks), "%tid.y": np.int32(0), "%tid.z": np.int32(0),
        }  # fmt: skip
        self.parameters = {name: value for (_, name), value in zip(program.parameters, arguments, strict=True)}
        self.symbols, self.buffers = {}, list(buffers)
        for name, (space, size) in program.arrays.items():
            local = space == "local"
            buffer = Buffer(size * threads if local else size, f"{space} memory {name[-20:]}", private=local)
            self.buffers.append(buffer)
            self.symbols[name] = np.int64(buffer.address) + (self.threads * size if local else 0)
        for name, numbers in program.constants.items():
            buffer = Buffer(numbers.size, f"constant memory {name}", private=True)
            buffer.bytes[: numbers.size] = numbers
            self.buffers.append(buffer)
            self.symbols[name] = np.int64(buffer.address)
        self.buffers.sort(key=lambda buffer: buffer.address)
        self.starts = np.array([buffer.address for buffer in self.buffers])

    def run(self) -> int:
        """Run to the end; returns the first moment that a following block may use."""
        code, operations = self.program.code, OPERATIONS
        places = np.zeros(self.threads.size, np.int64)
        ended = waiting = np.zeros(self.threads.size, bool)
        with np.errstate(all="ignore"):
            while not ended.all():
                ready = ~(ended | waiting)
                if not ready.any():
                    if ended.any() or (places[waiting] != places[waiting][0]).any():
                        raise Fault("a barrier that not all threads of the block reach together")
                    waiting = np.zeros_like(waiting)
                    self.moment += 1
                    continue
                place = int(places[ready].min())
                lanes = np.flatnonzero(ready & (places == place))
                following = np.where(ready & (places > place), places, len(code)).min()
                self.lanes = slice(None) if lanes.size == self.threads.size else lanes
                self.active = lanes
                # As far as these threads go together without passing others.
                while True:
                    guard, words, operands = code[place]
                    operation = words[0]
                    if operation == "bra":
                        taken = np.ones(lanes.size, bool)
                        if guard is not None:
                            taken = np.broadcast_to(self.value(guard[0], np.bool_), lanes.shape) != guard[1]
                        places[lanes] = np.where(taken, operands[0], place + 1)
                        if taken.all() and operands[0] > place and operands[0] < following:
                            place = operands[0]
                            continue
                        if not taken.any() and place + 1 < following:
                            place += 1
                            continue
                        break
                    assert guard is None, self.program.lines[place]
                    if operation == "ret":
                        ended = ended.copy()
                        ended[lanes] = True
                        break
                    if operation in ("bar", "barrier"):
                        waiting = waiting.copy()
                        waiting[lanes] = True
                        places[lanes] = place + 1
                        break
                    try:
                        operations[operation](self, words, operands)
                    except Fault as fault:
                        raise Fault(f"{fault}, at `{self.program.lines[place]}`") from None
                    place += 1
                    if place >= following:
                        places[lanes] = place
                        break
        return self.moment + 1

    def value(self, operand: str, dtype):
        """An operand as numbers of a dtype, for the threads that are active."""
        if operand[0] == "%":
            if operand in self.special:
                found = self.special[operand]
                return found[self.lanes] if found.ndim else found
            found = self.registers[operand][self.lanes]
            if found.dtype == dtype:
                return found
            return found.view(dtype) if found.itemsize == np.dtype(dtype).itemsize else found.astype(dtype)
        if operand[:2] in ("0f", "0F"):
            return np.array(int(operand[2:], 16), np.uint32).view(np.float32)[()]
        if operand[:2] in ("0d", "0D"):
            return np.array(int(operand[2:], 16), np.uint64).view(np.float64)[()]
        if operand in self.symbols:
            found = self.symbols[operand]
            return found[self.lanes] if found.ndim else found
        if operand in ("true", "false"):
            return np.bool_(operand == "true")
        bits = 8 * np.dtype(dtype).itemsize
        return np.array(int(operand, 0) & ((1 << bits) - 1), f"u{bits // 8}").view(dtype)[()]

    def set(self, register: str, result):
        """Give a register its value in the threads that are active."""
        if register == "_":
            return
        dtype = self.program.dtype_of(register)
        result = np.asarray(result)
        if result.itemsize != np.dtype(dtype).itemsize:  # a load narrower than its register
            result = result.astype(f"{'i' if result.dtype.kind == 'i' else 'u'}{np.dtype(dtype).itemsize}")
        result = result.view(dtype)
        old = self.registers.get(register)
        if old is None:
            old = self.registers[register] = np.zeros(self.threads.size, dtype)
        old[self.lanes] = result

    def located(self, operand: str, size: int, alignment: int):
        """(buffer, byte offsets, threads) of a memory operand, once for each buffer that it reaches."""
        match = re.fullmatch(r"\[([%\w$]+)(?:\+(-?\d+))?\]", operand)
        addresses = self.value(match[1], np.int64) + int(match[2] or 0)
        addresses = np.broadcast_to(addresses, self.active.shape)
        if (addresses % alignment).any():
            raise Fault(f"an access of {size} bytes that is not aligned to {alignment}")
        index = np.searchsorted(self.starts, addresses, "right") - 1
        for which in np.unique(index):
            buffer = self.buffers[which]
            chosen = index == which
            places = addresses[chosen] - buffer.address
            if which < 0 or (places + size > buffer.size).any():
                near = f"{int(places.max())} of {buffer.size} bytes of {buffer.name}"
                raise Fault(f"an access outside of every array: byte {near} is the nearest below")
            yield buffer, places, self.active[chosen], chosen


def _load(block: Block, words, operands):
    if words[1] == "param":
        block.set(operands[0], block.parameters[operands[1].strip("[]")])
        return
    dtype, targets, alignment = _access(words, operands[0])
    results = [np.empty(block.active.size, dtype) for _ in targets]
    for buffer, places, threads, chosen in block.located(operands[1], alignment, alignment):
        for part, result in enumerate(results):
            at = places + part * dtype.itemsize
            buffer.watch(at, threads, block.moment, block.block, False)
            result[chosen] = buffer.view(dtype)[at // dtype.itemsize]
    for target, result in zip(targets, results, strict=True):
        block.set(target, result)


def _store(block: Block, words, operands):
    dtype, sources, alignment = _access(words, operands[1])
    for buffer, places, threads, chosen in block.located(operands[0], alignment, alignment):
        for part, source in enumerate(sources):
            at = places + part * dtype.itemsize
            buffer.watch(at, threads, block.moment, block.block, True)
            numbers = np.broadcast_to(block.value(source, dtype), chosen.shape)[chosen]
            buffer.view(dtype)[at // dtype.itemsize] = numbers


def _access(words, operand):
    dtype = np.dtype(TYPES[words[-1]])
    registers = [part.strip() for part in operand.strip("{}").split(",")]
    return dtype, registers, dtype.itemsize * len(registers)


def _move(block: Block, words, operands):
    dtype = TYPES[words[-1]]
    if operands[1][0] == "{":  # packs
        half = f"u{np.dtype(dtype).itemsize // 2}"
        parts = [block.value(part.strip(), half) for part in operands[1].strip("{}").split(",")]
        shift = np.uint64(8 * np.dtype(half).itemsize)
        block.set(operands[0], (parts[0].astype(np.uint64) | parts[1].astype(np.uint64) << shift).astype(dtype))
    elif operands[0][0] == "{":  # unpacks
        whole = block.value(operands[1], dtype).astype(np.uint64)
        half = f"u{np.dtype(dtype).itemsize // 2}"
        shift = np.uint64(8 * np.dtype(half).itemsize)
        low, high = (part.strip() for part in operands[0].strip("{}").split(","))
        block.set(low, whole.astype(half))
        block.set(high, (whole >> shift).astype(half))
    else:
        block.set(operands[0], block.value(operands[1], dtype))


def _convert(block: Block, words, operands):
    to, given = np.dtype(TYPES[words[-2]]), TYPES[words[-1]]
    value = np.asarray(block.value(operands[1], given))
    if value.dtype.kind == "f" and to.kind in "iu":
        whole = {"rzi": np.trunc, "rni": np.rint, "rmi": np.floor, "rpi": np.ceil}[words[1]](value)
        limits = np.iinfo(to)
        inside = np.clip(np.nan_to_num(whole, nan=0.0), float(limits.min), float(limits.max))
        result = np.where(inside >= float(limits.max), limits.max, inside.astype(to))
        result = np.where(inside <= float(limits.min), limits.min, result).astype(to)
    elif value.dtype.kind == "f" and words[1] in ("rmi", "rpi", "rzi", "rni"):
        result = {"rzi": np.trunc, "rni": np.rint, "rmi": np.floor, "rpi": np.ceil}[words[1]](value)
    else:
        result = value.astype(to)
    block.set(operands[0], result)


def _fma(a, b, c):
    if a.dtype == np.float32:
        return (np.float64(a) * np.float64(b) + np.float64(c)).astype(np.float32)
    return (np.longdouble(a) * np.longdouble(b) + np.longdouble(c)).astype(np.float64)


def _divide(a, b):
    if a.dtype.kind == "f":
        return a / b
    quotient = np.where(b == 0, 0, np.abs(a) // np.where(b == 0, 1, np.abs(b)))
    return np.where((a < 0) != (b < 0), -quotient, quotient).astype(a.dtype)


def _arithmetic(function):
    def operation(block: Block, words, operands):
        dtype = TYPES[words[-1]]
        values = [block.value(operand, dtype) for operand in operands[1:]]
        result = np.asarray(function(*values))
        block.set(operands[0], result if result.dtype == dtype else result.astype(dtype))

    return operation


def _multiply(block: Block, words, operands):
    dtype = TYPES[words[-1]]
    a, b = (block.value(operand, dtype) for operand in operands[1:3])
    if words[1] == "wide":
        dtype = np.dtype(dtype)
        dtype = np.dtype(f"{dtype.kind}{2 * dtype.itemsize}")
        a, b = a.astype(dtype), b.astype(dtype)
    if words[1] == "hi":
        # Python's integers: NumPy has none of 128 bits.
        product = np.asarray(a).astype(object) * np.asarray(b).astype(object) >> 8 * np.dtype(dtype).itemsize
        result = np.asarray(product).astype(dtype)
    else:
        result = a * b
    if words[0] == "mad":
        result = result + block.value(operands[3], dtype)
    block.set(operands[0], result)


def _shift(left: bool):
    def operation(block: Block, words, operands):
        dtype = np.dtype(TYPES[words[-1]])
        value, amount = block.value(operands[1], dtype), block.value(operands[2], np.uint32)
        width = 8 * dtype.itemsize
        within = np.minimum(amount, width - 1).astype(dtype)
        result = value << within if left else value >> within
        beyond = value >> dtype.type(width - 1) if dtype.kind == "i" else dtype.type(0)
        block.set(operands[0], np.where(amount >= width, beyond, result).astype(dtype))

    return operation


def _select(block: Block, words, operands):
    dtype = TYPES[words[-1]]
    a, b = (block.value(operand, dtype) for operand in operands[1:3])
    block.set(operands[0], np.where(block.value(operands[3], np.bool_), a, b))


COMPARISONS = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
    "lo": np.less, "ls": np.less_equal, "hi": np.greater, "hs": np.greater_equal,
}  # fmt: skip


def _compare(block: Block, words, operands):
    assert len(operands) == 3 and len(words) == 3, words
    a, b = (np.asarray(block.value(operand, TYPES[words[2]])) for operand in operands[1:])
    name = words[1]
    unordered = (a != a) | (b != b)
    if name in ("nan", "num"):
        result = unordered == (name == "nan")
    elif a.dtype.kind == "f":
        loose = len(name) == 3 and name[2] == "u"
        result = np.where(unordered, loose, COMPARISONS[name[:2]](a, b))
    else:
        result = COMPARISONS[name](a, b)
    block.set(operands[0], result)


OPERATIONS = {
    "ld": _load, "st": _store, "mov": _move, "cvta": _move, "cvt": _convert, "setp": _compare, "selp": _select,
    "mul": _multiply, "mad": _multiply, "shl": _shift(True), "shr": _shift(False),
    "add": _arithmetic(np.add), "sub": _arithmetic(np.subtract), "div": _arithmetic(_divide),
    "rem": _arithmetic(lambda a, b: a - _divide(a, b) * b), "fma": _arithmetic(_fma), "neg": _arithmetic(np.negative),
    "abs": _arithmetic(np.abs), "min": _arithmetic(np.fmin), "max": _arithmetic(np.fmax),
    "sqrt": _arithmetic(np.sqrt), "rcp": _arithmetic(np.reciprocal),
    "and": _arithmetic(np.bitwise_and), "or": _arithmetic(np.bitwise_or), "xor": _arithmetic(np.bitwise_xor),
    "not": _arithmetic(np.invert),
}  # fmt: skip


def take_the_place_of_the_gpu():
    """Let NBKERAS_DEVICE=cuda mean this machine, in a process that has not imported nbkeras yet."""
    import nbkeras_cuda

    memory = Memory()
    made = nbkeras_cuda.backend

    def backend():
        from nbkeras_cuda import check

        check.require = check.require_compiler
        check.capability = lambda: ARCHITECTURE
        return made()

    nbkeras_cuda.backend = backend
    nbkeras_cuda.machine = lambda: (memory, Machine(memory))
