"""The most memory a process holds while it trains."""

from __future__ import annotations

from .common import WORKLOADS, data, model


class Peak:
    """Peak resident set size, data included."""

    version = "1"
    timeout = 120
    unit = "bytes"
    params = tuple(WORKLOADS)
    param_names = ("workload",)

    def setup(self, workload):
        self.x, self.y, self.batch = data(workload)
        self.model = model(workload)

    def peakmem_fit(self, workload):
        self.model.fit(self.x, self.y, batch_size=self.batch, epochs=2, verbose=0)

    def peakmem_predict(self, workload):
        self.model.predict(self.x, batch_size=self.batch, verbose=0)
