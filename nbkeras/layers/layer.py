"""Layer: weights, and a `call` that says what to compute with them."""

from __future__ import annotations

import copy
import functools
import inspect

import numpy as np

from nbkeras import dtype_policies, regularizers, tree
from nbkeras.arguments import FLAG, NAME, accepts, optional
from nbkeras.errors import (
    ArgumentError,
    ArgumentTypeError,
    MissingAttribute,
    NbkerasError,
    ShapeError,
    StateError,
)
from nbkeras.graph import keras_tensor, trace
from nbkeras.graph.dtypes import is_float
from nbkeras.graph.keras_tensor import KerasTensor, OperationCall
from nbkeras.graph.masks import get_mask, with_mask
from nbkeras.layers import call_context, reviving
from nbkeras.layers.mask_passing import Masks
from nbkeras.layers.signature import (
    bind,
    built_once,
    check_places,
    constructor_arguments,
    named,
    needed,
    shape_argument,
    takes,
    training_of,
    tree_of_shapes,
)
from nbkeras.layers.stateless import Stateless
from nbkeras.layers.weights import HoldsWeights
from nbkeras.naming import auto_name, ordinal, to_snake_case
from nbkeras.ops.common import is_tensor, tensor
from nbkeras.saving.registry import with_arrays


class Layer(Stateless, HoldsWeights):
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

    @accepts(name=optional(NAME), trainable=FLAG, autocast=FLAG)
    def __init__(self, *, activity_regularizer=None, trainable=True, dtype=None, autocast=True, name=None, **kwargs):
        shape = shape_argument(kwargs)
        if kwargs:
            raise ArgumentTypeError(
                f"{type(self).__name__}: unknown argument {next(iter(kwargs))!r}.",
                next="see help() of the layer for the arguments that it takes.",
            )
        if not isinstance(trainable, (bool, np.bool_)):
            raise ArgumentError(f"{type(self).__name__}: trainable must be True or False, got {trainable!r}.")
        object.__setattr__(self, "_trainable", bool(trainable))
        self.name = str(name) if name is not None else auto_name(to_snake_case(type(self).__name__))
        self.dtype_policy = dtype_policies.get(dtype)
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self.supports_masking = type(self).compute_mask is not Layer.compute_mask
        self.input_spec = None
        self._untracked_shape = shape
        self._untracked_build_shapes = None
        self._untracked_warned = False
        self._untracked_path = None
        self._untracked_losses = []
        self._untracked_calls = []

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = built_once(cls.build)

    # -- what subclasses override ---------------------------------------------------------------------------------

    def build(self, input_shape):
        """Make the weights for an input shape.

        Example:
            >>> from nbkeras.layers import Dense
            >>> layer = Dense(3)
            >>> layer.build((None, 2))
            >>> layer.kernel.shape, layer.bias.shape
            ((2, 3), (3,))
        """
        self.built = True

    def _build_at_init(self):
        """Called by layers without weights: there is nothing to build, unless a subclass has something."""
        if type(self).build is Layer.build:
            self.built = True

    def call(self, *args, **kwargs):
        """Compute the output; every layer has its own."""
        raise NotImplementedError(f"layer {self.name!r} ({type(self).__name__}) has no call().")

    def compute_output_shape(self, *args, **kwargs):
        """The shape of the output for a shape of the input.

        Example:
            >>> from nbkeras.layers import Conv2D
            >>> Conv2D(8, 3).compute_output_shape((None, 28, 28, 1))
            (None, 26, 26, 8)
        """
        shapes = [tree_of_shapes(a, lambda s: KerasTensor(s, self.compute_dtype)) for a in args]
        return tree.map_structure(lambda t: t.shape, self.compute_output_spec(*shapes, **kwargs))

    def compute_output_spec(self, *args, **kwargs):
        """The output, as Keras tensors, for Keras tensors; nothing is computed.

        A subclass that says what shape it gives is believed, as in Keras; others are tried out.
        """
        if not type(self).compute_output_shape.__module__.startswith("nbkeras."):
            shapes = self._with_shapes(self.compute_output_shape, self._shapes_of(args, kwargs))
            if isinstance(shapes, list) and all(n is None or isinstance(n, int) for n in shapes):
                shapes = tuple(shapes)
            return tree.map_shape_structure(lambda shape: KerasTensor(shape, self.compute_dtype), shapes)
        try:
            return keras_tensor.infer(self._converted_call, args, kwargs)
        finally:
            # Losses of a trial run are symbols of a graph that is gone.
            for layer in self._flatten_layers():
                layer._untracked_losses.clear()

    def compute_mask(self, inputs, previous_mask):
        """The mask that the output carries: that of the input, unless a layer says otherwise."""
        return previous_mask

    def get_config(self) -> dict:
        """The arguments that make an equal layer, as plain values.

        A layer that doesn't override this gives what its constructor was called with.

        Example:
            >>> from nbkeras.layers import Dense
            >>> Dense.from_config(Dense(3, activation="relu").get_config()).units
            3
        """
        config = {"name": self.name, "trainable": self.trainable, "dtype": dtype_policies.serialize(self.dtype_policy)}
        if type(self).get_config is Layer.get_config:
            config = {name: value for name, value in config.items() if takes(self, name)}
            config = {**constructor_arguments(self), **config}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config):
        """A layer from `get_config`."""
        config = with_arrays(config)
        if isinstance(config.get("dtype"), dict):
            # A constructor that uses the dtype knows it by its name, as in Keras.
            config["dtype"] = dtype_policies.get(config["dtype"]).name
        return cls(**config)

    def get_build_config(self) -> dict | None:
        """The shapes that `build` was called with; None if it was not."""
        shapes = {name: shape for name, shape in (self._untracked_build_shapes or {}).items() if name != "self"}
        if not shapes:
            return None
        if len(shapes) == 1:
            return {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": shapes}

    def build_from_config(self, config) -> None:
        """Build for the shapes of `get_build_config`."""
        if not config:
            return
        if "input_shape" in config:
            self.build(tree_of_shapes(config["input_shape"], lambda shape: shape))
        elif "shapes_dict" in config:
            self.build(**{k: tree_of_shapes(s, lambda shape: shape) for k, s in config["shapes_dict"].items()})

    def __reduce__(self):
        # copy.deepcopy and pickle: an equal layer with weights of its own.
        return reviving.reduced(self)

    def __copy__(self):
        # A layer that shared its weights with another would be neither a copy nor the same layer.
        return copy.deepcopy(self)

    @property
    def dtype_policy(self):
        """The dtypes of weights and computation; it may be set to a policy, or to the name of one."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value):
        object.__setattr__(self, "_dtype_policy", dtype_policies.get(value))

    @property
    def compute_dtype(self) -> str:
        """The dtype that inputs are converted to."""
        return self.dtype_policy.compute_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that inputs are cast to."""
        return self.compute_dtype

    @property
    def path(self) -> str | None:
        """The names of the layers around this one and its own, as they were when it was built; None before."""
        return self._untracked_path

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self.dtype_policy.variable_dtype

    @property
    def dtype(self) -> str:
        """The dtype of the weights; the same as `variable_dtype`."""
        return self.dtype_policy.variable_dtype

    # -- losses ---------------------------------------------------------------------------------------------------

    def add_loss(self, loss):
        """Add a scalar to the loss of the step that is being traced.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> class Penalty(keras.layers.Layer):
            ...     def call(self, x):
            ...         self.add_loss(0.5 * keras.ops.mean(keras.ops.square(x)))
            ...         return x
            >>> model = keras.Sequential([keras.Input((2,)), Penalty()])
            >>> model.compile(loss="mse")
            >>> x = np.ones((4, 2), "float32")
            >>> model.evaluate(x, x, verbose=0)
            0.5
        """
        for part in tree.flatten(loss):
            self._untracked_losses.append(part() if callable(part) and not is_tensor(part) else part)

    def add_metric(self, *args, **kwargs):
        """Keras 3 has no such method any more."""
        raise NotImplementedError(
            f"layer {self.name!r}: add_metric is gone from Keras. Give compile(metrics=[...]) the metric, or hold it "
            "as an attribute of the layer and call its update_state."
        )

    def _flatten_layers(self, include_self=True, recursive=True):
        """This layer and those inside, each followed by its own."""
        found = [self] if include_self else []
        for layer in self._layers:
            found += layer._flatten_layers() if recursive else [layer]
        return found

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
        args, kwargs = self._convert_all(args, kwargs)
        check_places(self, args)
        self._check_inputs(args)
        first = not self.built
        self._build_for(args, kwargs)
        if keras_tensor.any_keras_tensor(args, kwargs):
            outputs = self.compute_output_spec(*args, **kwargs)
            self._check_outputs(outputs)
            outputs = Masks(self, args, kwargs).passed_on(outputs, replace=True)
            call = OperationCall(self, args, kwargs, outputs)
            self._untracked_calls.append(call)
        else:
            outputs = self._call(*args, **kwargs)
        if first:
            # A layer of layers without a build may make some in its first call.
            self._lock()
        return outputs

    def _call(self, *args, **kwargs):
        """Run `call` on values, with the training flag that holds here."""
        flag = training_of(self._call_parameters, args, kwargs)
        if flag is None:
            flag = call_context.training()
        if "training" in self._call_parameters:
            if flag is None:
                default = self._call_parameters["training"].default
                flag = default if default is not inspect.Parameter.empty else None
            args = args[: list(self._call_parameters).index("training")]
            kwargs["training"] = flag
        elif not self._takes_any_keyword:
            kwargs.pop("training", None)
        if not call_context.stack():
            for layer in self._flatten_layers():
                layer._untracked_losses.clear()
        masks = Masks(self, args, kwargs)
        kwargs.update(masks.kwargs)
        graph = trace.current()
        with call_context.entered(self, flag):
            if graph is None:
                outputs = self._named_call(args, kwargs)
            else:
                with graph.scope(self.name):
                    outputs = self._named_call(args, kwargs)
            if outputs is None:
                # A layer may be called for what it does alone, such as adding a loss.
                return None
            if self.activity_regularizer is not None:
                for output in tree.flatten(outputs):
                    rows = output.shape[0] if output.shape else 1
                    self.add_loss(self.activity_regularizer(output) / max(1, rows))
        return masks.passed_on(outputs)

    def _converted_call(self, *args, **kwargs):
        args, kwargs = self._convert_all(args, kwargs)
        return self._call(*args, **kwargs)

    def _convert_all(self, args, kwargs):
        args = tuple(tree.map_structure(self._convert, a) for a in args)
        return args, {k: tree.map_structure(self._convert, v) for k, v in kwargs.items()}

    def _named_call(self, args, kwargs):
        """Call, and say in which layer it failed."""
        try:
            outputs = self.call(*args, **kwargs)
        except NbkerasError as error:
            if not getattr(error, "layer", None):
                error.layer = self.name
                if not error.args[0].startswith((f"layer {self.name!r}", f"model {self.name!r}")):
                    error.args = (f"{self._who()}: {error.args[0]}",)
            raise
        return outputs

    def _check_outputs(self, outputs):
        """Refuse a call without outputs, where they are needed."""
        if outputs is None:
            raise ArgumentError(
                f"{self._who()}: call() returned None.",
                next="end call() with `return` and the output.",
            )

    def _who(self) -> str:
        """The layer for messages, with its place in the model that is being called."""
        around = [layer for layer in call_context.stack() if layer is not self]
        siblings = getattr(around[-1], "layers", around[-1]._layers) if around else ()
        place = next((number for number, layer in enumerate(siblings, 1) if layer is self), None)
        where = "" if place is None else f", {ordinal(place)} of {around[-1].name!r}"
        return f"layer {self.name!r} ({type(self).__name__}{where})"

    @functools.cached_property
    def _call_parameters(self):
        return inspect.signature(self.call).parameters

    @functools.cached_property
    def _takes_any_keyword(self) -> bool:
        return any(p.kind is p.VAR_KEYWORD for p in self._call_parameters.values())

    def _convert(self, value):
        """Arrays and numbers as tensors; floats in the layer's dtype."""
        if isinstance(value, KerasTensor) or value is None or isinstance(value, (bool, str)):
            return value
        if not is_tensor(value):
            if isinstance(value, (int, float)) or not hasattr(value, "__array__"):
                return value
            value = np.asarray(value)
        mask, value = get_mask(value), tensor(value)
        if self.autocast and is_float(value.dtype) and value.dtype != self.compute_dtype:
            value = with_mask(tensor(value, self.compute_dtype), mask)
        return value

    def _check_inputs(self, args):
        if self.input_spec is None or not args:
            return
        specs = tree.flatten(self.input_spec)
        tensors = [t for t in tree.flatten(args[0]) if is_tensor(t)]
        if args[0] is None:
            raise ArgumentError(
                f"{self._who()} takes {len(specs)} inputs, got None.",
                next="end the call() of the layer before it with `return` and the output.",
            )
        if len(specs) != len(tensors):
            raise ArgumentError(
                f"{self._who()} takes {len(specs)} inputs, got {len(tensors)}.",
                next="pass a list of as many tensors.",
            )
        for spec, value in zip(specs, tensors, strict=True):
            problem = spec.problem(tuple(value.shape))
            if problem is not None:
                raise ShapeError(self._misfit(problem, tuple(value.shape)), next=self._misfit_advice(spec, value))

    def _misfit(self, problem, shape) -> str:
        return f"{self._who()} expects input of {problem} but got shape {shape}."

    @staticmethod
    def _misfit_advice(spec, value) -> str:
        return "reshape the input, or rebuild the model for it. See model.summary()."

    def _build_for(self, args, kwargs):
        if self.built:
            return
        with trace.paused():
            self._build_with(self._shapes_of(args, kwargs))
        self.built = True
        if type(self).build is not Layer.build or not self._layers:
            self._lock()

    def _lock(self):
        """Refuse new weights, layers and metrics from now on: a trace or a file would not know them."""
        self._untracked_locked = True

    def _shapes_of(self, args, kwargs) -> dict:
        """The shapes of the arguments of a call that are tensors or structures of them."""
        shapes = {}
        for name, value in bind(self._call_parameters, args, kwargs).items():
            leaves = tree.flatten(value)
            if leaves and all(is_tensor(leaf) for leaf in leaves):
                shapes[name] = tree.map_structure(lambda leaf: tuple(leaf.shape), value)
        return shapes

    def _build_with(self, shapes: dict):
        self._with_shapes(self.build, shapes)

    def _with_shapes(self, function, shapes: dict):
        """Call a function with the shapes that its signature asks for: one, or one an argument named `..._shape`."""
        parameters = inspect.signature(function).parameters
        given = {f"{name}_shape": shape for name, shape in shapes.items()}
        taken = [n for n in named(parameters) if n in given]
        if len(named(parameters)) > 1 and (taken or len(needed(parameters)) > 1):
            missing = next((n for n in needed(parameters) if n not in given), None)
            if missing is not None:
                raise ArgumentError(
                    f"{self._who()}: {function.__name__}() takes {missing!r}, which is no shape of an argument of "
                    f"this call; those are {', '.join(given) or 'none'}.",
                    next="name each argument after one of call(), with '_shape' behind it.",
                )
            return function(**{n: given[n] for n in taken})
        return function(next(iter(shapes.values()), None))

    # -- places in functional models ------------------------------------------------------------------------------

    def _only_call(self, what: str) -> OperationCall:
        if not self._untracked_calls:
            raise MissingAttribute(
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
