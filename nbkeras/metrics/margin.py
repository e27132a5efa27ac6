"""Hinge losses as metrics."""

from __future__ import annotations

from nbkeras.losses.margin import categorical_hinge, hinge, squared_hinge
from nbkeras.metrics.reduction import FunctionMetric


class Hinge(FunctionMetric):
    """The mean of `losses.hinge`."""

    direction = "min"

    def __init__(self, name="hinge", dtype=None):
        super().__init__(hinge, name, dtype)


class SquaredHinge(FunctionMetric):
    """The mean of `losses.squared_hinge`."""

    direction = "min"

    def __init__(self, name="squared_hinge", dtype=None):
        super().__init__(squared_hinge, name, dtype)


class CategoricalHinge(FunctionMetric):
    """The mean of `losses.categorical_hinge`."""

    direction = "min"

    def __init__(self, name="categorical_hinge", dtype=None):
        super().__init__(categorical_hinge, name, dtype)
