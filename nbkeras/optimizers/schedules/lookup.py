"""Schedules by configuration."""

from __future__ import annotations

from nbkeras.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from nbkeras.optimizers.schedules.decays import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from nbkeras.saving import registry

_CLASSES = (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

#: Every name that `deserialize` knows.
KNOWN = {cls.__name__: cls for cls in _CLASSES}


def serialize(learning_rate_schedule):
    """The configuration of a schedule, a dict of plain values.

    Example:
        >>> from nbkeras.optimizers.schedules import ExponentialDecay
        >>> serialize(ExponentialDecay(0.1, 100, 0.9))["class_name"]
        'ExponentialDecay'
    """
    return registry.serialize_keras_object(learning_rate_schedule)


def deserialize(config, custom_objects=None):
    """A schedule from its configuration.

    Example:
        >>> deserialize(serialize(CosineDecay(0.1, 10))).decay_steps
        10
    """
    return registry.deserialize(config, KNOWN, "learning rate schedule", custom_objects)
