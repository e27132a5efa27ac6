"""The CUDA twins of `nbkeras.kernels`: the same file names, the same kernel names, the same arguments."""

from __future__ import annotations

import importlib
import pkgutil


def registry() -> dict:
    """Every kernel by name, after importing all files of this folder."""
    from nbkeras_cuda._jit import REGISTRY

    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return REGISTRY
