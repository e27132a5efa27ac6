"""The only place that compiles: `@scalar` for per-element maths, `@kernel` for the loops around it.

A kernel is a plain function over a range of items. It is compiled once per dtype, as a serial function; the runner
(`runner.py`) calls it by address on disjoint ranges, from one thread or several. So a kernel costs a tenth of the
compile time of a `parallel=True` function of its own (measured: 0.08 s against 0.5-1.1 s), a launch costs 10 ns
instead of 1-4 us, and the result cannot depend on the number of threads.

    @kernel
    def scale(y: "T n", x: "T n", factor: "T", lo, hi):
        for i in range(lo, hi):
            y[i] = factor * x[i]

Annotations: the first word is a type (`T` the dtype the kernel is compiled for, `f4 f8 i4 i8 u4 u8 u1` fixed ones);
a second word makes it a pointer to that many elements (documentation, and what the checked run reads); without it
the argument is a number. The last two arguments, `lo` and `hi`, are the range of items.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
from llvmlite import binding as llvm
from llvmlite import ir
from numba import types
from numba.core import compiler
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from nbkeras.errors import KernelError
from nbkeras.kernels import cache, vector
from nbkeras.kernels.compilation import COMPILED, compilation

vector.choose_cpu()


@contextlib.contextmanager
def _jit_enabled():
    """NUMBA_DISABLE_JIT, which users set to debug functions of their own, leaves ours alone."""
    disabled, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, 0
    try:
        yield
    finally:
        numba.config.DISABLE_JIT = disabled


@_jit_enabled()
def scalar(function: Callable):
    """Per-element maths, inlined by the loops of both devices (needs no driver, compiles for CPU and CUDA)."""
    return numba.njit(inline="always")(function)


# NaN and inf are honoured (no nnan, ninf). `contract` lets multiply-add become one instruction. `reassoc` would undo
# the error-compensating terms of the polynomials in scalars.py, so only kernels that ask for it get it.
FASTMATH = frozenset({"contract", "nsz"})

TYPES = {
    "f4": types.float32,
    "f8": types.float64,
    "i4": types.int32,
    "i8": types.int64,
    "u4": types.uint32,
    "u8": types.uint64,
    "u1": types.uint8,
    "i1": types.int8,
    "i2": types.int16,
    "u2": types.uint16,
}

#: Kernel name -> Kernel, filled as the kernel modules are imported.
REGISTRY: dict[str, Kernel] = {}

#: Symbol -> machine address of what this process has compiled or loaded.
_ADDRESSES: dict[str, int] = {}


def dtype_code(dtype) -> str:
    """The two-letter code of a NumPy dtype; booleans are bytes to a kernel.

    Example:
        >>> dtype_code("float32"), dtype_code(bool)
        ('f4', 'u1')
    """
    dtype = np.dtype(dtype)
    return "u1" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize}"


class Parameter:
    """One argument of a kernel, read from its annotation."""

    def __init__(self, name: str, annotation: str):
        self.name = name
        words = annotation.split(maxsplit=1)
        self.code = words[0]
        self.extent = words[1] if len(words) == 2 else None

    @property
    def is_pointer(self) -> bool:
        return self.extent is not None

    def numba_type(self, dtype: str):
        kind = TYPES[dtype if self.code == "T" else self.code]
        return types.CPointer(kind) if self.is_pointer else kind


class Kernel:
    """A function over a range of items, compiled once per dtype and called by address.

    Args:
        function: the Python function; `function.py_func`-like uses go through `.function` on NumPy arrays.
        schedule: `schedule(**numbers) -> (items, chunk)` for kernels that cut their work themselves (gemm); others
            get items and chunk from whoever launches them.
        pays: `pays(**numbers)`, whether a kernel that is one way among several is the fastest here.
        reassoc: let LLVM reorder sums (fixed at compile time, so still the same for any thread count).
    """

    def __init__(
        self,
        function: Callable,
        schedule: Callable | None = None,
        pays: Callable | None = None,
        reassoc: bool = False,
    ):
        self.function = function
        self.name = function.__name__
        self.schedule = schedule
        self.pays = pays
        self.fastmath = FASTMATH | {"reassoc"} if reassoc else FASTMATH
        signature = list(inspect.signature(function).parameters.values())
        assert [p.name for p in signature[-2:]] == ["lo", "hi"], self.name
        self.parameters = [Parameter(p.name, p.annotation) for p in signature[:-2]]
        self._address: dict[str, int] = {}
        self._edition = _edition(function)

    def address(self, dtype: str) -> int:
        """The machine address of the kernel for a dtype code, compiled or loaded from the cache when first asked."""
        found = self._address.get(dtype)
        if found is None:
            symbol = f"nbkeras_{self.name}_{dtype}{self._edition}"
            make = lambda: self._compile(symbol, dtype)  # noqa: E731
            found = self._address[dtype] = load_or_compile(symbol, self.name, dtype, make)
        return found

    def compile(self, dtype: str) -> float:
        """Make the kernel ready for a dtype code; return the seconds that compiling took (0 if it was cached)."""
        self.address(dtype)
        return COMPILED.get((self.name, dtype), 0.0)

    def _compile(self, symbol: str, dtype: str):
        arguments = tuple(p.numba_type(dtype) for p in self.parameters)
        options = {"error_model": "numpy", "fastmath": set(self.fastmath)}
        return entry_library(symbol, self.function, arguments, (types.int64, types.int64), options)


def _edition(function: Callable) -> str:
    """A suffix for the symbol of a kernel that the cache folder's digest doesn't cover: one outside this package."""
    if function.__module__.startswith(__package__ + "."):
        return ""
    try:
        source = Path(inspect.getsourcefile(function)).read_bytes()
    except (TypeError, OSError):  # typed at a prompt: nothing to tell editions apart by
        source = os.urandom(16)
    return "_" + hashlib.sha256(source).hexdigest()[:12]


def kernel(function: Callable | None = None, **options) -> Kernel:
    """Register a function as a kernel (see the module's docstring for its form)."""
    if function is None:
        return lambda f: kernel(f, **options)
    made = Kernel(function, **options)
    if made.name in REGISTRY:
        raise KernelError(f"kernel {made.name!r} is defined twice.", next="give each kernel a name of its own.")
    REGISTRY[made.name] = made
    return made


def entry_library(symbol: str, function: Callable, packed: tuple, plain: tuple, options: dict):
    """Compile a function and give it a C entry `void symbol(int64 *arguments, plain...)`.

    The entry reads each packed argument from an int64 slot: pointers as addresses, floats as the bits of a double.
    Function and entry go into one library that is optimized and emitted once: `njit` and a second library that links
    to it would do both twice, besides making wrappers for calls from Python (measured: 40 % of the time).
    """
    target = cpu_target.target_context
    library = target.codegen().create_library(symbol)
    library.enable_object_caching()
    flags = compiler.Flags()
    cpu_target.options.parse_as_flags(flags, {"nopython": True, **options})
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    compiled = compiler.compile_extra(
        cpu_target.typing_context, target, function, packed + plain, types.none, flags, {}, library
    )
    description = compiled.fndesc
    module = library.create_ir_module(symbol)
    word = ir.IntType(64)
    plain_types = [target.get_value_type(t) for t in plain]
    entry = ir.Function(module, ir.FunctionType(ir.VoidType(), [word.as_pointer(), *plain_types]), name=symbol)
    builder = ir.IRBuilder(entry.append_basic_block())
    values = []
    for slot, kind in enumerate(packed):
        raw = builder.load(builder.gep(entry.args[0], [word(slot)]))
        values.append(_unpack(builder, target, raw, kind))
    values += entry.args[1:]
    callee = ir.Function(
        module,
        target.call_conv.get_function_type(description.restype, description.argtypes),
        name=description.llvm_func_name,
    )
    target.call_conv.call_function(builder, callee, description.restype, description.argtypes, values)
    builder.ret_void()
    library.add_ir_module(module)
    # Called from the entry alone, so it is inlined there and not emitted a second time.
    library.get_function(description.llvm_func_name).linkage = "internal"
    library.finalize()
    return library


def _unpack(builder, context, raw, kind):
    if isinstance(kind, types.CPointer):
        return builder.inttoptr(raw, context.get_value_type(kind))
    if kind == types.float64:
        return builder.bitcast(raw, ir.DoubleType())
    if kind == types.float32:
        return builder.fptrunc(builder.bitcast(raw, ir.DoubleType()), ir.FloatType())
    if kind.bitwidth < 64:
        return builder.trunc(raw, ir.IntType(kind.bitwidth))
    return raw


def load_or_compile(symbol: str, name: str, dtype: str, make: Callable) -> int:
    """The address of a symbol: from the cached object file if there is a sound one, else compiled and stored.

    Several threads may ask at once: Numba's lock lets one in, the others find the address that it has left. Several
    processes may: one compiles, the others wait and load.
    """
    with global_compiler_lock:
        if symbol not in _ADDRESSES:
            machine_code = cache.load(symbol)
            if machine_code is None:
                with cache.turn(symbol) as waited:
                    machine_code = cache.load(symbol) if waited else None
                    if machine_code is None:
                        library = _compile(name, dtype, make)
                        cache.store(symbol, library._get_compiled_object())
                        _ADDRESSES[symbol] = library.get_pointer_to_function(symbol)
            if machine_code is not None:
                _ADDRESSES[symbol] = _link(symbol, machine_code)
        return _ADDRESSES[symbol]


def _compile(name: str, dtype: str, make: Callable):
    try:
        with compilation(name, dtype), _jit_enabled():
            return make()
    except Exception as error:
        raise KernelError(f"kernel {name!r} could not be compiled for {dtype}: {error}") from error


def _link(symbol: str, machine_code: bytes) -> int:
    engine = cpu_target.target_context.codegen()._engine._ee
    engine.add_object_file(llvm.ObjectFileRef.from_data(machine_code))
    engine.finalize_object()
    return engine.get_function_address(symbol)
