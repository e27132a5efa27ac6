"""Models from their configurations as text."""

from __future__ import annotations

from nbkeras.errors import ArgumentError
from nbkeras.layers import lookup
from nbkeras.saving import budget, json_text


def model_from_json(json_string, custom_objects=None):
    """A model from what `Model.to_json` gives; its weights are new.

    Args:
        json_string: the text.
        custom_objects: name -> class, for layers of one's own.

    Raises:
        ArgumentError, FileError: the text is no JSON, names a class that is not known, or asks for too much memory.

    Example:
        >>> import nbkeras as keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> model_from_json(model.to_json()).output_shape
        (None, 2)
    """
    if not isinstance(json_string, (str, bytes)):
        raise ArgumentError(f"model_from_json: expected the text that to_json() gives, got {json_string!r}.")
    config = json_text.parse(json_string, "the text given to model_from_json")
    with budget.limited_by_machine():
        return lookup.deserialize(config, custom_objects)
