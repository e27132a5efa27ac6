"""Every layer and activation, exported, gives in onnxruntime what `predict` gives, for batches of any size."""

import inspect

import numpy as np
import pytest

import nbkeras as keras
from nbkeras import layers, ops
from tests.layers.table import IDS, TABLE, alone
from tests.models.graphs import GRAPHS
from tests.models.graphs import draw as draw_graph


def model_of(layer, shapes):
    """A model of one layer, whose weights have all kinds of values."""
    inputs = alone([keras.Input(shape) for shape in shapes])
    model = keras.Model(inputs, layer(inputs))
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if np.dtype(weight.dtype).kind == "f":
            weight.assign(rng.uniform(0.2, 1.0, weight.shape) * rng.choice([-1, 1], weight.shape[-1:] or ()))
    for weight in model.non_trainable_weights:
        if np.dtype(weight.dtype).kind == "f":
            weight.assign(np.abs(weight.numpy()))
    return model


def drawer(shapes, dtype="float32"):
    def draw(rows):
        rng = np.random.default_rng(rows)
        return alone([rng.normal(size=(rows, *shape)).astype(dtype) for shape in shapes])

    return draw


@pytest.mark.parametrize("name, options, shapes", TABLE, ids=IDS)
def test_every_layer(check, name, options, shapes):
    made = check(model_of(getattr(layers, name)(**options), shapes), drawer(shapes))
    for each in [*made.graph.input, *made.graph.output]:
        assert each.type.tensor_type.shape.dim[0].dim_param == "batch"


