"""What every function of `ops` is made with: the decorator, conversion to tensors, promotion of dtypes."""

from __future__ import annotations

import functools
import operator

import numpy as np

from nbkeras import device
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.graph import keras_tensor, trace
from nbkeras.graph.dtypes import WEAK, dtype_name, is_float, result_type, standardize_dtype
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.graph.primitives import cast, emit
from nbkeras.graph.symbol import OPERATORS, Operators, Symbol
from nbkeras.graph.variable import Slot

#: Public name -> function, for everything decorated with `op`.
FUNCTIONS: dict = {}

#: Arguments that hold no Keras tensor, told by their type alone: a small eager call is mostly such checks.
_PLAIN = frozenset({np.ndarray, Symbol, int, float, bool, str, type(None)})
_NESTED = (list, tuple, dict)


def _symbolic(arguments) -> bool:
    for argument in arguments:
        if type(argument) in _PLAIN:
            continue
        if isinstance(argument, KerasTensor):
            return True
        if isinstance(argument, _NESTED) and _symbolic(argument.values() if isinstance(argument, dict) else argument):
            return True
    return False


def op(function):
    """Make a function one of `ops`: on Keras tensors it records a call, on symbols and arrays it computes."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        if _symbolic(args) or (kwargs and _symbolic(kwargs.values())):
            return keras_tensor.record(call, args, kwargs)
        result = function(*args, **kwargs)
        # `cast`, `transpose` and others may give a variable's own storage.
        return args[0].snapshot(result) if args and isinstance(args[0], Slot) else result

    FUNCTIONS[function.__name__] = call
    OPERATORS[function.__name__] = call
    return call


def is_tensor(x) -> bool:
    """True for symbols, Keras tensors, variables and arrays.

    Example:
        >>> import numpy as np
        >>> is_tensor(np.ones(3)), is_tensor(3.0)
        (True, False)
    """
    return isinstance(x, Operators) or (hasattr(x, "shape") and hasattr(x, "dtype"))


def tensor(x, dtype=None):
    """A symbol or array: variables are read; numbers and lists become arrays (floats as floatx)."""
    kind = type(x)
    if kind is np.ndarray or kind is Symbol:
        return x if dtype is None else cast(x, dtype)
    if hasattr(x, "assign"):
        x = x.current
    elif not is_tensor(x) or isinstance(x, np.generic):
        return from_python(x, dtype)
    return x if dtype is None else cast(x, dtype)


def from_python(x, dtype=None):
    """An array of a number or nested list; a list with symbols in it is stacked."""
    if isinstance(x, (list, tuple)) and any(isinstance(leaf, Operators) for leaf in _leaves(x)):
        parts = [tensor(part, dtype) for part in x]
        shapes = [emit("reshape", p, shape=(1, *p.shape)) for p in promote(*parts)]
        return emit("concatenate", *shapes, axis=0) if len(shapes) > 1 else shapes[0]
    try:
        array = np.asarray(x)
    except ValueError:
        raise ArgumentError(f"expected numbers in a regular nest of lists, got {x!r}.") from None
    if array.dtype.kind not in "biuf":
        raise ArgumentTypeError(f"expected numbers, got {x!r} of type {type(x).__name__}.")
    if dtype is None:
        dtype = {"float64": standardize_dtype(None), "int64": "int32"}.get(dtype_name(array.dtype))
    return array if dtype is None else array.astype(dtype)


def _leaves(x):
    for part in x:
        if isinstance(part, (list, tuple)):
            yield from _leaves(part)
        else:
            yield part


def dtype_of(x):
    """The dtype of a tensor, or Python's type for a lone number: what `result_type` takes.

    NumPy's lone float64 and int64 count as Python's numbers, so that `x * np.sqrt(2)` keeps the dtype of x.
    """
    kind = type(x)
    if kind is np.ndarray or kind is Symbol:
        return dtype_name(x.dtype)
    if kind in WEAK:
        return kind
    if isinstance(x, (float, np.int64)):
        return float if isinstance(x, float) else int
    if isinstance(x, (list, tuple)):
        leaves = [p for p in _leaves(x) if isinstance(p, Operators)]
        return result_type(*(dtype_of(p) for p in leaves)) if leaves else dtype_name(from_python(x).dtype)
    if is_tensor(x):
        return dtype_name(x.dtype)
    raise ArgumentTypeError(f"expected a tensor or number, got {x!r} of type {type(x).__name__}.")


def promote(*xs, floating: bool = False):
    """Tensors of one dtype: the dtype that mixing them gives, made a float one if `floating`."""
    dtype = result_type(*[dtype_of(x) for x in xs])
    if floating and not is_float(dtype):
        dtype = standardize_dtype(None)
    return [tensor(x, dtype) for x in xs]


def floating(x):
    """A tensor of float dtype: integers and booleans become floatx."""
    x = tensor(x)
    return x if is_float(x.dtype) else cast(x, standardize_dtype(None))


def number(x, value):
    """A lone number of x's dtype."""
    return np.asarray(value, dtype_name(x.dtype))


