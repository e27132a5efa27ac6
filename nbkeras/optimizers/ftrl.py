"""Follow the regularized leader."""

from __future__ import annotations

from nbkeras import initializers, ops
from nbkeras.arguments import SIZE, accepts, number
from nbkeras.optimizers.optimizer import Optimizer


class Ftrl(Optimizer):
    """For sparse linear models: most weights become exactly 0 under an L1 penalty.

    With n the accumulator, l the linear term and p = -learning_rate_power:
    n' = n + g^2;  l += g + 2 shrinkage w - (n'^p - n^p) w / lr;
    w = (clip(l, -l1, l1) - l) / (n'^p / lr + 2 (l2 + beta / (2 lr))).

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        learning_rate_power: up to 0; 0 keeps the learning rate fixed.
        initial_accumulator_value: what n starts from.
        l1_regularization_strength, l2_regularization_strength: penalties.
        l2_shrinkage_regularization_strength: a penalty on the weights' size, which adds to the gradient only.
        beta: added to the learning rate's divisor.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> w = keras.Variable([1.0, 2.0])
        >>> keras.optimizers.Ftrl(0.5, l1_regularization_strength=0.5).apply([np.array([1.0, 0.0], "float32")], [w])
        >>> w.numpy().round(4)
        array([0., 0.], dtype=float32)

    Source: McMahan et al., "Ad click prediction: a view from the trenches", 2013.
    """

    @accepts(
        learning_rate_power=number(high=0),
        initial_accumulator_value=SIZE,
        l1_regularization_strength=SIZE,
        l2_regularization_strength=SIZE,
        l2_shrinkage_regularization_strength=SIZE,
        beta=SIZE,
    )
    def __init__(
        self,
        learning_rate=0.001,
        learning_rate_power=-0.5,
        initial_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        l2_shrinkage_regularization_strength=0.0,
        beta=0.0,
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
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        start = initializers.Constant(self.initial_accumulator_value)
        slots = self.add_optimizer_variables(variables, ["accumulator", "linear"], [start, "zeros"])
        self._accumulators, self._linears = slots

    def update_step(self, gradient, variable, learning_rate):
        place = self._get_variable_index(variable)
        n, linear = self._accumulators[place], self._linears[place]
        p, l1 = -self.learning_rate_power, self.l1_regularization_strength
        grown = n + ops.square(gradient)
        shrinking = gradient + 2.0 * self.l2_shrinkage_regularization_strength * variable
        change = (ops.power(grown, p) - ops.power(n, p)) / learning_rate
        linear.assign_add(shrinking - change * variable)
        l2 = self.l2_regularization_strength + self.beta / (2.0 * learning_rate)
        quadratic = ops.power(grown, p) / learning_rate + 2.0 * l2
        variable.assign((ops.clip(linear, -l1, l1) - linear) / quadratic)
        n.assign(grown)

    def get_config(self):
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
