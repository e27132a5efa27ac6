"""Operations of users: a computation that functional models can record, with arguments of its own."""

from __future__ import annotations

import inspect

from nbkeras.graph import keras_tensor
from nbkeras.graph.keras_tensor import OperationCall
from nbkeras.naming import auto_name, to_snake_case


class Operation:
    """The base of computations without weights. A subclass writes `call` with `ops`.

    Args:
        name: made from the class name by default.

    Example:
        >>> import nbkeras as keras
        >>> class Shifted(keras.Operation):
        ...     def __init__(self, by):
        ...         super().__init__()
        ...         self.by = by
        ...     def call(self, x):
        ...         return keras.ops.add(x, self.by)
        >>> Shifted(2)(keras.Input((3,))).shape
        (None, 3)
    """

    def __new__(cls, *args, **kwargs):
        made = super().__new__(cls)
        try:
            bound = inspect.signature(cls.__init__).bind(made, *args, **kwargs)
        except TypeError:  # __init__ will say what is wrong
            return made
        made._arguments = dict(list(bound.arguments.items())[1:])
        return made

    def __init__(self, name=None):
        self.name = name or auto_name(to_snake_case(type(self).__name__))

    def __call__(self, *args, **kwargs):
        if keras_tensor.any_keras_tensor(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def symbolic_call(self, *args, **kwargs):
        """Record a call on Keras tensors."""
        outputs = self.compute_output_spec(*args, **kwargs)
        OperationCall(self, args, kwargs, outputs)
        return outputs

    def call(self, *args, **kwargs):
        """What it computes."""
        raise NotImplementedError(f"operation {type(self).__name__} has no call().")

    def compute_output_spec(self, *args, **kwargs):
        """Keras tensors of the results, found by tracing `call`."""
        return keras_tensor.infer(self.call, args, kwargs)

    def get_config(self) -> dict:
        """The arguments that make an equal operation: those that it was made with."""
        return dict(self._arguments)

    @classmethod
    def from_config(cls, config):
        """An operation from `get_config`."""
        return cls(**config)
