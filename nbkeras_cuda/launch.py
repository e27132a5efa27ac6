"""Launches kernels: grid arithmetic, arguments bound once, programs that run in order on one stream."""

from __future__ import annotations

import ctypes
import warnings
import weakref

import numpy as np

from nbkeras_cuda import _jit
from nbkeras_cuda.intrinsics import Pointer
from nbkeras_cuda.memory import check

#: Most blocks of a launch; kernels step through what is left in strides of the grid.
MOST_BLOCKS = 4 if _jit.SIMULATED else 1 << 16


class Simulator:
    """Runs launches in numba's simulator, each as soon as it is asked for.

    Args:
        memory: the `HostMemory` of the arrays.
    """

    def __init__(self, memory):
        self.memory = memory

    def prepare(self, kernel, dtype: str, blocks: int, threads: int):
        return kernel.simulated(dtype)[blocks, threads]

    def pointer(self, parameter, dtype: str, address: int, size: int | None):
        return Pointer(address, parameter.dtype(dtype), size)

    def number(self, parameter, dtype: str, value):
        # Integers stay Python's: on a GPU index arithmetic is done in 64 bits.
        code = parameter.dtype(dtype)
        return int(value) if code == "i8" else np.dtype(code).type(value)

    def range(self, items: int):
        return [0, items]

    def launch(self, prepared, arguments):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # Overflow and invalid values are the kernels' business, as on a GPU.
            warnings.simplefilter("ignore", RuntimeWarning)
            prepared(*arguments)

    def graph(self, launches):
        """All launches, to be started as one."""
        return lambda: [self.launch(*launch) for launch in launches]


class Launcher:
    """Runs launches on a GPU's stream.

    Args:
        memory: the `DeviceMemory` whose stream orders launches and copies.
    """

    def __init__(self, memory):
        from cuda.core import launch

        self.memory = memory
        self._launch = launch
        capability = memory.device.compute_capability
        self.architecture = (capability.major, capability.minor)
        self._loaded: dict[tuple[str, str], tuple] = {}

    def prepare(self, kernel, dtype: str, blocks: int, threads: int):
        from cuda.core import LaunchConfig

        return LaunchConfig(grid=blocks, block=threads), self.load(kernel, dtype)

    def load(self, kernel, dtype: str):
        """The kernel's handle on this GPU, compiled when first asked for."""
        key = kernel.name, dtype
        if key not in self._loaded:
            from cuda.core import ObjectCode

            from nbkeras_cuda.store import machine_code

            code, entry = machine_code(kernel, dtype, self.architecture)
            module = ObjectCode.from_cubin(code)
            self._loaded[key] = module, module.get_kernel(entry)
        return self._loaded[key][1]

    def pointer(self, parameter, dtype: str, address: int, size: int | None):
        return address  # cuda.core packs a Python int as a pointer

    def number(self, parameter, dtype: str, value):
        """A C value of exactly the width that the kernel's parameter has."""
        return np.ctypeslib.as_ctypes_type(np.dtype(parameter.dtype(dtype)))(value)

    def range(self, items: int):
        return [ctypes.c_int64(0), ctypes.c_int64(items)]

    def launch(self, prepared, arguments):
        config, function = prepared
        self.memory.enter()
        self._launch(self.memory.stream, config, function, *arguments)

    def graph(self, launches):
        """All launches, to be started as one: a CUDA graph in which each waits for the one before it.

        A step of a small network (64-64-10, batch 32) takes 108 us so and 178 us launch by launch (H100).
        """
        from cuda.bindings import driver

        self.memory.enter()
        # Nodes are added rather than captured from the stream, which another thread may be using.
        graph = check(driver.cuGraphCreate(0))
        node = None
        for (config, function), arguments in launches:
            values = [ctypes.c_uint64(a) if isinstance(a, int) else a for a in arguments]
            places = (ctypes.c_void_p * len(values))(*map(ctypes.addressof, values))
            parameters = driver.CUDA_KERNEL_NODE_PARAMS()
            parameters.kern = driver.CUkernel(int(function.handle))
            (parameters.gridDimX, parameters.gridDimY, parameters.gridDimZ) = config.grid
            (parameters.blockDimX, parameters.blockDimY, parameters.blockDimZ) = config.block
            parameters.kernelParams = ctypes.addressof(places)
            early = [] if node is None else [node]
            node = check(driver.cuGraphAddKernelNode(graph, early, len(early), parameters))
        ready = Graph(self.memory, check(driver.cuGraphInstantiate(graph, 0)))
        check(driver.cuGraphDestroy(graph))
        return ready


