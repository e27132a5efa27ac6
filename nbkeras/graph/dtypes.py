"""Dtypes: which there are, and what comes of mixing them.

Mixing follows Keras 3: Python numbers are weak (they take the other side's dtype), integers mixed with floats take the
float's dtype. Unlike Keras on JAX, 64-bit arrays stay 64-bit.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from nbkeras import config
from nbkeras.errors import ArgumentError, ArgumentTypeError

ALLOWED = (
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float32",
    "float64",
)

#: Bytes of one value, by name.
ITEMSIZE = {name: np.dtype(name).itemsize for name in ALLOWED}

#: NumPy dtype -> name. `str(dtype)` takes 8 us, which is more than a small operation.
NAMES = {np.dtype(name): name for name in ALLOWED}


def dtype_name(dtype) -> str:
    """The name of a NumPy dtype, or of a name.

    Example:
        >>> dtype_name(np.dtype("int32")), dtype_name("bool")
        ('int32', 'bool')
    """
    return dtype if type(dtype) is str else NAMES.get(dtype) or np.dtype(dtype).name


def array_dtype(dtype) -> str:
    """The name of the dtype of an array that kernels shall work on.

    Raises:
        ArgumentTypeError: there are no kernels for it.
    """
    name = dtype_name(dtype)
    if name not in ITEMSIZE:
        raise ArgumentTypeError(
            f"arrays of dtype {dtype} are not supported.", next="convert them, e.g. with array.astype('float32')."
        )
    return name


#: Python's number types, and what a lone number of the type becomes.
WEAK = {bool: "bool", int: "int32", float: None}


def standardize_dtype(dtype) -> str:
    """The name of a dtype given as a name, a NumPy dtype or type, or a Python type; None is floatx.

    Example:
        >>> standardize_dtype(None), standardize_dtype(np.int32), standardize_dtype("float")
        ('float32', 'int32', 'float32')
    """
    if dtype is None or dtype in (float, "float"):
        return config.floatx()
    if dtype in (int, "int"):
        return "int32"
    if dtype is bool:
        return "bool"
    if type(dtype) is str or (isinstance(dtype, Hashable) and dtype in NAMES):
        name = dtype_name(dtype)
    else:
        name = getattr(dtype, "name", None) or dtype
        if not isinstance(name, str):
            try:
                name = np.dtype(name).name
            except TypeError:
                name = None
    if name not in ALLOWED:
        raise ArgumentError(f"dtype: expected one of {', '.join(ALLOWED)}, got {dtype!r}.")
    return name


def is_float(dtype) -> bool:
    """True for float32 and float64."""
    return dtype_name(dtype).startswith("float")


def result_type(*dtypes) -> str:
    """The dtype of a computation on these dtypes; Python's `int` and `float` may stand among them as weak ones.

    Example:
        >>> result_type("int64", "float32"), result_type("int32", float), result_type("float64", float)
        ('float32', 'float32', 'float64')
    """
    first = dtypes[0]
    if type(first) is str and all(type(d) is str and d == first for d in dtypes):
        return first
    strong = [standardize_dtype(d) for d in dtypes if d not in WEAK]
    weak = [d for d in dtypes if d in WEAK]
    floats = [d for d in strong if is_float(d)]
    if floats:
        return "float64" if "float64" in floats else "float32"
    if float in weak:
        return config.floatx()
    if not strong:
        return "int32" if int in weak else "bool"
    result = np.result_type(*strong).name
    if is_float(result):
        # uint64 with a signed integer: NumPy gives float64, Keras floatx.
        return config.floatx()
    if result == "bool" and int in weak:
        return "int32"
    return result
