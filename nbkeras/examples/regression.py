"""How will diabetes progress in a year? One linear output, and predicted against true values as picture.

Data: 442 patients of Efron et al. 2004, as they come with scikit-learn.
"""

from __future__ import annotations

import nbkeras as keras
from nbkeras.evaluation._figure import BLUE, INK, new_figure, save
from nbkeras.examples._example import load_table, read_arguments, tidy


def build(columns: int):
    """A small network without an activation at its end."""
    model = keras.Sequential(
        [
            keras.Input((columns,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae", keras.metrics.R2Score(name="r2")])
    return model


def main(arguments=None) -> dict:
    """Train in units of standard deviations, tell in the table's, draw."""
    options = read_arguments(__doc__, "regression", 40, arguments)
    keras.utils.set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test), _ = load_table("diabetes", options.seed)
    mean, std = y_train.mean(), y_train.std()
    model = build(x_train.shape[1])
    model.fit(x_train, ((y_train - mean) / std)[:, None], epochs=options.epochs, validation_split=0.1, verbose=2)

    scores = model.evaluate(x_test, ((y_test - mean) / std)[:, None], verbose=0, return_dict=True)
    predicted = model.predict(x_test, verbose=0)[:, 0] * std + mean
    axes = new_figure(5.2, 5.0).add_subplot()
    low, high = min(y_test.min(), predicted.min()), max(y_test.max(), predicted.max())
    axes.plot([low, high], [low, high], color=INK, linewidth=1.0, linestyle=(0, (2, 3)), label="as it should be")
    axes.plot(y_test, predicted, "o", color=BLUE, markersize=5, alpha=0.7, label=f"{len(y_test)} patients held out")
    axes.legend(frameon=False, fontsize=9)
    tidy(axes, f"progression of diabetes, R² {scores['r2']:.2f}", "true", "predicted")
    save(axes.figure, options.output)
    error, r2 = scores["mae"] * std, scores["r2"]
    print(f"Mean error {error:.1f} on a scale from 25 to 346, R² {r2:.3f}. Picture: {options.output}")
    return {"mae": error, "r2": r2}


if __name__ == "__main__":
    main()
