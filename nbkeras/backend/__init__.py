"""Keras's backend-level helpers: settings, dtypes, names, a fresh start."""

from nbkeras.backend.helpers import (
    backend,
    clear_session,
    compute_output_spec,
    get_uid,
    is_float_dtype,
    is_int_dtype,
    is_keras_tensor,
)
from nbkeras.config import (
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from nbkeras.graph.dtypes import result_type, standardize_dtype
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.scopes import StatelessScope, name_scope
from nbkeras.variables import Variable

__all__ = [
    "KerasTensor",
    "StatelessScope",
    "Variable",
    "backend",
    "clear_session",
    "compute_output_spec",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "name_scope",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]
