"""A scale for the loss that adapts itself."""

from __future__ import annotations

import numpy as np

from nbkeras import initializers, ops
from nbkeras.arguments import POSITIVE, accepts, whole
from nbkeras.errors import ArgumentError
from nbkeras.graph.primitives import emit, lift
from nbkeras.optimizers import accumulate
from nbkeras.optimizers.optimizer import Optimizer
from nbkeras.optimizers.sections import Section, neighbours
from nbkeras.saving.registry import serialize_keras_object

#: Arguments that belong to the inner optimizer, and the values that old configurations have here.
_DEFAULTS = {
    **dict.fromkeys(("weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "ema_overwrite_frequency")),
    **dict.fromkeys(("loss_scale_factor", "gradient_accumulation_steps")),
    "use_ema": False,
    "ema_momentum": 0.99,
}


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss by a scale and divides the gradients by it before another optimizer gets them.

    The scale is doubled after so many steps without infinities or NaN in the gradients, and halved at a step that has
    some, which then changes nothing.

    Args:
        inner_optimizer: the optimizer that updates the weights.
        initial_scale: the first scale.
        dynamic_growth_steps: after how many steps the scale is doubled.
        name: made from the class name by default.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> optimizer = LossScaleOptimizer(keras.optimizers.SGD(0.5), initial_scale=4.0)
        >>> w = keras.Variable([1.0])
        >>> optimizer.apply([np.array([8.0], "float32")], [w])
        >>> optimizer.apply([np.array([np.inf], "float32")], [w])
        >>> float(w.numpy()[0]), float(optimizer.dynamic_scale.numpy())
        (0.0, 2.0)
    """

    @accepts(initial_scale=POSITIVE, dynamic_growth_steps=whole(1))
    def __init__(self, inner_optimizer, initial_scale=32768.0, dynamic_growth_steps=2000, name=None, **kwargs):
        for key, value in _DEFAULTS.items():
            if kwargs.pop(key, value) != value:
                raise ArgumentError(f"LossScaleOptimizer: {key} belongs to the inner optimizer.")
        # Keras 2's name for a scale that adapts itself, which is the only one left.
        if not kwargs.pop("dynamic", True):
            raise ArgumentError(
                "LossScaleOptimizer: its scale is always dynamic, got dynamic=False.",
                next="pass loss_scale_factor to the optimizer itself for a fixed scale.",
            )
        if not isinstance(inner_optimizer, Optimizer):
            raise ArgumentError(f"LossScaleOptimizer: expected an optimizer, got {inner_optimizer!r}.")
        super().__init__(learning_rate=0.0, name=name, **kwargs)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        # Else the gradients would be divided twice.
        inner_optimizer.loss_scale_factor = None

    def build(self, variables):
        if self.built:
            return
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        start = initializers.Constant(self.initial_scale)
        self.dynamic_scale = self.add_variable((), start, dtype="float32", name="dynamic_scale")
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self):
        """Its own state, then that of the inner optimizer."""
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def iterations(self):
        """How many updates the inner optimizer made."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self):
        """The inner optimizer's."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.inner_optimizer.learning_rate = value

    def _apply(self, grads, variables):
        scale = lift(self.dynamic_scale)
        present = [lift(g) for g in grads if g is not None]
        parts = [emit("reshape", ops.all(ops.isfinite(g)), shape=(1,)) for g in present]
        finite = ops.all(ops.concatenate(parts)) if parts else np.asarray(True)
        overwritten = [getattr(v, "overwrite_with_gradient", False) for v in variables]
        unscaled = [
            g if g is None or yes else ops.divide(g, ops.cast(scale, str(lift(g).dtype)))
            for g, yes in zip(grads, overwritten, strict=True)
        ]
        sections = [Section([variables[i] for i in group]) for group in neighbours(variables)]
        with accumulate.only_if(finite, accumulate.places(self.inner_optimizer, sections)):
            self.inner_optimizer._apply(unscaled, variables)
        full = ops.equal(self.step_counter, self.dynamic_growth_steps - 1)
        grown = ops.where(full, scale * 2.0, scale)
        self.dynamic_scale.assign(ops.where(finite, grown, scale * 0.5))
        counted = ops.where(full, 0, self.step_counter + 1)
        self.step_counter.assign(ops.where(finite, counted, 0))

    def scale_loss(self, loss):
        """The loss times the scale."""
        return loss * (self.dynamic_scale if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list):
        """As the inner optimizer does."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self):
        return {
            "name": self.name,
            "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """An optimizer from `get_config`."""
        from nbkeras.optimizers import lookup

        inner = lookup.deserialize(config["inner_optimizer"], custom_objects)
        return cls(inner, **{key: value for key, value in config.items() if key != "inner_optimizer"})
