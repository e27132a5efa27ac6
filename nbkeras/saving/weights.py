"""Weights in Keras's HDF5 layout: writing them, and reading them strictly, with a report."""

from __future__ import annotations

import contextlib
import os
import warnings

from nbkeras.errors import ArgumentError, FileError, StateError
from nbkeras.layers.weights import HoldsWeights
from nbkeras.optimizers.state import State
from nbkeras.saving import shards
from nbkeras.saving.atomic import write_bytes
from nbkeras.saving.hdf5 import Dataset, Group, Hdf5, assign
from nbkeras.saving.hdf5_writer import Pieces
from nbkeras.saving.report import LoadReport
from nbkeras.saving.walk import states

#: How files written before Keras 2.14 call `layers`.
OLD_NAME = "_layer_checkpoint_dependencies"


def need_built(model, caller: str) -> None:
    """Refuse a model whose weights do not exist yet."""
    if not model.built:
        raise StateError(
            f"model {model.name!r}: {caller} before the model is built.",
            next="give it an Input, build(input_shape), or call it on data first.",
        )


def pieces(model) -> list[memoryview]:
    """An HDF5 file of all state of a model and its optimizer, to be written before the state changes."""
    made = Pieces()
    for path, thing in states(model):
        group = made.file.require_group(path).create_group("vars") if path else made.file.create_group("vars")
        if isinstance(getattr(thing, "name", None), str):
            group.attrs["name"] = thing.name
        thing.save_own_variables(_Store(made, group))
    return made.close()


class _Store:
    """What `save_own_variables` writes into."""

    def __init__(self, made: Pieces, group):
        self._made, self._group = made, group

    def __setitem__(self, key, value):
        self._made.write(self._group, key, value)


def save_weights(model, filepath, overwrite=True, max_shard_size=None) -> None:
    """Write a `.weights.h5` file, or several; see `Model.save_weights`."""
    path = os.fspath(filepath)
    ending = ".weights.h5" if max_shard_size is None else shards.ENDING
    if not path.endswith(ending):
        raise FileError(f"save_weights: the file's name must end in {ending!r}, got {path!r}.")
    if max_shard_size is not None and not max_shard_size > 0:
        raise ArgumentError(f"save_weights: max_shard_size must be a number of GB above 0, got {max_shard_size!r}.")
    need_built(model, "save_weights")
    prepare(path, overwrite)
    if max_shard_size is None:
        write_bytes(path, *pieces(model))
    else:
        shards.save(states(model), path, max_shard_size)


def prepare(path: str, overwrite: bool) -> None:
    """Refuse to replace a file that shall stay; make the folder, so that no training is lost for lack of it."""
    if not overwrite and os.path.exists(path):
        raise FileError(f"{path!r} exists and overwrite is False.", next="pass overwrite=True or another name.")
    # Where that fails, so does writing, which says why.
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)


class _Stored:
    """What `load_own_variables` reads from: the data sets of a group, by name."""

    def __init__(self, group: Group | None):
        self._group = group

    def keys(self):
        return list(self._group.members()) if self._group is not None else []

    def __len__(self):
        return len(self.keys())

    def __iter__(self):
        return iter(self.keys())

    def __contains__(self, key):
        return key in self.keys()

    def __getitem__(self, key):
        found = self._group.child(key) if key in self else None
        if not isinstance(found, Dataset):
            raise FileError(f"the file has no array {key!r} where the model looks for one.")
        return found.read()

    def dataset(self, key):
        found = self._group.child(key) if key in self else None
        return found if isinstance(found, Dataset) else None


