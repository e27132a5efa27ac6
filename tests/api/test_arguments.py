"""What constructors refuse: every argument of every public class, from users and from files."""

from __future__ import annotations

import inspect
import json
import math
import warnings
import zipfile

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.errors import NbkerasError

SPACES = {
    "layers": keras.layers,
    "initializers": keras.initializers,
    "regularizers": keras.regularizers,
    "constraints": keras.constraints,
    "losses": keras.losses,
    "metrics": keras.metrics,
    "optimizers": keras.optimizers,
    "schedules": keras.optimizers.schedules,
    "callbacks": keras.callbacks,
}

#: Arguments without a default.
NEEDED = {
    "activation": "relu",
    "axes": 1,
    "backup_dir": "backup",
    "boundaries": [1, 2],
    "decay_rate": 0.5,
    "decay_steps": 10,
    "default_optimizer": keras.optimizers.SGD(),
    "dims": (1,),
    "equation": "ab,bc->ac",
    "filename": "log.csv",
    "filepath": "m.keras",
    "filters": 2,
    "first_decay_steps": 10,
    "fn": keras.losses.mean_squared_error,
    "function": abs,
    "initial_learning_rate": 0.1,
    "inner_optimizer": keras.optimizers.SGD(),
    "input_dim": 4,
    "kernel_size": 2,
    "layer": keras.layers.Dense(2),
    "learning_rate": 0.1,
    "minutes": 5.0,
    "n": 2,
    "num_classes": 3,
    "optimizer_map": keras.optimizers.OptimizerMap(keras.optimizers.SGD()),
    "output_dim": 3,
    "output_shape": 4,
    "output_size": 2,
    "pool_size": 2,
    "precision": 0.5,
    "rate": 0.2,
    "recall": 0.5,
    "scale": 2.0,
    "schedule": abs,
    "sensitivity": 0.5,
    "shape": (3,),
    "specificity": 0.5,
    "stddev": 0.1,
    "target_class_ids": [0, 1],
    "target_shape": (2,),
    "units": 3,
    "values": [0.1, 0.2, 0.3],
}

#: What is no single value with a rule: objects that are looked up, and what Keras takes without effect.
FREE = {
    ("CallbackList", "add_history"),
    ("CallbackList", "model"),
    ("Lambda", "mask"),
    ("Lambda", "output_shape"),
    ("Muon", "exclude_layers"),
    ("TensorBoard", "embeddings_metadata"),
}

NONSENSE = ["nonsense", math.nan, math.inf, -1, -1.5, 10**30, [], {}, [None], ["a"], object(), b"x", 1j]


def classes():
    seen = {}
    for space, module in SPACES.items():
        for name in sorted(dir(module)):
            cls = getattr(module, name)
            if inspect.isclass(cls) and cls is not keras.InputSpec and cls not in seen:
                seen[cls] = f"{space}.{name}"
    return [pytest.param(cls, id=name) for cls, name in seen.items()]


def constructor(cls):
    """The named arguments of a class, and values for those that have no default."""
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    names = [p for p in list(inspect.signature(cls.__init__).parameters.values())[1:] if p.kind not in kinds]
    given = {p.name: NEEDED[p.name] for p in names if p.name in NEEDED and not _has_default(p)}
    return [p.name for p in names], given


def _has_default(parameter):
    if parameter.name in ("shape", "minutes", "learning_rate"):  # one of several that are needed
        return parameter.default is not None and parameter.default is not inspect.Parameter.empty
    return parameter.default is not inspect.Parameter.empty


@pytest.mark.parametrize("cls", classes())
def test_nonsense_is_refused_with_our_error(cls):
    names, given = constructor(cls)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cls(**given)
        for name in names:
            taken = []
            for value in NONSENSE:
                try:
                    cls(**{**given, name: value})
                except NbkerasError:
                    continue
                taken.append(value)
            free = (cls.__name__, name) in FREE
            assert free or not any(type(value) in (object, complex) for value in taken), (name, taken)


