"""Whole models and weights in the HDF5 layout of Keras 2, which Keras 3 still reads and writes as `.h5`.

The file's attributes hold two JSON texts, the model's configuration and what it was compiled with; a group for each
layer holds its weights under the names in the group's attribute `weight_names`.
"""

from __future__ import annotations

import json
import warnings

import numpy as np

from nbkeras.errors import ArgumentError, FileError
from nbkeras.initializers.lookup import KNOWN as INITIALIZERS
from nbkeras.layers import lookup
from nbkeras.optimizers.lookup import KNOWN as OPTIMIZERS
from nbkeras.saving import budget, registry
from nbkeras.saving.hdf5 import Dataset, Group, Hdf5, assign
from nbkeras.saving.hdf5_writer import Pieces
from nbkeras.saving.json_text import parse
from nbkeras.saving.report import LoadReport
from nbkeras.saving.weights import stored

#: Classes that have another name today.
CLASSES = {"Model": "Functional"}

#: Arguments that are gone, and the only values with which they change nothing.
GONE = {
    "ragged": (False, None),
    "sparse": (False, None),
    "time_major": (False,),
    "decay": (0, 0.0, None),
    "is_legacy_optimizer": (False, True),
    "jit_compile": (False, True, None),
    "sample_weight_mode": (None,),
    "steps_per_execution": (None,),
}

#: The largest attribute that fits into an object's header.
LONGEST_ATTRIBUTE = 64_000


def is_legacy(file: Hdf5) -> bool:
    """Whether a file has this layout."""
    return "model_weights" in file.root.members() or bool({"layer_names", "layer_names0"} & set(file.root.attrs))


def load_model(file: Hdf5, compile: bool):
    """A model with its weights, and compiled as it was.

    Raises:
        FileError: the file holds weights only, or is damaged.
    """
    text = file.root.attrs.get("model_config")
    if not isinstance(text, str):
        raise FileError(
            f"file {file.source.name!r} has no configuration of a model.",
            next="if it holds weights only, build the model and call load_weights.",
        )
    config = modern(parse(text, file.source.name))
    group = file.root.get("model_weights")
    with budget.limited(sum(d.nbytes for _, d in group.datasets()) + 2**20, "the file", filled=True):
        model = lookup.deserialize(config)
    load_weights(model, group)
    if compile:
        _compile(model, file)
    return model


def _compile(model, file: Hdf5) -> None:
    text = file.root.attrs.get("training_config")
    if not isinstance(text, str):
        warnings.warn(f"file {file.source.name!r} does not say how the model was compiled.", stacklevel=5)
        return
    config = modern(parse(text, file.source.name))
    if not isinstance(config, dict):
        raise FileError(f"file {file.source.name!r} does not say how the model was compiled.")
    config = {key: value for key, value in config.items() if not _is_gone(key, value)}
    config["optimizer"] = config.pop("optimizer_config", None)
    for name in ("metrics", "weighted_metrics"):
        given = config.get(name)
        # Keras 2 has a list for each output, for one output too.
        if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
            config[name] = given[0]
    model.compile_from_config(config)
    if model.optimizer is not None and "optimizer_weights" in file.root.members():
        _load_optimizer(model.optimizer, file.root.get("optimizer_weights"))


def _load_optimizer(optimizer, group: Group) -> None:
    arrays = _arrays(group)
    variables = stored(optimizer.variables, len(arrays))
    if len(arrays) == 2 and all(a.shape == () for a in arrays):
        # A model that was never trained: its optimizer had a counter and a learning rate only.
        variables = variables[:2]
    if [tuple(a.shape) for a in arrays] != [tuple(v.shape) for v in variables]:
        warnings.warn(
            f"the state of optimizer {optimizer.name!r} was not loaded: the file has {len(arrays)} variables of it, "
            f"today it has {len(variables)}. The weights were.",
            stacklevel=6,
        )
        return
    for array in arrays:
        array.check()
    for variable, array in zip(variables, arrays, strict=True):
        assign(variable, array)


