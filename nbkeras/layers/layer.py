"""Layer: weights, and a `call` that says what to compute with them."""

from __future__ import annotations

import functools
import inspect

import numpy as np

from nbkeras import constraints, initializers, regularizers, tree
from nbkeras.errors import ArgumentError, ArgumentTypeError, NbkerasError, ShapeError, StateError
from nbkeras.graph import keras_tensor, trace
from nbkeras.graph.dtypes import is_float, standardize_dtype
from nbkeras.graph.keras_tensor import KerasTensor, OperationCall
from nbkeras.layers import call_context
from nbkeras.layers.tracking import Tracked
from nbkeras.naming import auto_name, to_snake_case
from nbkeras.ops.common import is_tensor, tensor
from nbkeras.variables import Variable

#: Keyword arguments of Keras's first layers, from which Sequential takes the input shape.
SHAPE_ARGUMENTS = ("input_shape", "batch_input_shape", "batch_shape", "input_dim", "input_length")


class InputSpec:
    """What a layer accepts: shape (None is any), rank, and lengths of single axes.

    Args:
        dtype: not checked; Keras has it.
        shape: the whole shape, None for free axes.
        ndim, max_ndim, min_ndim: the rank, exactly or within bounds.
        axes: axis -> length.
        allow_last_axis_squeeze, optional, name: as in Keras.
    """

    def __init__(
        self,
        dtype=None,
        shape=None,
        ndim=None,
        max_ndim=None,
        min_ndim=None,
        axes=None,
        allow_last_axis_squeeze=False,
        name=None,
        optional=False,
    ):
        self.dtype, self.shape, self.name, self.optional = dtype, shape, name, optional
        self.ndim = len(shape) if shape is not None else ndim
        self.max_ndim, self.min_ndim, self.axes = max_ndim, min_ndim, axes or {}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze

    def problem(self, shape) -> str | None:
        """What is wrong with a shape, or None."""
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim and not (self.allow_last_axis_squeeze and rank == self.ndim - 1):
            return f"rank {self.ndim}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"rank at most {self.max_ndim}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"rank at least {self.min_ndim}"
        wanted = dict(self.axes)
        if self.shape is not None:
            wanted.update({i: n for i, n in enumerate(self.shape) if n is not None})
        for axis, length in wanted.items():
            if length is not None and -rank <= axis < rank and shape[axis] not in (length, None):
                return f"length {length} along axis {axis}"
        return None


