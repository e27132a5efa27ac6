"""nbkeras on NVIDIA GPUs: `backend()` builds the record that NBKERAS_DEVICE=cuda chooses.

Importing this package loads neither numba nor CUDA.
"""

from __future__ import annotations

import warnings


def backend():
    """The `Backend` of the first GPU that the driver shows, or of numba's simulator (NUMBA_ENABLE_CUDASIM=1).

    Raises:
        DeviceUnavailable: naming what is missing (package, driver, device, version) and how to get it.
    """
    from nbkeras.device import Backend
    from nbkeras_cuda import check

    check.require()
    if check.simulated():
        warnings.warn(
            "NUMBA_ENABLE_CUDASIM is set: nbkeras runs on numba's CUDA simulator, which is for tests and very slow.",
            RuntimeWarning,
        )
    memory, launcher = machine()

    from nbkeras_cuda.kernels import registry
    from nbkeras_cuda.launch import AddressTable, Program
    from nbkeras_cuda.memory import DeviceArray

    return Backend(
        name="cuda",
        kernels=registry(),
        empty=memory.empty,
        to_host=memory.to_host,
        from_host=memory.from_host,
        wait=memory.wait,
        program=lambda launches: Program(launcher, launches),
        array=DeviceArray,
        table=AddressTable,
        address=lambda array: array.address,
        facts=dict if check.simulated() else facts,
    )


def facts() -> dict[str, str]:
    """What there is to say of the GPU and of how its kernels are made."""
    from nbkeras_cuda import check, store

    major, minor = check.capability()
    driver = ".".join(str(number) for number in check.driver_version())
    return {
        "GPU": f"{check.device_name()}, compute capability {major}.{minor}",
        "driver": f"knows CUDA up to {driver}",
        "compilers": ", ".join(check.compilers()),
        **{f"GPU {name}": value for name, value in store.cache((major, minor)).describe().items()},
    }


def machine():
    """The memory and the launcher of the GPU, or of the simulator in its place."""
    from nbkeras_cuda import check, launch, memory

    if check.simulated():
        host_memory = memory.HostMemory()
        return host_memory, launch.Simulator(host_memory)
    from cuda.core import Device

    gpu = Device(0)
    gpu.set_current()
    device_memory = memory.DeviceMemory(gpu)
    return device_memory, launch.Launcher(device_memory)
