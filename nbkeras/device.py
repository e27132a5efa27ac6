"""The seam between what to compute and where: one `Backend`, chosen once, when nbkeras is imported.

This is the only file that reads NBKERAS_DEVICE and the only one that imports a device package. Nothing else asks which
device it is.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from nbkeras.config import setting
from nbkeras.errors import ArgumentError, ArgumentTypeError, DeviceUnavailable, nearest

GROUP = "nbkeras.devices"

#: The devices of this package, so that it works without being installed and that the usual start needs no search.
BUILT_IN = {"cpu": "nbkeras.kernels:backend", "cuda": "nbkeras_cuda:backend"}


@dataclass(frozen=True)
class Backend:
    """All that the graph knows of a device.

    Args:
        name: what NBKERAS_DEVICE calls it.
        kernels: kernel name -> kernel (see `kernels/README.md`).
        empty: `empty(shape, dtype)` -> an uninitialized array on the device, aligned to 64 bytes.
        to_host: `to_host(array)` -> a NumPy array of its values; on the CPU the array itself.
        from_host: `from_host(array, values)` copies NumPy values, or another device array, into a device array.
        wait: `wait()` returns when all launches have ended.
        program: `program(launches)` -> an object with `run(first, last)` and `set_pointer` (see `kernels/runner.py`).
        array: the type of its arrays; like NumPy's they have shape, dtype, slices, `view(dtype)` and `reshape`.
        table: `table(rows)` -> a pointer argument that points to rows of (array, numbers...).
        address: `address(array)` -> where a kernel may read the array as it lies, or None if it must be copied first.

    Example:
        >>> isinstance(backend(), Backend)
        True
    """

    name: str
    kernels: Mapping[str, Any]
    empty: Callable[[Sequence[int], Any], Any]
    to_host: Callable[[Any], Any]
    from_host: Callable[[Any, Any], None]
    wait: Callable[[], None]
    program: Callable[[Sequence[tuple]], Any]
    array: type
    table: Callable[[Sequence[tuple]], Any]
    address: Callable[[Any], int | None]
    facts: Callable[[], Mapping[str, str]] = dict


#: The chosen device once it is loaded. `backend()` also notices a change of NBKERAS_DEVICE, for 1.5 us.
loaded: Backend | None = None
_lock = threading.RLock()


def name() -> str:
    """The name of the device that models run on.

    Example:
        >>> name()
        'cpu'
    """
    _check_unchanged()
    return _chosen


def backend() -> Backend:
    """The chosen device, loaded when first asked for.

    Example:
        >>> backend().name in ("cpu", "cuda")
        True
    """
    global loaded
    _check_unchanged()
    if loaded is None:
        with _lock:
            if loaded is None:
                loaded = _load(_chosen)
    return loaded


def compile_seconds() -> float:
    """Seconds that this process has spent compiling kernels; loading them from the cache does not count.

    Example:
        >>> compile_seconds() >= 0
        True
    """
    from nbkeras.kernels.compilation import COMPILED

    return sum(COMPILED.values())


def compilers_for(architecture: str) -> Mapping[str, Callable[[str], float]]:
    """Kernel name -> function of a dtype code that makes its machine code for a GPU that this machine may lack.

    Args:
        architecture: NVIDIA's name of it, such as sm_90.
    """
    return import_module("nbkeras_cuda.store").compilers_for(architecture)


def _asked() -> str:
    return (setting("NBKERAS_DEVICE") or "cpu").lower()


def _choose(asked: str) -> str:
    if asked not in BUILT_IN and asked not in _installed():
        raise DeviceUnavailable(
            f"NBKERAS_DEVICE: there is no device {asked!r}; {nearest(asked, {**BUILT_IN, **_installed()})}",
            next="set NBKERAS_DEVICE to one of these names, or unset it for cpu.",
        )
    return asked


def _installed() -> dict:
    """The entry points of all devices, by name."""
    from importlib import metadata  # 10 ms, and the built-in devices need no search

    return {point.name: point for point in metadata.entry_points(group=GROUP)}


def _load(chosen: str) -> Backend:
    if chosen in BUILT_IN:
        module, function = BUILT_IN[chosen].split(":")
        try:
            make = getattr(import_module(module), function)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise DeviceUnavailable(
                f"NBKERAS_DEVICE={chosen}: the package {module} is not installed.",
                next=f"pip install 'nbkeras[{chosen}]', or unset NBKERAS_DEVICE to run on the CPU.",
            ) from error
    else:
        make = _installed()[chosen].load()
    return make()


_said = None


def _check_unchanged() -> None:
    global _said
    asked = os.environ.get("NBKERAS_DEVICE")
    if asked in (_at_import, _said):
        return
    _said = asked
    if _asked() != _chosen:
        warnings.warn(
            f"NBKERAS_DEVICE was changed to {asked!r} after nbkeras was imported; {_chosen!r} stays in use.\n"
            "  Next: set it before `import nbkeras`, in the shell or at the top of the script.",
            RuntimeWarning,
            stacklevel=3,
        )


@contextlib.contextmanager
def scope(device_name: str):
    """`with keras.device("cpu:0"):` accepts the device that is in use and refuses others: one serves a whole process.

    Example:
        >>> import nbkeras as keras
        >>> with keras.device("cpu:0"):
        ...     x = keras.ops.ones(3)
    """
    if not isinstance(device_name, str):
        raise ArgumentTypeError(f"keras.device: expected a name such as 'cpu:0', got {device_name!r}.")
    kind = device_name.lower().strip("/").removeprefix("device:").split(":")[0]
    if {"gpu": "cuda"}.get(kind, kind) != _chosen:
        raise ArgumentError(
            f"keras.device: {device_name!r} is not the device of this process, which is {_chosen!r}.",
            next="choose one with NBKERAS_DEVICE before importing nbkeras.",
        )
    yield


class _Callable(types.ModuleType):
    """This module, which is also Keras's function of the same name."""

    def __call__(self, device_name):
        return scope(device_name)


sys.modules[__name__].__class__ = _Callable

_at_import = os.environ.get("NBKERAS_DEVICE")
_chosen = _choose(_asked())
# Another device than the CPU is loaded at once: if it can't be used, the script ends here and not an hour later.
if _chosen != "cpu":
    backend()
