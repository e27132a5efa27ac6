"""Models from their configurations as text."""

from __future__ import annotations

import json

from nbkeras.errors import ArgumentError
from nbkeras.layers import lookup


def model_from_json(json_string, custom_objects=None):
    """A model from what `Model.to_json` gives; its weights are new.

    Args:
        json_string: the text.
        custom_objects: name -> class, for layers of one's own.

    Raises:
        ArgumentError: the text is no JSON, or names a class that is not known.

    Example:
        >>> import nbkeras as keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> model_from_json(model.to_json()).output_shape
        (None, 2)
    """
    try:
        config = json.loads(json_string)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"model_from_json: expected the text that to_json() gives: {error}.") from None
    return lookup.deserialize(config, custom_objects)
