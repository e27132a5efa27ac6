"""The CPU's machine for chains of elementwise work (see nbkeras/kernels/elementwise.py): the same programs.

Each thread walks the program for its own elements, with registers of its own. All threads take the same branch at the
same time, so deciding which costs little; instructions and rows of operands come from the cache.
"""

import numpy as np
from numba import cuda

from nbkeras.kernels import scalars
from nbkeras_cuda._jit import T, device, kernel
from nbkeras_cuda.intrinsics import pointer, table

REGISTERS = 16
#: Elements of an item.
BLOCK = 512
CONTIGUOUS, SCALAR, STRIDED = 0, 1, 2
LOAD, STORE, CONSTANT = 0, 1, 2

# Operation -> number of operands; `!`: for floats only, `~`: for integers only. The same list as the CPU's, which a
# test compares.
_COMMON = """
    negative absolute sign exp! expm1! log! log1p! sqrt! rsqrt! square reciprocal! tanh! sigmoid! erf!
    floor ceil round relu softplus! isnan isfinite logical_not;
    add subtract multiply divide power maximum minimum equal not_equal less less_equal greater greater_equal
    logical_and logical_or logical_xor floor_divide mod arctan2!;
    where
"""
_RARE = """
    sin! cos! tan! asin! acos! atan! sinh! cosh! asinh! acosh! atanh! log2! log10! erfinv! erfc!;
    nextafter! bitwise_and~ bitwise_or~ bitwise_xor~ left_shift~ right_shift~ gcd~
"""


def _table(text, first):
    opcodes, traces = {}, {}
    for arity, names in enumerate(text.split(";"), 1):
        for word in names.split():
            name = word.rstrip("!~")
            opcodes[name] = code = first + len(opcodes)
            traces[code] = (getattr(scalars, name).trace, arity, {"!": "f", "~": "i"}.get(word[-1], "fi"))
    return opcodes, traces


_common, _common_traces = _table(_COMMON, 3)
_rare, _rare_traces = _table(_RARE, 3 + len(_common))

#: Name of an instruction -> its code.
OPCODES = {"load": LOAD, "store": STORE, "constant": CONSTANT, **_common, **_rare}
RARE = frozenset(_rare)

_apply = table("apply", _common_traces)
_apply_rare = table("apply_rare", {**_common_traces, **_rare_traces})


@device
def place_of(operands, row, shape, d, element):
    """Where an element of the output lies in an operand, in elements."""
    mode = operands[row + 2]
    place = element
    if mode == SCALAR:
        place = 0
    elif mode == STRIDED:
        place = 0
        rest = element
        axis = d - 1
        while axis >= 0:
            quotient = rest // shape[axis]
            place += (rest - quotient * shape[axis]) * operands[row + 3 + axis]
            rest = quotient
            axis -= 1
    return place


@device
def load_as(real, code, address, place):
    """The number at a place of an array with a dtype code, in the kernel's type."""
    value = real(0)
    if code == 0:
        value = real(pointer(address, np.float32)[place])
    elif code == 1:
        value = real(pointer(address, np.float64)[place])
    elif code == 2:
        value = real(pointer(address, np.int64)[place])
    elif code == 3:
        value = real(pointer(address, np.int32)[place])
    elif code == 4 or code == 5:
        value = real(pointer(address, np.uint8)[place])
    elif code == 6:
        value = real(pointer(address, np.uint32)[place])
    elif code == 7:
        value = real(pointer(address, np.int16)[place])
    elif code == 8:
        value = real(pointer(address, np.uint16)[place])
    elif code == 9:
        value = real(pointer(address, np.int8)[place])
    elif code == 10:
        value = real(pointer(address, np.uint64)[place])
    return value


@device
def whole(value, low, high, real):
    """A float as an integer: truncated, held between two bounds, 0 for NaN. An integer as it is."""
    if real(0.5) == real(0):
        return np.int64(value)
    if value != value:
        return np.int64(0)
    if value >= real(high):
        return np.int64(high)
    if value <= real(low):
        return np.int64(low)
    return np.int64(value)


