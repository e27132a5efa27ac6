"""Symbols and nodes: what a traced computation is made of."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.errors import ArgumentTypeError
from nbkeras.graph.dtypes import ITEMSIZE

#: Operator name ('add', 'getitem', ...) -> function; `nbkeras.ops` fills it, so that `x + y` means `ops.add(x, y)`.
OPERATORS: dict = {}


def _binary(name: str, reflected: bool = False):
    if reflected:
        return lambda self, other: OPERATORS[name](other, self)
    return lambda self, other: OPERATORS[name](self, other)


def _unary(name: str):
    return lambda self: OPERATORS[name](self)


class Operators:
    """Python's operators for symbols, Keras tensors and variables; each is the function of that name in `ops`."""

    # NumPy arrays on the left must hand over to us instead of looping over elements.
    __array_priority__ = 1000
    __array_ufunc__ = None
    __hash__ = object.__hash__

    __add__, __radd__ = _binary("add"), _binary("add", True)
    __sub__, __rsub__ = _binary("subtract"), _binary("subtract", True)
    __mul__, __rmul__ = _binary("multiply"), _binary("multiply", True)
    __truediv__, __rtruediv__ = _binary("true_divide"), _binary("true_divide", True)
    __floordiv__, __rfloordiv__ = _binary("floor_divide"), _binary("floor_divide", True)
    __mod__, __rmod__ = _binary("mod"), _binary("mod", True)
    __pow__, __rpow__ = _binary("power"), _binary("power", True)
    __matmul__, __rmatmul__ = _binary("matmul"), _binary("matmul", True)
    __and__, __rand__ = _binary("logical_and"), _binary("logical_and", True)
    __or__, __ror__ = _binary("logical_or"), _binary("logical_or", True)
    __xor__, __rxor__ = _binary("logical_xor"), _binary("logical_xor", True)
    __lt__, __le__ = _binary("less"), _binary("less_equal")
    __gt__, __ge__ = _binary("greater"), _binary("greater_equal")
    __eq__, __ne__ = _binary("equal"), _binary("not_equal")
    __neg__, __abs__, __invert__ = _unary("negative"), _unary("absolute"), _unary("logical_not")

    def __pos__(self):
        return self

    def __round__(self, digits=None):
        return OPERATORS["round"](self, digits or 0)

    def __getitem__(self, key):
        return OPERATORS["getitem"](self, key)

    def __len__(self):
        if not self.shape:
            raise ArgumentTypeError(f"len() of a tensor of rank 0: {self!r}.")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)


class Symbol(Operators):
    """A value inside a traced graph: a concrete shape, a dtype, and the node that computes it (None for a source).

    Attributes:
        array: what it is, in a graph that computes as it is traced (`live.py`); None in all others.
    """

    __slots__ = ("_keras_mask", "array", "dtype", "index", "name", "node", "shape", "size")

    def __init__(self, shape, dtype, node=None, index=0, name=None):
        self.shape = tuple(map(int, shape))
        self.size = math.prod(self.shape)
        self.dtype = dtype
        self.node = node
        self.index = index
        self.name = name
        self.array = None

    @property
    def nbytes(self) -> int:
        return self.size * ITEMSIZE[self.dtype]

    def __repr__(self):
        source = self.node.primitive.name if self.node is not None else self.name or "source"
        if self.array is not None:
            return f"<Tensor {source} shape={self.shape} dtype={self.dtype} value={self.numpy()}>"
        return f"<Symbol {source} shape={self.shape} dtype={self.dtype}>"

    def __bool__(self):
        if self.array is None:
            raise ArgumentTypeError(
                f"the truth of {self!r} was asked for while tracing, when it has no value yet.",
                next="use ops.where or ops.cond; compile(run_eagerly=True) runs Python's own if on values, slowly.",
            )
        return bool(self.numpy())

    def numpy(self) -> np.ndarray:
        """A copy of the value, where there is one."""
        if self.array is None:
            raise ArgumentTypeError(
                f"the value of {self!r} was asked for while tracing, when it has no value yet.",
                next="keep to nbkeras.ops inside call(); to look at values, compile with run_eagerly=True.",
            )
        from nbkeras.graph import live

        return live.host(self.array)

    def __array__(self, dtype=None, copy=None):
        return self.numpy().astype(dtype or self.dtype, copy=False)

    def __float__(self):
        return float(self.numpy())

    def __int__(self):
        return int(self.numpy())

    def __index__(self):
        return self.numpy().__index__()

    def __format__(self, spec):
        return format(self.numpy()[()], spec) if spec else str(self)


class Node:
    """One application of a primitive."""

    __slots__ = ("inputs", "outputs", "params", "primitive", "scope")

    def __init__(self, primitive, inputs, params, scope=None):
        self.primitive = primitive
        self.inputs = tuple(inputs)
        self.params = params
        self.scope = scope
        self.outputs = tuple(
            Symbol(shape, dtype, self, index) for index, (shape, dtype) in enumerate(primitive.infer(self))
        )

    def __repr__(self):
        ins = ", ".join(f"{s.dtype}{list(s.shape)}" for s in self.inputs)
        outs = ", ".join(f"{s.dtype}{list(s.shape)}" for s in self.outputs)
        return f"{self.primitive.name}({ins}) -> {outs}"
