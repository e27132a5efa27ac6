"""Layers and models from their configurations, found by exact name."""

from __future__ import annotations

import functools

from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.layers.layer import Layer
from nbkeras.saving import registry


@functools.cache
def known() -> dict:
    """Name -> class, for all layers and models that ship."""
    from nbkeras import layers, models

    found = {name: getattr(layers, name) for name in layers.__all__}
    return {name: cls for name, cls in found.items() if isinstance(cls, type) and issubclass(cls, Layer)} | {
        name: getattr(models, name) for name in ("Functional", "Model", "Sequential")
    }


def serialize(layer) -> dict:
    """The configuration of a layer, with its class.

    Example:
        >>> from nbkeras import layers
        >>> serialize(layers.Dense(3))["class_name"]
        'Dense'
    """
    return registry.serialize_keras_object(layer)


def deserialize(config, custom_objects=None):
    """A layer or model from what `serialize` gives.

    Args:
        config: `{"class_name", "config"}`; a layer is returned as it is.
        custom_objects: name -> class, for layers of one's own.

    Raises:
        ArgumentError: the class is not known; the message suggests the nearest.

    Example:
        >>> from nbkeras import layers
        >>> deserialize(serialize(layers.Dense(3, name="mine")))
        <Dense name=mine, built=False>
    """
    if isinstance(config, Layer):
        return config
    if not isinstance(config, dict) or "class_name" not in config:
        kind = ArgumentError if isinstance(config, dict) else ArgumentTypeError
        raise kind(f"layers.deserialize: expected the configuration of a layer, got {config!r}.")
    with registry.custom_object_scope(custom_objects or {}):
        layer = registry.deserialize(config, known(), "layer")
    if not isinstance(layer, Layer):
        raise ArgumentError(f"layers.deserialize: {config['class_name']!r} is no layer.")
    if config.get("build_config") and not layer.built:
        layer.build_from_config(config["build_config"])
    return layer
