"""From what `compile` was given to a loss or metric object, for labels and predictions of known shapes."""

from __future__ import annotations

from nbkeras import losses, metrics
from nbkeras.errors import ArgumentError
from nbkeras.naming import to_snake_case

#: Names whose meaning depends on the shapes.
ACCURACY = ("accuracy", "acc")
CROSSENTROPY = ("crossentropy", "ce")


def kind_of_labels(y_true, y_pred) -> str:
    """'binary' for one output unit, 'sparse' for class numbers, 'categorical' for one-hot labels.

    Example:
        >>> import numpy as np
        >>> kind_of_labels(np.zeros((8,)), np.zeros((8, 3))), kind_of_labels(np.zeros((8, 1)), np.zeros((8, 1)))
        ('sparse', 'binary')
    """
    rank, units = len(y_pred.shape), y_pred.shape[-1] if len(y_pred.shape) > 1 else 1
    if units == 1:
        return "binary"
    if len(y_true.shape) < rank or y_true.shape[-1] == 1:
        return "sparse"
    return "categorical"


def resolve_loss(identifier, y_true, y_pred) -> losses.Loss:
    """The loss object; a function is wrapped and named after what was given."""
    if isinstance(identifier, str) and identifier.lower() in CROSSENTROPY:
        loss = {
            "binary": losses.binary_crossentropy,
            "sparse": losses.sparse_categorical_crossentropy,
            "categorical": losses.categorical_crossentropy,
        }[kind_of_labels(y_true, y_pred)]
    else:
        loss = losses.get(identifier)
    if isinstance(loss, losses.Loss):
        return loss
    return losses.LossFunctionWrapper(loss, name=_name(identifier, loss))


def resolve_metric(identifier, y_true, y_pred) -> metrics.Metric:
    """The metric object; its name is the string that was given, if it was one, so that logs have that key."""
    if identifier is None:
        raise ArgumentError("compile: expected a metric, got None.", next="leave it out of the list.")
    if isinstance(identifier, str) and identifier.lower() in ACCURACY:
        metric = {
            "binary": metrics.BinaryAccuracy,
            "sparse": metrics.SparseCategoricalAccuracy,
            "categorical": metrics.CategoricalAccuracy,
        }[kind_of_labels(y_true, y_pred)]()
    else:
        metric = metrics.get(identifier)
    name = _name(identifier, metric)
    if not isinstance(metric, metrics.Metric):
        metric = metrics.MeanMetricWrapper(metric)
    metric.name = name
    return metric


def _name(identifier, found) -> str:
    if isinstance(identifier, str):
        return identifier
    return getattr(found, "name", None) or to_snake_case(getattr(found, "__name__", type(found).__name__))
