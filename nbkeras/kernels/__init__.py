"""What the CPU does: kernels over ranges of items, compiled on first use and called by address (see README.md)."""

from __future__ import annotations

import functools
import importlib
import pkgutil


@functools.cache
def registry() -> dict:
    """Every kernel of this folder, by name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    from nbkeras.kernels._jit import REGISTRY

    # Users' kernels, defined elsewhere, are theirs alone.
    return {name: found for name, found in REGISTRY.items() if found.function.__module__.startswith(f"{__name__}.")}


def backend():
    """The CPU as the graph sees it."""
    import numpy as np

    from nbkeras.device import Backend
    from nbkeras.kernels import memory, runner

    return Backend(
        name="cpu",
        kernels=registry(),
        empty=memory.empty,
        to_host=memory.to_host,
        from_host=memory.from_host,
        wait=memory.wait,
        program=runner.Program,
        array=np.ndarray,
        table=runner.AddressTable,
        address=memory.address,
    )
