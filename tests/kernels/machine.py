"""Builds and runs programs of the elementwise machine, for tests."""

import numpy as np

from nbkeras.kernels import elementwise as machine
from nbkeras.kernels._jit import dtype_code
from tests.kernels.launch import launch


def execute(dtype, arrays, shape, lines, constants=(0,), kernel=None, chunk=None):
    """Run a program given as rows (name, dst, a, b, c) on arrays broadcast to a shape."""
    rare = any(line[0] in machine.RARE for line in lines)
    kernel = kernel or (machine.elementwise_rare if rare else machine.elementwise)
    n = int(np.prod(shape))
    operands = np.array([describe(array, shape) for array in arrays], np.int64)
    program = np.array([[machine.OPCODES[name], *rest, *[0] * (4 - len(rest))] for name, *rest in lines], np.int64)
    blocks = -(-n // machine.BLOCK)
    arguments = (operands, np.array(shape, np.int64), program, np.array(constants, dtype), len(shape), len(lines), n)
    launch(kernel, dtype_code(dtype), *arguments, items=blocks, chunk=chunk)


def describe(array, shape):
    """An array's row of operands."""
    strides = [0] * len(shape)
    mode = machine.STRIDED
    if array.shape == tuple(shape) and array.flags.c_contiguous:
        mode = machine.CONTIGUOUS
    elif array.size == 1:
        mode = machine.SCALAR
    else:
        strides = [s // array.itemsize for s in np.broadcast_to(array, shape).strides]
    return [array.ctypes.data, machine.DTYPE_CODES[str(array.dtype)], mode, *strides]


def run(name, *sources):
    """One operation on whole arrays."""
    result = np.empty_like(sources[0])
    loads = [("load", register, register) for register in range(len(sources))]
    last = len(sources)
    lines = [*loads, (name, last, *range(len(sources))), ("store", last, last)]
    execute(result.dtype, [*sources, result], result.shape, lines)
    return result
