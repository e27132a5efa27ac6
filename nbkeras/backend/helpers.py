"""Helpers of `keras.backend` that belong to no other room."""

from __future__ import annotations

import gc

from nbkeras import dtype_policies, naming
from nbkeras.graph import keras_tensor, run
from nbkeras.graph.dtypes import is_float, standardize_dtype
from nbkeras.graph.keras_tensor import KerasTensor


def backend() -> str:
    """What computes: 'numba'.

    Example:
        >>> backend()
        'numba'
    """
    return "numba"


def clear_session(free_memory: bool = True) -> None:
    """Start anew: automatic names count from the beginning, the dtype policy is floatx's.

    Args:
        free_memory: also drop kept plans and collect what nobody holds any more.

    Example:
        >>> import nbkeras as keras
        >>> keras.backend.clear_session()
        >>> keras.layers.Dense(1).name, keras.layers.Dense(1).name
        ('dense', 'dense_1')
    """
    naming.reset()
    dtype_policies.reset()
    if free_memory:
        run.forget()
        gc.collect()


def compute_output_spec(function, *args, **kwargs):
    """What a function of tensors gives for Keras tensors: shapes and dtypes; nothing is computed.

    Example:
        >>> import nbkeras as keras
        >>> compute_output_spec(lambda x: keras.ops.sum(x, axis=-1), keras.Input((3, 4))).shape
        (None, 3)
    """
    return keras_tensor.infer(function, args, kwargs)


def get_uid(prefix: str = "") -> int:
    """How often it was called with this prefix, from 1 on.

    Example:
        >>> get_uid("doc"), get_uid("doc")
        (1, 2)
    """
    return naming.uid(prefix)


def is_float_dtype(dtype) -> bool:
    """True for float dtypes.

    Example:
        >>> is_float_dtype("float64"), is_float_dtype("int32")
        (True, False)
    """
    return is_float(standardize_dtype(dtype))


def is_int_dtype(dtype) -> bool:
    """True for dtypes of whole numbers, with a sign or without.

    Example:
        >>> is_int_dtype("uint8"), is_int_dtype("bool")
        (True, False)
    """
    return "int" in standardize_dtype(dtype)


def is_keras_tensor(x) -> bool:
    """True for placeholders of functional models.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> is_keras_tensor(keras.Input((2,))), is_keras_tensor(np.ones(2))
        (True, False)
    """
    return isinstance(x, KerasTensor)


def version() -> str:
    """The version of nbkeras.

    Example:
        >>> len(version().split("."))
        3
    """
    import nbkeras

    return nbkeras.__version__
