"""Optimizers by name, object or configuration."""

from __future__ import annotations

from nbkeras.errors import ArgumentError
from nbkeras.optimizers.adadelta import Adadelta
from nbkeras.optimizers.adafactor import Adafactor
from nbkeras.optimizers.adagrad import Adagrad
from nbkeras.optimizers.adam import Adam
from nbkeras.optimizers.adamax import Adamax
from nbkeras.optimizers.adamw import AdamW
from nbkeras.optimizers.ftrl import Ftrl
from nbkeras.optimizers.lamb import Lamb
from nbkeras.optimizers.lion import Lion
from nbkeras.optimizers.loss_scale import LossScaleOptimizer
from nbkeras.optimizers.multi_optimizer import MultiOptimizer
from nbkeras.optimizers.muon import Muon
from nbkeras.optimizers.nadam import Nadam
from nbkeras.optimizers.optimizer import Optimizer
from nbkeras.optimizers.rmsprop import RMSprop
from nbkeras.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from nbkeras.optimizers.sgd import SGD
from nbkeras.saving import registry

_CLASSES = (Adadelta, Adafactor, Adagrad, Adam, Adamax, AdamW, Ftrl, Lamb, Lion, LossScaleOptimizer, Muon, Nadam)
_CLASSES += (MultiOptimizer, RMSprop, ScheduleFreeAdamW, SGD)

#: Every name that `get` knows: the class name, and it in small letters.
KNOWN = {**{cls.__name__: cls for cls in _CLASSES}, **{cls.__name__.lower(): cls for cls in _CLASSES}}


def serialize(optimizer):
    """The configuration of an optimizer, a dict of plain values.

    Example:
        >>> import nbkeras as keras
        >>> serialize(keras.optimizers.SGD(0.5))["config"]["learning_rate"]
        0.5
    """
    return registry.serialize_keras_object(optimizer)


def deserialize(config, custom_objects=None):
    """An optimizer from its configuration or name.

    Example:
        >>> deserialize({"class_name": "SGD", "config": {"learning_rate": 0.5, "momentum": 0.9}}).momentum
        0.9
    """
    if isinstance(config, dict) and str(config.get("class_name", "")).lower() in KNOWN:
        config = {**config, "class_name": config["class_name"].lower()}
    return registry.deserialize(config, KNOWN, "optimizer", custom_objects)


def get(identifier):
    """An optimizer from a name (in any case), a configuration, a class or an object; None stays None.

    Example:
        >>> type(get("RMSProp")).__name__, float(get("adam").learning_rate)
        ('RMSprop', 0.0010000000474974513)
    """
    if identifier is None:
        return None
    if isinstance(identifier, str) and identifier.lower() in KNOWN:
        identifier = identifier.lower()
    found = deserialize(identifier)
    if isinstance(found, Optimizer):
        return found
    raise ArgumentError(
        f"optimizer: expected a name or an Optimizer, got {identifier!r}.",
        next="for example 'adam', or keras.optimizers.Adam(learning_rate=1e-3).",
    )
