"""The only place that compiles for CUDA: `@kernel` for a loop over items, `@device` for what kernels share.

A kernel has the name, the arguments and the annotations of its twin in `nbkeras/kernels`; only its loop is its own.

    @kernel                                    # launch="flat": one thread an item
    def scale(y: "T n", x: "T n", factor: "T", lo, hi):
        i = lo + cuda.grid(1)
        while i < hi:
            y[i] = factor * x[i]
            i += cuda.gridsize(1)

`launch="block"` gives one block of `threads` threads an item: `item = lo + cuda.blockIdx.x`, in steps of
`cuda.gridDim.x`. Loops are written with `while`: `range` with a step that is not a constant costs a division.

`T` in a body is the dtype that the kernel is compiled for: a cast, `T(0)`, and a shape's dtype,
`cuda.shared.array(THREADS, T)`. Pointers are raw addresses (a quarter of the launch cost of arrays, and no
wrap-around of negative indices).

Nothing here needs a driver: `ptx` and `cubin` work on any machine that has the wheels. In the simulator
(NUMBA_ENABLE_CUDASIM=1) kernels run as Python on small blocks, and pointers check their bounds.
"""

from __future__ import annotations

import inspect
import os
import re
import types as python_types
from collections.abc import Callable

import numba
import numpy as np
from numba import cuda, types

from nbkeras.errors import KernelError

#: True where the CUDA simulator runs the kernels, as Python.
SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM", "") not in ("", "0")

#: Threads of a block: of a flat kernel and, unless it says otherwise, of a block kernel (a power of two).
THREADS = 4 if SIMULATED else 256

#: Threads of a block that has one short row to do: a warp.
WARP = 2 if SIMULATED else 32

#: Stands for the dtype in a kernel's body; every compilation puts the real one in its place.
T = np.float32

TYPES = {
    "f4": types.float32,
    "f8": types.float64,
    "i4": types.int32,
    "i8": types.int64,
    "i2": types.int16,
    "i1": types.int8,
    "u8": types.uint64,
    "u4": types.uint32,
    "u2": types.uint16,
    "u1": types.uint8,
}

#: Kernel name -> Kernel, filled as the kernel modules are imported.
REGISTRY: dict[str, Kernel] = {}


def device(function: Callable) -> Callable:
    """A function that several kernels call; inlined, so that it compiles without a driver."""
    if not SIMULATED:
        return numba.njit(inline="always")(function)
    names = {**function.__globals__, "cuda": _Simulator()}
    return python_types.FunctionType(function.__code__, names, function.__name__, function.__defaults__)


class _Simulator:
    """The `cuda` of device functions in the simulator: that of the kernel that is running.

    The simulator's own device functions swap a module's `cuda` as each thread comes and goes, which is not safe when
    one thread leaves while another is still inside.
    """

    def __getattr__(self, name):
        from numba.cuda.simulator.kernel import _get_kernel_context

        return getattr(_get_kernel_context(), name)


class Parameter:
    """One argument of a kernel, read from its annotation: `"T n"` a pointer, `"i8"` a number."""

    def __init__(self, name: str, annotation: str):
        self.name = name
        words = annotation.split(maxsplit=1)
        self.code = words[0]
        self.is_pointer = len(words) == 2

    def dtype(self, dtype: str) -> str:
        return dtype if self.code == "T" else self.code

    def numba_type(self, dtype: str):
        kind = TYPES[self.dtype(dtype)]
        return types.CPointer(kind) if self.is_pointer else kind


class Kernel:
    """A function over a range of items, compiled once per dtype and architecture.

    Args:
        function: the Python function.
        launch: "flat" for a thread an item, "block" for a block of threads an item.
        threads: threads of a block.
        each: elements of an item, of which every one gets a thread.
        cover: launch as many threads as the first argument has elements, whatever an item is; the kernel deals the
            elements of its items to the grid's threads itself.
        schedule: `schedule(**numbers) -> (items, chunk)` of a kernel that cuts its work itself; the chunk is unused.
    """

    def __init__(
        self,
        function: Callable,
        launch: str = "flat",
        threads: int = THREADS,
        each: int = 1,
        cover: bool = False,
        schedule: Callable | None = None,
    ):
        assert launch in ("flat", "block"), launch
        self.function = function
        self.name = function.__name__
        self.launch = launch
        self.threads = threads
        self.each = each
        self.cover = cover
        self.schedule = schedule
        signature = list(inspect.signature(function).parameters.values())
        assert [p.name for p in signature[-2:]] == ["lo", "hi"], self.name
        self.parameters = [Parameter(p.name, p.annotation) for p in signature[:-2]]
        self._compiled: dict[tuple, tuple[str, str]] = {}
        self._simulated: dict[str, Callable] = {}

    def specialized(self, dtype: str) -> Callable:
        """The kernel's function with `T` bound to a dtype."""
        function = self.function
        names = {**function.__globals__, "T": np.dtype(dtype).type}
        return python_types.FunctionType(function.__code__, names, f"{self.name}_{dtype}", function.__defaults__)

    def simulated(self, dtype: str) -> Callable:
        """The kernel as the simulator runs it: `simulated(dtype)[grid, block](*arguments)`."""
        if dtype not in self._simulated:
            self._simulated[dtype] = cuda.jit(self.specialized(dtype))
        return self._simulated[dtype]

    def compile(self, dtype: str) -> float:
        """Make the kernel ready for a dtype code on the first GPU; the seconds that it took (0 if it was kept)."""
        if SIMULATED:
            return 0.0
        from nbkeras_cuda import check, store

        return store.prepare(self, dtype, check.capability())

    def ptx(self, dtype: str, architecture: tuple) -> tuple[str, str]:
        """PTX for a compute capability such as (9, 0), and the name of its entry."""
        key = dtype, architecture
        if key not in self._compiled:
            signature = types.void(*(p.numba_type(dtype) for p in self.parameters), types.int64, types.int64)
            try:
                text, _ = cuda.compile(
                    self.specialized(dtype), signature, cc=architecture, device=False, abi="numba", output="ptx"
                )
            except Exception as error:
                raise KernelError(f"CUDA kernel {self.name!r} could not be compiled for {dtype}: {error}") from error
            self._compiled[key] = text, re.search(r"\.visible \.entry (\w+)\(", text)[1]
        return self._compiled[key]

    def cubin(self, dtype: str, architecture: tuple) -> tuple[bytes, str, str]:
        """Machine code for a compute capability, the name of its entry, and what the linker says of its registers."""
        from cuda.core import Linker, LinkerOptions, ObjectCode

        text, entry = self.ptx(dtype, architecture)
        options = LinkerOptions(arch=f"sm_{architecture[0]}{architecture[1]}", verbose=True)
        linker = Linker(ObjectCode.from_ptx(text.encode()), options=options)
        try:
            code = linker.link("cubin").code
        except Exception as error:
            raise KernelError(f"CUDA kernel {self.name!r} could not be linked for {dtype}: {error}") from error
        return bytes(code), entry, linker.get_info_log()


def kernel(function: Callable | None = None, **options) -> Kernel:
    """Register a function as a kernel (see the module's docstring for its form)."""
    if function is None:
        return lambda f: kernel(f, **options)
    made = Kernel(function, **options)
    if made.name in REGISTRY:
        raise KernelError(f"CUDA kernel {made.name!r} is defined twice.", next="give each kernel a name of its own.")
    REGISTRY[made.name] = made
    return made
