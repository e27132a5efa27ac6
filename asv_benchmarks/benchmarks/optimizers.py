"""The optimizers' update of many weights."""

from __future__ import annotations

import numpy as np

from .common import seconds_per_call

WIDTH = 2048


class Update:
    """Microseconds of a training step on one sample of a layer with four million weights: mostly the update."""

    version = "1"
    timeout = 120
    unit = "us"
    params = ("sgd", "rmsprop", "adam")
    param_names = ("optimizer",)

    def setup(self, optimizer):
        import nbkeras as keras

        rng = np.random.default_rng(0)
        self.x = rng.standard_normal((1, WIDTH), dtype=np.float32)
        self.y = rng.standard_normal((1, WIDTH), dtype=np.float32)
        self.model = keras.Sequential([keras.Input((WIDTH,)), keras.layers.Dense(WIDTH)])
        self.model.compile(optimizer=optimizer, loss="mse")
        self.step()

    def step(self):
        self.model.train_on_batch(self.x, self.y)

    def track_step(self, optimizer):
        return seconds_per_call(self.step) * 1e6