class Draws:
    """Choices by chance."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.rank = int(self.rng.integers(1, 4))

    def pick(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def each(self, low, high):
        """A number for each axis."""
        return tuple(int(n) for n in self.rng.integers(low, high, self.rank))


def windowed(d):
    """A convolution or pooling layer, and the shape of a sample."""
    kind = d.pick("Conv", "ConvTranspose", "DepthwiseConv", "SeparableConv", "MaxPooling", "AveragePooling")
    if kind in ("DepthwiseConv", "SeparableConv"):
        d.rank = min(d.rank, 2)
    space, channels = d.each(6, 9), d.pick(2, 4)
    options = {"padding": d.pick("valid", "same"), "data_format": d.pick("channels_last", "channels_first")}
    shape = (*space, channels) if options["data_format"] == "channels_last" else (channels, *space)
    name = f"Conv{d.rank}DTranspose" if kind == "ConvTranspose" else f"{kind}{d.rank}D"
    if kind.endswith("Pooling"):
        options |= {"pool_size": d.each(1, 4), "strides": d.each(1, 4)}
    elif kind in ("DepthwiseConv", "SeparableConv"):
        options |= {"kernel_size": d.pick(2, 3), "strides": d.pick(1, 2), "depth_multiplier": d.pick(1, 2)}
    else:
        options |= {"kernel_size": d.each(1, 4), "use_bias": d.pick(True, False)}
    if "Conv" in kind and kind != "DepthwiseConv":
        options |= {"filters": 4, "activation": d.pick(None, "relu", "gelu")}
    if kind == "ConvTranspose":
        options["strides"] = d.each(1, 4)
    if kind == "Conv":
        options |= d.pick({"dilation_rate": d.each(1, 3)}, {"strides": d.each(1, 4)}) | d.pick({"groups": 2}, {})
        if d.rank == 1 and options["data_format"] == "channels_last":
            options["padding"] = d.pick("valid", "same", "causal")
    return getattr(layers, name)(**options), shape


@pytest.mark.parametrize("seed", range(90))
def test_windows_of_every_kind(check, seed):
    layer, shape = windowed(Draws(seed))
    check(model_of(layer, [shape]), drawer([shape]), sizes=(2,))


ACTIVATIONS = [name for name, each in vars(keras.activations).items() if inspect.isfunction(each) and name != "get"]
NO_ACTIVATIONS = {"deserialize", "serialize"}


@pytest.mark.parametrize("name", sorted({*ACTIVATIONS} - NO_ACTIVATIONS))
def test_every_activation(check, name):
    function = getattr(keras.activations, name)
    if name == "threshold":
        options = {"activation": keras.layers.Lambda(lambda x: function(x, 0.1, 0.5))}
    else:
        options = {"activation": name}
    check(model_of(layers.Activation(**options), [(3, 4)]), drawer([(3, 4)]))
    if name != "threshold":
        check(model_of(layers.Dense(4, activation=name), [(3,)]), drawer([(3,)]), sizes=(3,))


def numbers(high, *shape):
    return lambda rows: np.random.default_rng(rows).integers(0, high, (rows, *shape)).astype("int32")


def test_layers_of_whole_numbers_functions_and_other_layers(check):
    x = keras.Input((5,), dtype="int32")
    check(keras.Model(x, layers.Embedding(9, 3)(x)), numbers(9, 5))
    masked = layers.Embedding(9, 3, mask_zero=True)(x)
    check(keras.Model(x, layers.GlobalAveragePooling1D()(masked)), numbers(9, 5))
    check(model_of(layers.TimeDistributed(layers.Dense(2, activation="tanh")), [(4, 3)]), drawer([(4, 3)]))
    check(model_of(layers.TimeDistributed(layers.Conv2D(2, 2)), [(3, 4, 4, 2)]), drawer([(3, 4, 4, 2)]))
    check(model_of(layers.SpectralNormalization(layers.Dense(3)), [(4,)]), drawer([(4,)]))
    check(model_of(layers.Lambda(lambda x: ops.cumsum(x, axis=1)[:, ::-1]), [(4, 3)]), drawer([(4, 3)]))


def test_a_gradient_of_ones_own_is_left_out(check):
    @ops.custom_gradient
    def doubled(x):
        return x * 2, lambda dy, *_, upstream=None: dy

    check(model_of(layers.Lambda(lambda x: doubled(x)), [(4,)]), drawer([(4,)]))


@pytest.mark.parametrize("build", GRAPHS, ids=[build.__name__ for build in GRAPHS])
def test_graphs(check, build):
    model = build(keras)
    sizes = (2, 4) if build.__name__ != "nests" else (4, 7)
    check(model, lambda rows: draw_graph(model, rows), sizes=sizes)


def test_a_network(check):
    def block(x, filters):
        y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        y = layers.Activation("relu")(layers.BatchNormalization()(y))
        y = layers.Dropout(0.5)(layers.Conv2D(filters, 3, padding="same")(y))
        return layers.MaxPooling2D()(layers.Add()([layers.Conv2D(filters, 1)(x), y]))

    x = keras.Input((16, 16, 3), name="image")
    y = layers.GlobalAveragePooling2D()(block(block(x, 8), 16))
    model = keras.Model(x, layers.Dense(10, activation="softmax", name="classes")(y))
    made = check(model, drawer([(16, 16, 3)]), sizes=(1, 8, 33))
    assert [i.name for i in made.graph.input] == ["image"]
    assert [o.name for o in made.graph.output] == model.output_names


def test_a_shared_layer_has_its_weights_once(check):
    shared = layers.Conv2D(4, 3, padding="same")
    x = keras.Input((5, 5, 4))
    made = check(keras.Model(x, shared(shared(shared(x)))), drawer([(5, 5, 4)]))
    assert sum(weight.dims[:] == [4, 4, 3, 3] for weight in made.graph.initializer) == 1


@pytest.fixture
def float64():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def test_numbers_of_64_bits(check, float64):
    x = keras.Input((6, 6, 2))
    y = layers.Dense(3, activation="sigmoid")(layers.Flatten()(layers.MaxPooling2D()(x)))
    model = keras.Model(x, layers.LayerNormalization()(y))
    check(model, drawer([(6, 6, 2)], "float64"), rtol=1e-12, atol=1e-12)
