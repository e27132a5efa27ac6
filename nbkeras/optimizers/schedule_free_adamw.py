"""AdamW without a schedule."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import DECAY, SIZE, accepts
from nbkeras.optimizers.optimizer import Optimizer


class ScheduleFreeAdamW(Optimizer):
    """Adam whose weights are an average of its iterates, which takes the place of a learning rate schedule.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1: how much of the average is in the weights, between it and the newest iterate.
        beta_2: how much of the mean of the square of the gradient stays at each step.
        epsilon: keeps the divisor from 0.
        warmup_steps: over which the learning rate grows from 0.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> w = keras.Variable([1.0, 2.0])
        >>> keras.optimizers.ScheduleFreeAdamW(0.5).apply([np.array([1.0, 0.0], "float32")], [w])
        >>> w.numpy().round(4)
        array([0.5, 2. ], dtype=float32)

    Source: Defazio et al., "The road less scheduled", 2024.
    """

    @accepts(beta_1=DECAY, beta_2=DECAY, epsilon=SIZE, warmup_steps=SIZE)
    def __init__(
        self,
        learning_rate=0.0025,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        warmup_steps=0,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            **kwargs,
        )
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        for iterate, variable in zip(self._momentums, variables, strict=True):
            if iterate is not None:
                iterate.assign(variable.numpy())

    def update_step(self, gradient, variable, learning_rate):
        place = self._get_variable_index(variable)
        iterate, velocity = self._momentums[place], self._velocities[place]
        step = ops.cast(self.iterations + 1, variable.dtype)
        if self.warmup_steps > 0:
            learning_rate = learning_rate * ops.minimum(step / self.warmup_steps, 1.0)
        average = (variable - (1 - self.beta_1) * iterate.value) / self.beta_1
        velocity.assign_add((ops.square(gradient) - velocity) * (1 - self.beta_2))
        root = ops.sqrt(velocity / (1 - ops.power(self.beta_2, step))) + self.epsilon
        iterate.assign_sub(learning_rate * gradient / root)
        weight = 1.0 / step
        average = (1 - weight) * average + weight * iterate
        variable.assign((1 - self.beta_1) * iterate + self.beta_1 * average)

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
