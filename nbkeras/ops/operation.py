"""Operations of users: a computation that functional models can record, with arguments of its own."""

from __future__ import annotations

import inspect

from nbkeras import tree
from nbkeras.errors import ArgumentError
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
            made._arguments = _arguments(cls.__init__, made, args, kwargs)
        except TypeError:  # __init__ will say what is wrong
            made._arguments = None
        return made

    def __init__(self, name=None):
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ArgumentError(
                f"operation {type(self).__name__}: the name must be a string without '/', got {name!r}."
            )
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
        """The arguments that make an equal operation: the name, and what the constructor was given.

        Raises:
            NotImplementedError: that is no plain values, or was given by `*args`.
        """
        if type(self).get_config is not Operation.get_config:
            return {"name": self.name}
        if self._arguments is None:
            raise NotImplementedError(
                f"operation {self.name!r} ({type(self).__name__}): its constructor was given what cannot be described "
                "by plain values by name; write get_config()."
            )
        parameters = inspect.signature(type(self).__init__).parameters
        takes_name = "name" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        return {**({"name": self.name} if takes_name else {}), **self._arguments}

    @classmethod
    def from_config(cls, config):
        """An operation from `get_config`."""
        return cls(**config)


def _arguments(constructor, made, args, kwargs) -> dict | None:
    """What a constructor was given by name, defaults too, without the operation's name; None if it is not plain."""
    signature = inspect.signature(constructor)
    bound = signature.bind(made, *args, **kwargs)
    bound.apply_defaults()
    found = {}
    for key, parameter in list(signature.parameters.items())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            found.update(bound.arguments[key])
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            return None
        elif parameter.kind is parameter.VAR_POSITIONAL:
            if bound.arguments[key]:
                return None
        else:
            found[key] = bound.arguments[key]
    found.pop("name", None)
    plain = all(isinstance(leaf, (str, int, float, bool, type(None))) for leaf in tree.flatten(found))
    return found if plain else None
