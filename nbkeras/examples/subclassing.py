"""A layer and a model of one's own: radial basis functions learn to tell irises, and their regions are the picture.

Data: Fisher's irises, two of their four measurements, as they come with scikit-learn.
"""

from __future__ import annotations

import numpy as np

import nbkeras as keras
from nbkeras import ops
from nbkeras.evaluation._figure import new_figure, save
from nbkeras.examples._example import load_table, read_arguments, tidy

COLOURS = ("#0072B2", "#D55E00", "#009E73")


class RadialBasis(keras.layers.Layer):
    """exp(-width² |x - centre|²) for each of some centres.   (N, F) -> (N, units)

    Args:
        units: how many centres.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.centres = self.add_weight(shape=(self.units, input_shape[-1]), initializer="random_normal", name="centres")
        self.widths = self.add_weight(shape=(self.units,), initializer="ones", name="widths")

    def call(self, x):
        apart = ops.expand_dims(x, 1) - self.centres
        return ops.exp(-ops.square(self.widths) * ops.sum(ops.square(apart), axis=-1))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Irises(keras.Model):
    """Radial basis functions, then a softmax."""

    def __init__(self, units=12):
        super().__init__()
        self.bumps = RadialBasis(units)
        self.classes = keras.layers.Dense(3, activation="softmax")

    def call(self, x):
        return self.classes(self.bumps(x))


def main(arguments=None) -> dict:
    """Train, draw what the model says everywhere."""
    options = read_arguments(__doc__, "subclassing", 60, arguments)
    keras.utils.set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test), source = load_table("iris", options.seed)
    x_train, x_test = x_train[:, 2:], x_test[:, 2:]
    model = Irises()
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=16, epochs=options.epochs, verbose=2)
    accuracy = model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]

    across, up = np.meshgrid(np.linspace(-2.2, 2.2, 200), np.linspace(-2.2, 2.2, 200))
    everywhere = np.stack([across.ravel(), up.ravel()], axis=1).astype("float32")
    probability = model.predict(everywhere, batch_size=4096, verbose=0)
    axes = new_figure(5.8, 5.2).add_subplot()
    rgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in COLOURS])
    shades = 1 - 0.45 * (1 - (probability @ rgb)).reshape(200, 200, 3)
    axes.imshow(shades, origin="lower", extent=(-2.2, 2.2, -2.2, 2.2), aspect="auto")
    for number, name in enumerate(source.target_names):
        for x, y, marker in ((x_train, y_train, "o"), (x_test, y_test, "s")):
            own = x[y == number]
            label = name if marker == "o" else None
            axes.plot(own[:, 0], own[:, 1], marker, color=COLOURS[number], markeredgecolor="white", label=label)
    centres = ops.convert_to_numpy(model.bumps.centres)
    inside = centres[np.all(np.abs(centres) < 2.2, axis=1)]
    axes.plot(inside[:, 0], inside[:, 1], "k+", markersize=8, label="centres")
    axes.legend(fontsize=9, loc="upper left")
    tidy(axes, f"irises, test accuracy {accuracy:.1%}", "petal length (standardized)", "petal width (standardized)")
    axes.grid(False)
    save(axes.figure, options.output)
    print(f"Test accuracy {accuracy:.2%} (squares in the picture are test flowers). Picture: {options.output}")
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main()
