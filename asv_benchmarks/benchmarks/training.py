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


class Overhead:
    """What a step costs beyond its kernels: microseconds, and the whole over the kernels alone."""

    version = "1"
    timeout = 120
    unit = "us, or a ratio"
    params = (("predict one sample", "fit"), ("mlp_small", "mlp_mnist"))
    param_names = ("step", "workload")

    def setup(self, step, workload):
        x, y, batch = data(workload)
        compiled = model(workload)
        if step == "fit":
            self.calls = len(x) // batch
            x, y = x[: self.calls * batch], y[: self.calls * batch]
            self.whole = lambda: compiled.fit(x, y, batch_size=batch, verbose=0)
        else:
            self.calls = 1
            self.whole = lambda: compiled.predict_on_batch(x[:1])
        self.whole()
        (traced,) = compiled._untracked_steps["train" if step == "fit" else "predict"]._plans.values()
        self.kernels = traced.run

    def seconds(self):
        return seconds_per_call(self.whole) / self.calls, seconds_per_call(self.kernels)

    def track_microseconds(self, step, workload):
        whole, kernels = self.seconds()
        return (whole - kernels) * 1e6

    def track_ratio_kernels(self, step, workload):
        whole, kernels = self.seconds()
        return whole / kernels
