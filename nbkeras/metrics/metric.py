"""The base of all metrics: numbers that batches are added to, and a result computed from them."""

from __future__ import annotations

import contextlib

from nbkeras import initializers, ops, tree
from nbkeras.arguments import NAME, accepts, optional
from nbkeras.errors import ArgumentError, StateError
from nbkeras.graph.dtypes import standardize_dtype
from nbkeras.naming import auto_name, to_snake_case
from nbkeras.scopes import name_scope
from nbkeras.variables import Variable


class Metric:
    """A metric keeps its state in variables; subclasses define `update_state` and `result`, both with `ops` alone.

    Both are traced into the training step, so state may change by `assign` and `assign_add` only.

    Args:
        dtype: the dtype of the state, floatx by default; a dtype policy is taken too.
        name: the key in logs; the class's name in snake case by default.

    Attributes:
        direction: `"max"` or `"min"`, whichever is better, or None: what callbacks with mode "auto" ask for.

    Example:
        >>> class Largest(Metric):
        ...     direction = "max"
        ...     def __init__(self, name="largest"):
        ...         super().__init__(name=name)
        ...         self.value = self.add_weight(name="value", initializer="zeros")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.value.assign(ops.maximum(self.value, ops.max(y_pred)))
        ...     def result(self):
        ...         return ops.copy(self.value)
        >>> metric = Largest()
        >>> metric.update_state([0.0, 0.0], [1.5, 2.5])
        >>> f"{metric.result():.2f}"
        '2.50'
    """

    direction = None

    @accepts(name=optional(NAME))
    def __init__(self, dtype=None, name=None):
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self._dtype = standardize_dtype(getattr(dtype, "compute_dtype", dtype))
        self._variables = []
        self._metrics = []

    @property
    def dtype(self) -> str:
        """The dtype that the metric is computed in."""
        return self._dtype

    def add_variable(self, shape, initializer=None, dtype=None, aggregation="sum", name=None):
        """A new state variable.

        Args:
            shape: its shape.
            initializer: name or object; zeros by default.
            dtype: floatx by default.
            aggregation: accepted as Keras has it.
            name: its path is the metric's name and this.

        Raises:
            StateError: `super().__init__()` was not called.

        Example:
            >>> import nbkeras as keras
            >>> class Largest(keras.metrics.Metric):
            ...     def __init__(self, **kwargs):
            ...         super().__init__(**kwargs)
            ...         self.largest = self.add_variable((), name="largest")
            ...     def update_state(self, y_true, y_pred, sample_weight=None):
            ...         self.largest.assign(keras.ops.maximum(self.largest, keras.ops.max(y_pred)))
            ...     def result(self):
            ...         return self.largest
            >>> float(Largest()([0.0], [3.0]))
            3.0
        """
        self._need_init()
        with name_scope(self.name.replace("/", ">"), caller=self):
            variable = Variable(
                initializers.get("zeros" if initializer is None else initializer),
                shape=shape,
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                name=name,
            )
        self._variables.append(variable)
        return variable

    def add_weight(self, shape=(), initializer=None, dtype=None, name=None):
        """The same as `add_variable`; a scalar by default."""
        return self.add_variable(shape, initializer, dtype=dtype, name=name)

    @property
    def variables(self) -> list:
        """All state, that of metrics held as attributes included."""
        return [*self._variables, *(v for metric in self._metrics for v in metric.variables)]

    def update_state(self, *args, **kwargs):
        """Add a batch: to be defined by subclasses."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state(self, y_true, y_pred).")

    def result(self):
        """The metric of everything added since the last reset: to be defined by subclasses."""
        raise NotImplementedError(f"{type(self).__name__} must define result(self).")

    def reset_state(self):
        """Forget everything: all variables become 0.

        Example:
            >>> from nbkeras.metrics import Mean
            >>> metric = Mean()
            >>> metric.update_state([1.0, 3.0])
            >>> metric.reset_state()
            >>> float(metric.result())
            0.0
        """
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))

    def __call__(self, *args, **kwargs):
        """Add a batch and return the result so far."""
        self._need_init()
        self.update_state(*args, **kwargs)
        return self.result()

    def stateless_update_state(self, metric_variables, *args, **kwargs) -> list:
        """What the state would be after a batch is added to the given state; the metric's own stays as it is.

        Example:
            >>> from nbkeras.metrics import Mean
            >>> metric = Mean()
            >>> state = metric.stateless_update_state([v.numpy() for v in metric.variables], [1.0, 3.0])
            >>> float(metric.stateless_result(state)), float(metric.result())
            (2.0, 0.0)
        """
        with self._holding(metric_variables):
            self.update_state(*args, **kwargs)
            return [ops.copy(v) for v in self.variables]

    def stateless_result(self, metric_variables):
        """The result of a given state."""
        with self._holding(metric_variables):
            return self.result()

    def stateless_reset_state(self) -> list:
        """The state after a reset; the metric's own stays as it is."""
        with self._holding([ops.copy(v) for v in self.variables]):
            self.reset_state()
            return [ops.copy(v) for v in self.variables]

    @contextlib.contextmanager
    def _holding(self, values):
        variables = self.variables
        if len(values) != len(variables):
            raise ArgumentError(
                f"metric {self.name!r}: expected {len(variables)} metric_variables, one for each of its variables, "
                f"got {len(values)}."
            )
        before = [ops.copy(v) for v in variables]
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        try:
            yield
        finally:
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)

    def get_config(self) -> dict:
        """The arguments that make an equal metric, as plain values."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        """A metric from `get_config`."""
        return cls(**config)

    def __setattr__(self, name, value):
        if "_metrics" in vars(self) and name not in ("_variables", "_metrics"):
            self._track(value)
        super().__setattr__(name, value)

    def _track(self, value):
        for leaf in tree.flatten(value):
            for kind, known in ((Variable, self._variables), (Metric, self._metrics)):
                if isinstance(leaf, kind) and not any(leaf is other for other in known):
                    known.append(leaf)

    def _need_init(self):
        if "_metrics" not in vars(self):
            raise StateError(
                f"{type(self).__name__}: super().__init__() was not called.",
                next="call super().__init__(name=name) first in __init__.",
            )

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"
