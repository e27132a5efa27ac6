"""Does it overfit, and would more data help? Losses by epoch, and accuracy by the number of training rows.

The picture has the curves by epoch; the one by rows lies beside it, with `_by_size` in its name.
"""

from __future__ import annotations

import functools

import nbkeras as keras
from nbkeras.examples._example import load_digits, read_arguments


def build(dropout=0.0):
    """A network that is large for 1437 digits."""
    model = keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten()])
    for _ in range(2):
        model.add(keras.layers.Dense(128, activation="relu"))
        model.add(keras.layers.Dropout(dropout))
    model.add(keras.layers.Dense(10, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(arguments=None) -> dict:
    """Compare with and without dropout, then with fewer rows."""
    options = read_arguments(__doc__, "learning_curves", 30, arguments)
    (x_train, y_train), (x_test, y_test) = load_digits()
    logs = {}
    for name, dropout in (("without dropout", 0.0), ("with dropout", 0.5)):
        keras.utils.set_random_seed(options.seed)
        model = build(dropout)
        history = model.fit(
            x_train, y_train, epochs=options.epochs, validation_data=(x_test, y_test), verbose=0
        ).history
        logs[f"loss {name}"], logs[f"val_loss {name}"] = history["loss"], history["val_loss"]
        gap = history["val_loss"][-1] - history["loss"][-1]
        print(f"{name}: test accuracy {history['val_accuracy'][-1]:.2%}, test loss above training loss by {gap:.3f}")
    keras.evaluation.plot_learning_curves(logs, path=options.output)

    curve = keras.evaluation.learning_curve(
        functools.partial(build, dropout=0.5),
        x_train,
        y_train,
        train_sizes=(0.1, 0.3, 0.6, 1.0),
        cv=3,
        seed=options.seed,
        epochs=options.epochs // 2 + 1,
    )
    print(curve)
    beside = options.output.with_stem(f"{options.output.stem}_by_size")
    keras.evaluation.plot_learning_curve_by_size(curve, path=beside)
    print(f"Pictures: {options.output} and {beside}")
    return {"fewest": curve.test_scores["accuracy"][0].mean(), "most": curve.test_scores["accuracy"][-1].mean()}


if __name__ == "__main__":
    main()
