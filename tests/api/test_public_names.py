"""Keras's public names: which are here with the same signature, and which are knowingly absent.

A name that is listed as absent and appears, or one that is not listed and disappears, fails.
"""

from __future__ import annotations

import importlib
import inspect

import pytest

import nbkeras

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

#: Namespace -> names that are knowingly absent, and why.
ABSENT = {
    "activations": "",
    "losses": "",
    "metrics": "",
    "optimizers": "legacy",
    "optimizers.schedules": "",
    "initializers": "",
    "regularizers": "",
    "constraints": "",
    "random": "",
    "tree": "",
    "backend": "",
    # No complex dtypes: eig, polar, view_as_*.
    "ops": "eig polar view_as_complex view_as_real",
    "ops.image": "",
    "ops.linalg": "eig",
    "ops.nn": "polar",
    "saving": "KerasFileEditor",
    "config": "",
    "mixed_precision": "",
    "utils": "Config FeatureSpace bounding_boxes legacy",
    # Nothing is quantized, so there is nothing to map.
    "dtype_policies": "AWQDTypePolicy DTypePolicyMap GPTQDTypePolicy Int4DTypePolicy QuantizedDTypePolicy "
    "QuantizedFloat8DTypePolicy",
}

#: Signatures that differ, and why.
OTHERWISE = {
    "ops.layer_normalization": "Keras takes any keyword and warns of those it does not know",
    "ops.multi_hot": "Keras takes any keyword",
    "ops.nn.layer_normalization": "as before",
    "ops.nn.multi_hot": "as before",
    "saving.save_weights": "weights are one file: there is no max_shard_size",
    "saving.custom_object_scope": "a function, not a class: both are used in `with`",
    "saving.CustomObjectScope": "as before",
    "utils.custom_object_scope": "as before",
    "utils.CustomObjectScope": "as before",
    "optimizers.Optimizer": "the base's learning_rate may be left out",
}

#: Families that other releases bring: none of these is here, and half a family would be worse than none.
FAMILIES = {
    "layers": "RNN SimpleRNN SimpleRNNCell GRU GRUCell LSTM LSTMCell StackedRNNCells Bidirectional ConvLSTM1D "
    "ConvLSTM2D ConvLSTM3D Attention AdditiveAttention MultiHeadAttention GroupQueryAttention",
}

#: Of these at least so many of a hundred names must be here, with the same signature.
SHARE = 90


def names_of(module) -> list[str]:
    return [name for name in dir(module) if not name.startswith("_") and not inspect.ismodule(getattr(module, name))]


def find(package, path):
    return importlib.import_module(f"{package.__name__}.{path}")


def signature(thing):
    """Names, kinds and defaults of the arguments, as far as they compare."""
    function = thing.__init__ if inspect.isclass(thing) else thing
    found = []
    for p in inspect.signature(function).parameters.values():
        default = p.default if isinstance(p.default, (int, float, str, tuple, list, type(None))) else "object"
        found.append((p.name, p.kind, default))
    return found


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras", reason="the extra 'oracle' is not installed")


@pytest.mark.parametrize("path", ABSENT)
def test_names(keras, path):
    theirs, ours = find(keras, path), find(nbkeras, path)
    missing = {name for name in dir(theirs) if not name.startswith("_") and not hasattr(ours, name)}
    assert missing == set(ABSENT[path].split())


@pytest.mark.parametrize("path", ABSENT)
def test_signatures(keras, path):
    theirs, ours = find(keras, path), find(nbkeras, path)
    differing = set()
    for name in names_of(theirs):
        both = callable(getattr(theirs, name)) and hasattr(ours, name)
        if both and signature(getattr(theirs, name)) != signature(getattr(ours, name)):
            differing.add(f"{path}.{name}")
    assert differing == {name for name in OTHERWISE if name.rpartition(".")[0] == path}


@pytest.mark.parametrize("path", FAMILIES)
def test_families_that_are_not_here(keras, path):
    ours = find(nbkeras, path)
    assert set(FAMILIES[path].split()) <= set(names_of(find(keras, path)))
    assert not {name for name in FAMILIES[path].split() if hasattr(ours, name)}


def test_share(keras):
    """Of what is not knowingly absent; layers and callbacks are counted in tests of their own rooms."""
    present = total = 0
    for path in ABSENT:
        theirs, ours = find(keras, path), find(nbkeras, path)
        for name in names_of(theirs):
            total += 1
            same = hasattr(ours, name)
            if same and callable(getattr(theirs, name)):
                same = signature(getattr(theirs, name)) == signature(getattr(ours, name))
            present += same
    assert 100 * present >= SHARE * total, f"{present} of {total} names"
