"""The base of learning-rate schedules."""

from __future__ import annotations

from nbkeras import ops


class LearningRateSchedule:
    """A learning rate as a function of the step counter.

    A subclass overrides `__call__(step)`, with `nbkeras.ops`, so that it becomes part of the training step; and
    `get_config`.

    Example:
        >>> import nbkeras as keras
        >>> class Halving(keras.optimizers.schedules.LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 * 0.5 ** keras.ops.cast(step, "float32")
        >>> float(Halving()(1))
        0.05000000074505806
    """

    def __call__(self, step):
        """The learning rate at a step."""
        raise NotImplementedError(f"learning rate schedule {type(self).__name__} has no __call__().")

    def get_config(self) -> dict:
        """The arguments that make an equal schedule, as plain values."""
        raise NotImplementedError(f"learning rate schedule {type(self).__name__} has no get_config().")

    @classmethod
    def from_config(cls, config):
        """A schedule from `get_config`."""
        return cls(**config)


def as_float(value):
    """A value as a tensor of floatx, as schedules compute with."""
    value = ops.convert_to_tensor(value)
    return value if str(value.dtype).startswith("float") else ops.cast(value, None)
