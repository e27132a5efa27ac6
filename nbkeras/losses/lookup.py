"""Losses by name."""

from __future__ import annotations

import inspect

from nbkeras.errors import ArgumentTypeError
from nbkeras.losses import classification, margin, regression, segmentation, sequences, similarity
from nbkeras.losses.loss import Loss
from nbkeras.losses.wrapper import LossFunctionWrapper
from nbkeras.saving import registry

_ALL = (
    Loss,
    LossFunctionWrapper,
    classification.KLDivergence,
    classification.Poisson,
    classification.BinaryCrossentropy,
    classification.BinaryFocalCrossentropy,
    classification.CategoricalCrossentropy,
    classification.CategoricalFocalCrossentropy,
    classification.CategoricalGeneralizedCrossEntropy,
    classification.SparseCategoricalCrossentropy,
    regression.MeanSquaredError,
    regression.MeanAbsoluteError,
    regression.MeanAbsolutePercentageError,
    regression.MeanSquaredLogarithmicError,
    regression.CosineSimilarity,
    regression.LogCosh,
    regression.Huber,
    margin.Hinge,
    margin.SquaredHinge,
    margin.CategoricalHinge,
    segmentation.Dice,
    segmentation.Tversky,
    similarity.Circle,
    sequences.CTC,
    classification.kl_divergence,
    classification.poisson,
    classification.binary_crossentropy,
    classification.binary_focal_crossentropy,
    classification.categorical_crossentropy,
    classification.categorical_focal_crossentropy,
    classification.categorical_generalized_cross_entropy,
    classification.sparse_categorical_crossentropy,
    regression.mean_squared_error,
    regression.mean_absolute_error,
    regression.mean_absolute_percentage_error,
    regression.mean_squared_logarithmic_error,
    regression.cosine_similarity,
    regression.log_cosh,
    regression.huber,
    margin.hinge,
    margin.squared_hinge,
    margin.categorical_hinge,
    segmentation.dice,
    segmentation.tversky,
    similarity.circle,
    sequences.ctc,
)

_SHORT = {
    "bce": classification.binary_crossentropy,
    "kld": classification.kl_divergence,
    "mae": regression.mean_absolute_error,
    "mse": regression.mean_squared_error,
    "mape": regression.mean_absolute_percentage_error,
    "msle": regression.mean_squared_logarithmic_error,
}

#: Name -> class or function.
KNOWN = {thing.__name__: thing for thing in _ALL} | _SHORT | {name.upper(): f for name, f in _SHORT.items()}

#: The functions among them.
FUNCTIONS = tuple(thing for thing in _ALL if not inspect.isclass(thing))


def serialize(loss):
    """The configuration of a loss, or the name of a loss function.

    Example:
        >>> from nbkeras.losses import Huber, huber
        >>> serialize(Huber(2.0))["config"]["delta"], serialize(huber)
        (2.0, 'huber')
    """
    return registry.serialize_keras_object(loss)


def deserialize(name, custom_objects=None):
    """The loss of a configuration or name.

    Example:
        >>> deserialize("mse").__name__
        'mean_squared_error'
        >>> deserialize({"class_name": "Huber", "config": {"delta": 2.0}}).delta
        2.0
    """
    return registry.deserialize(name, KNOWN, "loss", custom_objects)


def get(identifier):
    """A loss function or object, of its name, configuration or itself; None stays None.

    Raises:
        ArgumentError: the name is unknown; the message suggests the nearest.
        ArgumentTypeError: what was given is neither a name nor callable.

    Example:
        >>> get("mse").__name__, get("MeanSquaredError").name
        ('mean_squared_error', 'mean_squared_error')
    """
    if identifier is None:
        return None
    loss = deserialize(identifier)
    if not callable(loss):
        raise ArgumentTypeError(f"loss: expected a name, a function or a Loss, got {identifier!r}.")
    return loss
