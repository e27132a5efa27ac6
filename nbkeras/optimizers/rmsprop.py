"""RMSprop."""

from __future__ import annotations

from nbkeras.arguments import FLAG, SHARE, SIZE, accepts
from nbkeras.graph.primitives import emit
from nbkeras.optimizers.flat import FlatOptimizer


class RMSprop(FlatOptimizer):
    """v = rho v + (1 - rho) g^2;  w -= lr g / sqrt(v + epsilon).

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        rho: how much of v stays at each step.
        momentum: how much of the last change is made again.
        epsilon: keeps the divisor from 0.
        centered: take the mean gradient's square off v: the divisor becomes the gradient's deviation.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Source: Hinton, "Neural networks for machine learning", lecture 6e, 2012; Graves, 2013.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> w = keras.Variable([1.0, 2.0])
        >>> keras.optimizers.RMSprop(0.1, rho=0.75).apply([np.array([1.0, 0.0], "float32")], [w])
        >>> w.numpy().round(4)
        array([0.8, 2. ], dtype=float32)
    """

    @accepts(rho=SHARE, momentum=SHARE, epsilon=SIZE, centered=FLAG)
    def __init__(
        self,
        learning_rate=0.001,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-7,
        centered=False,
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
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        self._momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum > 0 else []
        centered = self.centered
        self._average_gradients = self.add_optimizer_variables(variables, "average_gradient") if centered else []

    def slots(self):
        return [s for s in (self._velocities, self._average_gradients, self._momentums) if s]

    def rule(self, weights, gradient, learning_rate, slots):
        # The kernel touches mean and momentum only where they are in use: the gradient stands in for them.
        velocity, *rest = slots
        mean = rest.pop(0) if self.centered else gradient
        momentum = rest.pop(0) if rest else gradient
        settings = {"rho": float(self.rho), "momentum": float(self.momentum), "epsilon": float(self.epsilon)}
        weights, velocity, mean, momentum = emit(
            "rmsprop",
            weights,
            velocity,
            mean,
            momentum,
            gradient,
            learning_rate,
            centered=int(self.centered),
            **settings,
        )
        used = [(mean, self.centered), (momentum, self.momentum > 0)]
        return weights, [velocity, *(symbol for symbol, yes in used if yes)]

    def get_config(self):
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
