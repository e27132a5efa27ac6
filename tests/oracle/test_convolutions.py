"""Convolutional networks trained in both libraries, and drawn layers: the same outputs and the same gradients."""

import numpy as np
import pytest

import nbkeras
from nbkeras.graph.gradient import gradient
from nbkeras.graph.traced import Traced
from tests.oracle.compare import TRAINED, assert_same, same_weights, twins


def images(k):
    layers = k.layers
    return k.Sequential(
        [
            k.Input((12, 11, 3)),
            layers.Conv2D(8, 3, activation="relu", padding="same"),
            layers.Conv2D(6, (3, 2), strides=2, activation="relu"),
            layers.DepthwiseConv2D(3, padding="same", activation="tanh"),
            layers.Conv2D(4, 1, groups=2, use_bias=False),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def series(k):
    layers = k.layers
    return k.Sequential(
        [
            k.Input((20, 3)),
            layers.Conv1D(8, 3, activation="relu", padding="causal", dilation_rate=2),
            layers.Conv1D(8, 3, activation="relu"),
            layers.SeparableConv1D(6, 3, strides=2),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def channels_first(k):
    layers = k.layers
    return k.Sequential(
        [
            k.Input((3, 8, 9)),
            layers.Conv2D(6, 3, activation="relu", data_format="channels_first"),
            layers.Conv2DTranspose(4, 3, strides=2, padding="same", data_format="channels_first"),
            layers.Flatten(data_format="channels_first"),
            layers.Dense(3, activation="softmax"),
        ]
    )


def volumes(k):
    layers = k.layers
    return k.Sequential(
        [
            k.Input((5, 6, 7, 2)),
            layers.Conv3D(3, (2, 3, 3), strides=2, activation="relu", padding="same"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("build", [images, series, channels_first, volumes])
def test_training(keras, build):
    theirs, ours = twins(keras, build)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((21, *ours.input_shape[1:])).astype("float32")
    y = rng.integers(0, 3, 21)
    for model in (theirs, ours):
        model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    same_weights(theirs, ours)
    assert_same(theirs.predict(x, verbose=0), ours.predict(x, verbose=0), TRAINED)
    histories = [m.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history for m in (theirs, ours)]
    assert_same(*histories, TRAINED)
    assert_same(theirs.get_weights(), ours.get_weights(), TRAINED)


def drawn_layer(rng):
    """A class of convolution layers, its arguments, and the shape of an input that fits it."""
    rank = int(rng.integers(1, 4))
    kind = str(rng.choice(["Conv", "Conv", "Depthwise", "Separable", "Transpose"]))
    rank = min(rank, 2) if kind in ("Depthwise", "Separable") else rank
    name = {"Conv": "Conv{}D", "Transpose": "Conv{}DTranspose"}.get(kind, kind + "Conv{}D").format(rank)
    options = {"kernel_size": tuple(int(k) for k in rng.integers(1, 4, rank))}
    options["padding"] = str(rng.choice(["valid", "same"] + ["causal"] * (name == "Conv1D")))
    options[str(rng.choice(["strides", "dilation_rate"]))] = int(rng.integers(1, 4))
    channels, groups = int(rng.integers(1, 6)), 1
    if kind == "Conv":
        groups = options["groups"] = int(rng.choice([1, 1, 2, 3]))
    if kind == "Transpose" and options.get("strides", 1) > 1:
        options["output_padding"] = [None, 0, 1][rng.integers(3)]
    if kind != "Depthwise":
        options["filters"] = groups * int(rng.integers(1, 6))
    if kind in ("Depthwise", "Separable"):
        options["depth_multiplier"] = int(rng.integers(1, 4))
    options["data_format"] = str(rng.choice(["channels_last", "channels_last", "channels_first"]))
    options["activation"] = str(rng.choice(["linear", "relu", "tanh"]))
    sizes = tuple(int(n) for n in rng.integers(7, 11, rank))
    shape = (*sizes, groups * channels) if options["data_format"] == "channels_last" else (groups * channels, *sizes)
    return name, options, (int(rng.integers(1, 4)), *shape)


@pytest.mark.parametrize("seed", range(20))
def test_drawn_layers(keras, seed):
    """The output, and the gradients of a weighted sum of it to the input and all weights."""
    import jax

    rng = np.random.default_rng(seed)
    name, options, shape = drawn_layer(rng)
    ours, theirs = (getattr(k.layers, name)(**options) for k in (nbkeras, keras))
    x = rng.standard_normal(shape).astype("float32")
    expected = np.asarray(theirs(x))
    assert ours(x).shape == expected.shape
    weights = [rng.standard_normal(w.shape).astype("float32") for w in theirs.weights]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    factors = rng.uniform(0.5, 1.5, expected.shape).astype("float32")

    def loss(values, x):
        return (theirs.stateless_call(values, [], x)[0] * factors).sum()

    slopes, slope = jax.grad(loss, argnums=(0, 1))([jax.numpy.asarray(w) for w in weights], x)

    def gradients(x):
        symbols = [w.value for w in ours.weights]
        total = nbkeras.ops.sum(ours(x) * factors)
        return gradient(total, [*symbols, x])

    close = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-5, atol=1e-5)
    for got, want in zip(Traced(gradients)(x), [*slopes, slope], strict=True):
        np.testing.assert_allclose(got, np.asarray(want), **close)
