"""LAMB."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import DECAY, SIZE, accepts
from nbkeras.optimizers.optimizer import Optimizer


class Lamb(Optimizer):
    """Adam whose step for each weight is scaled by the weight's norm over the step's.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1, beta_2: how much of the means of the gradient and of its square stays at each step.
        epsilon: keeps the divisor from 0.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> w = keras.Variable([1.0, 2.0])
        >>> keras.optimizers.Lamb(0.1).apply([np.array([1.0, 0.0], "float32")], [w])
        >>> w.numpy().round(4)
        array([0.7764, 2.    ], dtype=float32)

    Source: You et al., "Large batch optimization for deep learning", 2020.
    """

    @accepts(beta_1=DECAY, beta_2=DECAY, epsilon=SIZE)
    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
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

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])

    def update_step(self, gradient, variable, learning_rate):
        place = self._get_variable_index(variable)
        m, v = self._momentums[place], self._velocities[place]
        step = ops.cast(self.iterations + 1, variable.dtype)
        m.assign_add((gradient - m) * (1 - self.beta_1))
        v.assign_add((ops.square(gradient) - v) * (1 - self.beta_2))
        mean = m / (1.0 - ops.power(self.beta_1, step))
        root = ops.sqrt(v / (1.0 - ops.power(self.beta_2, step))) + self.epsilon
        change = mean / root
        weight_norm, change_norm = ops.norm(variable), ops.norm(change)
        usable = ops.logical_and(weight_norm > 0, change_norm > 0)
        ratio = ops.where(usable, ops.divide_no_nan(weight_norm, change_norm), 1.0)
        variable.assign_sub(ratio * learning_rate * change)

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
