"""Machine code for GPUs: out of the cache, or compiled and kept there for the next process.

The folder lies beside the CPU's, under the same rules (`nbkeras/kernels/cache.py`). Its name tells all that the machine
code depends on: the sources of this package and of the scalars that it shares with the CPU, the architecture, and the
versions of numba, numba-cuda, NVVM and nvJitLink.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable

from nbkeras.errors import ArgumentError
from nbkeras.kernels.cache import Cache, sources_digest
from nbkeras.kernels.compilation import COMPILED, compilation
from nbkeras_cuda import check

SOURCES = ("nbkeras_cuda", "nbkeras_cuda.kernels", "nbkeras.kernels")


def machine_code(kernel, dtype: str, architecture: tuple[int, int]) -> tuple[bytes, str]:
    """(cubin, name of its entry) of a kernel for a compute capability; needs no GPU."""
    symbol = f"nbkeras_{kernel.name}_{dtype}"
    if not kernel.function.__module__.startswith(f"{__package__}."):  # the folder's name says nothing of its source
        return _compiled(kernel, dtype, architecture)
    kept = cache(architecture)
    found = kept.load(symbol)
    if found is None:
        with kept.turn(symbol) as waited:
            found = kept.load(symbol) if waited else None
            if found is None:
                code, entry = _compiled(kernel, dtype, architecture)
                kept.store(symbol, entry.encode() + b"\0" + code)
                return code, entry
    entry, _, code = found.partition(b"\0")
    return code, entry.decode()


def prepare(kernel, dtype: str, architecture: tuple[int, int]) -> float:
    """Have a kernel's machine code ready; the seconds that compiling took (0 if it was kept)."""
    machine_code(kernel, dtype, architecture)
    return COMPILED.get((kernel.name, dtype), 0.0)


def compilers_for(architecture: str) -> dict[str, Callable[[str], float]]:
    """Kernel name -> `prepare` of it for an architecture such as sm_90 and a dtype, on a machine without such a GPU."""
    check.require_compiler()
    match = re.fullmatch(r"sm_(\d+)(\d)", architecture)
    capability = (int(match[1]), int(match[2])) if match else (0, 0)
    if capability < check.OLDEST_CAPABILITY:
        raise ArgumentError(
            f"expected a GPU architecture from sm_75 on, got {architecture!r}.",
            next="write sm_ and the digits of the compute capability: sm_80 for an A100, sm_90 for an H100.",
        )
    from nbkeras_cuda.kernels import registry

    return {
        name: functools.partial(prepare, kernel, architecture=capability) for name, kernel in registry().items()
    }


def _compiled(kernel, dtype: str, architecture):
    with compilation(kernel.name, dtype):
        code, entry, _ = kernel.cubin(dtype, architecture)
    return code, entry


@functools.cache
def cache(architecture: tuple[int, int]) -> Cache:
    """The folder of one architecture."""
    return Cache(lambda: _folder(architecture), "cubin")


def _folder(architecture: tuple[int, int]) -> str:
    tools = hashlib.sha256("\0".join(check.compilers()).encode()).hexdigest()[:8]
    return f"{sources_digest(*SOURCES)[:16]}-sm_{architecture[0]}{architecture[1]}-{tools}"
