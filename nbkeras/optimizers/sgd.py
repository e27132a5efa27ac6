"""Gradient descent, with momentum."""

from __future__ import annotations

from nbkeras.arguments import FLAG, SHARE, accepts
from nbkeras.graph.primitives import emit
from nbkeras.optimizers.flat import FlatOptimizer


class SGD(FlatOptimizer):
    """w -= lr * g; with momentum, v = momentum * v - lr * g and w += v (Nesterov: w += momentum * v - lr * g).

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        momentum: from 0 to 1.
        nesterov: look ahead along the momentum.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Source: Robbins and Monro, 1951; Sutskever et al., "On the importance of initialization and momentum", 2013.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> w = keras.Variable([1.0, 2.0])
        >>> keras.optimizers.SGD(0.5).apply([np.array([1.0, 0.0], "float32")], [w])
        >>> w.numpy()
        array([0.5, 2. ], dtype=float32)
    """

    @accepts(momentum=SHARE, nesterov=FLAG)
    def __init__(
        self,
        learning_rate=0.01,
        momentum=0.0,
        nesterov=False,
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
        self.momentum = momentum
        self.nesterov = nesterov

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum else []

    def slots(self):
        return [self.momentums] if self.momentum else []

    def rule(self, weights, gradient, learning_rate, slots):
        # Without momentum the kernel leaves its second operand alone: the gradient stands in for it.
        momentum = slots[0] if slots else gradient
        settings = {"momentum": float(self.momentum), "nesterov": int(self.nesterov)}
        weights, momentum = emit("sgd", weights, momentum, gradient, learning_rate, **settings)
        return weights, [momentum] if slots else []

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
