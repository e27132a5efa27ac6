"""The base of all initializers."""

from __future__ import annotations

from nbkeras.saving.registry import with_arrays


class Initializer:
    """A function `(shape, dtype=None)` that gives the first values of a weight, with a configuration.

    Subclass it and override `__call__`; override `get_config` if the constructor takes arguments.

    Example:
        >>> import numpy as np
        >>> class Counting(Initializer):
        ...     def __call__(self, shape, dtype=None, **kwargs):
        ...         return np.arange(np.prod(shape)).reshape(shape).astype(dtype or "float32")
        >>> Counting()((3,))
        array([0., 1., 2.], dtype=float32)
    """

    def __call__(self, shape, dtype=None):
        """An array of the shape and dtype."""
        raise NotImplementedError(f"initializer {type(self).__name__} has no __call__().")

    def get_config(self) -> dict:
        """The arguments that make an equal initializer, as plain values."""
        return {}

    @classmethod
    def from_config(cls, config):
        """An initializer from `get_config`."""
        return cls(**with_arrays(config))

    def clone(self):
        """A new initializer with the same configuration."""
        return self.from_config(self.get_config())
