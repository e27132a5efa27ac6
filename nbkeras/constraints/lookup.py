"""Constraints by name, object or configuration."""

from __future__ import annotations

from nbkeras.constraints.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from nbkeras.errors import ArgumentError
from nbkeras.naming import to_snake_case
from nbkeras.saving import registry

_CLASSES = (Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm)

#: Every name that `get` knows.
KNOWN = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{to_snake_case(cls.__name__): cls for cls in _CLASSES},
}


def serialize(constraint):
    """The configuration of a constraint, a dict of plain values.

    Example:
        >>> from nbkeras.constraints import MaxNorm
        >>> serialize(MaxNorm(3.0))["config"]
        {'max_value': 3.0, 'axis': 0}
    """
    return registry.serialize_keras_object(constraint)


def deserialize(config, custom_objects=None):
    """A constraint from its configuration or name.

    Example:
        >>> deserialize("non_neg")([-1.0, 2.0])
        array([0., 2.], dtype=float32)
    """
    return registry.deserialize(config, KNOWN, "constraint", custom_objects)


def get(identifier):
    """A constraint from a name, class, configuration or function; None stays None.

    Example:
        >>> get("max_norm").max_value, get(None)
        (2, None)
    """
    if identifier is None:
        return None
    found = deserialize(identifier)
    if callable(found):
        return found
    raise ArgumentError(
        f"constraint: expected a name, a function or a Constraint, got {identifier!r}.",
        next="for example 'non_neg', or keras.constraints.MaxNorm(3).",
    )
