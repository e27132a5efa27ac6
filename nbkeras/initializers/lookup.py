"""Initializers by name, object, array or configuration."""

from __future__ import annotations

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.dtypes import standardize_dtype
from nbkeras.initializers.constant import Constant, Identity, Ones, Zeros
from nbkeras.initializers.initializer import Initializer
from nbkeras.initializers.random import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from nbkeras.initializers.stft import STFT
from nbkeras.initializers.variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)
from nbkeras.naming import to_snake_case
from nbkeras.ops.common import is_tensor, tensor
from nbkeras.saving import registry

_CLASSES = (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    Initializer,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    STFT,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
)

#: Every name that `get` knows.
KNOWN = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{to_snake_case(cls.__name__): cls for cls in _CLASSES},
    "IdentityInitializer": Identity,
    "OrthogonalInitializer": Orthogonal,
    "STFTInitializer": STFT,
    "stft": STFT,
    "normal": RandomNormal,
    "one": Ones,
    "uniform": RandomUniform,
    "zero": Zeros,
}


def serialize(initializer):
    """The configuration of an initializer, a dict of plain values.

    Example:
        >>> from nbkeras.initializers import Constant
        >>> serialize(Constant(3.0))["config"]
        {'value': 3.0}
    """
    return registry.serialize_keras_object(initializer)


def deserialize(config, custom_objects=None):
    """An initializer from its configuration or name.

    Example:
        >>> deserialize({"class_name": "Constant", "config": {"value": 3.0}})((2,))
        array([3., 3.], dtype=float32)
    """
    return registry.deserialize(config, KNOWN, "initializer", custom_objects)


def get(identifier):
    """An initializer from a name, class, configuration, function, or array of the values.

    Example:
        >>> type(get("he_normal")).__name__, type(get("Zeros")).__name__, get(None)
        ('HeNormal', 'Zeros', None)
    """
    if identifier is None:
        return None
    if is_tensor(identifier):
        return _given(identifier)
    found = deserialize(identifier)
    if callable(found):
        return found
    raise ArgumentError(
        f"initializer: expected a name, a configuration, a function or an Initializer, got {identifier!r}.",
        next="for example 'glorot_uniform', or keras.initializers.RandomNormal(stddev=0.1).",
    )


def _given(values):
    """An initializer that gives an array's values."""

    def initialize(shape, dtype=None):
        if tuple(shape) != tuple(values.shape):
            raise ShapeError(
                f"initializer: the given array has shape {tuple(values.shape)}, the weight {tuple(shape)}.",
                next="give an array of the weight's shape.",
            )
        return tensor(values, standardize_dtype(dtype))

    return initialize