SENSELESS = [
    ("optimizers.Adam", {"beta_1": 2}),
    ("optimizers.Adam", {"beta_2": 1.0}),
    ("optimizers.Adam", {"epsilon": -1e-7}),
    ("optimizers.Adam", {"weight_decay": -0.1}),
    ("optimizers.Adam", {"learning_rate": math.nan}),
    ("optimizers.Adam", {"ema_momentum": 1.5}),
    ("optimizers.SGD", {"momentum": 2}),
    ("optimizers.SGD", {"clipnorm": -1.0}),
    ("optimizers.RMSprop", {"rho": -0.5}),
    ("optimizers.LossScaleOptimizer", {"inner_optimizer": keras.optimizers.SGD(), "initial_scale": 0}),
    ("constraints.MaxNorm", {"max_value": -1}),
    ("constraints.MinMaxNorm", {"rate": 1.5}),
    ("initializers.RandomNormal", {"stddev": -1}),
    ("initializers.VarianceScaling", {"scale": math.inf}),
    ("regularizers.L2", {"l2": -0.1}),
    ("losses.BinaryCrossentropy", {"label_smoothing": 1.1}),
    ("losses.Huber", {"delta": 0}),
    ("metrics.TopKCategoricalAccuracy", {"k": 0}),
    ("metrics.Precision", {"class_id": -1}),
    ("layers.Dropout", {"rate": True}),
    ("layers.GaussianNoise", {"stddev": -0.1}),
    ("layers.BatchNormalization", {"momentum": 1.2}),
    ("layers.BatchNormalization", {"epsilon": -1e-3}),
    ("layers.Dense", {"units": 3, "use_bias": "yes"}),
    ("layers.Dense", {"units": 3, "name": 5}),
    ("layers.Softmax", {"axis": 0.5}),
    ("callbacks.EarlyStopping", {"patience": -1}),
    ("callbacks.ReduceLROnPlateau", {"factor": -0.5}),
    ("optimizers.schedules.ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 0, "decay_rate": 0.5}),
]


@pytest.mark.parametrize(("path", "arguments"), SENSELESS)
def test_senseless_values_are_refused_by_name(path, arguments):
    cls = keras
    for part in path.split("."):
        cls = getattr(cls, part)
    argument = list(arguments)[-1] if "decay_steps" not in arguments else "decay_steps"
    with pytest.raises(NbkerasError, match=argument.replace("_", "[_ ]")):
        cls(**arguments)


SENSIBLE = [
    ("Adam", {"beta_1": 0.0, "clipnorm": 0, "epsilon": np.float32(1e-3)}),
    ("SGD", {"momentum": np.array(0.5), "learning_rate": np.float32(0.1), "clipvalue": math.inf}),
    ("SGD", {"learning_rate": 0.0, "weight_decay": 0, "ema_overwrite_frequency": 3, "use_ema": 1}),
]


@pytest.mark.parametrize(("name", "arguments"), SENSIBLE)
def test_what_makes_sense_is_taken(name, arguments):
    w = keras.Variable([1.0, 2.0])
    optimizer = getattr(keras.optimizers, name)(**arguments)
    optimizer.apply([np.ones(2, "float32")], [w])
    assert np.isfinite(w.numpy()).all()


def test_patience_may_be_endless():
    keras.callbacks.EarlyStopping(monitor="loss", patience=math.inf, baseline=math.inf)


@pytest.mark.parametrize("value", [2, -1, "x", None, [0.9], True, 1e300])
def test_a_file_meets_the_same_rules(tmp_path, value):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(), "mse")
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    config["compile_config"]["optimizer"]["config"]["beta_1"] = value
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    with pytest.raises(NbkerasError, match="beta_1"):
        keras.saving.load_model(tmp_path / "other.keras")
