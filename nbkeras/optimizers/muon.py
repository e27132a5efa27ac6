"""Muon."""

from __future__ import annotations

import re

from nbkeras import ops
from nbkeras.arguments import DECAY, FLAG, NUMBER, SHARE, SIZE, accepts, optional, whole
from nbkeras.errors import ShapeError
from nbkeras.optimizers.optimizer import Optimizer


class Muon(Optimizer):
    """Momentum made orthogonal for matrices, Adam for all other weights.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        adam_beta_1, adam_beta_2, epsilon, adam_weight_decay: of Adam's weights.
        exclude_layers: patterns; matrices whose path has one of them in it are Adam's.
        exclude_embeddings: so are those with 'embedding' in their path.
        muon_a, muon_b, muon_c: coefficients of the iteration that makes a matrix orthogonal.
        adam_lr_ratio: Adam's learning rate over that of Muon.
        momentum: how much of the momentum stays at each step.
        ns_steps: steps of the iteration.
        nesterov: look ahead along the momentum.
        rms_rate: steps are scaled by this times the root of a matrix's longer side; None for no scaling.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> w = keras.Variable([[1.0, 2.0], [3.0, 4.0]])
        >>> optimizer = keras.optimizers.Muon(0.5, weight_decay=0.0)
        >>> optimizer.apply([np.array([[2.0, 0.0], [0.0, 1.0]], "float32")], [w])
        >>> w.numpy().round(2)
        array([[0.9 , 2.  ],
               [3.  , 3.84]], dtype=float32)

    Source: Jordan et al., "Muon", 2024; Liu et al., "Muon is scalable for LLM training", 2025.
    """

    @accepts(
        adam_beta_1=DECAY,
        adam_beta_2=DECAY,
        adam_weight_decay=optional(SIZE),
        epsilon=SIZE,
        exclude_embeddings=FLAG,
        muon_a=NUMBER,
        muon_b=NUMBER,
        muon_c=NUMBER,
        adam_lr_ratio=SIZE,
        momentum=SHARE,
        ns_steps=whole(0),
        nesterov=FLAG,
        rms_rate=optional(SIZE),
    )
    def __init__(
        self,
        learning_rate=0.001,
        adam_beta_1=0.9,
        adam_beta_2=0.999,
        adam_weight_decay=0.004,
        epsilon=1e-7,
        weight_decay=0.004,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        exclude_layers=None,
        exclude_embeddings=True,
        muon_a=3.4445,
        muon_b=-4.7750,
        muon_c=2.0315,
        adam_lr_ratio=1,
        momentum=0.95,
        ns_steps=5,
        nesterov=True,
        rms_rate=0.2,
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
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = exclude_layers or []
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def _should_use_adamw(self, variable) -> bool:
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentums, self.adam_velocities = [], []
        for variable in variables:
            overwritten = variable.overwrite_with_gradient
            adam = not overwritten and self._should_use_adamw(variable)
            self.momentums.append(None if overwritten else self.add_variable_from_reference(variable, "momentum"))
            self.adam_velocities.append(self.add_variable_from_reference(variable, "velocity") if adam else None)

    def weight_decay_of(self, variable):
        return self.adam_weight_decay if self._should_use_adamw(variable) else self.weight_decay

    def update_step(self, gradient, variable, learning_rate):
        place = self._get_variable_index(variable)
        m, v = self.momentums[place], self.adam_velocities[place]
        if v is None:
            self._muon_step(gradient, variable, learning_rate, m)
        else:
            self._adam_step(gradient, variable, learning_rate * self.adam_lr_ratio, m, v)

    def _muon_step(self, gradient, variable, learning_rate, m):
        m.assign(m * self.momentum + gradient)
        change = gradient + self.momentum * m if self.nesterov else m.value
        change = self.zeropower_via_newtonschulz5(change, self.ns_steps)
        variable.assign_sub(self.lr_adjust(learning_rate * change))

    def _adam_step(self, gradient, variable, learning_rate, m, v):
        step = ops.cast(self.iterations + 1, variable.dtype)
        m.assign_add((gradient - m) * (1 - self.adam_beta_1))
        v.assign_add((ops.square(gradient) - v) * (1 - self.adam_beta_2))
        bias = ops.sqrt(1 - ops.power(self.adam_beta_2, step)) / (1 - ops.power(self.adam_beta_1, step))
        variable.assign_sub(m * (learning_rate * bias) / (ops.sqrt(v) + self.epsilon))

    def lr_adjust(self, x):
        """A step scaled so that a learning rate of Adam's fits."""
        return x if self.rms_rate is None else x * (max(x.shape) ** 0.5 * self.rms_rate)

    def zeropower_via_newtonschulz5(self, x, steps):
        """A matrix with the same singular vectors and singular values near 1."""
        if len(x.shape) < 2:
            raise ShapeError(f"Muon: expected a gradient of rank 2 or more, got shape {tuple(x.shape)}.")
        tall = x.shape[-2] > x.shape[-1]
        x = ops.swapaxes(x, -1, -2) if tall else x
        x = x / (ops.norm(x, axis=(-2, -1), keepdims=True) + 1e-7)
        for _ in range(steps):
            square = ops.matmul(x, ops.swapaxes(x, -1, -2))
            x = self.muon_a * x + ops.matmul(self.muon_b * square + self.muon_c * ops.matmul(square, square), x)
        return ops.swapaxes(x, -1, -2) if tall else x

    def get_config(self):
        names = (
            "adam_beta_1 adam_beta_2 epsilon exclude_layers muon_a muon_b muon_c adam_lr_ratio momentum ns_steps "
            "nesterov exclude_embeddings adam_weight_decay rms_rate"
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names.split()}}
