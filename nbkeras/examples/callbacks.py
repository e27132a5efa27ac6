"""Callbacks at work: early stopping, a learning rate that falls, logs as CSV and for TensorBoard, one of our own.

The logs are written beside the picture, which shows the loss, the learning rate and the epoch whose weights were kept.
"""

from __future__ import annotations

import time

import nbkeras as keras
from nbkeras.evaluation._figure import BLUE, INK, VERMILION, new_figure, save
from nbkeras.examples._example import load_digits, read_arguments, tidy


class Seconds(keras.callbacks.Callback):
    """Adds how long each epoch took to its logs."""

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = time.perf_counter() - self.start


def build():
    """A network that learns the digits by heart in the end."""
    model = keras.Sequential(
        [
            keras.Input((8, 8)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(arguments=None) -> dict:
    """Train until it no longer helps, draw."""
    options = read_arguments(__doc__, "callbacks", 60, arguments)
    keras.utils.set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test) = load_digits()
    model = build()
    table, board = options.output.with_suffix(".csv"), options.output.with_suffix(".logs")
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=8, restore_best_weights=True, verbose=1)
    callbacks = [
        Seconds(),
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=3, verbose=1),
        stopping,
        keras.callbacks.CSVLogger(table),
        keras.callbacks.TensorBoard(board, histogram_freq=5),
        keras.callbacks.LambdaCallback(on_train_end=lambda logs: print("Training has ended.")),
    ]
    history = model.fit(
        x_train, y_train, epochs=options.epochs, validation_split=0.2, callbacks=callbacks, verbose=0
    ).history
    accuracy = model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]

    figure = new_figure(6.6, 5.2)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    epochs = range(1, len(history["loss"]) + 1)
    above.semilogy(epochs, history["loss"], color=BLUE, label="training")
    above.semilogy(epochs, history["val_loss"], "--", color=VERMILION, label="validation")
    best = stopping.best_epoch + 1
    above.axvline(best, color=INK, linewidth=1.0, linestyle=(0, (2, 3)), label=f"weights kept: epoch {best}")
    above.legend(frameon=False, fontsize=9)
    below.step(epochs, history["learning_rate"], where="mid", color=INK)
    below.set_yscale("log")
    rates = sorted(set(history["learning_rate"]))
    below.set_yticks(rates, [f"{rate:.2g}" for rate in rates], fontsize=8)
    below.minorticks_off()
    tidy(above, "loss")
    tidy(below, "learning rate", "epoch")
    save(figure, options.output)
    print(f"{len(history['loss'])} of {options.epochs} epochs, weights of epoch {best}: test accuracy {accuracy:.2%}.")
    print(f"{sum(history['seconds']):.1f} s in all. Picture: {options.output}; logs: {table} and {board}")
    return {"accuracy": accuracy, "epochs": len(history["loss"])}


if __name__ == "__main__":
    main()
