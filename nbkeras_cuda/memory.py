"""Device memory: flat allocations and thin arrays over them.

`DeviceMemory` is a GPU's; `HostMemory` is what the simulator uses in its place. Both hand out addresses, and a
`DeviceArray` is an address with a shape and a dtype, so that views cost nothing and kernels get plain integers.
"""

from __future__ import annotations

import ctypes
import threading
from types import EllipsisType

import numpy as np

#: Allocations start at multiples of this many bytes.
ALIGNMENT = 256


class DeviceArray:
    """A C-contiguous array in device memory.

    Slices along the first axis, `view` and `reshape` share the memory. `numpy.asarray(array)` copies to the host;
    other GPU libraries read it in place through `__cuda_array_interface__`.
    """

    def __init__(self, memory, address: int, shape: tuple[int, ...], dtype, owner):
        self.memory = memory
        self.address = address
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._owner = owner

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def __cuda_array_interface__(self) -> dict:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.address, False),
            "strides": None,
            "stream": self.memory.stream_handle,
            "version": 3,
        }

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"DeviceArray(shape={self.shape}, dtype={self.dtype}, address={self.address:#x})"

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if copy is False:
            raise ValueError("a DeviceArray can only be copied to the host: leave out copy=False.")
        host = self.memory.to_host(self)
        return host if dtype is None else host.astype(dtype, copy=False)

    def __getitem__(self, index) -> DeviceArray:
        if isinstance(index, EllipsisType):
            return self
        row = self.nbytes // self.shape[0] if self.shape[0] else 0
        if isinstance(index, slice):
            start, stop, step = index.indices(self.shape[0])
            if step != 1:
                raise IndexError(f"a DeviceArray is sliced in steps of 1, got a step of {step}.")
            shape = (max(0, stop - start), *self.shape[1:])
            return DeviceArray(self.memory, self.address + start * row, shape, self.dtype, self._owner)
        position = range(self.shape[0])[index]
        return DeviceArray(self.memory, self.address + position * row, self.shape[1:], self.dtype, self._owner)

    def reshape(self, *shape) -> DeviceArray:
        """The same elements under another shape; one extent may be -1."""
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        # NumPy's own rules, on an array of no memory.
        new = np.broadcast_to(np.empty((), np.int8), (self.size,)).reshape(wanted).shape
        return DeviceArray(self.memory, self.address, new, self.dtype, self._owner)

    def ravel(self) -> DeviceArray:
        return self.reshape(-1)

    def view(self, dtype) -> DeviceArray:
        """The same bytes as another dtype; the last extent changes with the item size."""
        dtype = np.dtype(dtype)
        if dtype.itemsize == self.dtype.itemsize:
            shape = self.shape
        else:
            last, rest = divmod(self.shape[-1] * self.dtype.itemsize, dtype.itemsize)
            if rest:
                raise ValueError(f"{self!r} does not divide into items of {dtype}.")
            shape = (*self.shape[:-1], last)
        return DeviceArray(self.memory, self.address, shape, dtype, self._owner)


class Memory:
    """What both kinds of memory share: arrays are made from `allocate`, filled by `copy_in`, read by `copy_out`."""

    def empty(self, shape, dtype) -> DeviceArray:
        """A new array whose elements are not set."""
        shape = (int(shape),) if np.ndim(shape) == 0 else tuple(int(n) for n in shape)
        dtype = np.dtype(dtype)
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        address, owner = self.allocate(max(1, size))
        return DeviceArray(self, address, shape, dtype, owner)

    def from_host(self, array: DeviceArray, values) -> None:
        """Copy values into a device array of their shape: from NumPy, or from another device array."""
        if isinstance(values, DeviceArray):
            assert (array.shape, array.dtype) == (values.shape, values.dtype), (array, values)
            if array.size:
                self.copy_across(array.address, values.address, array.nbytes)
            return
        values = np.asarray(values)
        assert array.shape == values.shape, (array.shape, values.shape)
        if array.size:
            self.copy_in(array.address, np.ascontiguousarray(values, array.dtype))

    def copied(self, values: np.ndarray) -> DeviceArray:
        """A new device array with the values of a NumPy array."""
        array = self.empty(values.shape, values.dtype)
        self.from_host(array, values)
        return array

    def to_host(self, array: DeviceArray, out: np.ndarray | None = None) -> np.ndarray:
        """Copy to the host, to a new array or into `out`, after all work given to the device has ended."""
        host = np.empty(array.shape, array.dtype) if out is None else out
        assert host.flags.c_contiguous and host.nbytes == array.nbytes, (host.shape, array)
        if array.size:
            self.copy_out(host, array.address)
        return host


class DeviceMemory(Memory):
    """The memory of one GPU, through cuda.core; copies are ordered with the launches on one stream.

    Any thread may use it: CUDA wants to be told in each which GPU is meant, and `enter` does so.

    Args:
        device: a `cuda.core.Device` that is current.
    """

    def __init__(self, device):
        self.device = device
        self._thread = threading.local()
        self.stream = device.create_stream()
        self.stream_handle = int(self.stream.handle)

    def enter(self):
        """Make the GPU that of the calling thread, the first time."""
        if not hasattr(self._thread, "entered"):
            self.device.set_current()
            self._thread.entered = True

    def allocate(self, size: int):
        self.enter()
        buffer = self.device.allocate(size, stream=self.stream)
        return int(buffer.handle), buffer

    def copy_in(self, address: int, host: np.ndarray):
        from cuda.bindings import driver

        self.enter()
        check(driver.cuMemcpyHtoDAsync(address, host.ctypes.data, host.nbytes, self.stream_handle))
        # The host array may be changed or freed as soon as this returns.
        self.stream.sync()

    def copy_out(self, host: np.ndarray, address: int):
        from cuda.bindings import driver

        self.enter()
        check(driver.cuMemcpyDtoHAsync(host.ctypes.data, address, host.nbytes, self.stream_handle))
        self.stream.sync()

    def copy_across(self, target: int, source: int, size: int):
        from cuda.bindings import driver

        self.enter()
        check(driver.cuMemcpyDtoDAsync(target, source, size, self.stream_handle))

    def wait(self):
        self.enter()
        self.stream.sync()


class HostMemory(Memory):
    """The simulator's memory: the host's own."""

    stream_handle = None

    def allocate(self, size: int):
        owner = np.empty(size + ALIGNMENT, np.uint8)
        # What a kernel forgets to write shows as NaN (floats) or as a huge number, as it may on a GPU.
        owner[:] = 0xFF
        address = owner.ctypes.data
        return address + -address % ALIGNMENT, owner

    def copy_in(self, address: int, host: np.ndarray):
        ctypes.memmove(address, host.ctypes.data, host.nbytes)

    def copy_out(self, host: np.ndarray, address: int):
        ctypes.memmove(host.ctypes.data, address, host.nbytes)

    def copy_across(self, target: int, source: int, size: int):
        ctypes.memmove(target, source, size)

    def wait(self):
        pass


def check(result: tuple):
    """What a call of the driver gave, or its error, by its name."""
    code, *values = result
    if int(code) != 0:
        raise RuntimeError(f"the CUDA driver reports {code!r}.")
    return values[0] if values else None
