"""What users call to save and load. One loader serves every way in.

Models and layers read configurations through `registry`, so this module imports what needs them when it is called.
"""

from __future__ import annotations

import os

from nbkeras.errors import ArgumentTypeError, FileError


def save_weights(model, filepath, overwrite=True, **kwargs):
    """Write a model's weights; see `Model.save_weights`."""
    from nbkeras.saving import weights

    weights.save_weights(model, filepath, overwrite, **kwargs)


def load_weights(model, filepath, skip_mismatch=False, **kwargs):
    """Set a model's weights from a file; see `Model.load_weights`."""
    from nbkeras.saving import byte_source, weights
    from nbkeras.saving.hdf5 import Hdf5

    by_name = kwargs.pop("by_name", False)
    objects_to_skip = kwargs.pop("objects_to_skip", None) or ()
    if kwargs:
        raise ArgumentTypeError(f"load_weights: unknown argument {next(iter(kwargs))!r}.")
    weights.need_built(model, "load_weights")
    path = os.fspath(filepath)
    file, source = byte_source.open_bytes(path)
    with file:
        if path.endswith(".keras"):
            from nbkeras.saving import archive

            source = archive.Archive(source).weights()
        found = Hdf5(source)
        if "layer_names" in found.root.attrs or "model_weights" in found.root.members():
            raise FileError(f"file {path!r} is in the layout of Keras 2.")
        if by_name:
            raise FileError(
                f"file {path!r}: by_name=True is for files in the layout of Keras 2.", next="leave by_name out."
            )
        return weights.load_weights(model, found, skip_mismatch, objects_to_skip)
