"""`.keras` files both ways with real Keras: all layers, losses, metrics, optimizers, schedules and what they hold."""

import inspect

import numpy as np
import pytest

import nbkeras
from nbkeras import optimizers
from nbkeras.constraints.lookup import KNOWN as CONSTRAINTS
from nbkeras.initializers.lookup import KNOWN as INITIALIZERS
from nbkeras.losses.lookup import FUNCTIONS as LOSS_FUNCTIONS
from nbkeras.losses.lookup import KNOWN as LOSSES
from nbkeras.metrics.lookup import KNOWN as METRICS
from nbkeras.optimizers.schedules.lookup import KNOWN as SCHEDULES
from nbkeras.regularizers.lookup import KNOWN as REGULARIZERS
from nbkeras.saving import load_model
from nbkeras.saving.archive import Archive
from nbkeras.saving.byte_source import Bytes
from tests.layers.table import TABLE, alone, draw
from tests.metrics.test_against_keras import CASES as METRIC_CASES
from tests.oracle import models
from tests.oracle.compare import FORWARD, TRAINED, assert_same, data

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64"),
]

D = data(rows=24)


def classes(known):
    return sorted({thing for thing in known.values() if inspect.isclass(thing)}, key=lambda cls: cls.__name__)


def there_and_back(keras, tmp_path, theirs):
    """The model as it comes out of a file of Keras, and as Keras reads it from the file that this one writes."""
    theirs.save(tmp_path / "theirs.keras")
    ours = load_model(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    return ours, keras.saving.load_model(tmp_path / "ours.keras")


def same_numbers(models, x):
    first, *others = (np.asarray(model(x)) for model in models)
    for other in others:
        np.testing.assert_allclose(other, first, **FORWARD)


#: One row for each layer: arguments of other kinds are the contract test's business.
ROWS = list({row[0]: row for row in TABLE}.values())


@pytest.mark.parametrize("name, options, shapes", ROWS, ids=[row[0] for row in ROWS])
def test_layers(keras, tmp_path, name, options, shapes):
    inputs = alone([keras.Input(shape) for shape in shapes])
    theirs = keras.Model(inputs, getattr(keras.layers, name)(**options)(inputs))
    ours, again = there_and_back(keras, tmp_path, theirs)
    same_numbers([theirs, ours, again], draw(shapes))
    assert plain(ours.layers[-1].get_config()) == plain(ours_of(theirs.layers[-1].get_config(), ours.layers[-1]))
    assert plain(again.layers[-1].get_config()) == plain(theirs.layers[-1].get_config())


#: How a model of Keras is written for nbkeras to read, and the other way round. Weights alone go into a like model.
FORMATS = {
    "a.keras": (lambda model, path: model.save(path), None),
    "a.weights.h5": (lambda model, path: model.save_weights(path), "load_weights"),
    "a.weights.json": (lambda model, path: model.save_weights(path, max_shard_size=1), "load_weights"),
    "folder": (lambda model, path: model.save(path, zipped=False), None),
    # Last: writing it, Keras 3.15 forgets the optimizer that the model was compiled with.
    "a.h5": (lambda model, path: model.save(path), None),
}

def in_every_format(model, folder, load, formats):
    """name -> the model as it is read from a file of that format."""
    found = {}
    for name in formats:
        write, way = FORMATS[name]
        write(model, folder / name)
        if way is None:
            found[name] = load(folder / name)
        else:
            found[name] = load(folder / "a.keras")
            for weight in found[name].weights:
                weight.assign(np.zeros(tuple(weight.shape), str(weight.dtype)))
            found[name].load_weights(folder / name)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name, options, shapes", ROWS, ids=[row[0] for row in ROWS])
def test_layers_in_every_format(keras, tmp_path, name, options, shapes):
    """Equal outputs, and equal training from there on, whatever file a model came from."""
    inputs = alone([keras.Input(shape) for shape in shapes])
    theirs = keras.Model(inputs, getattr(keras.layers, name)(**options)(inputs))
    # A loss by its name is one that Keras cannot read from its own .h5 files.
    theirs.compile(keras.optimizers.SGD(0.1), keras.losses.MeanSquaredError(), run_eagerly=True)
    x = draw(shapes)
    ours = in_every_format(theirs, tmp_path, load_model, FORMATS)
    (tmp_path / "ours").mkdir()
    first = ours["a.keras"]
    again = in_every_format(first, tmp_path / "ours", keras.saving.load_model, FORMATS)
    expected = np.asarray(theirs(x))
    for model in (*ours.values(), *again.values()):
        np.testing.assert_allclose(np.asarray(model(x)), expected, **FORWARD)
    if "seed" in options or "rate" in options:
        return  # Training draws random numbers, of which files keep no state, as in Keras.
    y = np.zeros_like(expected)
    for model in ours.values():
        model.run_eagerly = False
        model.train_on_batch(x, y)
    theirs.train_on_batch(x, y)
    expected = [np.asarray(weight) for weight in theirs.weights]
    for file, model in ours.items():
        for one, two, three in zip(model.get_weights(), first.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(one, two, err_msg=file)
            np.testing.assert_allclose(one, three, **TRAINED, err_msg=file)


def ours_of(config, layer):
    """Keras's configuration in the words of ours, which names a dtype where Keras describes a policy."""
    return type(layer).from_config(config).get_config()


def plain(config):
    """A configuration as JSON keeps it, without numbers that differ from object to object."""
    if isinstance(config, dict):
        return {key: plain(value) for key, value in config.items() if key != "shared_object_id"}
    if isinstance(config, (list, tuple)):
        return [plain(value) for value in config]
    if hasattr(config, "tolist"):
        return config.tolist()
    return config


def within(some, more):
    """Whether a configuration says all that another says."""
    more = plain(more)
    return all(more[key] == value for key, value in plain(some).items())


@pytest.mark.parametrize("build", "two_by_two two_by_two_dicts shared nested operators penalized constrained".split())
def test_graphs(keras, tmp_path, build):
    keras.backend.clear_session()
    theirs = getattr(models, build)(keras)
    ours, again = there_and_back(keras, tmp_path, theirs)
    x = {"first": D["x"], "second": D["x2"]} if "dicts" in build else D["x"]
    if build in ("two_by_two", "shared"):
        x = [D["x"], D["x2" if build == "two_by_two" else "x3"]]
    expected = theirs(x)
    for model in (ours, again):
        found = model(x)
        assert_same(list_of(expected), list_of(found), FORWARD)


def list_of(outputs):
    values = [outputs[k] for k in sorted(outputs)] if isinstance(outputs, dict) else outputs
    return [np.asarray(v) for v in (values if isinstance(values, (list, tuple)) else [values])]


def train(model, y, steps=2):
    """Some steps of training; returns the losses and what they leave behind."""
    losses = [model.train_on_batch(D["x"], y) for _ in range(steps)]
    return [np.asarray(losses), [np.asarray(w) for w in model.weights]]


def same_training(keras, tmp_path, y, exact=True, **compile):
    """Train with Keras, go on from its file here and from our file there: all go on alike."""
    theirs = models.classifier(keras)
    theirs.compile(**compile, run_eagerly=True)
    train(theirs, y)
    ours, again = there_and_back(keras, tmp_path, theirs)
    ours.run_eagerly = False
    for one, two, three in zip(
        theirs.optimizer.variables, ours.optimizer.variables, again.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(np.asarray(one), two.numpy())
        np.testing.assert_array_equal(np.asarray(one), np.asarray(three))
    expected = train(theirs, y)
    assert_same(expected, train(ours, y), TRAINED)
    assert_same(expected, train(again, y), TRAINED)
    return theirs, ours, again


OPTIONS = {
    "Adam": {"amsgrad": True, "clipnorm": 0.5},
    "SGD": {"momentum": 0.9, "nesterov": True, "global_clipnorm": 0.7},
    "RMSprop": {"centered": True, "momentum": 0.5, "use_ema": True, "ema_momentum": 0.7},
    "AdamW": {"weight_decay": 0.01, "clipvalue": 0.1},
    "Ftrl": {"l1_regularization_strength": 0.01, "beta": 0.1},
}


#: A wrapper around another optimizer, whose state lies elsewhere in Keras's files.
WRAPPERS = ("LossScaleOptimizer", "MultiOptimizer")
OPTIMIZERS = [cls.__name__ for cls in classes(optimizers.lookup.KNOWN) if cls.__name__ not in WRAPPERS]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(keras, tmp_path, name):
    optimizer = getattr(keras.optimizers, name)(learning_rate=0.02, **OPTIONS.get(name, {}))
    theirs, ours, again = same_training(keras, tmp_path, D["one_hot"], optimizer=optimizer, loss="mse")
    config = plain(theirs.optimizer.get_config())
    assert plain(ours.optimizer.get_config()) == config == plain(again.optimizer.get_config())


SCHEDULE_ARGUMENTS = {
    "PiecewiseConstantDecay": {"boundaries": [1, 3], "values": [0.1, 0.05, 0.01]},
    "CosineDecay": {"initial_learning_rate": 0.01, "decay_steps": 5, "warmup_target": 0.1, "warmup_steps": 2},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 3},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 3, "cycle": True},
}
DECAY = {"initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.5}


@pytest.mark.parametrize("name", [cls.__name__ for cls in classes(SCHEDULES)])
def test_schedules(keras, tmp_path, name):
    rate = getattr(keras.optimizers.schedules, name)(**SCHEDULE_ARGUMENTS.get(name, DECAY))
    _, ours, again = same_training(keras, tmp_path, D["one_hot"], optimizer=keras.optimizers.SGD(rate), loss="mse")
    for model in (ours, again):
        assert plain(model.optimizer._learning_rate.get_config()) == plain(rate.get_config())


def loss_names():
    # CTC takes sequences, which this model does not give.
    left_out = ("Loss", "LossFunctionWrapper", "CTC")
    return [cls.__name__ for cls in classes(LOSSES) if cls.__name__ not in left_out]


@pytest.mark.parametrize("name", loss_names())
def test_losses(keras, tmp_path, name):
    # The gradients of Circle's sum are so steep that rounding shows after some steps.
    reduction = "sum_over_batch_size" if name == "Circle" else "sum"
    loss = getattr(keras.losses, name)(name="mine", reduction=reduction)
    sparse = name in ("SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy", "Circle")
    y = D["classes"].astype("int32") if sparse else D["one_hot"]
    _, ours, again = same_training(keras, tmp_path, y, optimizer="sgd", loss=loss)
    assert plain(loss.get_config()) == plain(again.loss.get_config())
    # Keras's configurations leave a few arguments out.
    assert within(loss.get_config(), ours.loss.get_config())


def test_loss_functions_and_names(keras, tmp_path):
    for function in LOSS_FUNCTIONS:
        theirs = models.classifier(keras)
        theirs.compile("sgd", getattr(keras.losses, function.__name__), metrics=["acc", "mse"], loss_weights=0.5)
        ours, again = there_and_back(keras, tmp_path, theirs)
        assert ours.loss is function and again.loss == function.__name__
        assert again.get_compile_config()["metrics"] == ["acc", "mse"]


def test_all_metrics(keras, tmp_path):
    covered = {case[0] for case in METRIC_CASES}
    assert {cls.__name__ for cls in classes(METRICS)} - covered <= {"Metric", "MeanMetricWrapper", "Mean", "Sum"}
    given = [getattr(keras.metrics, name)(**arguments, name=f"m{i}") for i, (name, arguments, *_) in
             enumerate(METRIC_CASES)]  # fmt: skip
    given += [keras.metrics.Mean(name="mean"), keras.metrics.Sum(name="sum")]
    theirs = models.classifier(keras)
    theirs.compile("sgd", "mse", metrics=given, weighted_metrics=["mae", given[0]])
    ours, again = there_and_back(keras, tmp_path, theirs)
    found = ours._untracked_arguments["metrics"]
    for one, two in zip(given, found, strict=True):
        assert type(two).__name__ == type(one).__name__
        assert within(one.get_config(), two.get_config())
    assert plain(again.get_compile_config()["metrics"]) == plain(theirs.get_compile_config()["metrics"])
    assert ours._untracked_arguments["weighted_metrics"][0] == "mae"


ARGUMENTS = {
    "Constant": {"value": 0.5}, "RandomNormal": {"mean": 0.1, "seed": 3}, "VarianceScaling": {"mode": "fan_out"},
    "L1L2": {"l1": 0.1, "l2": 0.2}, "MinMaxNorm": {"min_value": 0.2, "rate": 0.5},
    "OrthogonalRegularizer": {"factor": 0.1},
}  # fmt: skip


@pytest.mark.parametrize(
    "family, known",
    [("initializers", INITIALIZERS), ("regularizers", REGULARIZERS), ("constraints", CONSTRAINTS)],
)
def test_what_weights_hold(keras, tmp_path, family, known):
    given = []
    for cls in classes(known):
        # STFT gives kernels of three axes only.
        left_out = ("Initializer", "Regularizer", "Constraint", "STFT")
        if hasattr(getattr(keras, family), cls.__name__) and cls.__name__ not in left_out:
            given.append(getattr(getattr(keras, family), cls.__name__)(**ARGUMENTS.get(cls.__name__, {})))
    assert len(given) > 2
    argument = f"kernel_{family[:-1]}"
    x = keras.Input((4,))
    outputs = [keras.layers.Dense(4, **{argument: thing})(x) for thing in given]
    theirs = keras.Model(x, outputs)
    ours, again = there_and_back(keras, tmp_path, theirs)
    for one, two, three in zip(theirs.layers[1:], ours.layers[1:], again.layers[1:], strict=True):
        configs = [plain(getattr(layer, argument).get_config()) for layer in (one, two, three)]
        assert configs[0] == configs[2] and within(*configs[:2])


def test_an_initializer_of_three_axes(keras, tmp_path):
    x = keras.Input((9, 1))
    make = keras.initializers.STFT
    outputs = [keras.layers.Conv1D(3, 4, kernel_initializer=make(side, "hann"))(x) for side in ("real", "imag")]
    theirs = keras.Model(x, outputs)
    ours, again = there_and_back(keras, tmp_path, theirs)
    for layers in zip(theirs.layers[1:], ours.layers[1:], again.layers[1:], strict=True):
        configs = [plain(layer.kernel_initializer.get_config()) for layer in layers]
        assert configs[0] == configs[2] and within(*configs[:2])
        np.testing.assert_allclose(layers[1].kernel_initializer((4, 1, 3)), layers[0].kernel, **FORWARD)


def test_a_loss_of_sequences(keras, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 8, 3)).astype("float32"), rng.integers(1, 5, (6, 3)).astype("int32")
    theirs = keras.Sequential([keras.Input((8, 3)), keras.layers.Dense(5)])
    theirs.compile("sgd", keras.losses.CTC(name="mine"))
    models = [theirs, *there_and_back(keras, tmp_path, theirs)]
    assert plain(theirs.loss.get_config()) == plain(models[2].loss.get_config())
    assert within(theirs.loss.get_config(), models[1].loss.get_config())
    losses = [model.evaluate(x, y, verbose=0) for model in models]
    np.testing.assert_allclose(losses[1:], losses[0], **FORWARD)


@pytest.mark.parametrize("steps", [0, 2])
def test_the_scale_of_a_loss(keras, tmp_path, steps):
    """The state of an optimizer that wraps another, before its first step too: all of it, and no warning."""
    theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, kernel_initializer="ones")])
    inner = keras.optimizers.Adam(0.02)
    inner.learning_rate = 0.01
    theirs.compile(keras.optimizers.LossScaleOptimizer(inner, 8.0, dynamic_growth_steps=3), "mse")
    x, y = np.float32(D["x"][:, :4]), D["one_hot"]
    fit = {"batch_size": 24, "shuffle": False, "verbose": 0}
    if steps:
        theirs.fit(x, y, epochs=steps, **fit)
    models = [theirs, *there_and_back(keras, tmp_path, theirs)]
    for model in models:
        model.fit(x, y, epochs=2, **fit)
    first, *others = ([np.asarray(v) for v in model.optimizer.variables] for model in models)
    for other in others:
        assert_same(other, first, TRAINED)
    for model in models[1:]:
        assert_same([np.asarray(w) for w in model.get_weights()], theirs.get_weights(), TRAINED)


