"""How good is a model, give or take? Five stratified folds of 178 wines, with the loss in each as picture.

Data: Forina's wines from three cultivars, as they come with scikit-learn.
"""

from __future__ import annotations

import numpy as np

import nbkeras as keras
from nbkeras.evaluation._figure import BLUE, INK, new_figure, save
from nbkeras.examples._example import read_arguments, tidy
from nbkeras.extras import need


def build(units=16):
    """A network that scales its inputs itself, so that no fold learns from the rows it is tested on."""
    model = keras.Sequential(
        [
            keras.Input((13,)),
            keras.layers.BatchNormalization(momentum=0.8),  # few steps, so statistics must move fast
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(arguments=None) -> dict:
    """Cross-validate, print the table and the report of all held-out predictions, draw."""
    options = read_arguments(__doc__, "cross_validation", 40, arguments)
    wine = need("sklearn.datasets", "the example's data").load_wine()
    result = keras.evaluation.cross_validate(
        build, wine.data, wine.target, cv=5, seed=options.seed, epochs=options.epochs, track_test=True
    )
    print(result)
    print()
    predicted = result.predictions.argmax(axis=-1)
    print(keras.evaluation.classification_report(wine.target, predicted, list(wine.target_names)))

    axes = new_figure(6.2, 4.2).add_subplot()
    losses = np.array([history["val_loss"] for history in result.histories])
    epochs = np.arange(1, losses.shape[1] + 1)
    axes.plot(epochs, losses.T, color=BLUE, alpha=0.35, linewidth=1.0)
    axes.plot(epochs, losses.mean(axis=0), color=INK, linewidth=2.0, label=f"mean, last {losses[:, -1].mean():.3f}")
    axes.plot([], [], color=BLUE, alpha=0.35, label="each fold")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9)
    tidy(axes, "loss on the rows held out", "epoch")
    save(axes.figure, options.output)
    mean, std = result.mean("accuracy"), result.std("accuracy")
    print(f"\nAccuracy {mean:.2%} ± {std:.2%}. Picture: {options.output}")
    return {"accuracy": mean, "std": std}


if __name__ == "__main__":
    main()