def load_weights(model, group: Group, skip_mismatch=False, by_name=False) -> LoadReport:
    """Set the weights of a model's layers, in the order of the layers or by their names.

    Raises:
        FileError: the weights are not the model's, and `skip_mismatch` is False.
    """
    report, pairs = LoadReport(), []
    found = {name: _arrays(group.get(name)) for name in _names(group, "layer_names")}
    layers = [layer for layer in model.layers if layer.weights]
    if by_name:
        matched = [(layer, found.get(layer.name, [])) for layer in layers if layer.name in found]
    else:
        filled = [(name, arrays) for name, arrays in found.items() if arrays]
        matched = [(layer, arrays) for layer, (_, arrays) in zip(layers, filled, strict=False)]
        report.missing += [weight.path for layer in layers[len(filled) :] for weight in layer.weights]
        report.unexpected += [f"{name}/{i}" for name, arrays in filled[len(layers) :] for i in range(len(arrays))]
    for layer, arrays in matched:
        weights = layer.trainable_weights + layer.non_trainable_weights
        report.missing += [weight.path for weight in weights[len(arrays) :]]
        report.unexpected += [f"{layer.name}/{i}" for i in range(len(weights), len(arrays))]
        for weight, array in zip(weights, arrays, strict=False):
            if tuple(weight.shape) != tuple(array.shape):
                report.mismatched[weight.path] = (tuple(weight.shape), tuple(array.shape))
            else:
                report.loaded.append(weight.path)
                pairs.append((weight, array))
    if not report.complete and not skip_mismatch:
        raise FileError(
            f"model {model.name!r}: the weights in {group.file.source.name!r} are not those of this model: {report}.",
            next="build the model as it was when the file was written, or pass skip_mismatch=True to load what fits.",
        )
    for _, array in pairs:
        array.check()
    for weight, array in pairs:
        assign(weight, array)
    return report


def _names(group: Group, attribute: str) -> list[str]:
    """A list of names; long ones are in several attributes with numbers."""
    attrs = group.attrs
    values, number = attrs.get(attribute), 0
    if values is None:
        values = []
        while f"{attribute}{number}" in attrs:
            values += attrs[f"{attribute}{number}"]
            number += 1
    if isinstance(values, np.ndarray) and values.size == 0:
        return []
    if not isinstance(values, list):
        raise FileError(f"file {group.file.source.name!r} is damaged: {attribute!r} of {group.name!r} is no list.")
    return values


def _arrays(group) -> list[Dataset]:
    if not isinstance(group, Group):
        raise FileError("a group of weights is missing where the file's list of layers has one.")
    found = [group.get(name) for name in _names(group, "weight_names")]
    if not all(isinstance(each, Dataset) for each in found):
        raise FileError(f"file {group.file.source.name!r} is damaged: a weight of {group.name!r} is no array.")
    return found


_OF_THE_KERNEL = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")

#: What layers of Keras 2, for inputs of any rank, wrote of the class that they were made of and never used.
UNUSED = {
    "DepthwiseConv": ("groups", *_OF_THE_KERNEL),
    "SeparableConv": ("groups", *_OF_THE_KERNEL),
    "SpatialDropout": ("trainable", "noise_shape"),
    **{f"Conv{rank}DTranspose": ("groups",) for rank in "123"},
}


def modern(value):
    """A configuration of Keras 2 in the words of Keras 3."""
    if isinstance(value, list):
        return [modern(part) for part in value]
    if not isinstance(value, dict):
        return value
    found = {key: modern(part) for key, part in value.items()}
    if isinstance(found.get("class_name"), str) and isinstance(found.get("config"), dict):
        name = found["class_name"].removeprefix("Custom>")
        # Keras 2.11 to 2.15 took its own optimizers for a user's.
        if name not in OPTIMIZERS or registry.get_registered_object(found["class_name"]) is not None:
            name = found["class_name"]
        found["class_name"] = CLASSES.get(name, name)
        found["config"] = _modern_arguments(name, found["config"])
    return found


def modern_archive(config):
    """What stands in a `.keras` archive of Keras 2, in the words of Keras 3."""
    config = modern(config)
    if isinstance(config, dict) and isinstance(config.get("compile_config"), dict):
        settings = config["compile_config"].items()
        config["compile_config"] = {key: value for key, value in settings if not _is_gone(key, value)}
    return config