def load_weights(model, file: Hdf5 | shards.Shards, skip_mismatch=False, objects_to_skip=()) -> LoadReport:
    """Set all state of a model and its optimizer from a file.

    Everything is checked before anything is changed.

    Args:
        model: a built model.
        file: in Keras's layout.
        skip_mismatch: load what fits and leave the rest.
        objects_to_skip: layers that keep their values.

    Raises:
        FileError: the file's weights are not the model's, and `skip_mismatch` is False.
    """
    report, arrays, plain, custom, used = LoadReport(), [], [], [], set()
    skipped = {id(thing) for thing in objects_to_skip}
    for path, thing in states(model):
        place, store = _find(file.root, path)
        used.update(f"{place}{key}" for key in store)
        if id(thing) in skipped:
            continue
        if isinstance(thing, State):
            # An optimizer that wraps another comes before it, and has the state of both.
            report.optimizer = _plan_optimizer(thing, model, store, arrays) or report.optimizer
        elif type(thing).load_own_variables is not HoldsWeights.load_own_variables:
            custom.append((thing, store))
        else:
            plain.append(thing)
            _plan(thing._weights_in_files(), f"{path}/vars/".lstrip("/"), store, arrays, report)
    report.unexpected += [
        path for path, _ in file.root.datasets() if path not in used and not path.startswith(("optimizer/", "metrics/"))
    ]  # Keras 2 kept what its metrics had counted, too
    if not report.complete and not skip_mismatch:
        raise FileError(
            f"model {model.name!r}: the weights in {file.source.name!r} are not those of this model: {report}.",
            next="build the model as it was when the file was written, or pass skip_mismatch=True to load what fits.",
        )
    for _, dataset in arrays:
        dataset.check()
    for variable, dataset in arrays:
        assign(variable, dataset)
    for thing in plain:
        thing._weights_were_read()
    for thing, store in custom:
        _load_custom(thing, store, skip_mismatch)
    return report


def _find(root: Group, path: str) -> tuple[str, _Stored]:
    """The place of a thing's state in the file, and the state."""
    for place in (path, path.replace("layers", OLD_NAME)):
        place = f"{place}/vars" if place else "vars"
        group = root.find(place)
        if isinstance(group, Group):
            return f"{place}/", _Stored(group)
    return f"{path}/vars/", _Stored(None)


def _plan(variables, place, store, arrays, report) -> None:
    for i, variable in enumerate(variables):
        path, dataset = f"{place}{i}", store.dataset(str(i))
        if dataset is None:
            report.missing.append(path)
        elif tuple(dataset.shape) != tuple(variable.shape):
            report.mismatched[path] = (tuple(variable.shape), tuple(dataset.shape))
        else:
            report.loaded.append(path)
            arrays.append((variable, dataset))
    report.unexpected += [f"{place}{key}" for key in store if not _is_index(key, len(variables))]


def _is_index(key: str, count: int) -> bool:
    return key.isdecimal() and int(key[:9]) < count and key == str(int(key[:9]))


def _plan_optimizer(optimizer, model, store, arrays) -> bool:
    """Take an optimizer's state if the file has the state of the same optimizer; weights are of use without it."""
    if len(store) == 0:
        return False
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    variables = optimizer.variables
    inner = getattr(optimizer, "inner_optimizer", None)
    # Saved before the first step: the step counter and the learning rate, but no slots yet.
    if inner is None and len(store) <= 2:
        variables = variables[: len(store)]
    elif inner is not None and 2 < len(store) <= 4:
        variables = [*variables[:2], *inner.variables[: len(store) - 2]]
    variables = stored(variables, len(store))
    datasets = [store.dataset(str(i)) for i in range(len(variables))]
    if len(store) != len(variables) or any(
        found is None or tuple(found.shape) != tuple(own.shape) for found, own in zip(datasets, variables, strict=True)
    ):
        warnings.warn(
            f"model {model.name!r}: the state of its optimizer {optimizer.name!r} was not loaded: the file has that of "
            f"another ({len(store)} variables, not {len(variables)}, or of other shapes). The weights were.",
            stacklevel=4,
        )
        return False
    arrays += zip(variables, datasets, strict=True)
    return True


def stored(variables, count: int) -> list:
    """Those of an optimizer's variables that a file with `count` of them has."""
    # Keras 2.11 to 2.15 had the learning rate, the second, in the configuration only.
    if len(variables) == count + 1 and variables[1].name == "learning_rate":
        return [variables[0], *variables[2:]]
    return variables


def _load_custom(thing, store, skip_mismatch) -> None:
    """State that a user's layer reads in its own way."""
    try:
        thing.load_own_variables(store)
    except Exception as error:
        message = f"layer {thing.name!r} ({type(thing).__name__}) could not load its weights: {error}"
        if not skip_mismatch:
            raise FileError(message) from error
        warnings.warn(message, stacklevel=4)
