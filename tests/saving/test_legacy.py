"""`.h5` files in the layout of Keras 2: those of Keras 3 both ways, and those that Keras 2 wrote."""

import json
import re

import h5py
import numpy as np
import pytest

import nbkeras
from nbkeras.errors import FileError
from nbkeras.saving import load_model
from tests.oracle import models
from tests.oracle.compare import FORWARD, TRAINED, assert_same, data

D = data(rows=24)
oracle = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
    pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`"),
]
with_keras = pytest.mark.parametrize("marks", [pytest.param(None, marks=oracle)], ids=[""])


@with_keras
@pytest.mark.parametrize("build", "classifier reshaping shared nested penalized constrained frozen".split())
def test_both_ways_with_keras(keras, tmp_path, build, marks):
    keras.backend.clear_session()
    theirs = getattr(models, build)(keras)
    theirs.compile("adam", keras.losses.MeanSquaredError())
    theirs.optimizer.build(theirs.trainable_variables)
    x = [D["x"], D["x3"]] if build == "shared" else D["images"] if build == "reshaping" else D["x"]
    theirs.save(tmp_path / "theirs.h5")
    ours = load_model(tmp_path / "theirs.h5")
    ours.save(tmp_path / "ours.h5")
    again = keras.saving.load_model(tmp_path / "ours.h5")
    expected = np.asarray(theirs(x))
    for model in (ours, again):
        np.testing.assert_allclose(np.asarray(model(x)), expected, **FORWARD)
    # Keras itself does not take up the state of an optimizer from this layout.
    assert type(ours.loss).__name__ == type(again.loss).__name__ == "MeanSquaredError"
    fresh = getattr(models, build)(nbkeras)
    assert fresh.load_weights(tmp_path / "theirs.h5").complete
    np.testing.assert_allclose(np.asarray(fresh(x)), expected, **FORWARD)


@with_keras
def test_training_goes_on(keras, tmp_path, marks):
    theirs = models.regressor(keras)
    theirs.compile("adam", "mse", metrics=["mae"], run_eagerly=True)
    steps = [[theirs.train_on_batch(D["x"], D["number"]) for _ in range(2)]]
    theirs.save(tmp_path / "a.h5")
    ours = load_model(tmp_path / "a.h5")
    ours.run_eagerly = False
    assert int(ours.optimizer.iterations) == 2
    for model in (theirs, ours):
        steps.append([[float(v) for v in model.train_on_batch(D["x"], D["number"])] for _ in range(3)])
    assert_same(steps[1], steps[2], TRAINED)


def layer(name, kind, **config):
    return {"class_name": kind, "config": {"name": name, "trainable": True, **config}}


def dense(name, units, activation="linear", **more):
    return layer(
        name, "Dense", dtype="float32", units=units, activation=activation, use_bias=True,
        kernel_initializer={"class_name": "VarianceScaling", "config": {"scale": 1.0, "mode": "fan_avg",
                            "distribution": "uniform", "seed": None, "dtype": "float32"}},
        bias_initializer={"class_name": "Zeros", "config": {"dtype": "float32"}}, kernel_regularizer=None,
        bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None, **more,
    )  # fmt: skip


#: As Keras 2.2 to 2.15 and TensorFlow 2 wrote them.
SEQUENTIAL = {
    "class_name": "Sequential",
    "config": {
        "name": "sequential_1",
        "layers": [
            dense("dense_1", 8, "tanh", batch_input_shape=[None, 6]),
            layer("dropout_1", "Dropout", rate=0.5, noise_shape=None, seed=None),
            layer("leaky_re_lu", "LeakyReLU", dtype="float32", alpha=0.3),
            dense("dense_2", 3, "softmax"),
        ],
    },
}
FUNCTIONAL = {
    "class_name": "Model",
    "config": {
        "name": "model_1",
        "layers": [
            {**layer("input_1", "InputLayer", batch_input_shape=[None, 6], dtype="float32", sparse=False, ragged=False),
             "name": "input_1", "inbound_nodes": []},
            {**dense("dense_1", 8, "tanh"), "name": "dense_1", "inbound_nodes": [[["input_1", 0, 0, {}]]]},
            {**dense("dense_2", 8, "relu"), "name": "dense_2", "inbound_nodes": [[["input_1", 0, 0, {}]]]},
            {**layer("add_1", "Add"), "name": "add_1",
             "inbound_nodes": [[["dense_1", 0, 0, {}], ["dense_2", 0, 0, {}]]]},
            {**dense("dense_3", 3, "softmax"), "name": "dense_3", "inbound_nodes": [[["add_1", 0, 0, {}]]]},
        ],
        "input_layers": [["input_1", 0, 0]],
        "output_layers": [["dense_3", 0, 0]],
    },
}  # fmt: skip
TRAINING = {
    "optimizer_config": {"class_name": "Adam", "config": {"name": "Adam", "lr": 0.25, "decay": 0.0, "beta_1": 0.8,
                         "beta_2": 0.999, "epsilon": 1e-07, "amsgrad": False}},
    "loss": {"class_name": "CategoricalCrossentropy", "config": {"reduction": "auto", "name": "cc",
             "from_logits": False, "label_smoothing": 0}},
    "metrics": [[{"class_name": "MeanMetricWrapper", "config": {"name": "accuracy", "dtype": "float32",
                  "fn": "categorical_accuracy"}}]],
    "weighted_metrics": None, "loss_weights": None, "sample_weight_mode": None,
}  # fmt: skip


def write(path, config, training=TRAINING, encode=str.encode, chunked=False):
    """A file as Keras 2 wrote it: weights of shapes that the layers need, names in byte strings."""
    rng, arrays = np.random.default_rng(0), []
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = b"2.4.0", b"tensorflow"
        file.attrs["model_config"] = encode(json.dumps(config))
        if training is not None:
            file.attrs["training_config"] = encode(json.dumps(training))
        group = file.create_group("model_weights")
        entries = config["config"]["layers"]
        names = [entry["config"]["name"].encode() for entry in entries]
        if chunked:
            group.attrs["layer_names0"], group.attrs["layer_names1"] = np.array(names[:2]), np.array(names[2:])
        else:
            group.attrs["layer_names"] = names
        inputs = 6
        for entry in entries:
            name = entry["config"]["name"]
            own = group.create_group(name)
            own.attrs["weight_names"] = np.zeros(0, "S1")
            if entry["class_name"] == "Dense":
                units = entry["config"]["units"]
                inputs = 6 if entry.get("inbound_nodes") == [[["input_1", 0, 0, {}]]] else inputs
                for part, shape in (("kernel:0", (inputs, units)), ("bias:0", (units,))):
                    arrays.append(rng.normal(size=shape).astype("float32"))
                    own.create_dataset(f"{name}/{part}", data=arrays[-1])
                own.attrs["weight_names"] = [f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()]
                inputs = units
    return arrays


def expected(arrays, functional):
    x = D["x"].astype("float64")
    a, b, c, d, *rest = (array.astype("float64") for array in arrays)
    hidden = np.tanh(x @ a + b)
    if functional:
        hidden, (c, d) = hidden + np.maximum(x @ c + d, 0), rest
    else:
        hidden = np.where(hidden > 0, hidden, 0.3 * hidden)
    scores = np.exp(hidden @ c + d)
    return scores / scores.sum(-1, keepdims=True)


@pytest.mark.parametrize("encode", [str.encode, str], ids=["bytes", "text"])
@pytest.mark.parametrize("config", [SEQUENTIAL, FUNCTIONAL], ids=["sequential", "functional"])
def test_files_of_keras_2(tmp_path, config, encode):
    arrays = write(tmp_path / "a.h5", config, encode=encode, chunked=encode is str)
    model = load_model(tmp_path / "a.h5")
    np.testing.assert_allclose(model(D["x"]), expected(arrays, config is FUNCTIONAL), **FORWARD)
    assert float(model.optimizer.learning_rate) == 0.25 and model.optimizer.beta_1 == 0.8
    assert model.loss.reduction == "sum_over_batch_size"
    history = model.fit(D["x"], D["one_hot"], verbose=0).history
    assert set(history) == {"loss", "accuracy"}
    assert not load_model(tmp_path / "a.h5", compile=False).compiled


@with_keras
@pytest.mark.filterwarnings("ignore")
def test_keras_3_reads_them_alike(keras, tmp_path, marks):
    # No Sequential: Keras 3.15 takes its batch_input_shape for a shape without the batch. And no dtype of initializers,
    # which Keras 3 does not know.
    text = re.sub(r', "dtype": "float32"}}|"dtype": "float32"}}', "}}", json.dumps(FUNCTIONAL))
    write(tmp_path / "a.h5", json.loads(text), None)
    theirs = keras.saving.load_model(tmp_path / "a.h5", compile=False)
    ours = load_model(tmp_path / "a.h5", compile=False)
    found = theirs(D["x"])
    # Keras 3 takes an output for a list of one.
    np.testing.assert_allclose(ours(D["x"]), np.asarray(found[0] if isinstance(found, list) else found), **FORWARD)


def test_weights_by_order_and_by_name(tmp_path):
    arrays = write(tmp_path / "a.h5", SEQUENTIAL)
    layers = nbkeras.layers

    def model(*names, units=8):
        first, last = (layers.Dense(n, name=name) for n, name in zip((units, 3), names, strict=True))
        return nbkeras.Sequential([nbkeras.Input((6,)), first, last])

    by_order = model("p", "q")
    assert by_order.load_weights(tmp_path / "a.h5").complete
    np.testing.assert_array_equal(by_order.get_weights()[2], arrays[2])
    by_name = model("dense_1", "other")
    report = by_name.load_weights(tmp_path / "a.h5", by_name=True)
    assert len(report.loaded) == 2
    np.testing.assert_array_equal(by_name.get_weights()[0], arrays[0])
    assert not np.array_equal(by_name.get_weights()[2], arrays[2])
    with pytest.raises(FileError, match=r"of another shape: .*kernel \(model \(6, 7\), file \(6, 8\)\)"):
        model("p", "q", units=7).load_weights(tmp_path / "a.h5")
    assert len(model("p", "q", units=7).load_weights(tmp_path / "a.h5", skip_mismatch=True).mismatched) == 3
    deeper = nbkeras.Sequential([nbkeras.Input((6,)), *(layers.Dense(n) for n in (8, 3, 3))])
    with pytest.raises(FileError, match="are not those of this model"):
        deeper.load_weights(tmp_path / "a.h5")


def test_what_is_missing_is_told(tmp_path):
    write(tmp_path / "a.h5", SEQUENTIAL, None)
    with pytest.warns(UserWarning, match="does not say how the model was compiled"):
        assert not load_model(tmp_path / "a.h5").compiled
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file.attrs["model_config"]
    with pytest.raises(FileError, match="has no configuration of a model"):
        load_model(tmp_path / "a.h5")


def changed(path, change):
    config = json.loads(json.dumps(SEQUENTIAL))
    change(config["config"]["layers"])
    write(path, config, None)
    return path


def test_hostile_ones_end_in_the_same_errors(tmp_path):
    """The same loader, so only what this layout adds: names in attributes, links, and the code of a Lambda."""
    from tests.saving import corpus

    path = changed(tmp_path / "a.h5", lambda entries: entries.__setitem__(2, corpus.lambda_layer(code=False)))
    with pytest.raises(FileError):
        load_model(path, compile=False, safe_mode=False)
    path = changed(tmp_path / "a.h5", lambda entries: entries[0]["config"].update(frobnicate=1))
    with pytest.raises(FileError, match=r"written for Keras 2.4.0: .*'frobnicate'"):
        load_model(path)

    def link(file):
        del file["model_weights/dense_1"]
        file["model_weights/dense_1"] = h5py.ExternalLink("/etc/hostname", "/")

    def names(file):
        file["model_weights"].attrs["layer_names"] = [b"../../x", b"y"]

    def number(file):
        file["model_weights"].attrs["layer_names"] = 3

    for change in (link, names, number):
        write(path, SEQUENTIAL, None)
        with h5py.File(path, "a") as file:
            change(file)
        for load in (load_model, nbkeras.Sequential([nbkeras.Input((6,)), nbkeras.layers.Dense(8)]).load_weights):
            with pytest.raises(FileError):
                load(path)
