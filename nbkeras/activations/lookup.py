"""Activations by name."""

from __future__ import annotations

from nbkeras.activations import functions
from nbkeras.errors import ArgumentError
from nbkeras.saving import registry

#: Every name that `get` knows.
KNOWN = {
    name: getattr(functions, name)
    for name in (
        "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu linear log_sigmoid "
        "log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus "
        "sparse_sigmoid sparsemax squareplus tanh tanh_shrink threshold"
    ).split()
}
KNOWN.update(swish=functions.silu, hard_swish=functions.hard_silu)


def serialize(activation):
    """The name of an activation function; the configuration of an object.

    Example:
        >>> serialize(functions.silu)
        'silu'
    """
    return registry.serialize_keras_object(activation)


def deserialize(config, custom_objects=None):
    """An activation from its name or configuration; that of a layer gives the layer, which serves as one.

    Example:
        >>> deserialize("relu")([-1.0, 2.0])
        array([0., 2.], dtype=float32)
    """
    from nbkeras.layers import lookup as layers

    name = config.get("class_name") if isinstance(config, dict) else None
    if isinstance(name, str) and name in layers.known():
        return layers.deserialize(config, custom_objects)
    return registry.deserialize(config, KNOWN, "activation", custom_objects)


def get(identifier):
    """An activation from a name, a configuration or a function; None gives `linear`.

    Example:
        >>> get("relu").__name__, get(None).__name__
        ('relu', 'linear')
    """
    if identifier is None:
        return functions.linear
    # A layer serves as an activation too; a class would have to be called first, which is the user's to do.
    found = deserialize(identifier) if isinstance(identifier, (str, dict)) else identifier
    if callable(found):
        return found
    raise ArgumentError(
        f"activation: expected a name or a function, got {identifier!r}.",
        next="for example 'relu', or keras.activations.relu.",
    )
