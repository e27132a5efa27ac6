"""Writes what one release of Keras makes of a model: run it with that release, `python make.py FOLDER`.

It leaves FOLDER/VERSION.zip with the model as `.keras`, as `.h5` and its weights as `.weights.h5`, and `expected.npz`:
the predictions, and those after one more step of training. It runs with Keras 2.12 and newer, and with nbkeras
(`--module nbkeras`), whose own files later versions must read.
"""

from __future__ import annotations

import argparse
import importlib
import pathlib
import tempfile
import zipfile

import numpy as np


def inputs():
    """A batch of images, of words, and targets."""
    rng = np.random.default_rng(7)
    images = rng.normal(size=(4, 8, 8, 3)).astype("float32")
    words = rng.integers(0, 9, size=(4, 6)).astype("int32")
    targets = np.eye(3, dtype="float32")[[0, 2, 1, 1]]
    return [images, words], targets


def build(keras):
    """Two branches with one layer of each kind that Keras 2 and 3 both have; nothing in it is random."""
    layers = keras.layers
    images = keras.Input((8, 8, 3), name="images")
    x = layers.ZeroPadding2D(1, name="pad")(images)
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="conv")(x)
    y = layers.SeparableConv2D(4, 3, padding="same", depth_multiplier=2, name="separable")(x)
    # Its variance stays as it is: TensorFlow's Keras 2 averaged another (over n - 1) than Keras 3 does.
    y = layers.BatchNormalization(momentum=1.0, name="batch_norm")(y)
    y = layers.LeakyReLU(name="leaky")(y)
    x = layers.Add(name="add")([x, y])
    x = layers.DepthwiseConv2D(2, depth_multiplier=1, dilation_rate=2, name="depthwise")(x)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu")(x)
    x = layers.UpSampling2D(2, name="up")(x)
    x = layers.Cropping2D(((1, 0), (0, 1)), name="crop")(x)
    x = layers.Conv2DTranspose(2, 3, strides=2, padding="same", use_bias=False, name="transpose")(x)
    x = layers.LayerNormalization(name="layer_norm")(x)
    x = layers.MaxPooling2D(2, name="max_pool")(x)
    x = layers.AveragePooling2D(2, padding="same", name="average_pool")(x)
    x = layers.ELU(name="elu")(x)
    x = layers.Flatten(name="flatten")(x)

    words = keras.Input((6,), name="words", dtype="int32")
    z = layers.Embedding(9, 4, name="embedding")(words)
    z = layers.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="tanh", name="conv1d")(z)
    z = layers.GaussianNoise(0.0, name="noise")(z)
    z = layers.SpatialDropout1D(0.0, name="spatial")(z)
    a = layers.GlobalAveragePooling1D(name="average")(z)
    b = layers.GlobalMaxPooling1D(name="maximum")(z)
    z = layers.Concatenate(name="concatenate")([a, b, layers.Multiply(name="multiply")([a, b])])
    z = layers.Reshape((9, 2), name="reshape")(z)
    z = layers.Permute((2, 1), name="permute")(z)
    z = layers.Dense(2, kernel_regularizer="l2", activation="sigmoid", name="shared")(z)
    z = layers.Flatten(name="flatten_words")(z)
    joined = layers.Concatenate(name="join")([x, z])
    joined = layers.Dropout(0.0, name="dropout")(joined)
    joined = layers.Dense(5, kernel_constraint="max_norm", name="hidden")(joined)
    joined = layers.Activation("softplus", name="softplus")(joined)
    out = layers.Dense(3, activation="softmax", name="out")(joined)
    model = keras.Model([images, words], out, name="golden")
    model.compile(
        # This epsilon: a smaller one makes steps of the rounding of gradients that are 0, other on each backend.
        keras.optimizers.Adam(learning_rate=0.01, beta_1=0.8, epsilon=1e-3),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--module", default="keras")
    arguments = parser.parse_args()
    keras = importlib.import_module(arguments.module)
    x, y = inputs()
    model = build(keras)
    rng = np.random.default_rng(11)
    # Variances of a batch normalization must stay positive.
    model.set_weights([(0.3 * rng.normal(size=w.shape) ** 2 + 0.05).astype("float32") for w in model.get_weights()])
    for _ in range(3):
        model.train_on_batch(x, y)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in ("m.keras", "m.h5"):
            model.save(str(folder / name))
        model.save_weights(str(folder / "m.weights.h5"))
        before = model.predict(x, verbose=0)
        model.train_on_batch(x, y)
        np.savez(folder / "expected.npz", before=before, after=model.predict(x, verbose=0))
        name = keras.__version__ if arguments.module == "keras" else f"{arguments.module}-{keras.__version__}"
        with zipfile.ZipFile(arguments.folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, file.name)


if __name__ == "__main__":
    main()
