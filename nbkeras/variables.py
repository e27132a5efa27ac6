"""Variables: weights, optimizer slots, metric sums, counters: all that a step reads and changes."""

from __future__ import annotations

import numpy as np

from nbkeras import scopes
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.graph import trace
from nbkeras.graph.dtypes import standardize_dtype
from nbkeras.graph.variable import Slot
from nbkeras.naming import auto_name
from nbkeras.saving import budget

_AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")
_SYNCHRONIZATIONS = (None, "none", "on_read", "on_write", "auto")


def _check_choice(what, value, choices):
    if value not in choices:
        raise ArgumentError(f"Variable: {what} must be one of {', '.join(map(repr, choices))}, got {value!r}.")


def _length(n, shape) -> int:
    """One length of a variable's shape."""
    if n is None or isinstance(n, bool) or not hasattr(n, "__index__"):
        kind = ArgumentError if n is None else ArgumentTypeError
        raise kind(f"Variable: the shape must be fully-defined whole numbers, got {shape!r}.")
    if n < 0:
        raise ArgumentError(f"Variable: lengths cannot be negative, got shape {shape!r}.")
    return int(n)


def _nothing(shape, dtype):
    """Zeros that take no memory: the values come from a file."""
    return np.broadcast_to(np.zeros((), dtype), shape)


#: Kind of Python's whole numbers and truth values -> dtype; other numbers are of the default float.
_PYTHON = {"i": "int32", "b": "bool"}

#: NumPy's functions behind Python's operators, and the method that an array on the left hands over to.
_REFLECTED = {
    np.add: "__radd__",
    np.subtract: "__rsub__",
    np.multiply: "__rmul__",
    np.true_divide: "__rtruediv__",
    np.floor_divide: "__rfloordiv__",
    np.remainder: "__rmod__",
    np.power: "__rpow__",
    np.matmul: "__rmatmul__",
    np.bitwise_and: "__rand__",
    np.bitwise_or: "__ror__",
    np.bitwise_xor: "__rxor__",
    np.less: "__gt__",
    np.less_equal: "__ge__",
    np.greater: "__lt__",
    np.greater_equal: "__le__",
    np.equal: "__eq__",
    np.not_equal: "__ne__",
}


class Variable(Slot):
    """A tensor with a value that lasts.

    Args:
        initializer: an array or number, or a function `(shape, dtype)` that gives one.
        shape: needed with a function.
        dtype: floatx by default.
        trainable: whether optimizers change it.
        autocast, aggregation, synchronization, layout: accepted as Keras has them; they have no effect.
        name: for messages, `summary` and saved files.

    Example:
        >>> v = Variable([1.0, 2.0], name="v")
        >>> _ = v.assign_add([1.0, 1.0])
        >>> v.numpy()
        array([2., 3.], dtype=float32)
    """

    def __init__(
        self,
        initializer,
        shape=None,
        dtype=None,
        trainable=True,
        autocast=True,
        aggregation="none",
        synchronization="auto",
        name=None,
        layout=None,
    ):
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ArgumentError(f"Variable: the name must be a string without '/', got {name!r}.")
        _check_choice("aggregation", aggregation, _AGGREGATIONS)
        _check_choice("synchronization", synchronization, _SYNCHRONIZATIONS)
        if isinstance(initializer, str):
            from nbkeras import initializers

            initializer = initializers.get(initializer)
        if callable(initializer) and shape is None:
            raise ArgumentError(
                f"Variable: the `shape` argument should be specified with the initializer {initializer!r}.",
                next="give shape=(...).",
            )
        if shape is not None:
            shape = tuple(_length(n, shape) for n in ([shape] if isinstance(shape, int) else shape))
        if dtype is None and hasattr(initializer, "dtype"):
            dtype = initializer.dtype
        elif dtype is None and not callable(initializer):
            dtype = _PYTHON.get(np.asarray(initializer).dtype.kind)
        dtype = standardize_dtype(dtype)
        # A variable that is made while a model is traced gets its first value now, not once a step.
        with trace.paused():
            value = initializer
            if callable(initializer):
                budget.spend(shape, np.dtype(dtype).itemsize)
                if budget.is_filled() and getattr(initializer, "is_random", False):
                    initializer = _nothing
                value = initializer(shape, dtype=dtype)
            if hasattr(value, "assign"):
                value = value.numpy()
            if shape is not None and not callable(initializer):
                value = np.broadcast_to(np.asarray(value), shape)
            super().__init__(value, dtype, name or auto_name("variable"))
        self.path = f"{scopes.current_path()}/{self.name}".lstrip("/")
        self.trainable = bool(trainable)
        self.autocast = bool(autocast)
        self.aggregation = aggregation or "none"
        self.synchronization = synchronization or "none"
        self.overwrite_with_gradient = False
        self._regularizer = None
        self._constraint = None

    @property
    def current(self):
        """As `Slot.current`; what a StatelessScope says inside one."""
        scope = scopes.stateless()
        held = None if scope is None else scope.get_current_value(self)
        return super().current if held is None else held

    def __pos__(self):
        return self.value

    def __repr__(self):
        value = "" if trace.current() is not None else f", value={np.array2string(self.numpy(), threshold=20)}"
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}{value}>"

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        """NumPy's functions see the value; an operator with an array on its left stays ours, so that it is traced."""
        if method == "__call__" and not kwargs and ufunc in _REFLECTED and not isinstance(inputs[0], Variable):
            return getattr(self, _REFLECTED[ufunc])(inputs[0])
        tracing = trace.current() is not None
        # While tracing there is no value, and the symbol says so.
        inputs = [np.asarray(x.current if tracing else x) if isinstance(x, Variable) else x for x in inputs]
        return getattr(ufunc, method)(*inputs, **kwargs)

    @property
    def regularizer(self):
        """What the loss gains for this variable: a function or None."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value):
        self._regularizer = self._function("regularizer", value)

    @property
    def constraint(self):
        """What the variable goes through after each update: a function or None."""
        return self._constraint

    @constraint.setter
    def constraint(self, value):
        self._constraint = self._function("constraint", value)

    def _function(self, what, value):
        if value is not None and not callable(value):
            raise ArgumentError(f"variable {self.path!r}: expected a {what} to be a function or None, got {value!r}.")
        return value

    def assign(self, value):
        """Set the value; see `Slot.assign`. Numbers and lists are taken too.

        Example:
            >>> w = Variable([1.0, 2.0])
            >>> new = w.assign([3.0, 4.0])
            >>> w.numpy()
            array([3., 4.], dtype=float32)
        """
        if not hasattr(value, "shape"):
            value = np.asarray(value, self.dtype)
        scope = scopes.stateless()
        if scope is None:
            return super().assign(value)
        self._check_shape(value)
        from nbkeras.ops.common import tensor

        value = tensor(value, self.dtype)
        scope.add_update((self, value))
        return value

    @property
    def handle(self):
        """The variable itself, for scripts that ask for what a backend keeps in it."""
        return self

    def __deepcopy__(self, memo):
        return type(self)(self.numpy(), dtype=self.dtype, trainable=self.trainable, name=self.name)
