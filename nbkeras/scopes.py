"""Scopes that change what Python code inside them means: names of variables, variables that stay as they are."""

from __future__ import annotations

import threading

from nbkeras.errors import ArgumentError
from nbkeras.graph.dtypes import dtype_name

_local = threading.local()


def names() -> list[str]:
    """The names of the scopes and layers that are open in this thread, outermost first."""
    if not hasattr(_local, "names"):
        _local.names = []
        _local.callers = []
    return _local.names


def current_path() -> str:
    """The open names, joined: the first part of the path of a variable that is made now.

    Example:
        >>> with name_scope("a"), name_scope("b"):
        ...     current_path()
        'a/b'
    """
    return "/".join(names())


class name_scope:
    """Inside, variables have this name in their path.

    Args:
        name: a string without `/`.
        caller: the object that opens the scope.
        deduplicate: a scope of the same name and caller, directly inside another, adds nothing.
        override_parent: a path that takes the place of what is open outside.

    Example:
        >>> import nbkeras as keras
        >>> with keras.name_scope("outer"):
        ...     keras.Variable(1.0, name="v").path
        'outer/v'
    """

    def __init__(self, name, caller=None, deduplicate=True, override_parent=None):
        if not isinstance(name, str) or "/" in name:
            raise ArgumentError(f"name_scope: the name must be a string without '/', got {name!r}.")
        self.name = name
        self.caller = caller
        self.deduplicate = deduplicate
        self.override_parent = override_parent
        self._outside = None

    def __enter__(self):
        open_names = names()
        self._outside = list(open_names), list(_local.callers)
        same = bool(open_names) and self.caller is not None and _local.callers[-1:] == [(self.name, self.caller)]
        if self.deduplicate and same:
            return self
        if self.override_parent is not None:
            open_names[:] = [part for part in self.override_parent.split("/") if part]
        open_names.append(self.name)
        _local.callers.append((self.name, self.caller))
        return self

    def __exit__(self, *_):
        if self._outside is not None:
            names()[:], _local.callers[:] = self._outside
            self._outside = None


def stateless() -> StatelessScope | None:
    """The innermost open StatelessScope of this thread."""
    return getattr(_local, "stateless", None)


class StatelessScope:
    """Inside, variables have given values, and what is assigned to them is kept here instead of changing them.

    Args:
        state_mapping: pairs (variable, value).
        collect_losses, initialize_variables: accepted as Keras has them; they have no effect.

    Example:
        >>> import nbkeras as keras
        >>> v = keras.Variable([1.0, 2.0])
        >>> with StatelessScope([(v, keras.ops.zeros(2))]) as scope:
        ...     _ = v.assign(v + 5.0)
        >>> v.numpy().tolist(), scope.get_current_value(v).tolist()
        ([1.0, 2.0], [5.0, 5.0])
    """

    def __init__(self, state_mapping=None, collect_losses=False, initialize_variables=True):
        from nbkeras.ops.common import tensor

        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self.losses = []
        self.state_mapping = {}
        for variable, value in state_mapping or ():
            if not hasattr(variable, "assign"):
                raise ArgumentError(
                    f"StatelessScope: all keys in argument `mapping` must be Variable instances, got {variable!r}."
                )
            value = tensor(value, dtype_name(variable.dtype))
            if tuple(value.shape) != tuple(variable.shape):
                raise ArgumentError(
                    "StatelessScope: all values in argument `mapping` must be tensors with the shape of their "
                    f"variable; {variable!r} was given one of shape {tuple(value.shape)}."
                )
            self.state_mapping[id(variable)] = value

    def __enter__(self):
        self._outside = stateless()
        _local.stateless = self
        return self

    def __exit__(self, *_):
        _local.stateless = self._outside

    def add_loss(self, loss):
        """Keep a loss in `losses`."""
        self.losses.append(loss)

    def add_update(self, update):
        """Keep a pair (variable, value): from now on this is the variable's value inside."""
        variable, value = update
        self.state_mapping[id(variable)] = value

    def get_current_value(self, variable):
        """The value that a variable has inside; None if none was given or assigned."""
        return self.state_mapping.get(id(variable))


class SymbolicScope:
    """Marks code that works on placeholders; accepted as Keras has it, without effect.

    Example:
        >>> with SymbolicScope() as scope:
        ...     type(scope).__name__
        'SymbolicScope'
    """

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class RematScope:
    """Asks for less memory in exchange for work; accepted as Keras has it, without effect: plans keep what they need.

    Args:
        mode: 'full', 'activations', 'larger_than', 'list_of_layers' or None.
        output_size_threshold, layer_names: what the last two modes mean.

    Raises:
        ArgumentError: the mode is not known.

    Example:
        >>> with RematScope("full") as scope:
        ...     scope.mode
        'full'
    """

    def __init__(self, mode="full", output_size_threshold=1024, layer_names=None):
        if mode not in ("full", "activations", "larger_than", "list_of_layers", None):
            raise ArgumentError(
                "RematScope: mode must be 'full', 'activations', 'larger_than', 'list_of_layers' or None, got "
                f"{mode!r}."
            )
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = layer_names or []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def remat(f):
    """The function itself: a hint to compute values again rather than keep them, which plans do not take.

    Example:
        >>> remat(abs)(-3)
        3
    """
    return f
