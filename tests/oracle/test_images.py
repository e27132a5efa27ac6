"""Pooling, normalization and what else stands around convolutions: trained in both libraries from the same weights."""

import numpy as np
import pytest

import nbkeras
from tests.oracle.compare import FORWARD, TRAINED, assert_same, same_weights, twins

ROWS = 33
RNG = np.random.default_rng(3)
TARGET = RNG.standard_normal((ROWS, 1)).astype("float32")


def images(k):
    layers = k.layers
    return k.Sequential([
        k.Input((6, 5, 2)), layers.Dense(5), layers.BatchNormalization(momentum=0.8), layers.Activation("relu"),
        layers.MaxPooling2D(2, strides=1, padding="same"), layers.ZeroPadding2D(((1, 0), (0, 2))), layers.Dense(4),
        layers.BatchNormalization(scale=False), layers.ReLU(), layers.AveragePooling2D(3, 2, "same"),
        layers.LayerNormalization(), layers.UpSampling2D((1, 2)), layers.Cropping2D(((0, 1), (1, 0))),
        layers.GlobalMaxPooling2D(), layers.Dense(1),
    ])  # fmt: skip


def channels_first(k):
    layers, order = k.layers, {"data_format": "channels_first"}
    return k.Sequential([
        k.Input((4, 5, 3)), layers.BatchNormalization(axis=1, epsilon=0.01, gamma_regularizer="l2"), layers.Dense(6),
        layers.MaxPooling2D((3, 2), strides=(1, 2), **order), layers.GroupNormalization(groups=2, axis=1),
        layers.UpSampling2D(2, interpolation="bilinear", **order), layers.AveragePooling2D(2, **order),
        layers.Activation("tanh"), layers.GlobalAveragePooling2D(keepdims=True, **order), layers.Flatten(),
        layers.Dense(1),
    ])  # fmt: skip


def sequences(k):
    layers = k.layers
    return k.Sequential([
        k.Input((9, 3)), layers.Dense(4), layers.RMSNormalization(), layers.AveragePooling1D(2),
        layers.BatchNormalization(center=False, renorm=True, renorm_clipping={"rmax": 1.1, "rmin": 0.9, "dmax": 0.2}),
        layers.ZeroPadding1D((2, 1)), layers.MaxPooling1D(3, 2), layers.UpSampling1D(2), layers.UnitNormalization(),
        layers.LayerNormalization(axis=[1, 2], epsilon=0.1), layers.Cropping1D(1), layers.AdaptiveMaxPooling1D(3),
        layers.Flatten(), layers.Dense(1),
    ])  # fmt: skip


def volumes(k):
    layers = k.layers
    return k.Sequential([
        k.Input((3, 4, 3, 2)), layers.Dense(3), layers.BatchNormalization(), layers.ReLU(),
        layers.MaxPooling3D(2, strides=1), layers.UpSampling3D((1, 2, 1)), layers.ZeroPadding3D(1),
        layers.AveragePooling3D((2, 2, 1), padding="same"), layers.Cropping3D(((0, 1), (0, 0), (1, 1))),
        layers.GlobalAveragePooling3D(), layers.Dense(1),
    ])  # fmt: skip


def frozen(k):
    """Normalization that no longer learns, in a model that does."""
    layers = k.layers
    norm = layers.BatchNormalization(moving_mean_initializer="ones", beta_initializer="ones")
    norm.trainable = False
    return k.Sequential([k.Input((6, 5, 2)), layers.Dense(3), norm, layers.ReLU(), layers.Flatten(), layers.Dense(1)])


MODELS = (images, channels_first, sequences, volumes, frozen)


@pytest.mark.parametrize("build", MODELS, ids=lambda build: build.__name__)
def test_training(keras, build):
    theirs, ours = twins(keras, build)
    same_weights(theirs, ours)
    x = RNG.standard_normal((ROWS, *ours.input_shape[1:])).astype("float32") * 2 + 1
    histories = []
    for model in (theirs, ours):
        model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
        done = model.fit(x, TARGET, batch_size=ROWS // 3, epochs=2, shuffle=False, verbose=0)
        histories.append(done.history)
    assert_same(*histories, TRAINED, "history")
    assert_same(theirs.get_weights(), ours.get_weights(), TRAINED, "weights")
    same_weights(theirs, ours)
    assert_same(*(model.predict_on_batch(x) for model in (theirs, ours)), FORWARD, "predict")


CALLS = {
    "moments": ("BatchNormalization", {"momentum": 0.5}, (5, 4, 3), None),
    "axis": ("BatchNormalization", {"axis": 1, "momentum": 0.5}, (5, 4, 3), None),
    "mask": ("BatchNormalization", {"momentum": 0.5}, (5, 4, 3), (5, 4)),
    "one": ("BatchNormalization", {}, (1, 3), None),
    "average_mask": ("GlobalAveragePooling1D", {}, (5, 4, 3), (5, 4)),
    "first": ("GlobalAveragePooling1D", {"data_format": "channels_first", "keepdims": True}, (5, 3, 4), (5, 4)),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_calls(keras, name, dtype):
    """A layer called while training, with masks: results and moving statistics."""
    kind, options, shape, masked = CALLS[name]
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    arguments = {"training": True} if kind == "BatchNormalization" else {}
    if masked:
        arguments["mask"] = rng.random(masked) < 0.5
        arguments["mask"][:, 0] = True
    # Keras on JAX computes in 32 bits
    layers = [getattr(keras.layers, kind)(**options), getattr(nbkeras.layers, kind)(**options, dtype=dtype)]
    results = [np.asarray(layer(x.astype(t), **arguments)) for layer, t in zip(layers, ("float32", dtype), strict=True)]
    assert results[1].dtype == dtype
    assert_same(*results, FORWARD, name)
    assert_same(*([np.asarray(w) for w in layer.get_weights()] for layer in layers), FORWARD, "weights")
