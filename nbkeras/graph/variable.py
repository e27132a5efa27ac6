"""Variables: what a step reads and writes, with storage that a plan can bind to."""

from __future__ import annotations

import numpy as np

from nbkeras import device
from nbkeras.errors import ShapeError
from nbkeras.graph import trace
from nbkeras.graph.symbol import Operators


class Storage:
    """A block of device memory. Plans hold its array; `generation` counts how often variables have moved."""

    generation = 0


class Slot(Operators):
    """A variable's place in memory, its current value in the active trace, and assignment.

    `nbkeras.Variable` adds Keras's surface (initializers, trainable, constraints, names) on top.

    Args:
        value: the first value, an array.
        dtype: NumPy dtype name.
        name: for messages.
    """

    def __init__(self, value, dtype: str, name: str = "variable"):
        host = np.asarray(value, dtype=dtype)
        self.name = name
        self.dtype = str(np.dtype(dtype))
        self.shape = host.shape
        self.arena = None
        self.offset = 0
        self.array = device.backend().empty(self.shape, self.dtype)
        self._set(host)

    @property
    def size(self) -> int:
        """The number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def current(self):
        """What to compute with: a symbol while tracing, else the storage itself, which assignments change."""
        graph = trace.current()
        return graph.read(self) if graph is not None else self.array

    @property
    def value(self):
        """The current value, a symbol while tracing; an array stays as it is when the variable changes."""
        return self.snapshot(self.current)

    def snapshot(self, value):
        """A copy of what would change with the variable, anything else as it is."""
        array = self.array
        if value is not array and not (isinstance(value, np.ndarray) and np.may_share_memory(value, array)):
            return value
        if isinstance(value, np.ndarray):
            return np.array(value)
        copied = device.backend().empty(self.shape, self.dtype)
        device.backend().from_host(copied, device.backend().to_host(array))
        return copied

    def assign(self, value):
        """Set the value, at once or, while tracing, at the end of the step; returns the new value."""
        self._check_shape(value)
        graph = trace.current()
        if graph is not None:
            return graph.write(self, value)
        if isinstance(value, Slot):
            value = value.current
        self._set(value)
        return self.array

    def _check_shape(self, value):
        shape = tuple(value.shape if hasattr(value, "shape") else np.shape(value))
        if shape != tuple(self.shape):
            raise ShapeError(
                f"variable {self.name!r} has shape {tuple(self.shape)} but was assigned shape {shape}.",
                next="assign a value of the variable's own shape.",
            )

    def assign_add(self, value):
        """Add to the value.

        Example:
            >>> from nbkeras import Variable
            >>> w = Variable([1.0, 2.0])
            >>> new = w.assign_add([3.0, 4.0])
            >>> w.numpy()
            array([4., 6.], dtype=float32)
        """
        return self.assign(self.current + value)

    def assign_sub(self, value):
        """Subtract from the value."""
        return self.assign(self.current - value)

    def numpy(self) -> np.ndarray:
        """A copy of the value on the host; inside a step that computes as it is traced, of the value so far."""
        graph = trace.current()
        if graph is not None and graph.live and self in graph.values:
            return graph.values[self].numpy()
        return np.array(device.backend().to_host(self.array))

    def _set(self, value):
        device.backend().from_host(self.array, np.asarray(value, dtype=self.dtype))

    def __array__(self, dtype=None, copy=None):
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __float__(self):
        return float(self.numpy())

    def __int__(self):
        return int(self.numpy())

    def __bool__(self):
        return bool(self.numpy())

    def __index__(self):
        return self.numpy().__index__()

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name} shape={tuple(self.shape)} dtype={self.dtype}>"


class Arena(Slot):
    """One flat buffer that holds several variables, each padded to whole cache lines; one launch serves them all.

    Args:
        variables: slots of one dtype; their memory moves into the arena. Those that already live in an arena stay.
    """

    ALIGN = 16

    def __init__(self, variables, name: str = "arena"):
        self.variables = list(variables)
        self.offsets, end = [], 0
        for variable in self.variables:
            self.offsets.append(end)
            end += -(-variable.size // self.ALIGN) * self.ALIGN
        dtype = self.variables[0].dtype
        super().__init__(np.zeros(end, dtype), dtype, name)
        for variable, offset in zip(self.variables, self.offsets, strict=True):
            assert variable.arena is None and variable.dtype == dtype
            view = self.array[offset : offset + variable.size].reshape(variable.shape)
            device.backend().from_host(view, device.backend().to_host(variable.array))
            variable.array, variable.arena, variable.offset = view, self, offset
        Storage.generation += 1
