"""A machine that runs any chain of elementwise work in one launch, with one compilation.

A program is a list of instructions over 16 registers, each a block of 512 elements that stays in the first-level
cache; an instruction is one vector loop over a block, so deciding which costs a fiftieth of the work.

    y = sigmoid(a * x + b)     load 0, x; load 1, a; multiply 2, 0, 1; load 0, b; add 1, 2, 0; sigmoid 0, 1; store y, 0

A loaded array of the kernel's own dtype is not copied but read where it stands, and a result that the next
instruction stores is written where it goes: a program of one operation costs one pass.

    operands    a row for each array: address, code of its dtype, mode, then d strides in elements, outermost first
    modes       CONTIGUOUS: elements in the order of the output; SCALAR: one element; STRIDED: any strides
    program     a row for each instruction: opcode, dst, a, b, c
                load: register dst = operand a          store: operand dst = register a
                constant: register dst = constants[a]   others: register dst = f(registers a, b, c), none of them dst

Stores are contiguous. Conversion from float to integer truncates and saturates (NaN gives 0), between integers it
wraps; to bool it is != 0.
"""

from nbkeras.kernels import scalars
from nbkeras.kernels._jit import kernel, scalar
from nbkeras.kernels.lanes import (
    DTYPE_CODES,
    address_of,
    apply_table,
    convert_in,
    convert_out,
    copy_bytes,
    copy_strided,
    element,
    fill_lanes,
    lanes_of,
    own_code,
)
from nbkeras.kernels.stack import scratch

__all__ = ["BLOCK", "CONTIGUOUS", "DTYPE_CODES", "OPCODES", "RARE", "REGISTERS", "SCALAR", "STRIDED"]

REGISTERS = 16
#: Elements of a register: the items of a launch are blocks of so many.
BLOCK = 512
#: Elements from one register to the next: a vector more, for fills that end in the middle of one.
PITCH = BLOCK + 16
#: Elements of all registers together.
FILE = REGISTERS * PITCH
CONTIGUOUS, SCALAR, STRIDED = 0, 1, 2
#: Most dimensions of a folded shape.
DIMENSIONS = 16

LOAD, STORE, CONSTANT = 0, 1, 2

# Operation -> number of operands; `!`: for floats only, `~`: for integers only.
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
#: Instructions that only `elementwise_rare` knows; it knows the others too.
RARE = frozenset(_rare)

_apply = apply_table(_common_traces)
_apply_rare = apply_table({**_common_traces, **_rare_traces})


@scalar
def _size(code):
    """Bytes of an element, by the code of its dtype: a table in the digits of a number."""
    return (0x81224114884 >> (4 * code)) & 15


@scalar
def _overwritten(operands, program, d, p):
    """Bits of the first 63 instructions: loads of an array that the program stores to, which must be copies."""
    mask = 0
    for store in range(p):
        if program[5 * store] == STORE:
            target = operands[program[5 * store + 1] * (3 + d)]
            for load in range(p):
                if program[5 * load] == LOAD and operands[program[5 * load + 2] * (3 + d)] == target:
                    mask |= 1 << min(load, 63)
    return mask


