"""Adam."""

from __future__ import annotations

from nbkeras.arguments import DECAY, FLAG, SIZE, accepts
from nbkeras.graph.primitives import emit
from nbkeras.optimizers.flat import FlatOptimizer


class Adam(FlatOptimizer):
    """m += (g - m)(1 - b1);  v += (g^2 - v)(1 - b2);  w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon).

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1, beta_2: how much of m and v stays at each step.
        epsilon: keeps the divisor from 0.
        amsgrad: divide by the largest v so far.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Source: Kingma and Ba, "Adam", 2014; Reddi et al., "On the convergence of Adam and beyond", 2018.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> w = keras.Variable([1.0, 2.0])
        >>> keras.optimizers.Adam(0.5).apply([np.array([1.0, 0.0], "float32")], [w])
        >>> w.numpy().round(4)
        array([0.5, 2. ], dtype=float32)
    """

    @accepts(beta_1=DECAY, beta_2=DECAY, epsilon=SIZE, amsgrad=FLAG)
    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
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
        self.amsgrad = amsgrad

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        self._velocity_hats = self.add_optimizer_variables(variables, "velocity_hat") if self.amsgrad else []

    def slots(self):
        return [self._momentums, self._velocities, *([self._velocity_hats] if self.amsgrad else [])]

    def rule(self, weights, gradient, learning_rate, slots):
        settings = {"beta1": float(self.beta_1), "beta2": float(self.beta_2), "epsilon": float(self.epsilon)}
        name = "adam_amsgrad" if self.amsgrad else "adam"
        weights, *slots = emit(name, weights, *slots, gradient, learning_rate, self.iterations, **settings)
        return weights, slots

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }
