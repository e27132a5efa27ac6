"""Digits read line by line: a sequence of eight steps for Conv1D, and the learning curves as picture."""

from __future__ import annotations

import nbkeras as keras
from nbkeras.examples._example import load_digits, read_arguments


def build():
    """Convolutions along the sequence: each step sees its neighbours."""
    model = keras.Sequential(
        [
            keras.Input((8, 8)),  # eight steps of eight features
            keras.layers.Conv1D(32, 3, padding="same", activation="relu"),
            keras.layers.Conv1D(64, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling1D(2),
            keras.layers.Conv1D(64, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(arguments=None) -> dict:
    """Train, draw the curves."""
    options = read_arguments(__doc__, "conv1d", 20, arguments)
    keras.utils.set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test) = load_digits()
    model = build()
    history = model.fit(x_train, y_train, epochs=options.epochs, validation_data=(x_test, y_test), verbose=2)
    keras.evaluation.plot_learning_curves(history, path=options.output)
    accuracy = history.history["val_accuracy"][-1]
    print(f"Test accuracy {accuracy:.2%} with {model.count_params():,} weights. Picture: {options.output}")
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main()
