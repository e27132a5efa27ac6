"""An optimizer's state: its variables, how they lie in memory, and how they are saved."""

from __future__ import annotations

import warnings

import numpy as np

from nbkeras import initializers
from nbkeras.errors import ArgumentError
from nbkeras.graph.variable import Arena
from nbkeras.naming import auto_name
from nbkeras.optimizers.sections import neighbours
from nbkeras.variables import Variable


class State:
    """The base of optimizers: a list of variables, to which every variable that becomes an attribute belongs."""

    name: str

    def __new__(cls, *args, **kwargs):
        self = object.__new__(cls)
        object.__setattr__(self, "_variables", [])
        return self

    def __setattr__(self, name, value):
        if isinstance(value, Variable) and not any(v is value for v in self._variables):
            self._variables.append(value)
        object.__setattr__(self, name, value)

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's state: the step counter, the learning rate, then the slots of each weight."""
        return list(self._variables)

    def add_variable(self, shape, initializer="zeros", dtype=None, aggregation="none", layout=None, name=None):
        """Add a variable to the state."""
        name = name or auto_name("variable")
        variable = Variable(initializers.get(initializer), tuple(shape), dtype, trainable=False, name=name)
        variable.path = f"{self.name}/{name}"
        variable.aggregation = aggregation
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(self, reference_variable, name=None, initializer="zeros"):
        """Add a variable of a weight's shape and dtype, named after the weight."""
        reference = getattr(reference_variable, "path", None) or reference_variable.name
        name = f"{reference.replace('/', '_').replace(':', '_')}_{name or 'var'}"
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype, name=name)

    def add_optimizer_variables(self, trainable_variables, name, initializer="zeros"):
        """Add slots: a variable for each weight, or several if `name` is a list.

        Returns:
            A list of variables, or a tuple of lists. They lie in memory as the weights do.
        """
        names = [name] if isinstance(name, str) else list(name)
        several = isinstance(initializer, (list, tuple))
        initializers_ = list(initializer) if several else [initializer] * len(names)
        if len(initializers_) != len(names):
            raise ArgumentError(f"optimizer {self.name!r}: {len(names)} slots but {len(initializers_)} initializers.")
        slots = tuple([] for _ in names)
        for variable in trainable_variables:
            for slot, slot_name, start in zip(slots, names, initializers_, strict=True):
                if getattr(variable, "overwrite_with_gradient", False):
                    slot.append(None)
                else:
                    slot.append(self.add_variable_from_reference(variable, slot_name, start))
        for slot, slot_name in zip(slots, names, strict=True):
            with_slot = [i for i, v in enumerate(slot) if v is not None]
            for group in neighbours([trainable_variables[i] for i in with_slot]):
                Arena([slot[with_slot[i]] for i in group], name=f"{self.name}_{slot_name}")
        return slots[0] if isinstance(name, str) else slots

    def set_weights(self, weights):
        """Set the state from arrays in the order of `variables`."""
        for variable, value in zip(self.variables, weights, strict=True):
            variable.assign(value)

    def save_own_variables(self, store):
        """Write the state into a dict-like store: '0', '1', ..."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable

    def load_own_variables(self, store):
        """Read what `save_own_variables` wrote."""
        if len(store) != len(self.variables):
            warnings.warn(
                f"optimizer {self.name!r}: its state was not loaded: it has {len(self.variables)} variables, the file "
                f"{len(store)}. Build the model and optimizer as they were when the file was written."
            )
            return
        for i, variable in enumerate(self.variables):
            variable.assign(np.asarray(store[str(i)]))
