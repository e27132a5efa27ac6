"""Copies of layers and models: what `copy` and `pickle` make them from."""

from __future__ import annotations

from nbkeras.errors import StateError


def reduced(layer):
    """How to make an equal layer, in the form that `__reduce__` returns."""
    compiled = layer.get_compile_config() if getattr(layer, "compiled", False) else None
    optimizer = layer.optimizer if compiled else None
    slots = [v.numpy() for v in optimizer.variables] if optimizer is not None and optimizer.built else None
    values = [variable.numpy() for variable in _state(layer)]
    return revive, (type(layer), layer.get_config(), layer.get_build_config(), values, compiled, slots)


def _state(layer):
    """The variables of a layer that its configuration makes: metrics of compile are made by the first batch."""
    return [*layer.weights, *(s.state for part in layer._flatten_layers() for s in part._tracked["seeds"])]


def revive(cls, config, build_config, values, compiled=None, slots=None):
    """A layer of its configuration, with weights of its own that have the given values; a model compiled alike, and
    its optimizer where it was.
    """
    layer = cls.from_config(config)
    if build_config and not layer.built:
        layer.build_from_config(build_config)
    variables = _state(layer)
    if len(variables) != len(values):
        raise StateError(
            f"copy of layer {layer.name!r} ({cls.__name__}): its configuration gives {len(variables)} variables where "
            f"the original has {len(values)}.",
            next="make the layer's weights in build(), and give get_config() all arguments of __init__.",
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    if compiled:
        layer.compile_from_config(compiled)
    if slots:
        if not layer.optimizer.built:
            layer.optimizer.build(layer.trainable_variables)
        layer.optimizer.set_weights(slots)
    return layer
