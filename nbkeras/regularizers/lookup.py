"""Regularizers by name, object or configuration."""

from __future__ import annotations

from nbkeras.errors import ArgumentError
from nbkeras.naming import to_snake_case
from nbkeras.regularizers.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer
from nbkeras.saving import registry

_CLASSES = (L1, L1L2, L2, OrthogonalRegularizer, Regularizer)

#: Every name that `get` knows.
KNOWN = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{to_snake_case(cls.__name__): cls for cls in _CLASSES},
    "l1_l2": L1L2,
}


def serialize(regularizer):
    """The configuration of a regularizer, a dict of plain values.

    Example:
        >>> from nbkeras.regularizers import L2
        >>> serialize(L2(0.5))["config"]
        {'l2': 0.5}
    """
    return registry.serialize_keras_object(regularizer)


def deserialize(config, custom_objects=None):
    """A regularizer from its configuration or name.

    Example:
        >>> deserialize({"class_name": "L2", "config": {"l2": 0.5}}).l2
        0.5
    """
    return registry.deserialize(config, KNOWN, "regularizer", custom_objects)


def get(identifier):
    """A regularizer from a name, class, configuration or function; None stays None.

    Example:
        >>> get("l2").l2, get(None)
        (0.01, None)
    """
    if identifier is None:
        return None
    found = deserialize(identifier)
    if callable(found):
        return found
    raise ArgumentError(
        f"regularizer: expected a name, a function or a Regularizer, got {identifier!r}.",
        next="for example 'l2', or keras.regularizers.L2(1e-4).",
    )
