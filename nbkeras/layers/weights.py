"""The weights of a layer and of the layers inside it."""

from __future__ import annotations

import contextlib

import numpy as np

from nbkeras import constraints, initializers, regularizers
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError, StateError
from nbkeras.graph.dtypes import is_float, standardize_dtype
from nbkeras.layers import call_context
from nbkeras.layers.tracking import Tracked
from nbkeras.naming import auto_name
from nbkeras.saving import budget
from nbkeras.variables import Variable


class HoldsWeights(Tracked):
    """Base of layers: makes weights, lists them, reads and sets them. Needs `name`, `built` and `variable_dtype`."""

    def add_weight(
        self,
        *args,
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
            args: shape, initializer and dtype may be given by place, in this order; all else by name.
            shape: a tuple, () by default.
            initializer: name, object or function; Glorot uniform for floats, zeros otherwise.
            dtype: the layer's by default.
            trainable: False for statistics and counters.
            regularizer, constraint: name, object or function.
            name: within the layer.

        Example:
            >>> from nbkeras import layers
            >>> layer = layers.Layer()
            >>> w = layer.add_weight((2, 3), initializer="ones", name="scale")
            >>> w.shape, w.trainable, len(layer.trainable_weights)
            ((2, 3), True, 1)
        """
        given = {"shape": shape, "initializer": initializer, "dtype": dtype}
        shape, initializer, dtype = self._by_place(args, given)
        shape = () if shape is None else tuple(int(n) for n in np.atleast_1d(shape))
        dtype = standardize_dtype(dtype or self.variable_dtype)
        if initializer is None:
            initializer = "glorot_uniform" if is_float(dtype) else "zeros"
        initializer = initializers.get(initializer)
        name = name or auto_name("variable")
        # A layer that loads its weights in its own way may leave some as they were made.
        own_way = type(self).load_own_variables is not HoldsWeights.load_own_variables
        with budget.drawn() if own_way else contextlib.nullcontext():
            variable = Variable(initializer, shape, dtype, trainable=trainable, name=name)
        variable.path = "/".join([*(call_context.names() or [self.path or self.name]), name])
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.aggregation = aggregation
        self._track(variable)
        variable.trainable = variable.trainable and self.trainable
        return variable

    def _by_place(self, args, named: dict):
        """The first arguments of `add_weight`, each by place or by name."""
        if len(args) > len(named):
            raise ArgumentTypeError(
                f"layer {self.name!r}: add_weight takes {', '.join(named)} by place, got {len(args)} values.",
                next="give all others by name, e.g. trainable=False.",
            )
        if args and isinstance(args[0], str):
            raise ArgumentError(
                f"layer {self.name!r}: add_weight got {args[0]!r} for the shape.",
                next="the first argument is the shape; give the name as name=...",
            )
        for name, value in zip(named, args, strict=False):
            if named[name] is not None:
                raise ArgumentError(
                    f"layer {self.name!r}: add_weight got {name} by place, {value!r}, and by name, {named[name]!r}.",
                    next="leave out one of them.",
                )
        return [*args, *list(named.values())[len(args) :]]

    def add_variable(self, shape, initializer, dtype=None, trainable=True, autocast=True, name=None, **options):
        """Make a weight, as `add_weight`."""
        return self.add_weight(shape, initializer, dtype, trainable=trainable, autocast=autocast, name=name, **options)

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
        return self._gather("weights", HoldsWeights._own)

    def _weights_in_files(self) -> list:
        """The weights of this layer that files keep."""
        return self._own()

    def _weights_were_read(self) -> None:
        """Called when those weights have been read from a file."""

    def _own(self):
        return self._tracked["trainable"] + self._tracked["fixed"]

    @property
    def variables(self):
        """All weights, and the states of seeds; those of metrics are `metrics_variables`."""
        return self._gather("variables", lambda layer: [*layer._own(), *(s.state for s in layer._tracked["seeds"])])

    @property
    def trainable_weights(self):
        """The weights that training changes: none of a frozen layer."""
        if not self.trainable:
            return []
        return self._gather("trainable_weights", lambda layer: [v for v in layer._own() if v.trainable])

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
        """Whether training changes the weights; setting it sets the weights that were made trainable and all layers
        inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        object.__setattr__(self, "_trainable", bool(value))
        for variable in self._tracked["trainable"]:
            variable.trainable = bool(value)
        for layer in self._layers:
            layer.trainable = value

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights.

        Example:
            >>> import nbkeras as keras
            >>> layer = keras.layers.Dense(1, kernel_initializer="ones")
            >>> layer.build((None, 2))
            >>> layer.get_weights()
            [array([[1.],
                   [1.]], dtype=float32), array([0.], dtype=float32)]
        """
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights) -> None:
        """Set all weights from arrays in the order of `weights`.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> layer = keras.layers.Dense(1)
            >>> layer.build((None, 2))
            >>> layer.set_weights([np.array([[2.0], [3.0]]), np.array([1.0])])
            >>> layer(np.ones((1, 2), "float32"))
            array([[6.]], dtype=float32)
        """
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

    def save_own_variables(self, store) -> None:
        """Write the weights of this layer, without those of layers inside, into a dict-like store: '0', '1', ..."""
        for i, variable in enumerate(self._weights_in_files()):
            store[str(i)] = variable

    def load_own_variables(self, store) -> None:
        """Read what `save_own_variables` wrote."""
        own = self._weights_in_files()
        if len(store.keys()) != len(own):
            raise ArgumentError(
                f"layer {self.name!r}: it has {len(own)} weights of its own, the file {len(store.keys())}.",
                next="build the model as it was when the file was written; compare their summary().",
            )
        for i, variable in enumerate(own):
            variable.assign(store[str(i)])
        self._weights_were_read()

    def count_params(self) -> int:
        """The number of weights' elements.

        Example:
            >>> from nbkeras.layers import Dense
            >>> layer = Dense(3)
            >>> layer.build((None, 2))
            >>> layer.count_params()
            9
        """
        if not self.built:
            raise StateError(
                f"layer {self.name!r}: count_params before the layer is built.",
                next="call the layer on data, or build(input_shape).",
            )
        return sum(int(np.prod(w.shape)) for w in self.weights)

    @property
    def metrics(self):
        """Metrics of this layer and the layers inside."""
        found = list(self._tracked["metrics"])
        for layer in self._layers:
            found.extend(m for m in layer.metrics if not any(m is f for f in found))
        return found

    @property
    def metrics_variables(self):
        """The state of all metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]
