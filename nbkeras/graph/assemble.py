"""Turns a group of elementwise nodes into a program for the `elementwise` kernel: loads, operations, stores."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import GraphError
from nbkeras.graph.groups import domain
from nbkeras.graph.primitives.moving import fold, strides_of
from nbkeras.kernels import elementwise as vm


class OutOfRegisters(Exception):
    """The group holds more values at once than there are registers; it must be cut."""


class _Registers:
    """Gives out registers; a value's register is free again after its last use."""

    def __init__(self, last_use):
        self.free = list(range(vm.REGISTERS))
        self.held: dict[int, int] = {}
        self.last_use = last_use

    def take(self, key: int) -> int:
        if not self.free:
            raise OutOfRegisters
        self.held[key] = self.free.pop(0)
        return self.held[key]

    def release(self, position: int):
        for key in [k for k in self.held if self.last_use.get(k, -1) <= position]:
            self.free.append(self.held.pop(key))


def _strides(source, shape):
    """Element strides with which a source of some shape is read over the group's shape: 0 where it is broadcast."""
    padded = (1,) * (len(shape) - len(source.shape)) + tuple(source.shape)
    own = strides_of(padded)
    return [0 if n == 1 else s for n, s in zip(padded, own, strict=True)]


def assemble(node):
    """Operands, folded shape, program and constants of a group.

    Returns:
        `(kernel, dtype, operands, shape, program, constants)`: operands are `(symbol, dtype code, mode, strides)`.
    """
    members, constants = node.params["members"], node.params["constants"]
    results = {id(s) for s in node.params["results"]}
    kind, shape = domain(members[0]), members[0].outputs[0].shape
    sources = list(node.params["sources"])
    own = strides_of(shape)
    folded, *walked = fold(shape, own, *(_strides(s, shape) for s in sources))
    contiguous, walked = walked[0], walked[1:]
    operands, slot = [], {}
    for source, strides in zip(sources, walked, strict=True):
        mode = 1 if not any(strides) else 0 if strides == contiguous else 2
        slot[id(source)] = len(operands)
        operands.append((source, vm.DTYPE_CODES[source.dtype], mode, strides))

    # Casts and broadcasts change nothing in a register: their result is another name of their input.
    other_name: dict[int, int] = {}

    def name_of(symbol) -> int:
        return other_name.get(id(symbol), id(symbol))

    last_use = {}
    for position, member in enumerate(members):
        if _renames(member):
            other_name[id(member.outputs[0])] = name_of(member.inputs[0])
        for symbol in member.inputs:
            last_use[name_of(symbol)] = position
        last_use.setdefault(name_of(member.outputs[0]), position)
    registers, program, values = _Registers(last_use), [], []
    numbers: dict[str, int] = {}

    def constant(key: int, number) -> int:
        target = registers.take(key)
        index = numbers.setdefault(repr(number), len(values))
        if index == len(values):
            values.append(number)
        program.append((vm.OPCODES["constant"], target, index, 0, 0))
        return target

    def read(symbol) -> int:
        key = name_of(symbol)
        if key in registers.held:
            return registers.held[key]
        if id(symbol) in constants:
            return constant(key, constants[id(symbol)].reshape(()).item())
        target = registers.take(key)
        program.append((vm.OPCODES["load"], target, slot[id(symbol)], 0, 0))
        return target

    for position, member in enumerate(members):
        arguments = [read(s) for s in member.inputs]
        out = member.outputs[0]
        if _renames(member):
            target = arguments[0]
        else:
            opcode = member.primitive.opcode
            if opcode == "cast":
                # To boolean: what is not 0.
                opcode, zero = "not_equal", -position - 1
                last_use[zero] = position
                arguments.append(constant(zero, 0))
            target = registers.take(id(out))
            program.append((_opcode(opcode), target, *arguments, *(0,) * (3 - len(arguments))))
        if id(out) in results:
            slot[id(out)] = len(operands)
            operands.append((out, vm.DTYPE_CODES[out.dtype], 0, contiguous))
            program.append((vm.OPCODES["store"], slot[id(out)], target, 0, 0))
        registers.release(position)
    names = {m.primitive.opcode for m in members}
    kernel = "elementwise_rare" if names & set(vm.RARE) else "elementwise"
    program = np.array(program, np.int64).reshape(-1)
    return kernel, kind, operands, np.array(folded, np.int64), program, np.array(values or [0], kind)


def read_before_made(members, source, result) -> bool:
    """True if no member reads `source`, under any name, after the one that makes `result`: it may take its memory."""
    names, last, made = {id(source)}, -1, -1
    for position, member in enumerate(members):
        if any(id(s) in names for s in member.inputs):
            last = position
            if _renames(member):
                names.add(id(member.outputs[0]))
        if member.outputs[0] is result:
            made = position
    return last <= made


def _renames(member) -> bool:
    """True for nodes whose result is already in their input's register."""
    if member.primitive.opcode == "cast":
        return member.outputs[0].dtype != "bool" or member.inputs[0].dtype == "bool"
    return member.primitive.opcode == "broadcast_to"


def _opcode(name: str) -> int:
    if name not in vm.OPCODES:
        raise GraphError(f"the elementwise kernel has no opcode {name!r}.")
    return vm.OPCODES[name]