@scalar
def _gather(like, target, size, base, operands, row, shape, d, start, count, index):
    """Elements start to start + count of a broadcast array, side by side."""
    inner = shape[d - 1]
    stride = operands[row + 2 + d] * size
    periodic = stride == size
    for k in range(d - 1):
        periodic = periodic and operands[row + 3 + k] == 0
    if periodic:
        # A row that repeats, as a bias does: one period, then what is there doubled until it is enough.
        phase = start % inner
        done = min(count, inner - phase)
        copy_bytes(target, base + phase * size, done * size)
        more = min(count - done, phase)
        copy_bytes(target + done * size, base, more * size)
        done += more
        while done < count:
            more = min(done, count - done)
            copy_bytes(target + done * size, target, more * size)
            done += more
    else:
        rest = start
        position = base
        for j in range(d):
            k = d - 1 - j
            index[k] = rest % shape[k]
            rest = rest // shape[k]
            position += index[k] * operands[row + 3 + k] * size
        done = 0
        while done < count:
            run = min(inner - index[d - 1], count - done)
            if stride == 0 and operands[row + 1] == own_code(like):
                # the last vector runs over the end, into what is written next or a register's margin
                step = lanes_of(like)
                fill_lanes(like, target + done * size, element(like, position), (run + step - 1) // step)
            elif stride == size and run * size >= 64:
                copy_bytes(target + done * size, position, run * size)
            else:
                copy_strided(size, target + done * size, position, stride, run)
            done += run
            position -= index[d - 1] * stride
            index[d - 1] = 0
            k = d - 2
            while k >= 0:
                step = operands[row + 3 + k] * size
                index[k] += 1
                position += step
                if index[k] < shape[k]:
                    break
                position -= index[k] * step
                index[k] = 0
                k -= 1


@scalar
def _load(like, operands, row, shape, d, start, count, home, staging, index, in_place):
    """The address where a block of an operand stands as T: the array's own memory if it can be read there."""
    code = operands[row + 1]
    mode = operands[row + 2]
    size = _size(code)
    step = lanes_of(like)
    steps = (count + step - 1) // step
    whole = steps * step == count
    own = own_code(like)
    found = home
    source = operands[row]
    if mode == CONTIGUOUS:
        source += start * size
    if mode == CONTIGUOUS and whole:
        if code == own and in_place:
            found = source
    else:
        target = home if code == own else staging
        if mode == STRIDED:
            _gather(like, target, size, source, operands, row, shape, d, start, count, index)
        else:
            copy_bytes(target, source, size if mode == SCALAR else count * size)
        source = target
    if code != own:
        convert_in(like, code, home, source, 1 if mode == SCALAR else steps)
    elif found == home and source != home:
        copy_bytes(home, source, count * size)
    if mode == SCALAR:
        fill_lanes(like, home, element(like, home), steps)
    return found


@scalar
def _store(like, code, target, source, count, staging):
    """Write a block of T to an array of some dtype."""
    size = _size(code)
    step = lanes_of(like)
    steps = (count + step - 1) // step
    if code == own_code(like):
        if source != target:
            copy_bytes(target, source, count * size)
    else:
        place = target if steps * step == count else staging
        convert_out(like, code, place, source, steps)
        if place != target:
            copy_bytes(target, staging, count * size)


def _machine(name, apply, document):
    """The kernel that runs programs of the instructions that `apply` knows."""

    def run(
        operands: "i8 k*(3+d)", shape: "i8 d", program: "i8 p*5", constants: "T c", d: "i8", p: "i8", n: "i8", lo, hi
    ):
        """Run a program on blocks [lo, hi) of an output of n elements (see the module's docstring)."""
        registers = address_of(scratch(constants, FILE))
        staging = address_of(scratch(operands, BLOCK))
        index = scratch(operands, DIMENSIONS)
        at = scratch(operands, REGISTERS)  # where each register's block stands now
        own = own_code(constants)
        size = _size(own)
        step = lanes_of(constants)
        copied = _overwritten(operands, program, d, p)
        for block in range(lo, hi):
            start = block * BLOCK
            count = min(BLOCK, n - start)
            steps = (count + step - 1) // step
            whole = steps * step == count
            for line in range(p):
                i = 5 * line
                opcode = program[i]
                if opcode == STORE:
                    row = program[i + 1] * (3 + d)
                    code = operands[row + 1]
                    target = operands[row] + start * _size(code)
                    _store(constants, code, target, at[program[i + 2]], count, staging)
                else:
                    home = registers + program[i + 1] * PITCH * size
                    if opcode == LOAD:
                        row = program[i + 2] * (3 + d)
                        in_place = (copied >> min(line, 63)) & 1 == 0
                        home = _load(constants, operands, row, shape, d, start, count, home, staging, index, in_place)
                    elif opcode == CONSTANT:
                        fill_lanes(constants, home, constants[program[i + 2]], steps)
                    else:
                        # stored by the next instruction as it is: then written there at once
                        if whole and line + 1 < p and program[i + 5] == STORE and program[i + 7] == program[i + 1]:
                            row = program[i + 6] * (3 + d)
                            if operands[row + 1] == own:
                                home = operands[row] + start * size
                        apply(
                            constants, opcode, home, at[program[i + 2]], at[program[i + 3]], at[program[i + 4]], steps
                        )
                    at[program[i + 1]] = home

    run.__name__ = run.__qualname__ = name
    run.__doc__ = document
    return kernel(run)


elementwise = _machine(
    "elementwise", _apply, "Run a program on blocks [lo, hi) of an output of n elements (see the module's docstring)."
)
elementwise_rare = _machine(
    "elementwise_rare",
    _apply_rare,
    "`elementwise` with the rarer functions too: a second kernel, so that only their users pay for compiling them.",
)
