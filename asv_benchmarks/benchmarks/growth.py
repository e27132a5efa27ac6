"""How a training step of a small convolutional network grows with the batch, the channels and the image."""

from __future__ import annotations

import numpy as np

from .common import seconds_per_call

#: What stays as it is while one of them grows: samples, channels, pixels of an edge.
BASE = {"batch": 64, "channels": 32, "image": 32}

GROWTH = {
    "batch": (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
    "channels": (8, 16, 32, 64, 128, 256, 512),
    "image": (8, 12, 16, 24, 32, 48, 64, 96, 128),
}


def step(batch, channels, image):
    """A call that trains on one batch, through the plan alone."""
    import nbkeras as keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((image, image, 3)),
            layers.Conv2D(channels, 3, padding="same", activation="relu"),
            layers.Conv2D(channels, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(channels, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, image, image, 3), dtype=np.float32)
    y = rng.integers(0, 10, batch)
    return lambda: model.train_on_batch(x, y)


class Growth:
    """Seconds of a step: points beside the line through their neighbours, in a plot of logarithms, are cliffs."""

    version = "1"
    timeout = 300
    unit = "seconds"
    params = tuple(f"{name} {size}" for name, sizes in GROWTH.items() for size in sizes)
    param_names = ("what grows",)

    def setup(self, case):
        name, size = case.split()
        self.call = step(**{**BASE, name: int(size)})
        self.call()

    def track_step(self, case):
        return seconds_per_call(self.call, samples=5)