class Layer(Tracked):
    """The base of all layers and models.

    A subclass makes its weights in `build(input_shape)` with `add_weight`, or holds other layers, and computes in
    `call(inputs)` with `nbkeras.ops`. Calling the layer on arrays computes; on Keras tensors it adds to a model.

    Args:
        activity_regularizer: adds a penalty on the output to the loss.
        trainable: whether training changes the weights.
        dtype: dtype of weights and computation, floatx by default.
        autocast: cast float inputs to that dtype.
        name: unique within a model; made from the class name by default.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> class Scale(keras.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> Scale()(np.ones((1, 2), "float32"))
        array([[1., 1.]], dtype=float32)
    """

    def __init__(self, *, activity_regularizer=None, trainable=True, dtype=None, autocast=True, name=None, **kwargs):
        shape = _shape_argument(kwargs)
        if kwargs:
            raise ArgumentTypeError(
                f"{type(self).__name__}: unknown argument {next(iter(kwargs))!r}.",
                next="see help() of the layer for the arguments that it takes.",
            )
        object.__setattr__(self, "_trainable", bool(trainable))
        self.name = str(name) if name is not None else auto_name(to_snake_case(type(self).__name__))
        self.dtype_policy = getattr(dtype, "name", dtype) or standardize_dtype(None)
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self.supports_masking = False
        self.input_spec = None
        self._untracked_shape = shape
        self._untracked_losses = []
        self._untracked_calls = []

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _built_once(cls.build)

    # -- what subclasses override ---------------------------------------------------------------------------------

    def build(self, input_shape):
        """Make the weights for an input shape."""
        self.built = True

    def call(self, *args, **kwargs):
        """Compute the output; every layer has its own."""
        raise NotImplementedError(f"layer {self.name!r} ({type(self).__name__}) has no call().")

    def compute_output_shape(self, *args, **kwargs):
        """The shape of the output for a shape of the input."""
        shapes = [tree_of_shapes(a, lambda s: KerasTensor(s, self.compute_dtype)) for a in args]
        return tree.map_structure(lambda t: t.shape, self.compute_output_spec(*shapes, **kwargs))

    def compute_output_spec(self, *args, **kwargs):
        """The output, as Keras tensors, for Keras tensors; nothing is computed."""
        return keras_tensor.infer(self._call, args, kwargs)

    def get_config(self) -> dict:
        """The arguments that make an equal layer, as plain values."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype_policy}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config):
        """A layer from `get_config`."""
        return cls(**config)

    # -- weights --------------------------------------------------------------------------------------------------

    def add_weight(
        self,
        shape=None,
        initializer=None,
        dtype=None,
        trainable=True,
        autocast=True,
        regularizer=None,
        constraint=None,
        aggregation="none",
        overwrite_with_gradient=False,
        name=None,
    ):
        """Make a weight.

        Args:
            shape: a tuple, () by default.
            initializer: name, object or function; Glorot uniform for floats, zeros otherwise.
            dtype: the layer's by default.
            trainable: False for statistics and counters.
            regularizer, constraint: name, object or function.
            name: within the layer.
        """
        if isinstance(shape, str) and name is None:
            raise ArgumentError(
                f"layer {self.name!r}: add_weight got {shape!r} for the shape.",
                next="the first argument is the shape; give the name as name=...",
            )
        shape = () if shape is None else tuple(int(n) for n in np.atleast_1d(shape))
        dtype = standardize_dtype(dtype or self.variable_dtype)
        if initializer is None:
            initializer = "glorot_uniform" if is_float(dtype) else "zeros"
        initializer = initializers.get(initializer)
        name = name or auto_name("variable")
        variable = Variable(initializer, shape, dtype, trainable=trainable, name=name)
        variable.path = f"{self.name}/{name}"
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.aggregation = aggregation
        self._track(variable)
        return variable

    def _gather(self, kind, own):
        found, seen = [], set()
        for item in [*own(self), *(v for layer in self._layers for v in getattr(layer, kind))]:
            if id(item) not in seen:
                seen.add(id(item))
                found.append(item)
        return found

    @property
    def _layers(self):
        return self._tracked["layers"]

    @property
    def weights(self):
        """All weights: this layer's trainable ones, its others, then those of its layers."""
        return self._gather("weights", Layer._own)

    def _own(self):
        own = self._tracked["variables"]
        return [v for v in own if v.trainable] + [v for v in own if not v.trainable]

    @property
    def variables(self):
        """All weights, and the states of seeds and metrics."""

        def own(layer):
            seeds = [s.state for s in layer._tracked["seeds"]]
            return [*layer._own(), *seeds, *(v for m in layer._tracked["metrics"] for v in m.variables)]

        return self._gather("variables", own)

    @property
    def trainable_weights(self):
        """The weights that training changes: none of a frozen layer."""
        if not self.trainable:
            return []
        return self._gather("trainable_weights", lambda layer: [v for v in layer._tracked["variables"] if v.trainable])

    @property
    def non_trainable_weights(self):
        """The weights that training leaves alone."""
        chosen = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in chosen]

    @property
    def trainable_variables(self):
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self):
        """All variables that training's gradients leave alone."""
        chosen = {id(v) for v in self.trainable_weights}
        return [v for v in self.variables if id(v) not in chosen]

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it sets all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        object.__setattr__(self, "_trainable", bool(value))
        for layer in self._layers:
            layer.trainable = value

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights) -> None:
        """Set all weights from arrays in the order of `weights`."""
        own = self.weights
        if len(own) != len(weights):
            raise ArgumentError(
                f"layer {self.name!r}: set_weights takes {len(own)} arrays, got {len(weights)}.",
                next="build both models alike; compare their summary().",
            )
        for variable, value in zip(own, weights, strict=True):
            if tuple(np.shape(value)) != tuple(variable.shape):
                raise ShapeError(
                    f"layer {self.name!r}: weight {variable.path!r} has shape {tuple(variable.shape)}, got "
                    f"{tuple(np.shape(value))}."
                )
        for variable, value in zip(own, weights, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of weights' elements."""
        if not self.built:
            raise StateError(
                f"layer {self.name!r}: count_params before the layer is built.",
                next="call the layer on data, or build(input_shape).",
            )
        return sum(int(np.prod(w.shape)) for w in self.weights)

    @property
    def compute_dtype(self) -> str:
        return self.dtype_policy

    @property
    def variable_dtype(self) -> str:
        return self.dtype_policy

    @property
    def dtype(self) -> str:
        return self.dtype_policy

    @property
    def metrics(self):
        """Metrics of this layer and the layers inside."""
        found = list(self._tracked["metrics"])
        for layer in self._layers:
            found.extend(m for m in layer.metrics if not any(m is f for f in found))
        return found

    # -- losses ---------------------------------------------------------------------------------------------------

    def add_loss(self, loss):
        """Add a scalar to the loss of the step that is being traced."""
        for part in tree.flatten(loss):
            self._untracked_losses.append(part() if callable(part) and not is_tensor(part) else part)

    def _flatten_layers(self):
        yield self
        for layer in self._layers:
            yield from layer._flatten_layers()

    @property
    def losses(self):
        """What `add_loss`, activity and weight regularizers add to the loss of the last call."""
        found = [loss for layer in self._flatten_layers() for loss in layer._untracked_losses]
        for weight in self.trainable_weights:
            if weight.regularizer is not None:
                found.append(weight.regularizer(weight))
        return found

    # -- calling --------------------------------------------------------------------------------------------------

    def __call__(self, *args, **kwargs):
        if not hasattr(self, "_untracked_calls"):
            raise StateError(
                f"{type(self).__name__}: called before super().__init__().",
                next="call super().__init__() first in the layer's __init__.",
            )
        args = tuple(tree.map_structure(self._convert, a) for a in args)
        kwargs = {k: tree.map_structure(self._convert, v) for k, v in kwargs.items()}
        self._check_inputs(args)
        self._build_for(args, kwargs)
        if keras_tensor.any_keras_tensor(args, kwargs):
            outputs = self.compute_output_spec(*args, **kwargs)
            call = OperationCall(self, args, kwargs, outputs)
            self._untracked_calls.append(call)
            return outputs
        return self._call(*args, **kwargs)

    def _call(self, *args, **kwargs):
        """Run `call` on values, with the training flag that holds here."""
        flag = kwargs.get("training")
        if flag is None:
            flag = call_context.training()
        if "training" in self._call_parameters:
            if flag is None:
                default = self._call_parameters["training"].default
                flag = default if default is not inspect.Parameter.empty else None
            kwargs["training"] = flag
        else:
            kwargs.pop("training", None)
        if not call_context.stack():
            for layer in self._flatten_layers():
                layer._untracked_losses.clear()
        graph = trace.current()
        with call_context.entered(self, flag):
            if graph is None:
                outputs = self._named_call(args, kwargs)
            else:
                with graph.scope(self.name):
                    outputs = self._named_call(args, kwargs)
            if self.activity_regularizer is not None:
                for output in tree.flatten(outputs):
                    rows = output.shape[0] if output.shape else 1
                    self.add_loss(self.activity_regularizer(output) / max(1, rows))
        return outputs

    def _named_call(self, args, kwargs):
        """Call, and say in which layer it failed."""
        try:
            outputs = self.call(*args, **kwargs)
        except NbkerasError as error:
            if not getattr(error, "layer", None):
                error.layer = self.name
                error.args = (f"layer {self.name!r} ({type(self).__name__}): {error.args[0]}",)
            raise
        if outputs is None:
            raise ArgumentError(
                f"layer {self.name!r} ({type(self).__name__}): call() returned None.",
                next="end call() with `return` and the output.",
            )
        return outputs

    @functools.cached_property
    def _call_parameters(self):
        return inspect.signature(self.call).parameters

    def _convert(self, value):
        """Arrays and numbers as tensors; floats in the layer's dtype."""
        if isinstance(value, KerasTensor) or value is None or isinstance(value, (bool, str)):
            return value
        if not is_tensor(value):
            if isinstance(value, (int, float)) or not hasattr(value, "__array__"):
                return value
            value = np.asarray(value)
        value = tensor(value)
        if self.autocast and is_float(value.dtype) and value.dtype != self.compute_dtype:
            value = tensor(value, self.compute_dtype)
        return value

    def _check_inputs(self, args):
        if self.input_spec is None or not args:
            return
        specs = tree.flatten(self.input_spec)
        tensors = [t for t in tree.flatten(args[0]) if is_tensor(t)]
        if len(specs) != len(tensors):
            raise ArgumentError(
                f"layer {self.name!r} ({type(self).__name__}) takes {len(specs)} inputs, got {len(tensors)}.",
                next="pass a list of as many tensors.",
            )
        for spec, value in zip(specs, tensors, strict=True):
            problem = spec.problem(tuple(value.shape))
            if problem is not None:
                raise ShapeError(self._misfit(problem, tuple(value.shape)), next=self._misfit_advice(spec, value))

    def _misfit(self, problem, shape) -> str:
        return f"layer {self.name!r} ({type(self).__name__}) expects input of {problem} but got shape {shape}."

    @staticmethod
    def _misfit_advice(spec, value) -> str:
        return "reshape the input, or rebuild the model for it. See model.summary()."

    def _build_for(self, args, kwargs):
        if self.built:
            return
        shapes = {}
        bound = _bind(self._call_parameters, args, kwargs)
        for name, value in bound.items():
            leaves = tree.flatten(value)
            if leaves and all(is_tensor(leaf) for leaf in leaves):
                shapes[name] = tree.map_structure(lambda leaf: tuple(leaf.shape), value)
        with trace.paused():
            self._build_with(shapes)
        self.built = True

    def _build_with(self, shapes: dict):
        """Call `build` with the shapes that its signature asks for: one, or one an argument named `..._shape`."""
        parameters = [p for p in inspect.signature(self.build).parameters if p not in ("args", "kwargs")]
        named = {f"{name}_shape": shape for name, shape in shapes.items()}
        first = next(iter(shapes.values()), None)
        if len(parameters) > 1 and any(p in named for p in parameters):
            self.build(**{p: named[p] for p in parameters if p in named})
        else:
            self.build(first)

    # -- places in functional models ------------------------------------------------------------------------------

    def _only_call(self, what: str) -> OperationCall:
        if not self._untracked_calls:
            raise StateError(
                f"layer {self.name!r} has no {what}: it was never called on Keras tensors.",
                next="use it in a Sequential with an Input, or in a functional model.",
            )
        return self._untracked_calls[0]

    @property
    def input(self):
        """The Keras tensors that the layer was first called on."""
        inputs = self._only_call("input").inputs
        return inputs[0] if len(inputs) == 1 else inputs

    @property
    def output(self):
        """The Keras tensors that its first call gave."""
        return self._only_call("output").outputs

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def tree_of_shapes(structure, function):
    """Apply a function to each shape of a structure of shapes."""
    if isinstance(structure, dict):
        return {k: tree_of_shapes(v, function) for k, v in structure.items()}
    listed = isinstance(structure, (list, tuple))
    if listed and not all(n is None or isinstance(n, (int, np.integer)) for n in structure):
        return [tree_of_shapes(part, function) for part in structure]
    return function(tuple(structure)) if isinstance(structure, (list, tuple)) else structure


def _built_once(build):
    """A `build` that marks the layer as built and sets its weights' paths."""

    @functools.wraps(build)
    def wrapped(self, *args, **kwargs):
        with trace.paused():
            result = build(self, *args, **kwargs)
        self.built = True
        return result

    return wrapped


def _bind(parameters, args, kwargs) -> dict:
    names = [n for n, p in parameters.items() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    bound = dict(zip(names, args, strict=False))
    if len(args) > len(names):
        bound.update({f"argument_{i}": a for i, a in enumerate(args[len(names) :])})
    return {**bound, **kwargs}


def _shape_argument(kwargs: dict):
    """The batch shape that `input_shape=` and its kin give, taken out of the keyword arguments; None without."""
    length = kwargs.pop("input_length", None)
    given = {name: kwargs.pop(name) for name in SHAPE_ARGUMENTS if name in kwargs}
    for name, value in given.items():
        if name == "input_dim":
            return (None, value) if length is None else (None, length, value)
        shape = (value,) if isinstance(value, int) else tuple(value)
        return shape if name.startswith("batch") else (None, *shape)
    return None
