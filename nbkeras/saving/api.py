"""What users call to save and load. One loader serves every way in.

Models and layers read configurations through `registry`, so this module imports what needs them when it is called.
"""

from __future__ import annotations

import contextlib
import os

from nbkeras.errors import ArgumentError, FileError


def save_model(model, filepath, overwrite=True, zipped=None, **kwargs):
    """Write a model to a `.keras` file, or into a folder; see `Model.save`.

    Example:
        >>> import tempfile, nbkeras as keras
        >>> path = tempfile.mkdtemp() + "/a.keras"
        >>> save_model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]), path)
        >>> keras.saving.load_model(path).output_shape
        (None, 3)
    """
    from nbkeras.saving import model_file

    include_optimizer = kwargs.pop("include_optimizer", True)
    kwargs.pop("save_format", None)
    if kwargs:
        raise ArgumentError(f"save_model: unknown argument {next(iter(kwargs))!r}.")
    model_file.save_model(model, filepath, overwrite, include_optimizer, zipped is not False)


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """A model from a file that nbkeras or Keras wrote.

    Args:
        filepath: of a `.keras` file, of a folder written with `zipped=False`, of an `.h5` or `.hdf5` file in
            the layout of Keras 2, or an open binary file.
        custom_objects: name -> class or function, for layers, losses and so on of one's own.
        compile: whether to compile the model as it was, with its optimizer's state.
        safe_mode: accepted as Keras has it. Files never carry code that could run: there is no unsafe mode.

    Raises:
        FileError: the file is damaged, was written for something that nbkeras does not have, or is not a model.

    Example:
        >>> import tempfile, numpy as np, nbkeras as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        >>> path = tempfile.mkdtemp() + "/model.keras"
        >>> model.save(path)
        >>> x = np.ones((1, 2))
        >>> bool((keras.saving.load_model(path)(x) == model(x)).all())
        True
    """
    from nbkeras.saving import model_file

    return model_file.load_model(filepath, custom_objects, compile)


def save_weights(model, filepath, overwrite=True, **kwargs):
    """Write a model's weights; see `Model.save_weights`, which has an example.

    Example:
        >>> import tempfile, nbkeras as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        >>> save_weights(model, tempfile.mkdtemp() + "/a.weights.h5")
    """
    from nbkeras.saving import weights

    weights.save_weights(model, filepath, overwrite, **kwargs)


def load_weights(model, filepath, skip_mismatch=False, **kwargs):
    """Set a model's weights from a file; see `Model.load_weights`. Returns a report of what was and was not loaded.

    Example:
        >>> import tempfile, nbkeras as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        >>> path = tempfile.mkdtemp() + "/a.weights.h5"
        >>> model.save_weights(path)
        >>> print(load_weights(model, path))
        2 weights loaded
    """
    from nbkeras.saving import byte_source, legacy, shards, weights
    from nbkeras.saving.hdf5 import Hdf5

    by_name = kwargs.pop("by_name", False)
    objects_to_skip = kwargs.pop("objects_to_skip", None) or ()
    if kwargs:
        raise ArgumentError(f"load_weights: unknown argument {next(iter(kwargs))!r}.")
    weights.need_built(model, "load_weights")
    path = os.fspath(filepath)
    with contextlib.ExitStack() as stack:
        if path.endswith(shards.ENDING):
            if by_name:
                _refuse_by_name(path)
            return weights.load_weights(model, shards.Shards(path, stack), skip_mismatch, objects_to_skip)
        file, source = byte_source.open_bytes(path)
        stack.enter_context(file)
        if path.endswith(".keras"):
            from nbkeras.saving import archive

            source = archive.Archive(source).weights()
        found = Hdf5(source)
        if legacy.is_legacy(found):
            group = found.root.find("model_weights") or found.root
            return legacy.load_weights(model, group, skip_mismatch, by_name)
        if by_name:
            _refuse_by_name(path)
        return weights.load_weights(model, found, skip_mismatch, objects_to_skip)


def _refuse_by_name(path: str):
    raise FileError(f"file {path!r}: by_name=True is for files in the layout of Keras 2.", next="leave by_name out.")
