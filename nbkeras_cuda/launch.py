"""Launches kernels: grid arithmetic, arguments bound once, programs that run in order on one stream."""

from __future__ import annotations

import ctypes
import warnings

import numpy as np

from nbkeras_cuda import _jit

#: Most blocks of a launch; kernels step through what is left in strides of the grid.
MOST_BLOCKS = 4 if _jit.SIMULATED else 1 << 16


def grid(kernel, arguments, items: int) -> tuple[int, int]:
    """Blocks and threads a block for a number of items."""
    if kernel.cover:
        items = arguments[0].size
    blocks = items if kernel.launch == "block" else -(-items // kernel.threads)
    return max(1, min(blocks, MOST_BLOCKS)), kernel.threads


def number(value, dtype: str):
    """A number as the kernel's parameter wants it."""
    return np.dtype(dtype).type(value)


class Pointer:
    """The simulator's pointer: indexed like a kernel's argument, and it checks its bounds.

    Args:
        address: where the elements are, in host memory.
        size: how many there are; None where nobody knows.
    """

    def __init__(self, address: int, dtype: str, size: int | None):
        self.dtype = np.dtype(dtype)
        self.address = address
        self.size = size
        self._type = np.ctypeslib.as_ctypes_type(self.dtype)

    def __getitem__(self, index):
        self._check(index)
        return self.dtype.type(self._type.from_address(self.address + int(index) * self.dtype.itemsize).value)

    def __setitem__(self, index, value):
        self._check(index)
        # Stored as a C cast would: floats are truncated, integers wrap.
        stored = np.asarray(value).astype(self.dtype).item()
        self._type.from_address(self.address + int(index) * self.dtype.itemsize).value = stored

    def _check(self, index):
        if index < 0 or (self.size is not None and index >= self.size):
            raise IndexError(f"index {index} of a pointer to {self.size} elements of {self.dtype}")


class Simulator:
    """Runs launches in numba's simulator, each as soon as it is asked for."""

    def bind(self, kernel, dtype: str, arguments, items: int):
        blocks, threads = grid(kernel, arguments, items)
        simulated = kernel.simulated(dtype)
        bound = [self._argument(p, dtype, a) for p, a in zip(kernel.parameters, arguments, strict=True)]

        def run():
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                # Overflow and invalid values are the kernels' business, as on a GPU.
                warnings.simplefilter("ignore", RuntimeWarning)
                simulated[blocks, threads](*bound, 0, items)

        return run

    @staticmethod
    def _argument(parameter, dtype: str, value):
        code = parameter.dtype(dtype)
        if not parameter.is_pointer:
            # Integers stay Python's: on a GPU index arithmetic is done in 64 bits.
            return int(value) if code == "i8" else number(value, code)
        address, size = (0, 0) if value is None else (value.address, value.nbytes // np.dtype(code).itemsize)
        return Pointer(address, code, size)


class Launcher:
    """Runs launches on a GPU's stream.

    Args:
        memory: the `DeviceMemory` whose stream orders launches and copies.
    """

    def __init__(self, memory):
        self.memory = memory
        capability = memory.device.compute_capability
        self.architecture = (capability.major, capability.minor)
        self._loaded: dict[tuple[str, str], tuple] = {}

    def bind(self, kernel, dtype: str, arguments, items: int):
        from cuda.core import LaunchConfig, launch

        blocks, threads = grid(kernel, arguments, items)
        config = LaunchConfig(grid=blocks, block=threads)
        function = self.load(kernel, dtype)
        bound = [argument(p, dtype, a) for p, a in zip(kernel.parameters, arguments, strict=True)]
        bound += [ctypes.c_int64(0), ctypes.c_int64(items)]
        stream = self.memory.stream
        return lambda: launch(stream, config, function, *bound)

    def load(self, kernel, dtype: str):
        """The kernel's handle on this GPU, compiled when first asked for."""
        key = kernel.name, dtype
        if key not in self._loaded:
            from cuda.core import ObjectCode

            code, entry, _ = kernel.cubin(dtype, self.architecture)
            module = ObjectCode.from_cubin(code)
            self._loaded[key] = module, module.get_kernel(entry)
        return self._loaded[key][1]


def argument(parameter, dtype: str, value):
    """An argument as a C value of exactly the width that the kernel's parameter has."""
    if parameter.is_pointer:
        return 0 if value is None else value.address  # cuda.core packs an int as a pointer
    return np.ctypeslib.as_ctypes_type(np.dtype(parameter.dtype(dtype)))(value)


class Program:
    """A list of launches bound to addresses, run in order.

    Args:
        launcher: a `Launcher` or the `Simulator`.
        launches: tuples (kernel, dtype code, arguments, items, chunk): arguments are device arrays (None where the
            kernel does not look), ints and floats, in the kernel's order. The chunk is the CPU's and unused here.
    """

    def __init__(self, launcher, launches):
        self._keep = [arguments for _, _, arguments, _, _ in launches]
        self._steps = [
            launcher.bind(kernel, dtype, arguments, int(items))
            for kernel, dtype, arguments, items, _ in launches
            if items > 0
        ]

    def run(self):
        """Give every launch to the device; the backend's `wait` tells when the last has ended."""
        for step in self._steps:
            step()
