"""Which network is best, and how good will it be? The grid is searched anew inside of each fold.

The inner scores choose, the outer ones tell how good such a choice is. The picture has both.
Data: Forina's wines from three cultivars, as they come with scikit-learn.
"""

from __future__ import annotations

import numpy as np

import nbkeras as keras
from nbkeras.evaluation._figure import BLUE, VERMILION, new_figure, save
from nbkeras.examples._example import read_arguments, tidy
from nbkeras.extras import need


def build(units, rate):
    """A network with two things to choose."""
    model = keras.Sequential(
        [
            keras.Input((13,)),
            keras.layers.BatchNormalization(momentum=0.8),  # few steps, so statistics must move fast
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(arguments=None) -> dict:
    """Search, print the table, draw."""
    options = read_arguments(__doc__, "nested_cross_validation", 12, arguments)
    wine = need("sklearn.datasets", "the example's data").load_wine()
    grid = {"units": [4, 32], "rate": [0.001, 0.01]}
    result = keras.evaluation.nested_cross_validate(
        build, grid, wine.data, wine.target, outer=4, inner=2, seed=options.seed, epochs=options.epochs
    )
    print(result)

    figure = new_figure(7.0, 4.2)
    axes = figure.add_subplot()
    inner = np.array([[candidate.mean for candidate in candidates] for candidates in result.search])
    places = np.arange(inner.shape[1])
    axes.plot(places, inner.T, "o", color=BLUE, alpha=0.6, markersize=6)
    axes.plot([], [], "o", color=BLUE, alpha=0.6, label="inner score, one dot an outer fold")
    outer = result.scores["accuracy"]
    axes.axhline(outer.mean(), color=VERMILION, linewidth=1.8, label=f"outer score of the choices, {outer.mean():.3f}")
    axes.axhspan(outer.mean() - outer.std(), outer.mean() + outer.std(), color=VERMILION, alpha=0.15, linewidth=0)
    names = [f"{c.params['units']} units\nrate {c.params['rate']:g}" for c in result.search[0]]
    tidy(axes, "accuracy", "what the grid offers")
    axes.set_xticks(places, names, fontsize=8)
    axes.legend(frameon=False, fontsize=9, loc="best")
    save(figure, options.output)
    print(f"\nAccuracy of the procedure {outer.mean():.2%} ± {outer.std():.2%}. Picture: {options.output}")
    return {"accuracy": float(outer.mean())}


if __name__ == "__main__":
    main()
