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

    last_use = {}
    for position, member in enumerate(members):
        for symbol in member.inputs:
            last_use[id(symbol)] = position
    registers, program, values = _Registers(last_use), [], []
    numbers: dict[float, int] = {}

    def read(symbol) -> int:
        key = id(symbol)
        if key in registers.held:
            return registers.held[key]
        target = registers.take(key)
        if key in constants:
            number = constants[key].reshape(()).item()
            index = numbers.setdefault(repr(number), len(values))
            if index == len(values):
                values.append(number)
            program.append((vm.OPCODES["constant"], target, index, 0, 0))
        else:
            program.append((vm.OPCODES["load"], target, slot[key], 0, 0))
        return target

    for position, member in enumerate(members):
        arguments = [read(s) for s in member.inputs]
        out = member.outputs[0]
        opcode, arguments = _operation(member, arguments)
        if opcode is None and last_use[id(member.inputs[0])] <= position:
            # A cast or broadcast renames the register.
            registers.held[id(out)] = registers.held.pop(id(member.inputs[0]))
            target = registers.held[id(out)]
        else:
            target = registers.take(id(out))
            code = vm.OPCODES["identity" if opcode is None else opcode]
            program.append((code, target, *arguments, *(0,) * (3 - len(arguments))))
        if id(out) in results:
            slot[id(out)] = len(operands)
            operands.append((out, vm.DTYPE_CODES[out.dtype], 0, contiguous))
            program.append((vm.OPCODES["store"], slot[id(out)], target, 0, 0))
        registers.release(position)
    names = {m.primitive.opcode for m in members}
    kernel = "elementwise_rare" if names & set(vm.RARE) else "elementwise"
    program = np.array(program, np.int64).reshape(-1)
    return kernel, kind, operands, np.array(folded, np.int64), program, np.array(values or [0], kind)


def _operation(member, arguments):
    """The opcode of a member, or None for one that only renames its register."""
    name, source, target = member.primitive.opcode, member.inputs[0].dtype, member.outputs[0].dtype
    if name == "broadcast_to":
        return None, arguments
    if name == "cast":
        if target == "bool" and source != "bool":
            return "not_zero", arguments
        return None, arguments
    if name not in vm.OPCODES and name not in vm.RARE:
        raise GraphError(f"the elementwise kernel has no opcode {name!r}.")
    return name, arguments
