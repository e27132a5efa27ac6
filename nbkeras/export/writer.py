"""An ONNX graph while it is written: nodes, weights, and lengths that are computed from the batch size."""

from __future__ import annotations

import numpy as np

from nbkeras.export.batch import Rows, Step, Value
from nbkeras.extras import need

#: The edition of ONNX's operators that is written: the first in which all reductions take their axes alike.
OPSET = 18

#: The version of the file format that goes with it.
IR_VERSION = 8

#: Slices end here where they take all there is.
END = 2**63 - 1


class Unsupported(Exception):
    """A step cannot be written, with the reason."""


class Writer:
    """Nodes and weights, in order.

    Args:
        inputs: names of the graph's inputs.
        reserved: names that inner values must not take.
        rows: the number of an input whose first axis is the batch, None if there is none.
    """

    def __init__(self, inputs: list[str], reserved: set[str], rows: int | None):
        self.onnx = need("onnx", "export")
        self.nodes: list = []
        self.weights: list = []
        self._inputs, self._names = inputs, set(reserved)
        self._values: dict = {("input", number): name for number, name in enumerate(inputs)}
        self._constants: dict = {}
        self._rows_input, self._rows = rows, None
        self._scope = ""

    def step(self, step: Step, rule) -> None:
        """Write a step by its rule."""
        self._scope = step.scope
        for index, name in enumerate(rule(self, step)):
            self._values[step.number, index] = name

    def node(self, operator: str, *inputs: str, outputs: int = 1, **attributes):
        """Write a node; returns the name of its output, or a list of names."""
        made = [self._unique(f"{self._scope}/{operator}" if self._scope else operator) for _ in range(outputs)]
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), made, name=made[0], **attributes))
        return made[0] if outputs == 1 else made

    def name(self, value: Value) -> str:
        """The name of a value; weights and constants are written when they are first asked for."""
        if value.key is not None:
            if value.key not in self._values:
                raise Unsupported("of where the greatest was")
            return self._values[value.key]
        if value.known:
            return self.constant(value.array, value.name)
        name = self.constant(value.array.astype(np.int64 if value.slope is not None else value.dtype))
        if value.slope is not None:
            grown = self.node("Mul", self.rows(), self.constant(value.slope))
            # The batch size is a vector of one number; a scalar has no axis.
            scalar = value.array.ndim == 0
            grown = self.node("Squeeze", grown) if scalar else grown
            name = self.cast(self.node("Add", grown, name), value.dtype)
        return self.node("Expand", name, self.ints(value.shape)) if value.array.shape != value.shape else name

    def constant(self, array, name: str = "constant") -> str:
        """The name of an array; equal arrays are written once."""
        array = np.asarray(array, order="C")
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self._constants:
            self._constants[key] = made = self._unique(name)
            self.weights.append(self.onnx.numpy_helper.from_array(array, made))
        return self._constants[key]

    def number(self, value, dtype: str) -> str:
        """A scalar constant."""
        return self.constant(np.asarray(value, dtype))

    def transposed(self, value: Value, axes) -> str:
        """A value with its axes in another order; of a weight, done here."""
        if value.known:
            return self.constant(np.transpose(value.array, axes), f"{value.name}/transposed")
        return self.transpose(self.name(value), axes)

    def transpose(self, name: str, axes) -> str:
        """A Transpose node, where it changes anything."""
        return name if list(axes) == sorted(axes) else self.node("Transpose", name, perm=[int(a) for a in axes])

    def ints(self, numbers) -> str:
        """A vector of whole numbers, which may depend on the batch size."""
        plus = np.array([n.plus if isinstance(n, Rows) else n for n in numbers], np.int64)
        times = np.array([n.times if isinstance(n, Rows) else 0 for n in numbers], np.int64)
        if not times.any():
            return self.constant(plus)
        return self.node("Add", self.node("Mul", self.rows(), self.constant(times)), self.constant(plus))

    def rows(self) -> str:
        """The batch size, a vector of one number."""
        if self._rows is None:
            self._rows = self.node("Shape", self._inputs[self._rows_input], start=0, end=1)
        return self._rows

    def cast(self, name: str, dtype: str) -> str:
        """A Cast node."""
        return self.node("Cast", name, to=self.element_type(dtype))

    def element_type(self, dtype: str) -> int:
        """ONNX's number of a dtype."""
        return self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def reshape(self, name: str, shape) -> str:
        """A Reshape node; one length that grows is left to be found."""
        grow = [isinstance(n, Rows) for n in shape]
        if sum(grow) == 1 and 0 not in shape:
            return self.node("Reshape", name, self.constant([-1 if g else n for g, n in zip(grow, shape, strict=True)]))
        return self.node("Reshape", name, self.ints(shape), allowzero=1)

    def _unique(self, name: str) -> str:
        made, number = name, 0
        while made in self._names:
            number += 1
            made = f"{name}_{number}"
        self._names.add(made)
        return made
