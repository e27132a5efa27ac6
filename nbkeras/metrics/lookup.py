"""Metrics by name."""

from __future__ import annotations

import inspect

from nbkeras.errors import ArgumentTypeError
from nbkeras.losses.lookup import FUNCTIONS as LOSS_FUNCTIONS
from nbkeras.metrics import (
    accuracy,
    auc,
    confusion,
    correlation,
    fbeta,
    iou,
    margin,
    operating_point,
    probabilistic,
    reduction,
    regression,
)
from nbkeras.metrics.metric import Metric
from nbkeras.naming import to_snake_case
from nbkeras.saving import registry

_MODULES = (
    accuracy,
    auc,
    confusion,
    correlation,
    fbeta,
    iou,
    margin,
    operating_point,
    probabilistic,
    reduction,
    regression,
)

#: Bases that are of no use by name.
_BASES = ("FunctionMetric", "OperatingPoint")

_CLASSES = {
    name: thing
    for module in _MODULES
    for name, thing in vars(module).items()
    if inspect.isclass(thing) and issubclass(thing, Metric) and name not in _BASES and name[0] != "_"
}

_SHORT = {
    "bce": probabilistic.BinaryCrossentropy,
    "mse": regression.MeanSquaredError,
    "mae": regression.MeanAbsoluteError,
    "mape": regression.MeanAbsolutePercentageError,
    "msle": regression.MeanSquaredLogarithmicError,
}

#: Name -> class: the classes' names, the same in snake case, and short ones.
KNOWN = (
    _CLASSES
    | {to_snake_case(name): cls for name, cls in _CLASSES.items()}
    | _SHORT
    | {name.upper(): cls for name, cls in _SHORT.items()}
)

#: The functions that metrics are means of, by name.
FUNCTIONS = {f.__name__: f for f in LOSS_FUNCTIONS} | {
    name: thing
    for module in (accuracy, correlation, regression)
    for name, thing in vars(module).items()
    if inspect.isfunction(thing) and thing.__module__ == module.__name__ and not name.startswith("_")
}


def serialize(metric):
    """The configuration of a metric, or the name of a metric function.

    Example:
        >>> from nbkeras.metrics import TopKCategoricalAccuracy
        >>> serialize(TopKCategoricalAccuracy(k=3))["config"]["k"]
        3
    """
    return registry.serialize_keras_object(metric)


def deserialize(config, custom_objects=None):
    """The metric of a configuration or name.

    Example:
        >>> deserialize("mae")
        <MeanAbsoluteError name=mean_absolute_error>
        >>> deserialize({"class_name": "TopKCategoricalAccuracy", "config": {"k": 3}}).k
        3
    """
    return registry.deserialize(config, KNOWN, "metric", custom_objects)


def get(identifier):
    """A metric or metric function, of its name, configuration or itself; None stays None.

    Raises:
        ArgumentError: the name is unknown; the message suggests the nearest.
        ArgumentTypeError: what was given is neither a name nor callable.

    Example:
        >>> get("mse").name, get("BinaryAccuracy").name
        ('mean_squared_error', 'binary_accuracy')
    """
    if identifier is None:
        return None
    metric = deserialize(identifier)
    if not callable(metric):
        raise ArgumentTypeError(f"metric: expected a name, a function or a Metric, got {identifier!r}.")
    return metric


def function(identifier):
    """A function that a metric is the mean of, of its name or itself."""
    return registry.deserialize(identifier, FUNCTIONS, "metric function")