@device
def whole_unsigned(value, real):
    """As `whole`, between 0 and 2**64 - 1."""
    if real(0.5) == real(0):
        return np.uint64(np.int64(value))
    if value >= real(18446744073709551616.0):
        return np.uint64(18446744073709551615)
    if value >= real(9223372036854775808.0):
        return np.uint64(np.int64(value - real(9223372036854775808.0))) + np.uint64(9223372036854775808)
    return np.uint64(whole(value, 0, 9223372036854775807, real))


@device
def store_as(value, code, address, place, real):
    """Write a number of the kernel's type to a place of an array with a dtype code."""
    if code == 0:
        pointer(address, np.float32)[place] = np.float32(value)
    elif code == 1:
        pointer(address, np.float64)[place] = np.float64(value)
    elif code == 2:
        pointer(address, np.int64)[place] = whole(value, -9223372036854775808, 9223372036854775807, real)
    elif code == 3:
        pointer(address, np.int32)[place] = np.int32(whole(value, -2147483648, 2147483647, real))
    elif code == 4:
        pointer(address, np.uint8)[place] = np.uint8(1 if value != real(0) else 0)
    elif code == 5:
        pointer(address, np.uint8)[place] = np.uint8(whole(value, 0, 255, real))
    elif code == 6:
        pointer(address, np.uint32)[place] = np.uint32(whole(value, 0, 4294967295, real))
    elif code == 7:
        pointer(address, np.int16)[place] = np.int16(whole(value, -32768, 32767, real))
    elif code == 8:
        pointer(address, np.uint16)[place] = np.uint16(whole(value, 0, 65535, real))
    elif code == 9:
        pointer(address, np.int8)[place] = np.int8(whole(value, -128, 127, real))
    elif code == 10:
        pointer(address, np.uint64)[place] = whole_unsigned(value, real)


@kernel(each=BLOCK)
def elementwise(
    operands: "i8 k*(3+d)", shape: "i8 d", program: "i8 p*5", constants: "T c", d: "i8", p: "i8", n: "i8", lo, hi
):
    """Run a program on blocks [lo, hi) of an output of n elements (see the module's docstring)."""
    registers = cuda.local.array(REGISTERS, T)
    element = lo * BLOCK + cuda.grid(1)
    while element < min(hi * BLOCK, n):
        for line in range(p):
            opcode = program[5 * line]
            first = program[5 * line + 1]
            second = program[5 * line + 2]
            if opcode == STORE:
                row = first * (3 + d)
                place = place_of(operands, row, shape, d, element)
                store_as(registers[second], operands[row + 1], operands[row], place, T)
            elif opcode == LOAD:
                row = second * (3 + d)
                place = place_of(operands, row, shape, d, element)
                registers[first] = load_as(T, operands[row + 1], operands[row], place)
            elif opcode == CONSTANT:
                registers[first] = constants[second]
            else:
                third = registers[program[5 * line + 3]]
                fourth = registers[program[5 * line + 4]]
                registers[first] = _apply(opcode, registers[second], third, fourth)
        element += cuda.gridsize(1)


@kernel(each=BLOCK)
def elementwise_rare(
    operands: "i8 k*(3+d)", shape: "i8 d", program: "i8 p*5", constants: "T c", d: "i8", p: "i8", n: "i8", lo, hi
):
    """`elementwise` with the rarer functions too: a second kernel, so that only their users pay for compiling them."""
    registers = cuda.local.array(REGISTERS, T)
    element = lo * BLOCK + cuda.grid(1)
    while element < min(hi * BLOCK, n):
        for line in range(p):
            opcode = program[5 * line]
            first = program[5 * line + 1]
            second = program[5 * line + 2]
            if opcode == STORE:
                row = first * (3 + d)
                place = place_of(operands, row, shape, d, element)
                store_as(registers[second], operands[row + 1], operands[row], place, T)
            elif opcode == LOAD:
                row = second * (3 + d)
                place = place_of(operands, row, shape, d, element)
                registers[first] = load_as(T, operands[row + 1], operands[row], place)
            elif opcode == CONSTANT:
                registers[first] = constants[second]
            else:
                third = registers[program[5 * line + 3]]
                fourth = registers[program[5 * line + 4]]
                registers[first] = _apply_rare(opcode, registers[second], third, fourth)
        element += cuda.gridsize(1)