class Graph:
    """A CUDA graph that is ready to start, on the stream of the memory that its launches work on."""

    def __init__(self, memory, handle):
        from cuda.bindings import driver

        self._memory, self._handle, self._start = memory, handle, driver.cuGraphLaunch
        weakref.finalize(self, driver.cuGraphExecDestroy, handle).atexit = False

    def __call__(self) -> None:
        self._memory.enter()
        check(self._start(self._handle, self._memory.stream_handle))


class AddressTable:
    """A pointer argument that points to rows of int64: the address of an array, then numbers (see `elementwise`).

    Args:
        rows: tuples (device array or address, int, int, ...), all of one length.
    """

    def __init__(self, rows):
        self.rows = [tuple(row) for row in rows]


def grid(kernel, arguments, items: int) -> tuple[int, int]:
    """Blocks and threads a block for a number of items."""
    work = max(items, arguments[0].size) if kernel.cover else items * kernel.each
    blocks = work if kernel.launch == "block" else -(-work // kernel.threads)
    return max(1, min(blocks, MOST_BLOCKS)), kernel.threads


class Program:
    """A list of launches bound to addresses, run in order: the CUDA side of `nbkeras.kernels.runner.Program`.

    Args:
        launcher: a `Launcher` or the `Simulator`.
        launches: tuples (kernel, dtype code, arguments, items, chunk), the arguments in the kernel's order. A pointer
            takes a DeviceArray, an address, an AddressTable (rows of an array and numbers), None if the kernel
            doesn't read it, or a NumPy array, of which a copy goes to the device now; the others take numbers. The
            chunk is the CPU's and unused here.
    """

    def __init__(self, launcher, launches):
        self._launcher = launcher
        self._keep = []
        self._tables: dict[tuple[int, int], object] = {}
        self._launches = []
        for step, (kernel, dtype, arguments, items, _) in enumerate(launches):
            pairs = list(zip(kernel.parameters, arguments, strict=True))
            bound = [self._bind(step, index, dtype, *pair) for index, pair in enumerate(pairs)]
            prepared = None  # nothing to do
            if items > 0:
                prepared = launcher.prepare(kernel, dtype, *grid(kernel, arguments, int(items)))
            self._launches.append((prepared, [*bound, *launcher.range(int(items))], kernel, dtype))
        self.steps = len(self._launches)
        self._graph = None
        self._settled = False  # has the whole program run since a pointer was last set?

    def _bind(self, step: int, index: int, dtype: str, parameter, value):
        if not parameter.is_pointer:
            return self._launcher.number(parameter, dtype, value)
        if value is None or isinstance(value, int):
            return self._launcher.pointer(parameter, dtype, value or 0, None if value else 0)
        if isinstance(value, AddressTable):
            self._keep += [row[0] for row in value.rows]
            rows = [[getattr(row[0], "address", row[0]), *row[1:]] for row in value.rows]
            value = self._tables[step, index] = self._launcher.memory.copied(np.array(rows, np.int64))
        elif isinstance(value, np.ndarray):
            value = self._launcher.memory.copied(value)
        itemsize = np.dtype(parameter.dtype(dtype)).itemsize
        assert value.itemsize == itemsize, (step, parameter.name, value.dtype, parameter.dtype(dtype))
        self._keep.append(value)
        return self._launcher.pointer(parameter, dtype, value.address, value.size)

    def set_pointer(self, step: int, index: int, address: int, row: int | None = None) -> None:
        """Point argument `index` of a step, or one row of its AddressTable, to another address; the caller keeps it."""
        if row is not None:
            table = self._tables[step, index]
            self._launcher.memory.from_host(table[row][0], np.array(address, np.int64))
            return
        _, bound, kernel, dtype = self._launches[step]
        bound[index] = self._launcher.pointer(kernel.parameters[index], dtype, int(address), None)
        self._graph, self._settled = None, False

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Give the launches, or those from `first` up to `last`, to the device; `Backend.wait` tells when they end.

        What runs whole again, with the same pointers, starts as one graph from then on: see `Launcher.graph`.
        """
        whole = first == 0 and last is None
        if whole and self._graph is not None:
            self._graph()
            return
        launches = [(prepared, bound) for prepared, bound, _, _ in self._launches[first:last] if prepared is not None]
        if whole and self._settled and launches:
            self._graph = self._launcher.graph(launches)
            self._graph()
            return
        for launch in launches:
            self._launcher.launch(*launch)
        self._settled |= whole
