"""Digits by a convolutional network, and the ones that it gets wrong as picture."""

from __future__ import annotations

import numpy as np

import nbkeras as keras
from nbkeras.evaluation._figure import INK, VERMILION, new_figure, save
from nbkeras.examples._example import load_digits, read_arguments


def build():
    """Two blocks of convolution, then pooling, then a softmax."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.4),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(arguments=None) -> dict:
    """Train, show the mistakes."""
    options = read_arguments(__doc__, "convnet", 12, arguments)
    keras.utils.set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test) = load_digits()
    model = build()
    model.summary()
    model.fit(x_train[..., None], y_train, epochs=options.epochs, verbose=2)

    probability = model.predict(x_test[..., None], verbose=0)
    predicted = probability.argmax(axis=-1)
    accuracy = float((predicted == y_test).mean())
    # The mistakes first, then those right with the least confidence.
    order = np.lexsort((probability.max(axis=-1), predicted == y_test))[:12]
    figure = new_figure(7.2, 4.0)
    for place, index in enumerate(order):
        axes = figure.add_subplot(2, 6, place + 1)
        axes.imshow(x_test[index], cmap="Greys", vmin=0, vmax=1)
        axes.set_xticks([])
        axes.set_yticks([])
        wrong = predicted[index] != y_test[index]
        title = f"{y_test[index]} taken for {predicted[index]}" if wrong else f"{y_test[index]}, right"
        axes.set_title(title, fontsize=9, color=VERMILION if wrong else INK)
        axes.set_xlabel(f"{probability[index].max():.0%} sure", fontsize=8, color=INK)
    save(figure, options.output)
    wrong = int((predicted != y_test).sum())
    print(f"Test accuracy {accuracy:.2%}: {wrong} of {len(y_test)} wrong. Picture: {options.output}")
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main()
