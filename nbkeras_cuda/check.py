"""Finds out whether CUDA can be used, and says what is missing if it can't: one cause, one remedy.

The causes are looked for in the order in which they hide each other. Each probe is a function of its own, so that a
test can stand in for any machine.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbkeras.errors import DeviceUnavailable

#: Versions of numba-cuda that the kernels are tested with, as in the extras of setup.cfg.
OLDEST, TOO_NEW = (0, 30, 4), (0, 31)

#: NumPy that numba-cuda 0.30 cannot compile with: it still reads `numpy.row_stack`, which 2.5 has removed.
NUMPY_TOO_NEW = (2, 5)

#: Oldest compute capability that the CUDA 13 wheels compile for.
OLDEST_CAPABILITY = (7, 5)

#: Oldest driver for each major version of the CUDA wheels.
DRIVERS = {12: "525", 13: "580"}

INSTALL = "pip install 'nbkeras[cuda13]' (NVIDIA driver 580 or newer) or 'nbkeras[cuda12]' (driver 525 or newer)"
OTHERWISE = "or set NBKERAS_DEVICE=cpu to run without a GPU"


def simulated() -> bool:
    """True if numba's CUDA simulator is asked for."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "") not in ("", "0")


def package_version() -> str | None:
    """The version of numba-cuda, None if it is not installed."""
    if importlib.util.find_spec("numba_cuda") is None:
        return None
    return importlib.metadata.version("numba-cuda")


def numpy_version() -> str:
    import numpy

    return numpy.__version__


def implementation() -> str:
    """Whose `numba.cuda` it is: numba's own, deprecated one compiles nothing of what is needed here."""
    from numba import cuda

    return getattr(cuda, "implementation", "unknown")


def driver_error() -> str | None:
    """What the driver says if it cannot be started."""
    from cuda.bindings import driver

    try:
        (code,) = driver.cuInit(0)
    except Exception as error:  # pathfinder's own classes, if libcuda.so is not found
        return str(error)
    return None if int(code) == 0 else code.name


def device_count() -> int:
    """How many GPUs the driver shows to this process."""
    from cuda.bindings import driver

    return driver.cuDeviceGetCount()[1]


def missing_libraries() -> list[str]:
    """The libraries of the CUDA wheels that cannot be loaded."""
    from cuda import pathfinder

    missing = []
    for name in ("nvvm", "nvrtc", "nvJitLink"):
        try:
            pathfinder.load_nvidia_dynamic_lib(name)
        except Exception:
            missing.append(name)
    return missing


def capability() -> tuple[int, int]:
    """The compute capability of the first GPU."""
    from cuda.core import Device

    found = Device(0).compute_capability
    return found.major, found.minor


def device_name() -> str:
    """The name of the first GPU."""
    from cuda.core import Device

    return Device(0).name


def driver_version() -> tuple[int, int]:
    """The newest CUDA version that the driver knows."""
    from cuda.bindings import driver

    number = driver.cuDriverGetVersion()[1]
    return number // 1000, number % 1000 // 10


def toolkit_version() -> tuple[int, int]:
    """The CUDA version of the installed wheels, which make the machine code."""
    from cuda.bindings import nvjitlink

    return nvjitlink.version()


#: The least module that NVVM compiles: what comes out names its exact version, which nothing else does.
_EMPTY = b"""target triple = "nvptx64-nvidia-cuda"
target datalayout = "e-p:64:64:64-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-i128:128:128-f32:32:32-f64:64:64-\
v16:16:16-v32:32:32-v64:64:64-v128:128:128-n16:32:64"
define void @f() { ret void }
!nvvmir.version = !{!0}
!0 = !{i32 2, i32 0, i32 3, i32 1}
"""


def nvvm_version() -> str:
    """The version of NVVM, such as 13.5.37."""
    from cuda.bindings import nvvm

    program = nvvm.create_program()
    try:
        nvvm.add_module_to_program(program, _EMPTY, len(_EMPTY), "version")
        nvvm.compile_program(program, 0, [])
        text = bytearray(nvvm.get_compiled_result_size(program))
        nvvm.get_compiled_result(program, text)
    finally:
        nvvm.destroy_program(program)
    return re.search(rb"V([\d.]+)", text)[1].decode()


