"""Several inputs and outputs: the two halves of a digit go in, the digit and its parity come out.

The halves share a layer, the loss of each output has a weight of its own, and the digit is also predicted from an
inner layer by a second model. The learning curves of both outputs are the picture.
"""

from __future__ import annotations

import numpy as np

import nbkeras as keras
from nbkeras.examples._example import load_digits, read_arguments


def build():
    """A graph of layers, from two inputs to two outputs."""
    layers = keras.layers
    upper, lower = keras.Input((4, 8), name="upper"), keras.Input((4, 8), name="lower")
    look = layers.Dense(64, activation="relu", name="look")
    seen = layers.Concatenate(name="seen")([look(layers.Flatten()(half)) for half in (upper, lower)])
    hidden = layers.Dense(64, activation="relu", name="hidden")(seen)
    # A residual: what is added to the input of a layer, by an operator on tensors.
    hidden = hidden + layers.Dense(64, activation="relu")(layers.Dropout(0.3)(hidden))
    digit = layers.Dense(10, activation="softmax", name="digit")(hidden)
    odd = layers.Dense(1, activation="sigmoid", name="odd")(hidden)
    model = keras.Model({"upper": upper, "lower": lower}, {"digit": digit, "odd": odd})
    model.compile(
        optimizer="adam",
        loss={"digit": "sparse_categorical_crossentropy", "odd": "binary_crossentropy"},
        loss_weights={"digit": 1.0, "odd": 0.5},
        metrics={"digit": ["accuracy"], "odd": ["accuracy"]},
    )
    return model


def main(arguments=None) -> dict:
    """Train, evaluate both outputs, look inside."""
    options = read_arguments(__doc__, "functional", 20, arguments)
    keras.utils.set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test) = load_digits()
    model = build()
    model.summary()

    def parts(x, y):
        inputs = {"upper": x[:, :4], "lower": x[:, 4:]}
        return inputs, {"digit": y, "odd": (y % 2)[:, None].astype("float32")}

    train, test = parts(x_train, y_train), parts(x_test, y_test)
    history = model.fit(*train, epochs=options.epochs, validation_data=test, verbose=2)
    scores = model.evaluate(*test, verbose=0, return_dict=True)
    keras.evaluation.plot_learning_curves(history, path=options.output)

    inner = keras.Model(model.input, model.get_layer("hidden").output)
    features = inner.predict(test[0], verbose=0)
    active = float((features > 0).mean())
    outputs = model.predict(test[0], verbose=0)
    agree = np.mean((outputs["digit"].argmax(axis=-1) % 2) == (outputs["odd"][:, 0] > 0.5))
    print(f"Digit {scores['digit_accuracy']:.2%}, parity {scores['odd_accuracy']:.2%}; they agree for {agree:.2%}.")
    print(f"Of {features.shape[1]} hidden features, {active:.0%} are active. Picture: {options.output}")
    return {"digit": scores["digit_accuracy"], "odd": scores["odd_accuracy"]}


if __name__ == "__main__":
    main()
