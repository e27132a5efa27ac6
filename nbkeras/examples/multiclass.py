"""Which digit is it? A softmax over ten classes, a report for each, and the confusion matrix as picture."""

from __future__ import annotations

import nbkeras as keras
from nbkeras.examples._example import load_digits, read_arguments


def build():
    """A network with one probability a class."""
    model = keras.Sequential(
        [
            keras.Input((8, 8)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    # Class numbers as labels: sparse. One-hot rows would take categorical_crossentropy.
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(arguments=None) -> dict:
    """Train, report, draw."""
    options = read_arguments(__doc__, "multiclass", 25, arguments)
    keras.utils.set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test) = load_digits()
    model = build()
    model.fit(x_train, y_train, epochs=options.epochs, validation_split=0.1, verbose=2)

    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    predicted = model.predict(x_test, verbose=0).argmax(axis=-1)
    print(keras.evaluation.classification_report(y_test, predicted))
    matrix = keras.evaluation.confusion_matrix(y_test, predicted, num_classes=10)
    keras.evaluation.plot_confusion_matrix(matrix, path=options.output)
    print(f"Test accuracy {accuracy:.2%}, loss {loss:.3f}. Picture: {options.output}")
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main()
