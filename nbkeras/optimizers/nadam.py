"""Adam with Nesterov's momentum."""

from __future__ import annotations

from nbkeras import config, ops
from nbkeras.arguments import DECAY, SIZE, accepts
from nbkeras.optimizers.optimizer import Optimizer
from nbkeras.variables import Variable


class Nadam(Optimizer):
    """Adam that looks ahead along its momentum.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1, beta_2: how much of the means of the gradient and of its square stays at each step.
        epsilon: keeps the divisor from 0.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> w = keras.Variable([1.0, 2.0])
        >>> keras.optimizers.Nadam(0.5).apply([np.array([1.0, 0.0], "float32")], [w])
        >>> w.numpy().round(4)
        array([0.4686, 2.    ], dtype=float32)

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2015.
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
        dtype = variables[0].dtype if variables else config.floatx()
        self._u_product = Variable(1.0, dtype=dtype, trainable=False, name="u_product")

    def _u(self, step):
        """The momentum of a step, which grows to beta_1."""
        return self.beta_1 * (1.0 - 0.5 * ops.power(0.96, step))

    def _update_sections(self, flats, sections, rate):
        product = self._u_product
        product.assign(product * self._u(ops.cast(self.iterations + 1, product.dtype)))
        super()._update_sections(flats, sections, rate)

    def update_step(self, gradient, variable, learning_rate):
        place = self._get_variable_index(variable)
        m, v = self._momentums[place], self._velocities[place]
        step = ops.cast(self.iterations + 1, variable.dtype)
        u, u_next = self._u(step), self._u(step + 1.0)
        product = ops.cast(self._u_product, variable.dtype)
        m.assign_add((gradient - m) * (1 - self.beta_1))
        v.assign_add((ops.square(gradient) - v) * (1 - self.beta_2))
        mean = u_next * m / (1.0 - product * u_next) + (1.0 - u) * gradient / (1.0 - product)
        square = v / (1.0 - ops.power(self.beta_2, step))
        variable.assign_sub(mean * learning_rate / (ops.sqrt(square) + self.epsilon))

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
