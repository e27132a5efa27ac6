"""The state of a model as nested dicts, by the paths of its variables."""

from __future__ import annotations

import warnings

from nbkeras import ops
from nbkeras.errors import ArgumentError, nearest

_FORMATS = {"backend_tensor": ops.copy, "numpy_array": lambda variable: variable.numpy()}


class HasStateTree:
    """`get_state_tree` and `set_state_tree`."""

    def get_state_tree(self, value_format="backend_tensor") -> dict:
        """Copies of all variables in nested dicts.

        Args:
            value_format: "backend_tensor" or "numpy_array".

        Returns:
            `{"trainable_variables": ..., "non_trainable_variables": ..., "optimizer_variables": ...,
            "metrics_variables": ...}`; inside a variable of path `a/b` is at `["a"]["b"]`.

        Raises:
            ArgumentError: two variables have one path; the format is another.

        Example:
            >>> import nbkeras as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="top")], name="net")
            >>> model.get_state_tree()["trainable_variables"]["net"]["top"]["bias"]
            array([0.], dtype=float32)
        """
        if value_format not in _FORMATS:
            raise ArgumentError(
                f"model {self.name!r}: get_state_tree: value_format must be one of {list(_FORMATS)}, "
                f"got {value_format!r}."
            )
        return {kind: self._nested(own, _FORMATS[value_format]) for kind, own in self._kinds().items()}

    def set_state_tree(self, state_tree) -> None:
        """Set variables from nested dicts, as `get_state_tree` gives; those that are not in it stay as they are.

        Args:
            state_tree: values that fit no variable are left out with a warning.

        Raises:
            ArgumentError: a key is none of `get_state_tree`'s.
            ShapeError: a value has another shape than its variable.
        """
        kinds = self._kinds()
        for kind in state_tree:
            if kind not in kinds:
                raise ArgumentError(
                    f"model {self.name!r}: set_state_tree: unknown key {kind!r}; {nearest(kind, kinds)}"
                )
        for kind, part in state_tree.items():
            values = _flattened(part)
            for variable in kinds[kind]:
                if variable.path in values:
                    variable.assign(values.pop(variable.path))
            if values:
                warnings.warn(f"model {self.name!r} has no {kind} {sorted(values)}: not set.", stacklevel=2)

    def _kinds(self) -> dict:
        optimizer = getattr(self, "optimizer", None)
        return {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            "optimizer_variables": [] if optimizer is None else optimizer.variables,
            "metrics_variables": self.metrics_variables,
        }

    def _nested(self, variables, value_of) -> dict:
        nested, seen = {}, set()
        for variable in variables:
            if variable.path in seen:
                raise ArgumentError(
                    f"model {self.name!r}: get_state_tree: two variables have the path {variable.path!r}.",
                    next="give layers and metrics names of their own.",
                )
            seen.add(variable.path)
            *outer, name = variable.path.split("/")
            inner = nested
            for part in outer:
                inner = inner.setdefault(part, {})
            inner[name] = value_of(variable)
        return nested


def _flattened(nested, prefix="") -> dict:
    """Values by path."""
    flat = {}
    for key, value in nested.items():
        flat.update(_flattened(value, f"{prefix}{key}/") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return flat
