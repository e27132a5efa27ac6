"""What the processor's vector unit looks like to the code generator: lanes, registers, fused multiply-add.

The answers follow the processor that Numba compiles for, which need not be the host: NUMBA_CPU_NAME,
NUMBA_CPU_FEATURES and NBKERAS_CPU=baseline are honoured, so that unlike nodes can share one cache (N12).
"""

from __future__ import annotations

import functools
import platform
import warnings

import numba
from llvmlite import binding as llvm
from numba.core import codegen, registry

from nbkeras.config import setting
from nbkeras.errors import ArgumentError

X86 = ("x86_64", "AMD64")

#: What NBKERAS_CPU=baseline compiles for: what every x86 server since 2015 has (AVX2, FMA), or any ARM.
BASELINE = "x86-64-v3" if platform.machine() in X86 else "generic"


def choose_cpu() -> None:
    """Apply NBKERAS_CPU to Numba's settings; must run before Numba makes its code generator (`_jit.py` sees to it)."""
    asked = setting("NBKERAS_CPU")
    if asked is None:
        return
    if asked != "baseline":
        raise ArgumentError(
            f"NBKERAS_CPU: expected 'baseline' or nothing, got {asked!r}.",
            next="for another processor set NUMBA_CPU_NAME and NUMBA_CPU_FEATURES.",
        )
    if numba.config.CPU_NAME == BASELINE:
        return
    numba.config.CPU_NAME, numba.config.CPU_FEATURES = BASELINE, ""
    if registry.cpu_target.target_context.codegen()._tm_features != "":
        warnings.warn(
            "NBKERAS_CPU=baseline came too late: Numba has already compiled for this host.\n"
            "  Next: import nbkeras before any other code uses numba.njit.",
            RuntimeWarning,
            stacklevel=2,
        )


@functools.cache
def cpu() -> tuple[str, str]:
    """The processor's name and its feature list ('+avx2,-avx512f,...') as given to LLVM."""
    name, features = numba.config.CPU_NAME, numba.config.CPU_FEATURES
    return (
        llvm.get_host_cpu_name() if name is None else name,
        codegen.get_host_cpu_features() if features is None else features,
    )


@functools.cache
def features() -> frozenset[str]:
    """The vector features that the code generator may use, of `sse2 avx avx2 fma avx512f neon`.

    With an explicit processor name and no feature list only LLVM knows them, so it is asked: a few lines of IR are
    compiled and the registers and instructions read from the assembly.
    """
    if platform.machine() not in X86:
        return frozenset({"neon", "fma"}) if platform.machine() in ("aarch64", "arm64") else frozenset()
    listed = cpu()[1].split(",")
    if numba.config.CPU_NAME is None and len(listed) > 8:
        return frozenset(f for f in ("sse2", "avx", "avx2", "fma", "avx512f") if "+" + f in listed)
    assembly = _probe()
    found = {"sse2"}
    if "ymm" in assembly or "zmm" in assembly:
        found |= {"avx", "avx2"}
    if "zmm" in assembly:
        found |= {"avx512f"}
    if "vfmadd" in assembly:
        found |= {"fma"}
    return frozenset(found)


def _probe() -> str:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, listed = cpu()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(cpu=name, features=listed)
    module = llvm.parse_assembly(
        """
        declare <16 x float> @llvm.fmuladd.v16f32(<16 x float>, <16 x float>, <16 x float>)
        define void @probe(<16 x float>* %p, <16 x i32>* %q) {
          %x = load <16 x float>, <16 x float>* %p
          %y = call <16 x float> @llvm.fmuladd.v16f32(<16 x float> %x, <16 x float> %x, <16 x float> %x)
          store <16 x float> %y, <16 x float>* %p
          %i = load <16 x i32>, <16 x i32>* %q
          %j = mul <16 x i32> %i, %i
          store <16 x i32> %j, <16 x i32>* %q
          ret void
        }"""
    )
    return machine.emit_assembly(module)


def register_bytes() -> int:
    """Bytes in one vector register: 64 with AVX-512, 32 with AVX2, else 16."""
    return 64 if "avx512f" in features() else 32 if "avx2" in features() else 16


def width(dtype: str = "f4") -> int:
    """How many elements of a dtype code one vector register holds.

    Example:
        >>> width("f4") == 2 * width("f8")
        True
    """
    return register_bytes() // int(dtype[1:])


def registers() -> int:
    """How many vector registers a kernel has: 32 with AVX-512 and on ARM, else 16."""
    return 32 if features() & {"avx512f", "neon"} else 16


def has_fma() -> bool:
    """True if a multiply-add is one instruction; else `llvm.fma` is a slow library call (use `llvm.fmuladd`)."""
    return "fma" in features()


def describe() -> dict[str, str]:
    """The processor in words, for `nbkeras info`."""
    return {
        "processor": cpu()[0],
        "vector unit": f"{8 * register_bytes()} bits ({width('f4')} floats), {registers()} registers"
        + ("" if has_fma() else ", no fused multiply-add"),
    }
