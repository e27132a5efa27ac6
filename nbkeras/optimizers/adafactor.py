"""Adafactor."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.arguments import FLAG, SIZE, accepts, number
from nbkeras.optimizers.optimizer import Optimizer
from nbkeras.optimizers.schedules import LearningRateSchedule


class Adafactor(Optimizer):
    """Adam with the mean squares of a matrix kept as their means over rows and over columns, and relative steps.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_2_decay: the mean squares keep 1 - step**beta_2_decay at each step.
        epsilon_1: added to squares of gradients.
        epsilon_2: the least size of a weight that a step is relative to.
        clip_threshold: the greatest root mean square of a step.
        relative_step: let a number as the learning rate shrink with 1 / sqrt(step).
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> w = keras.Variable([1.0, 2.0])
        >>> keras.optimizers.Adafactor(0.1).apply([np.array([1.0, 0.0], "float32")], [w])
        >>> w.numpy().round(4)
        array([0.8419, 2.    ], dtype=float32)

    Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018.
    """

    @accepts(
        beta_2_decay=number(high=0),
        epsilon_1=SIZE,
        epsilon_2=SIZE,
        clip_threshold=number(above=0, infinite=True),
        relative_step=FLAG,
    )
    def __init__(
        self,
        learning_rate=0.001,
        beta_2_decay=-0.8,
        epsilon_1=1e-30,
        epsilon_2=1e-3,
        clip_threshold=1.0,
        relative_step=True,
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
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._rows, self._columns, self._squares = [], [], []
        for variable in variables:
            shape, overwritten = tuple(variable.shape), variable.overwrite_with_gradient
            matrix = len(shape) >= 2
            for slots, part in ((self._rows, shape[:-1]), (self._columns, shape[:-2] + shape[-1:])):
                if overwritten:
                    slots.append(None)
                elif matrix:
                    slots.append(self.add_variable(part, dtype=variable.dtype, name=variable.name))
                else:
                    # Never read. Keras has it, so saved states have a place for it.
                    slots.append(self.add_variable((), dtype="int32", name=variable.name))
            self._squares.append(None if overwritten else self.add_variable_from_reference(variable, "velocity"))

    def update_step(self, gradient, variable, learning_rate):
        place = self._get_variable_index(variable)
        rows, columns, squares = self._rows[place], self._columns[place], self._squares[place]
        step = ops.cast(self.iterations + 1, variable.dtype)
        shrinking = ops.rsqrt(step)
        if self.relative_step and not isinstance(self._learning_rate, LearningRateSchedule):
            learning_rate = ops.minimum(learning_rate, shrinking)
        size = ops.maximum(self.epsilon_2, _root_mean_square(variable))
        rate = size * ops.minimum(learning_rate, shrinking)
        new = ops.power(step, self.beta_2_decay)
        square = ops.square(gradient) + self.epsilon_1
        if len(variable.shape) < 2:
            squares.assign(squares * (1 - new) + square * new)
        else:
            rows.assign(rows * (1 - new) + ops.mean(square, axis=-1) * new)
            columns.assign(columns * (1 - new) + ops.mean(square, axis=-2) * new)
            shares = rows / ops.mean(rows, axis=-1, keepdims=True)
            squares.assign(ops.expand_dims(shares, -1) * ops.expand_dims(columns, -2))
        change = gradient / ops.sqrt(squares)
        change = change / ops.maximum(1.0, _root_mean_square(change) / self.clip_threshold)
        variable.assign_sub(rate * change)

    def get_config(self):
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }


def _root_mean_square(x):
    return ops.sqrt(ops.mean(ops.square(x)))
