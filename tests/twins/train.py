"""Train tiny networks on the device of NBKERAS_DEVICE, store what they learnt: `python -m tests.twins.train OUT.npz`.

Run once for each device; `test_training.py` compares the files.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np


def by_graph() -> dict[str, np.ndarray]:
    """Five steps of two layers with dropout and cross-entropy, traced as one function."""
    import nbkeras.ops  # noqa: F401  (operators)
    from nbkeras.graph.gradient import gradient
    from nbkeras.graph.primitives import emit
    from nbkeras.graph.traced import Traced
    from nbkeras.graph.variable import Slot

    rng = np.random.default_rng(3)
    draw = lambda *shape: rng.standard_normal(shape).astype(np.float32)  # noqa: E731
    x, y = draw(8, 5), rng.integers(0, 3, 8)
    weights = [Slot(value, "float32") for value in (draw(5, 7), draw(7), draw(7, 3), draw(3))]

    def step(x, y):
        w1, b1, w2, b2 = (w.value for w in weights)
        h = emit("relu", emit("affine", x, w1, b1))
        loss, _ = emit("softmax_crossentropy", emit("affine", h, w2, b2), y, epsilon=1e-7)
        mean = emit("multiply", emit("reduce", loss, axes=(0,), op="sum"), np.float32(1 / 8))
        for weight, slope in zip(weights, gradient(mean, [w1, b1, w2, b2]), strict=True):
            weight.assign(weight - np.float32(0.1) * slope)
        return mean

    traced = Traced(step)
    losses = [float(np.asarray(traced(x, y))) for _ in range(5)]
    return {"graph/losses": np.array(losses), **{f"graph/weight{i}": w.numpy() for i, w in enumerate(weights)}}


def by_keras() -> dict[str, np.ndarray]:
    """What a user writes: compile, fit with dropout, validation and metrics, predict."""
    import nbkeras as keras

    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(3)
    x = rng.standard_normal((28, 5)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(7, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=8, epochs=2, validation_split=0.25, verbose=0)
    results = {f"keras/{name}": np.array(values, np.float64) for name, values in history.history.items()}
    results |= {f"keras/weight{i}": np.asarray(w) for i, w in enumerate(model.get_weights())}
    return {**results, "keras/predictions": np.asarray(model.predict(x[:5], verbose=0))}


def main(target: str):
    np.savez(target, **by_graph(), **by_keras())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
