"""What training loops of one's own are made of: gradients of any function, and functions that run as one program."""

from __future__ import annotations

import functools

import numpy as np

from nbkeras import tree
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.graph import live, trace
from nbkeras.graph.dtypes import is_float
from nbkeras.graph.gradient import gradient
from nbkeras.graph.primitives import emit, lift
from nbkeras.graph.traced import Traced
from nbkeras.ops.common import is_tensor, tensor


def value_and_grad(function, argnums=0, has_aux=False):
    """A function that gives what `function` gives, and its gradient.

    Outside of a traced step it computes node by node, so that `print` and Python's `if` work inside; under `jit`, in a
    `train_step` or in a layer it becomes part of that program. Applied twice it gives second derivatives.

    Args:
        function: gives one number; with `has_aux` a pair, the number first.
        argnums: the position of the argument to differentiate by, or a tuple of them. An argument may be an array, a
            `Variable`, or a list or dict of these, such as `model.trainable_variables`.
        has_aux: whether `function` gives something besides, which is handed through.

    Returns:
        A function of the same arguments that gives `(value, gradients)`. Gradients have the structure of the argument,
        zeros where the value does not depend on it; for a tuple of positions they are a tuple.

    Raises:
        ArgumentTypeError: an argument to differentiate by holds something else than floats.
        GraphError: the value is no single number.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> keras.value_and_grad(lambda x: keras.ops.sum(x * x))(np.array([1.0, 2.0], "float32"))
        (array(5., dtype=float32), array([2., 4.], dtype=float32))
        >>> slope = keras.grad(lambda x: x**3)
        >>> float(slope(2.0)), float(keras.grad(slope)(2.0))
        (12.0, 12.0)

    Source: the interface is JAX's, as Keras's guide to writing a training loop uses it.
    """
    _check_function(function, "value_and_grad")
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @functools.wraps(function)
    def call(*args, **kwargs):
        if positions and not -len(args) <= min(positions) <= max(positions) < len(args):
            raise ArgumentError(
                f"value_and_grad: argnums is {argnums!r}, but {_name(function)} was called with {len(args)} arguments "
                "by position.",
                next="pass what to differentiate by as a positional argument.",
            )
        if trace.current() is None:
            return live.compute(lambda *inside: call(*inside, **kwargs), _Variables.kept(args))
        args = [_Variables.given_back(a) for a in args]
        sources, restore = [], []
        for position in positions:
            args[position] = tree.map_structure(lambda leaf: _source(leaf, sources, restore), args[position])
        try:
            result = function(*args, **kwargs)
        finally:
            for variable, alias, before in restore:
                graph = trace.current()
                if graph.values[variable] is alias:
                    graph.values[variable] = before
        value, aux = result if has_aux else (result, None)
        value = lift(tensor(value))
        found = gradient(value, sources)
        found = iter([_zeros(s) if g is None else g for g, s in zip(found, sources, strict=True)])
        grads = tuple(tree.map_structure(lambda _: next(found), args[position]) for position in positions)
        return ((value, aux) if has_aux else value), grads[0] if isinstance(argnums, int) else grads

    return call


def grad(function, argnums=0, has_aux=False):
    """A function that gives the gradient of `function`; see `value_and_grad`.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> w = keras.Variable([3.0, 4.0])
        >>> keras.grad(lambda variables: keras.ops.sum(w * w))([w])
        [array([6., 8.], dtype=float32)]
    """
    both = value_and_grad(function, argnums, has_aux)

    @functools.wraps(function)
    def call(*args, **kwargs):
        value, grads = both(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads

    return call


def jit(function):
    """A function that is traced at its first call with arguments of some shapes, and runs as one program from then on.

    Variables that it reads and assigns, an optimizer's update among them, take part: a whole training step is one call.
    Python code inside runs while it is traced only. Arguments that are no arrays are fixed: other values trace anew.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> total = keras.Variable(0.0)
        >>> @keras.jit
        ... def add(x):
        ...     total.assign_add(keras.ops.sum(x))
        ...     return total
        >>> for _ in range(3):
        ...     value = add(np.ones(4, "float32"))
        >>> float(value)
        12.0
    """
    _check_function(function, "jit")
    traced = Traced(lambda args, kwargs: function(*args, **kwargs))

    @functools.wraps(function)
    def call(*args, **kwargs):
        if trace.current() is not None:
            return function(*args, **kwargs)
        return traced(list(args), kwargs)

    return call


class _Variables:
    """A variable on its way through `live.compute`, which would turn it into an array."""

    def __init__(self, variable):
        self.variable = variable

    @classmethod
    def kept(cls, args):
        return [tree.map_structure(lambda leaf: cls(leaf) if hasattr(leaf, "assign") else leaf, a) for a in args]

    @classmethod
    def given_back(cls, argument):
        return tree.map_structure(lambda leaf: leaf.variable if isinstance(leaf, cls) else leaf, argument)


def _source(leaf, sources, restore):
    """What the function gets for a leaf to differentiate by: a symbol of its own, which nothing else depends on."""
    graph = trace.current()
    value = tensor(leaf) if is_tensor(leaf) or isinstance(leaf, float) else None
    if value is None or not is_float(value.dtype):
        raise ArgumentTypeError(
            f"value_and_grad: expected floats to differentiate by, got {leaf!r}.",
            next="name the position of the float argument with argnums=.",
        )
    value = lift(value)
    alias = emit("reshape", value, shape=value.shape)
    sources.append(alias)
    if not hasattr(leaf, "assign"):
        return alias
    restore.append((leaf, alias, graph.values[leaf]))
    graph.values[leaf] = alias
    return leaf


def _zeros(symbol):
    return trace.current().constant(np.zeros(symbol.shape, symbol.dtype))


def _check_function(function, who: str) -> None:
    if not callable(function):
        raise ArgumentTypeError(f"{who}: expected a function, got {function!r}.")


def _name(function) -> str:
    return getattr(function, "__name__", repr(function))
