"""Adadelta."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import SHARE, SIZE, accepts
from nbkeras.optimizers.optimizer import Optimizer


class Adadelta(Optimizer):
    """a = rho a + (1 - rho) g^2;  d = -g sqrt(b + epsilon) / sqrt(a + epsilon);  b = rho b + (1 - rho) d^2;  w += lr d.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        rho: how much of a and b stays at each step.
        epsilon: keeps the divisor from 0.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> w = keras.Variable([1.0, 2.0])
        >>> keras.optimizers.Adadelta(1.0).apply([np.array([1.0, 0.0], "float32")], [w])
        >>> w.numpy().round(4)
        array([0.9986, 2.    ], dtype=float32)

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """

    @accepts(rho=SHARE, epsilon=SIZE)
    def __init__(
        self,
        learning_rate=0.001,
        rho=0.95,
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
        self.rho = rho
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        names = ["accumulated_grad", "accumulated_delta_var"]
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(variables, names)

    def update_step(self, gradient, variable, learning_rate):
        place = self._get_variable_index(variable)
        a, b = self._accumulated_grads[place], self._accumulated_delta_vars[place]
        a.assign(self.rho * a + (1 - self.rho) * ops.square(gradient))
        change = -(ops.sqrt(b + self.epsilon) * gradient / ops.sqrt(a + self.epsilon))
        b.assign(self.rho * b + (1 - self.rho) * ops.square(change))
        variable.assign_add(learning_rate * change)

    def get_config(self):
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