def test_layers_as_activations(keras, tmp_path):
    layers = keras.layers
    theirs = keras.Sequential([layers.Dense(3, activation=layers.PReLU("uniform")), layers.Activation(layers.ELU(0.3))])
    x = np.float32(D["x"]) - 0.5
    theirs(x)
    ours, again = there_and_back(keras, tmp_path, theirs)
    same_numbers([theirs, ours, again], x)
    assert type(ours.layers[0].activation) is nbkeras.layers.PReLU


def test_training_goes_on_alike_with_all_that_a_model_has(keras, tmp_path):
    """Some epochs in Keras, the file to us, some epochs, the file back, some epochs: as if all were Keras's."""
    theirs = models.classifier(keras)
    theirs.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.05, 20), clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(2)],
    )
    fit = {"x": D["x"], "y": D["one_hot"], "batch_size": 7, "epochs": 2, "shuffle": False, "verbose": 0}
    theirs.fit(**fit)
    ours, _ = there_and_back(keras, tmp_path, theirs)
    histories = [ours.fit(**fit).history]
    ours.save(tmp_path / "back.keras")
    back = keras.saving.load_model(tmp_path / "back.keras")
    histories.append({k: [float(v) for v in values] for k, values in back.fit(**fit).history.items()})
    for history in histories:
        expected = {k: [float(v) for v in values] for k, values in theirs.fit(**fit).history.items()}
        assert_same(expected, history, TRAINED)


def test_the_archive_itself_is_as_keras_writes_it(keras, tmp_path):
    theirs = models.nested(keras)
    theirs.compile("adam", "mse")
    there_and_back(keras, tmp_path, theirs)
    written, read = (Archive(Bytes((tmp_path / f"{who}.keras").read_bytes(), who)) for who in ("theirs", "ours"))
    assert [(m.name, m.method) for m in written.members.values()] == [(m.name, m.method) for m in read.members.values()]
    assert set(written.config()) - {"build_config"} == set(read.config()) - {"build_config"}
    assert set(written.metadata()) <= set(read.metadata())
    assert nbkeras.__version__ == read.metadata()["nbkeras_version"]
