"""Model files and configurations."""

from nbkeras.saving.api import load_model, load_weights, save_model, save_weights
from nbkeras.saving.objects import deserialize_keras_object
from nbkeras.saving.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from nbkeras.saving.report import LoadReport

CustomObjectScope = custom_object_scope

__all__ = [
    "CustomObjectScope",
    "LoadReport",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]