def compilers() -> list[str]:
    """Name and version of all that makes machine code of a kernel."""
    linker = ".".join(str(number) for number in toolkit_version())
    versions = {name: importlib.metadata.version(name) for name in ("numba", "numba-cuda")}
    return [f"{name} {version}" for name, version in {**versions, "NVVM": nvvm_version(), "nvJitLink": linker}.items()]


def numbers(version: str) -> tuple[int, ...]:
    """The first numbers of a version, to compare."""
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


def unavailable(cause: str, remedy: str) -> DeviceUnavailable:
    # Importing nbkeras may ask this module for the device, so this module has to be whole before.
    from nbkeras.errors import DeviceUnavailable

    return DeviceUnavailable(f"NBKERAS_DEVICE=cuda cannot be used: {cause}.", next=f"{remedy}, {OTHERWISE}.")


def require_compiler():
    """Raise DeviceUnavailable if the kernels cannot be compiled here."""
    require_packages()
    missing = missing_libraries()
    if missing:
        raise unavailable(
            f"numba-cuda is installed without its compiler, {' and '.join(missing)} not found",
            INSTALL,
        )


def require_packages():
    """Raise DeviceUnavailable if a package is missing, or is of a version that the kernels cannot work with."""
    version = package_version()
    if version is None:
        raise unavailable("the package numba-cuda is not installed", INSTALL)
    if not OLDEST <= numbers(version) < TOO_NEW:
        raise unavailable(
            f"numba-cuda {version} is installed, but the kernels need >=0.30.4,<0.31",
            INSTALL,
        )
    if numbers(numpy_version()) >= NUMPY_TOO_NEW:
        raise unavailable(
            f"NumPy {numpy_version()} is installed, which numba-cuda {version} cannot work with",
            "pip install 'numpy<2.5'",
        )
    if implementation() != "NVIDIA":
        raise unavailable(
            f"numba.cuda is the {implementation()!r} implementation although numba-cuda {version} is installed",
            "install numba-cuda again (pip install --force-reinstall --no-deps numba-cuda) and leave "
            "NUMBA_CUDA_USE_NVIDIA_BINDING and other redirections unset",
        )

def require():
    """Raise DeviceUnavailable if there is no GPU that the kernels can run on (or no simulator, if that is wanted)."""
    require_packages()
    if simulated():
        return
    error = driver_error()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    hidden = f" (CUDA_VISIBLE_DEVICES is {visible!r})" if visible is not None else ""
    no_device = unavailable(
        f"the NVIDIA driver shows no GPU to this process{hidden}",
        "ask the batch system for a GPU, give the container one (docker run --gpus all), or correct "
        "CUDA_VISIBLE_DEVICES",
    )
    if error is not None and "NO_DEVICE" in error:
        raise no_device
    if error is not None:
        raise unavailable(
            f"the NVIDIA driver cannot be started: {error.rstrip('.')}",
            "run nvidia-smi; if that fails too, install the driver (580 or newer for CUDA 13, 525 for CUDA 12) on the "
            "host, or load its module on a cluster",
        )
    if device_count() == 0:
        raise no_device
    require_compiler()
    found = capability()
    if found < OLDEST_CAPABILITY:
        raise unavailable(
            f"the GPU has compute capability {found[0]}.{found[1]}, and 7.5 (Turing, 2018) is the oldest supported",
            "choose a newer GPU with CUDA_VISIBLE_DEVICES",
        )
    driver, toolkit = driver_version(), toolkit_version()
    if driver[0] < toolkit[0]:
        raise unavailable(
            f"the driver knows CUDA up to {driver[0]}.{driver[1]}, but the installed wheels are of CUDA "
            f"{toolkit[0]}.{toolkit[1]}",
            f"pip install 'nbkeras[cuda{max(12, driver[0])}]', or update the driver to "
            f"{DRIVERS.get(toolkit[0], 'a newer one')} or newer",
        )
