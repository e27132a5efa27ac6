"""Training and prediction of the reference workloads."""

from __future__ import annotations

from .common import WORKLOADS, data, model, seconds_per_call


class Fit:
    """Microseconds of a training step inside `fit`, shuffling and metrics included."""

    version = "1"
    timeout = 300
    unit = "us/step"
    params = tuple(WORKLOADS)
    param_names = ("workload",)

    def setup(self, workload):
        self.x, self.y, self.batch = data(workload)
        self.model = model(workload)
        self.fit()

    def fit(self):
        self.model.fit(self.x, self.y, batch_size=self.batch, epochs=1, verbose=0)

    def track_step(self, workload):
        steps = -(-len(self.x) // self.batch)
        return seconds_per_call(self.fit, samples=5) / steps * 1e6


class Predict:
    """Microseconds to predict one sample."""

    version = "1"
    timeout = 120
    unit = "us"
    params = tuple(WORKLOADS)
    param_names = ("workload",)

    def setup(self, workload):
        self.x = data(workload)[0][:1]
        self.model = model(workload)
        self.model.predict_on_batch(self.x)

    def track_one_sample(self, workload):
        return seconds_per_call(lambda: self.model.predict_on_batch(self.x)) * 1e6