def _modern_arguments(name: str, config: dict) -> dict:
    config = {key: part for key, part in config.items() if not _is_gone(key, part)}
    if name == "InputLayer" and "batch_input_shape" in config:
        config["batch_shape"] = config.pop("batch_input_shape")
    if "lr" in config:
        config["learning_rate"] = config.pop("lr")
    if "input_dtype" in config:
        config.setdefault("dtype", config.pop("input_dtype"))
    if isinstance(config.get("axis"), list) and len(config["axis"]) == 1:
        config["axis"] = config["axis"][0]
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    if name not in ("LossFunctionWrapper", "MeanMetricWrapper"):
        config.pop("fn", None)  # losses and metrics are made of one function
    for key in UNUSED.get(name.rstrip("123D"), ()):
        config.pop(key, None)
    if name in INITIALIZERS:
        config.pop("dtype", None)
    if _has_old_nodes(config.get("layers")):
        # A list of one input or output was that one.
        for key in ("input_layers", "output_layers"):
            places = config.get(key)
            if isinstance(places, list) and len(places) == 1 and isinstance(places[0], list):
                config[key] = places[0]
    return config


def _has_old_nodes(entries) -> bool:
    """Whether layers say what they were called on in Keras 2's way: in lists."""
    nodes = [entry.get("inbound_nodes") for entry in entries or [] if isinstance(entry, dict)]
    return any(isinstance(node, list) for each in nodes if isinstance(each, list) for node in each)


def _is_gone(key: str, value) -> bool:
    return key in GONE and not isinstance(value, (dict, list)) and value in GONE[key]


def pieces(model, compiled: dict) -> list[memoryview]:
    """An `.h5` file of a model, as Keras 3 writes it, to be written before the state changes.

    Args:
        compiled: what it was compiled with; empty to leave that and the optimizer's state out.

    Raises:
        ArgumentError: a name or the configuration is too long for this layout.
    """
    from nbkeras.saving.archive import KERAS_VERSION

    attributes = {
        "keras_version": KERAS_VERSION,
        "backend": "jax",
        "model_config": json.dumps(
            {"class_name": type(model).__name__, "config": model.get_config()}, default=registry.serialize_keras_object
        ),
    }
    optimizer = compiled.get("optimizer")
    if optimizer is not None:
        others = {name: value for name, value in compiled.items() if name != "optimizer"}
        attributes["training_config"] = json.dumps({**others, "optimizer_config": optimizer})
    made = Pieces()
    for name, text in attributes.items():
        made.file.attrs[name] = text
    group = made.file.create_group("model_weights")
    group.attrs["keras_version"], group.attrs["backend"] = KERAS_VERSION.encode(), b"jax"
    _write_names(group, "layer_names", [layer.name for layer in model.layers])
    for layer in model.layers:
        _write_weights(made, group.create_group(layer.name), layer.trainable_weights + layer.non_trainable_weights)
    _write_weights(made, group.create_group("top_level_model_weights"), [])
    if optimizer is not None:
        _write_weights(made, made.file.create_group("optimizer_weights"), model.optimizer.variables)
    return made.close()


def _write_weights(made, group, variables) -> None:
    names = [f"{i}/{variable.path}" for i, variable in enumerate(variables)]
    _write_names(group, "weight_names", names)
    for name, variable in zip(names, variables, strict=True):
        made.write(group, name, variable)


def _write_names(group, attribute: str, names: list[str]) -> None:
    encoded = [name.encode() for name in names]
    longest = max(map(len, encoded), default=1)
    if longest > LONGEST_ATTRIBUTE:
        raise ArgumentError(f"save: a name of {longest} bytes does not fit into an .h5 file.", next="save as .keras.")
    each = LONGEST_ATTRIBUTE // longest
    if len(encoded) <= each:
        group.attrs[attribute] = np.array(encoded) if encoded else np.zeros(0, "S1")
        return
    for number, start in enumerate(range(0, len(encoded), each)):
        group.attrs[f"{attribute}{number}"] = np.array(encoded[start : start + each])
