"""What a layer finds out from signatures: which arguments are inputs, what its constructor was given, shapes."""

from __future__ import annotations

import functools
import inspect

import numpy as np

from nbkeras import tree
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.graph import trace
from nbkeras.layers import call_context
from nbkeras.ops.common import is_tensor

#: Keyword arguments of Keras's first layers, from which Sequential takes the input shape.
SHAPE_ARGUMENTS = ("input_shape", "batch_input_shape", "batch_shape", "input_dim", "input_length")


def tree_of_shapes(structure, function):
    """Apply a function to each shape of a structure of shapes."""
    if isinstance(structure, dict):
        return {k: tree_of_shapes(v, function) for k, v in structure.items()}
    listed = isinstance(structure, (list, tuple))
    if listed and not all(n is None or isinstance(n, (int, np.integer)) for n in structure):
        return [tree_of_shapes(part, function) for part in structure]
    return function(tuple(structure)) if isinstance(structure, (list, tuple)) else structure


def built_once(build):
    """A `build` that marks the layer as built and, the outermost one, locks it: nothing more can be added.

    Weights that it makes have the layer's name in their path.
    """

    @functools.wraps(build)
    def wrapped(self, *args, **kwargs):
        first = args[0] if args else None
        if isinstance(first, (int, float)):
            raise ArgumentTypeError(
                f"layer {self.name!r} ({type(self).__name__}): build takes a shape, got {first!r}.",
                next=f"write build((None, {first})).",
            )
        outermost = not self._untracked_building
        self._untracked_building = True
        try:
            with trace.paused(), call_context.named(self.name):
                self._untracked_path = "/".join(call_context.names())
                result = build(self, *args, **kwargs)
        finally:
            self._untracked_building = not outermost
        self.built = True
        if outermost:
            self._lock()
        self._untracked_build_shapes = bind(inspect.signature(build).parameters, (self, *args), kwargs)
        return result

    return wrapped


def bind(parameters, args, kwargs) -> dict:
    names = [n for n, p in parameters.items() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    bound = dict(zip(names, args, strict=False))
    if len(args) > len(names):
        bound.update({f"argument_{i}": a for i, a in enumerate(args[len(names) :])})
    return {**bound, **kwargs}


def input_names(parameters) -> list | None:
    """The arguments of a call that may be given by place, up to the training flag; None for any number."""
    if any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        return None
    places = [n for n, p in parameters.items() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return places[: places.index("training")] if "training" in places else places


def named(parameters) -> dict:
    """The parameters with a name of their own: without `*args` and `**kwargs`."""
    return {n: p for n, p in parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


def needed(parameters) -> list:
    """The names of the arguments that must be given."""
    return [n for n, p in named(parameters).items() if p.default is p.empty]


def check_places(layer, args) -> None:
    """Only inputs go by place: a flag there would be mistaken for one, or a second input for the flag.

    Raises:
        ArgumentTypeError: there are more values than inputs.
        ArgumentError: a value is no tensor.
    """
    if len(args) == 1 and is_tensor(args[0]):
        return
    names = input_names(layer._call_parameters)
    if names is not None and any(value is not None for value in args[len(names) :]):
        raise ArgumentTypeError(
            f"{layer._who()} takes {len(names)} inputs ({', '.join(names)}), got {len(args)}.",
            next="pass several tensors as one list to a layer that merges them, and flags by name.",
        )
    for leaf in tree.flatten(args):
        if leaf is not None and not is_tensor(leaf):
            raise ArgumentError(
                f"{layer._who()}: only input tensors may be passed by place, got {leaf!r}.",
                next="pass it by name, e.g. training=True.",
            )


def shape_argument(kwargs: dict):
    """The batch shape that `input_shape=` and its kin give, taken out of the keyword arguments; None without."""
    length = kwargs.pop("input_length", None)
    given = {name: kwargs.pop(name) for name in SHAPE_ARGUMENTS if name in kwargs}
    for name, value in given.items():
        if name == "input_dim":
            return (None, value) if length is None else (None, length, value)
        shape = (value,) if isinstance(value, int) else tuple(value)
        return shape if name.startswith("batch") else (None, *shape)
    return None


def training_of(parameters, args, kwargs):
    """The training flag that a call was given, by name or by place; None without."""
    if "training" in kwargs:
        return kwargs["training"]
    if "training" in parameters:
        place = list(parameters).index("training")
        if place < len(args):
            return args[place]
    return None


def constructor_arguments(layer) -> dict:
    """The arguments that a layer was made with, defaults included, for layers without a get_config of their own."""
    args, kwargs = layer._constructor
    signature = inspect.signature(type(layer).__init__)
    bound = signature.bind(layer, *args, **kwargs)
    bound.apply_defaults()
    found = {}
    for name, parameter in list(signature.parameters.items())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            found.update(bound.arguments[name])
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            found[name] = bound.arguments[name]
    return found


def takes(layer, name: str) -> bool:
    """True if a layer's constructor takes an argument of this name."""
    parameters = inspect.signature(type(layer).__init__).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
