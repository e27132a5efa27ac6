"""What every function of `ops` is made with: the decorator, conversion to tensors, promotion of dtypes."""

from __future__ import annotations

import functools

import numpy as np

from nbkeras.errors import ArgumentTypeError
from nbkeras.graph import keras_tensor, trace
from nbkeras.graph.dtypes import WEAK, dtype_name, is_float, result_type, standardize_dtype
from nbkeras.graph.primitives import cast, emit
from nbkeras.graph.symbol import OPERATORS, Operators, Symbol

#: Public name -> function, for everything decorated with `op`.
FUNCTIONS: dict = {}


def op(function):
    """Make a function one of `ops`: on Keras tensors it records a call, on symbols and arrays it computes."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        if keras_tensor.any_keras_tensor(args, kwargs):
            return keras_tensor.record(call, args, kwargs)
        return function(*args, **kwargs)

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
    if isinstance(x, Symbol):
        return x if dtype is None else cast(x, dtype)
    if hasattr(x, "assign"):
        x = x.value
    elif not is_tensor(x):
        x = from_python(x, dtype)
    return x if dtype is None else cast(x, dtype)


def from_python(x, dtype=None):
    """An array of a number or nested list; a list with symbols in it is stacked."""
    if isinstance(x, (list, tuple)) and any(isinstance(leaf, Operators) for leaf in _leaves(x)):
        parts = [tensor(part, dtype) for part in x]
        shapes = [emit("reshape", p, shape=(1, *p.shape)) for p in promote(*parts)]
        return emit("concatenate", *shapes, axis=0)
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise ArgumentTypeError(f"expected numbers, got {x!r} of type {type(x).__name__}.")
    if dtype is None and array.dtype == np.float64 and not isinstance(x, np.ndarray):
        dtype = standardize_dtype(None)
    if dtype is None and array.dtype == np.int64 and not isinstance(x, np.ndarray):
        dtype = "int32"
    return array if dtype is None else array.astype(dtype)


def _leaves(x):
    for part in x:
        if isinstance(part, (list, tuple)):
            yield from _leaves(part)
        else:
            yield part


def dtype_of(x):
    """The dtype of a tensor, or Python's type for a lone number: what `result_type` takes."""
    if isinstance(x, (bool, int, float)):
        return type(x)
    if isinstance(x, (list, tuple)):
        return from_python(x).dtype.name if not any(isinstance(p, Operators) for p in _leaves(x)) else x[0].dtype
    if is_tensor(x):
        return dtype_name(x.dtype)
    raise ArgumentTypeError(f"expected a tensor or number, got {x!r} of type {type(x).__name__}.")


def promote(*xs, floating: bool = False):
    """Tensors of one dtype: the dtype that mixing them gives, made a float one if `floating`."""
    dtype = result_type(*(dtype_of(x) for x in xs))
    if floating and not is_float(dtype):
        dtype = standardize_dtype(None)
    return [tensor(x, dtype) for x in xs]


def floating(x):
    """A tensor of float dtype: integers and booleans become floatx."""
    x = tensor(x)
    return x if is_float(x.dtype) else cast(x, standardize_dtype(None))


def shape_of(x) -> tuple[int, ...]:
    return tuple(x.shape)


def tracing() -> bool:
    """True while a graph is being traced."""
    return trace.current() is not None


__all__ = ["FUNCTIONS", "WEAK", "cast", "dtype_of", "emit", "floating", "from_python", "is_float", "is_tensor", "op"]
__all__ += ["promote", "result_type", "shape_of", "standardize_dtype", "tensor", "tracing"]
