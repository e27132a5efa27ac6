"""Schedules that fall along a cosine, with a warm-up or with restarts."""

from __future__ import annotations

import math

from nbkeras import ops
from nbkeras.arguments import NAME, NUMBER, POSITIVE, SIZE, accepts, optional
from nbkeras.optimizers.schedules.schedule import LearningRateSchedule, as_float


class CosineDecay(LearningRateSchedule):
    """From the initial rate down to alpha times it along half a cosine, perhaps after a straight rise.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: steps of the fall.
        alpha: where it ends, as a part of where the fall begins.
        name: of the schedule.
        warmup_target: the rate that the rise ends at and the fall begins from; None is no rise.
        warmup_steps: steps of the rise.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.

    Example:
        >>> round(float(CosineDecay(0.1, 10)(5)), 6)
        0.05
    """

    @accepts(
        name=optional(NAME),
        initial_learning_rate=NUMBER,
        decay_steps=POSITIVE,
        alpha=NUMBER,
        warmup_target=optional(NUMBER),
        warmup_steps=SIZE,
    )
    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        alpha=0.0,
        name="CosineDecay",
        warmup_target=None,
        warmup_steps=0,
    ):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def _fall(self, step, top):
        cosine = ops.cos(ops.multiply(math.pi, ops.divide(step, float(self.decay_steps))))
        part = ops.add(ops.multiply(0.5 * (1 - self.alpha), ops.add(1.0, cosine)), float(self.alpha))
        return ops.multiply(top, part)

    def __call__(self, step):
        initial = as_float(self.initial_learning_rate)
        step = ops.cast(step, initial.dtype)
        if self.warmup_target is None:
            return self._fall(ops.minimum(step, float(self.decay_steps)), initial)
        rise = float(self.warmup_steps)
        target = ops.cast(self.warmup_target, initial.dtype)
        step = ops.minimum(step, self.decay_steps + rise)
        # Where nothing rises the division must not be by 0: `where` computes both sides.
        risen = ops.divide(step, max(rise, 1.0))
        rising = ops.add(ops.multiply(ops.subtract(target, initial), risen), initial)
        return ops.where(ops.less(step, rise), rising, self._fall(ops.subtract(step, rise), target))

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines one after the other, each t_mul times longer and m_mul times higher than the last.

    Args:
        initial_learning_rate: at step 0.
        first_decay_steps: steps of the first fall.
        t_mul, m_mul: how length and height change.
        alpha: where a fall ends, as a part of the initial rate.
        name: of the schedule.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.

    Example:
        >>> round(float(CosineDecayRestarts(0.1, 10)(10)), 6)
        0.1
    """

    @accepts(
        name=optional(NAME),
        initial_learning_rate=NUMBER,
        first_decay_steps=POSITIVE,
        t_mul=POSITIVE,
        m_mul=SIZE,
        alpha=NUMBER,
    )
    def __init__(
        self,
        initial_learning_rate,
        first_decay_steps,
        t_mul=2.0,
        m_mul=1.0,
        alpha=0.0,
        name="SGDRDecay",
    ):
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step):
        initial = as_float(self.initial_learning_rate)
        done = ops.divide(ops.cast(step, initial.dtype), float(self.first_decay_steps))
        if self.t_mul == 1:
            restarts = ops.floor(done)
            done = ops.subtract(done, restarts)
        else:
            # The falls' lengths are a geometric series: solve its sum for the number of falls that are over.
            t = ops.cast(self.t_mul, initial.dtype)
            inside = ops.subtract(1.0, ops.multiply(done, 1.0 - self.t_mul))
            restarts = ops.floor(ops.divide(ops.log(inside), ops.log(t)))
            length = ops.power(t, restarts)
            before = ops.divide(ops.subtract(1.0, length), 1.0 - self.t_mul)
            done = ops.divide(ops.subtract(done, before), length)
        height = ops.power(ops.cast(self.m_mul, initial.dtype), restarts)
        cosine = ops.add(1.0, ops.cos(ops.multiply(math.pi, done)))
        part = ops.multiply(ops.multiply(0.5, height), cosine)
        return ops.multiply(initial, ops.add(ops.multiply(1.0 - self.alpha, part), float(self.alpha)))

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul,
            "m_mul": self.m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
