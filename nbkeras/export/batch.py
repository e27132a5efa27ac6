"""Traces of one model for several batch sizes, as one list of steps whose lengths may grow with the batch."""

from __future__ import annotations

import dataclasses

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.graph.symbol import Symbol

#: Two sizes tell a straight line, the third one that it is one. None is 1, which broadcasts.
SIZES = (7, 11, 17)


class NotAlike(Exception):
    """What the traces have at one place is no straight line of the batch size."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """A whole number that depends on the batch size: `times` for each row, and `plus`.

    Example:
        >>> 2 * Rows(1, 0) - 3
        Rows(times=2, plus=-3)
    """

    times: int
    plus: int

    def __add__(self, other):
        other = other if isinstance(other, Rows) else Rows(0, other)
        return _short(self.times + other.times, self.plus + other.plus)

    __radd__ = __add__

    def __sub__(self, other):
        return self + (-1) * other

    def __rsub__(self, other):
        return other + (-1) * self

    def __mul__(self, factor: int):
        return _short(self.times * factor, self.plus * factor)

    __rmul__ = __mul__


def _short(times: int, plus: int):
    return Rows(times, plus) if times else plus


@dataclasses.dataclass
class Value:
    """What a step takes.

    Attributes:
        key: of the step or input that makes it, and which output of it; None for values that are known.
        array: the value of a weight or constant; of a constant that grows with the batch, that of one element or None.
        slope: for constants of which each element is `array + slope * rows`; None for all others.
        name: of a weight.
    """

    shape: tuple
    dtype: str
    key: tuple | None = None
    array: np.ndarray | None = None
    slope: np.ndarray | None = None
    name: str = "constant"

    @property
    def known(self) -> bool:
        """Whether it is an array whatever the batch is."""
        return self.array is not None and self.slope is None and self.array.shape == self.shape


@dataclasses.dataclass
class Step:
    """A node of the graph.

    Attributes:
        number: its key.
        params: those of the node; numbers may be `Rows`.
        scope: the layers in which it was emitted.
    """

    number: int
    primitive: str
    inputs: list[Value]
    outputs: list[Value]
    params: dict
    scope: str


def steps_of(graphs) -> tuple[list[Step], list[Value]]:
    """The steps that lead to the outputs, and the outputs.

    Args:
        graphs: of the same model, one for each of `SIZES`.

    Raises:
        ArgumentError: the model computes something else for another batch size.
    """
    lives = [_live(graph) for graph in graphs]
    if len({len(nodes) for nodes in lives}) > 1:
        _refuse("the number of steps", "the model")
    readers = [_Reader(graph, nodes) for graph, nodes in zip(graphs, lives, strict=True)]
    steps = []
    for number, nodes in enumerate(zip(*lives, strict=True)):
        first = nodes[0]
        where = first.scope or first.primitive.name
        if len({node.primitive.name for node in nodes}) > 1 or len({len(node.inputs) for node in nodes}) > 1:
            _refuse("what is computed", where)
        try:
            step = Step(
                number,
                first.primitive.name,
                [_value(symbols, readers) for symbols in zip(*(node.inputs for node in nodes), strict=True)],
                [_value(symbols, readers) for symbols in zip(*(node.outputs for node in nodes), strict=True)],
                _merged(*(node.params for node in nodes)),
                first.scope or "",
            )
        except NotAlike as error:
            _refuse(str(error), where)
        steps.append(step)
    try:
        outputs = [_value(symbols, readers) for symbols in zip(*(graph.outputs for graph in graphs), strict=True)]
    except NotAlike as error:
        _refuse(str(error), "the outputs")
    return steps, outputs


def _refuse(what: str, where: str):
    raise ArgumentError(
        f"export: {what} in {where!r} depends on the batch size in a way that a graph cannot say.",
        next="give the batch size: input_signature=[InputSpec((32, ...))].",
    )


def _live(graph) -> list:
    """The nodes that the outputs depend on, in order."""
    needed = {output.node for output in graph.outputs}
    for node in reversed(graph.nodes):
        if node in needed:
            needed.update(symbol.node for symbol in node.inputs)
    return [node for node in graph.nodes if node in needed]


class _Reader:
    """Where the symbols of one graph come from."""

    def __init__(self, graph, nodes):
        self.constants = graph.constants
        self.variables = {symbol: variable for variable, symbol in graph.reads.items()}
        self.keys = {symbol: ("input", number) for number, symbol in enumerate(graph.inputs)}
        for number, node in enumerate(nodes):
            self.keys.update({symbol: (number, symbol.index) for symbol in node.outputs})


def _value(symbols: tuple[Symbol, ...], readers) -> Value:
    first = symbols[0]
    shape = tuple(_merged(*lengths) for lengths in zip(*(s.shape for s in symbols), strict=True))
    if len({symbol.dtype for symbol in symbols}) > 1:
        raise NotAlike("a dtype")
    keys = {reader.keys.get(symbol) for reader, symbol in zip(readers, symbols, strict=True)}
    variables = {reader.variables.get(symbol) for reader, symbol in zip(readers, symbols, strict=True)}
    if len(keys) > 1 or len(variables) > 1:
        raise NotAlike("where a value comes from")
    if keys != {None}:
        return Value(shape, first.dtype, key=keys.pop())
    if variables != {None}:
        variable = variables.pop()
        return Value(shape, first.dtype, array=variable.numpy(), name=getattr(variable, "path", variable.name))
    return _constant(shape, first.dtype, [r.constants[s] for r, s in zip(readers, symbols, strict=True)])


def _constant(shape, dtype, arrays) -> Value:
    if any(isinstance(n, Rows) for n in shape):
        # Of a length that grows: only one number, repeated.
        if any(array.size and (array != array.flat[0]).any() for array in arrays):
            raise NotAlike("a constant")
        arrays = [array.reshape(-1)[:1].reshape(()) for array in arrays]
    first, second, third = arrays
    if np.array_equal(first, second, equal_nan=dtype.startswith("float")):
        if not np.array_equal(first, third, equal_nan=dtype.startswith("float")):
            raise NotAlike("a constant")
        return Value(shape, dtype, array=first)
    if first.dtype.kind not in "iuf":
        raise NotAlike("a constant")
    wide = [array.astype(np.float64) for array in arrays]
    slope = (wide[1] - wide[0]) / (SIZES[1] - SIZES[0])
    start = wide[0] - SIZES[0] * slope
    if (slope != np.round(slope)).any() or (start != np.round(start)).any() or (
        start + SIZES[2] * slope != wide[2]
    ).any():
        raise NotAlike("a constant")
    return Value(shape, dtype, array=start.astype(np.int64), slope=slope.astype(np.int64))


def _merged(*values):
    """What several traces have at one place, as one."""
    first = values[0]
    if isinstance(first, dict):
        if any(set(value) != set(first) for value in values):
            raise NotAlike("the parameters")
        return {key: _merged(*(value[key] for value in values)) for key in first}
    if isinstance(first, (tuple, list)):
        if len({len(value) for value in values}) > 1:
            raise NotAlike("a rank")
        return tuple(_merged(*parts) for parts in zip(*values, strict=True))
    if isinstance(first, np.ndarray):
        if not all(np.array_equal(first, value) for value in values):
            raise NotAlike("an array")
        return first
    if isinstance(first, (int, np.integer)) and not isinstance(first, bool):
        times, rest = divmod(int(values[1]) - int(first), SIZES[1] - SIZES[0])
        plus = int(first) - SIZES[0] * times
        if rest or plus + SIZES[2] * times != int(values[2]):
            raise NotAlike("a number")
        return _short(times, plus)
    # Functions, which are gradients of one's own, are new ones in each trace.
    if not callable(first) and any(value != first for value in values):
        raise NotAlike("a number")
    return first