def axis_of(axis, rank: int, name: str) -> int:
    """An axis counted from the front.

    Raises:
        ArgumentError: there is no such axis; ArgumentTypeError: it is no number.
    """
    try:
        inside = -rank <= axis < rank
    except (TypeError, ValueError):
        raise ArgumentTypeError(f"{name}: axis must be a whole number, got {axis!r}.") from None
    if not inside:
        raise ArgumentError(f"{name}: axis {axis} is out of range for a tensor of rank {rank}.")
    return int(axis) % rank


def shape_of(shape, name: str) -> tuple[int, ...]:
    """A shape as a tuple, of one whole number or several.

    Raises:
        ArgumentTypeError: there is something else in it.
    """
    if isinstance(shape, (int, np.integer)):
        return (int(shape),)
    try:
        return tuple(operator.index(n) for n in shape)
    except TypeError:
        raise ArgumentTypeError(
            f"{name}: a shape must be a whole number or several, got {shape!r}.",
            next="lengths that a Keras tensor leaves open are known inside of a layer's call only.",
        ) from None


def check_counts(name: str, **counts) -> None:
    """Raise ArgumentError unless all are whole numbers from 1 on."""
    for key, value in counts.items():
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise ArgumentError(f"{name}: {key} must be a whole number from 1 on, got {value!r}.")


def filled(shape, value, dtype, name: str = "full"):
    """A tensor of one number; while tracing a symbol, which takes no memory where it meets other elementwise work."""
    shape = shape_of(shape, name)
    if isinstance(value, Symbol):
        return emit("broadcast_to", cast(value, dtype), shape=shape)
    if trace.current() is None:
        return np.full(shape, value, dtype)
    return emit("broadcast_to", np.asarray(value, dtype), shape=shape)


def on_host(x, name: str) -> np.ndarray:
    """The values of a tensor, for functions whose result has a shape that depends on values.

    Raises:
        ArgumentTypeError: while tracing, when there are no values yet.
    """
    if isinstance(x, Symbol):
        raise ArgumentTypeError(
            f"{name}: the shape of its result depends on values, which do not exist yet while a model is traced.",
            next="call it on arrays, outside the model.",
        )
    if not is_tensor(x):
        return np.asarray(x)
    if hasattr(x, "assign"):
        return x.numpy()
    backend = device.backend()
    return np.asarray(backend.to_host(x) if isinstance(x, backend.array) else x)


def tracing() -> bool:
    """True while a graph is being traced."""
    return trace.current() is not None


__all__ = ["FUNCTIONS", "WEAK", "axis_of", "cast", "check_counts", "dtype_name", "dtype_of", "emit", "filled"]
__all__ += ["floating", "from_python", "is_float", "is_tensor", "number", "on_host", "op", "promote", "result_type"]
__all__ += ["shape_of", "standardize_dtype", "tensor", "tracing"]
