"""Schedules that fall: exponentially, polynomially, with the inverse of time, in steps."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import FLAG, NAME, NUMBER, POSITIVE, SIZE, accepts, optional, sequence
from nbkeras.errors import ArgumentError
from nbkeras.optimizers.schedules.schedule import LearningRateSchedule, as_float


class ExponentialDecay(LearningRateSchedule):
    """initial * decay_rate ^ (step / decay_steps).

    Args:
        initial_learning_rate: at step 0.
        decay_steps: steps for one factor of decay_rate.
        decay_rate: the factor.
        staircase: step / decay_steps in whole numbers only.
        name: of the schedule.

    Example:
        >>> round(float(ExponentialDecay(0.1, 10, 0.5)(20)), 6)
        0.025
    """

    @accepts(name=optional(NAME), initial_learning_rate=NUMBER, decay_steps=POSITIVE, decay_rate=SIZE, staircase=FLAG)
    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="ExponentialDecay"):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        initial = as_float(self.initial_learning_rate)
        periods = ops.divide(ops.cast(step, initial.dtype), float(self.decay_steps))
        if self.staircase:
            periods = ops.floor(periods)
        return ops.multiply(initial, ops.power(ops.cast(self.decay_rate, initial.dtype), periods))

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class InverseTimeDecay(ExponentialDecay):
    """initial / (1 + decay_rate * step / decay_steps).   Args: see `ExponentialDecay`.

    Example:
        >>> round(float(InverseTimeDecay(0.1, 10, 1.0)(10)), 6)
        0.05
    """

    @accepts(name=optional(NAME), initial_learning_rate=NUMBER, decay_steps=POSITIVE, decay_rate=SIZE, staircase=FLAG)
    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="InverseTimeDecay"):
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step):
        initial = as_float(self.initial_learning_rate)
        periods = ops.divide(ops.cast(step, initial.dtype), float(self.decay_steps))
        if self.staircase:
            periods = ops.floor(periods)
        return ops.divide(initial, ops.add(1.0, ops.multiply(float(self.decay_rate), periods)))


class PolynomialDecay(LearningRateSchedule):
    """(initial - end) * (1 - step / decay_steps) ^ power + end; `end` after decay_steps.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: steps until the end.
        end_learning_rate: at the end.
        power: 1 is a straight line.
        cycle: rise again after decay_steps, to fall until the next multiple of it.
        name: of the schedule.

    Example:
        >>> round(float(PolynomialDecay(0.1, 10, 0.0)(5)), 6)
        0.05
    """

    @accepts(
        name=optional(NAME),
        initial_learning_rate=NUMBER,
        decay_steps=POSITIVE,
        end_learning_rate=NUMBER,
        power=NUMBER,
        cycle=FLAG,
    )
    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
        name="PolynomialDecay",
    ):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step):
        initial = as_float(self.initial_learning_rate)
        step, steps = ops.cast(step, initial.dtype), float(self.decay_steps)
        if self.cycle:
            # The first cycle also holds step 0, whose ceiling is 0.
            steps = ops.multiply(steps, ops.maximum(ops.ceil(ops.divide(step, steps)), 1.0))
        else:
            step = ops.minimum(step, steps)
        left = ops.power(ops.subtract(1.0, ops.divide(step, steps)), ops.cast(self.power, initial.dtype))
        end = float(self.end_learning_rate)
        return ops.add(ops.multiply(ops.subtract(initial, end), left), end)

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to step boundaries[0], then values[1] up to boundaries[1], and so on.

    Args:
        boundaries: rising step numbers.
        values: one more than there are boundaries.
        name: of the schedule.

    Example:
        >>> schedule = PiecewiseConstantDecay([10], [0.5, 0.25])
        >>> float(schedule(10)), float(schedule(11))
        (0.5, 0.25)
    """

    @accepts(name=optional(NAME), boundaries=sequence(NUMBER), values=sequence(NUMBER))
    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ArgumentError(
                f"PiecewiseConstantDecay: expected one value more than boundaries, got {len(values)} values and "
                f"{len(boundaries)} boundaries."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step):
        step = ops.convert_to_tensor(step)
        rate = as_float(self.values[-1])
        for boundary, value in zip(reversed(self.boundaries), reversed(self.values[:-1]), strict=True):
            rate = ops.where(ops.less_equal(step, ops.cast(boundary, step.dtype)), ops.cast(value, rate.dtype), rate)
        return rate

    def get_config(self):
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}
