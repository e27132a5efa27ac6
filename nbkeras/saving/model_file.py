"""Whole models as `.keras` files: configuration, weights, and what the model was compiled with."""

from __future__ import annotations

import contextlib
import datetime
import os
import warnings

from nbkeras.errors import ArgumentError, FileError, NbkerasError
from nbkeras.layers import lookup
from nbkeras.saving import archive, budget, json_text, legacy, registry, weights
from nbkeras.saving.atomic import current, replace_together, replacing
from nbkeras.saving.byte_source import Bytes, open_bytes, read_all
from nbkeras.saving.hdf5 import Hdf5

#: How names of files in the layout of Keras 2 end.
LEGACY = (".h5", ".hdf5")

#: What a model may need besides its weights: seeds, statistics of layers that files leave out.
EXTRA_BYTES = 2**20


def save_model(model, filepath, overwrite=True, include_optimizer=True, zipped=True) -> None:
    """Write a model to a `.keras` file, or into a folder; see `Model.save`."""
    if hasattr(filepath, "write") and zipped:
        archive.write(filepath, *contents(model))
        return
    if hasattr(filepath, "write"):
        raise ArgumentError(
            f"save: zipped=False writes a folder, got an open file, {filepath!r}.", next="give the name of a folder."
        )
    path = os.fspath(filepath)
    if zipped != path.endswith((".keras", *LEGACY)):
        raise _misnamed(path, zipped)
    if not include_optimizer and not path.endswith(LEGACY):
        raise ArgumentError("save: include_optimizer=False is for .h5 files; other formats have the optimizer.")
    weights.prepare(path, overwrite)
    if not zipped:
        _write_folder(os.path.abspath(path), archive.members_of(*contents(model), datetime.datetime.now()))
        return
    with replacing(path) as file:
        if path.endswith(LEGACY):
            for piece in _legacy_pieces(model, include_optimizer):
                file.write(piece)
        else:
            archive.write(file, *contents(model))


def _misnamed(path: str, zipped: bool) -> ArgumentError:
    start = os.path.splitext(path)[0]
    if zipped:
        return ArgumentError(
            f"save: the file's name must end in '.keras', or '.h5' for the layout of Keras 2, got {path!r}.",
            next=f"model.save({start + '.keras'!r}).",
        )
    return ArgumentError(
        f"save: zipped=False writes a folder, whose name must not end as that of a file, got {path!r}.",
        next=f"model.save({start!r}, zipped=False).",
    )


def _write_folder(path: str, members: dict[str, list]) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"cannot make the folder {path!r}: {error.strerror or error}.", next="give the name of a folder."
        ) from error
    # The configuration first: without it no reader looks at the rest.
    names = sorted(members, key=lambda name: name != archive.CONFIG)
    try:
        replace_together({os.path.join(path, name): members[name] for name in names}, archive.MEMBERS.__contains__)
    except BaseException:
        with contextlib.suppress(OSError):
            os.rmdir(path)  # if it was made for this, and nothing is in it
        raise


def contents(model):
    """A model's configuration with what it was compiled with, and its weights."""
    if not model.built:
        warnings.warn(f"model {model.name!r} is saved before it is built: the file has no weights of it.", stacklevel=5)
    config = {**registry.serialize_keras_object(model), "compile_config": _compile_config(model)}
    return config, weights.pieces(model)


def _legacy_pieces(model, include_optimizer):
    """A model in the layout of Keras 2."""
    return legacy.pieces(model, _compile_config(model) if include_optimizer else {})


def _compile_config(model) -> dict:
    """What a model was compiled with; nothing, and a warning, if that cannot be saved."""
    try:
        return model.get_compile_config()
    except NbkerasError as error:
        warnings.warn(
            f"model {model.name!r} is saved without what it was compiled with, and has to be compiled after loading: "
            f"{error}",
            stacklevel=6,
        )
        return {}


def load_model(filepath, custom_objects=None, compile=True):
    """A model from a `.keras` file; see `saving.load_model`."""
    if hasattr(filepath, "read"):
        return _from_archive(Bytes(filepath.read(), "model.keras"), custom_objects, compile)
    path = os.fspath(filepath)
    if os.path.isdir(path):
        return _from_folder(path, custom_objects, compile)
    if not path.endswith((".keras", *LEGACY)):
        raise FileError(
            f"load_model: the name of a file must end in '.keras', '.h5' or '.hdf5', got {path!r}.",
            next="save the model with model.save('name.keras').",
        )
    file, source = open_bytes(path)
    with file:
        if path.endswith(LEGACY):
            return _from_legacy(source, custom_objects, compile)
        return _from_archive(source, custom_objects, compile)


def _from_legacy(source, custom_objects, compile):
    found = Hdf5(source)
    with _told(source.name, found.root.attrs.get("keras_version")), registry.custom_object_scope(custom_objects or {}):
        return legacy.load_model(found, compile)


def _from_archive(source, custom_objects, compile):
    found = archive.Archive(source)
    return _from_parts(source.name, found.config(), found.metadata(), found.weights(), custom_objects, compile)


def _from_folder(path, custom_objects, compile):
    """A model saved with `zipped=False`: the three members of an archive as files of a folder."""
    with contextlib.ExitStack() as stack:

        def member(name):
            place, head = os.path.join(path, name), os.path.join(path, archive.CONFIG)
            file, source = open_bytes(current(place, head), follow=False)
            stack.enter_context(file)
            return source

        def text(name):
            source = member(name)
            return json_text.parse(read_all(source, json_text.MOST_BYTES), source.name)

        config, metadata, data = text(archive.CONFIG), text(archive.METADATA), member(archive.WEIGHTS)
        return _from_parts(path, config, metadata, data, custom_objects, compile)


def _from_parts(name, config, metadata, data, custom_objects, compile):
    file = Hdf5(data)
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    with _told(name, version), registry.custom_object_scope(custom_objects or {}):
        if str(version).startswith("2."):  # its last releases wrote the archive, too
            config = legacy.modern_archive(config)
        model = from_config(config, sum(dataset.nbytes for _, dataset in file.root.datasets()), compile)
        weights.load_weights(model, file)
    return model


@contextlib.contextmanager
def _told(name, version):
    """Errors inside name the file and who wrote it."""
    try:
        yield
    except FileError:
        raise
    except Exception as error:
        # Whatever a configuration that makes no sense runs into is one error, with its cause: this file cannot be used.
        what = error if isinstance(error, NbkerasError) else f"{type(error).__name__}: {error}"
        raise FileError(f"file {name!r}, written for Keras {str(version)[:40]}: {what}") from error


def from_config(config, most_bytes: int, compile: bool):
    """A model of a configuration whose variables take no more than so many bytes.

    Args:
        config: as `contents` gives it.
        most_bytes: what the file has for them.
        compile: whether to compile the model as it was.
    """
    if not isinstance(config, dict):
        raise ArgumentError(f"expected the configuration of a model, got {type(config).__name__}.")
    with budget.limited(most_bytes + EXTRA_BYTES, "the file", filled=True):
        model = lookup.deserialize(config)
    compiled = config.get("compile_config")
    if compile and compiled and hasattr(model, "compile_from_config"):
        model.compile_from_config(compiled)
    return model
