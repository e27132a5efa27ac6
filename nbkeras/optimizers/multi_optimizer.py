"""Several optimizers for one model, each with the weights that a map gives it."""

from __future__ import annotations

import re
from collections.abc import MutableMapping

from nbkeras.arguments import CALLABLE, accepts
from nbkeras.errors import ArgumentError, ArgumentTypeError, MissingAttribute
from nbkeras.optimizers.loss_scale import LossScaleOptimizer
from nbkeras.optimizers.optimizer import Optimizer
from nbkeras.saving.registry import serialize_keras_object


class OptimizerMap(MutableMapping):
    """Optimizers by the paths of weights.

    Args:
        default_optimizer: for weights that no key fits.
        optimizer_map: a dict; a key is a path, or a pattern that fits a whole path.

    Raises:
        ArgumentError: a key is taken, no string, or two patterns fit one path; an optimizer that holds others.
        ArgumentTypeError: the default is no optimizer, or the map no dict.

    Example:
        >>> import nbkeras as keras
        >>> sgd, adam = keras.optimizers.SGD(name="sgd"), keras.optimizers.Adam(name="adam")
        >>> optimizers = OptimizerMap(sgd, {"encoder/.*": adam})
        >>> optimizers["encoder/dense/kernel"].name, optimizers["head/kernel"].name
        ('adam', 'sgd')
    """

    def __init__(self, default_optimizer, optimizer_map=None):
        if not isinstance(default_optimizer, Optimizer):
            raise ArgumentTypeError(f"OptimizerMap: expected an optimizer as default, got {default_optimizer!r}.")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise ArgumentTypeError(f"OptimizerMap: expected optimizer_map to be a dict, got {optimizer_map!r}.")
        self.default_optimizer = default_optimizer
        self._optimizers = {}
        self.update(optimizer_map or {})

    def __getitem__(self, key):
        if key in self._optimizers:
            return self._optimizers[key]
        fitting = [pattern for pattern in self._optimizers if re.fullmatch(pattern, key)]
        if len(fitting) > 1:
            raise ArgumentError(f"OptimizerMap: the patterns {fitting} all fit {key!r}.", next="leave one that does.")
        return self._optimizers[fitting[0]] if fitting else self.default_optimizer

    def __setitem__(self, key, optimizer):
        if not isinstance(key, str) or key in self._optimizers:
            raise ArgumentError(f"OptimizerMap: expected a key that is a string and not taken, got {key!r}.")
        _check(optimizer, key)
        self._optimizers[key] = optimizer

    def __delitem__(self, key):
        del self._optimizers[key]

    def __len__(self):
        return len(self._optimizers)

    def __iter__(self):
        return iter(self._optimizers)

    def __call__(self, variable):
        """The optimizer of a weight."""
        return self[variable.path]

    def get_config(self) -> dict:
        """The arguments that make an equal map, as plain values."""
        return {
            "default_optimizer": serialize_keras_object(self.default_optimizer),
            "optimizer_map": serialize_keras_object(self._optimizers),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A map from `get_config`."""
        from nbkeras.optimizers import lookup

        own = {key: lookup.deserialize(value, custom_objects) for key, value in config["optimizer_map"].items()}
        return cls(lookup.deserialize(config["default_optimizer"], custom_objects), own)


class MultiOptimizer(Optimizer):
    """Updates each weight with the optimizer that a map gives for it.

    There is no learning rate for all of them: it is that of each of `optimizers`.

    Args:
        optimizer_map: an `OptimizerMap`, or a function that gives the optimizer of a weight.
        loss_scale_factor: that of all optimizers.
        name: made from the class name by default.

    Raises:
        ArgumentError: what the map gives is no optimizer, or one that holds others.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> optimizers = {"slow": keras.optimizers.SGD(0.1), "fast": keras.optimizers.SGD(1.0)}
        >>> optimizer = MultiOptimizer(lambda weight: optimizers[weight.name])
        >>> slow, fast = keras.Variable([0.0], name="slow"), keras.Variable([0.0], name="fast")
        >>> optimizer.apply([np.ones(1, "float32")] * 2, [slow, fast])
        >>> slow.numpy().tolist(), fast.numpy().tolist()
        ([-0.10000000149011612], [-1.0])
    """

    @accepts(optimizer_map=CALLABLE)
    def __init__(self, optimizer_map, loss_scale_factor=None, name=None):
        self._inner = []
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._map = optimizer_map
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._add(optimizer, "the map")

    def _add(self, optimizer, where):
        _check(optimizer, where)
        if not any(own is optimizer for own in self._inner):
            optimizer.loss_scale_factor = self.loss_scale_factor
            self._inner.append(optimizer)
        return optimizer

    def build(self, variables):
        if self.built:
            return
        variables = list(variables)
        self._optimizer_of = {id(v): self._add(self._map(v), v.path) for v in variables}
        for optimizer in self._inner:
            own = [v for v in variables if self._optimizer_of[id(v)] is optimizer]
            if own:
                optimizer.build(own)
        super().build(variables)

    @property
    def optimizers(self) -> list[Optimizer]:
        """All optimizers; those that a function gives are known once it is built."""
        return self._inner

    @property
    def variables(self):
        """Its own state, then that of all optimizers."""
        return [*self._variables, *(v for optimizer in self._inner for v in optimizer.variables)]

    @property
    def learning_rate(self):
        """None for all: each of `optimizers` has its own."""
        raise MissingAttribute(
            f"optimizer {self.name!r} (MultiOptimizer) has no learning rate of its own.",
            next="read or set that of each of its `optimizers`.",
        )

    @learning_rate.setter
    def learning_rate(self, value):
        raise MissingAttribute(
            f"optimizer {self.name!r} (MultiOptimizer) has no learning rate of its own.",
            next="read or set that of each of its `optimizers`.",
        )

    @property
    def loss_scale_factor(self):
        """That of all optimizers."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, value):
        self._loss_scale_factor = value
        for optimizer in self._inner:
            optimizer.loss_scale_factor = value

    def _apply(self, grads, variables):
        for optimizer in self._inner:
            pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if self._optimizer_of[id(v)] is optimizer]
            if any(gradient is not None for gradient, _ in pairs):
                optimizer._apply(*zip(*pairs, strict=True))
        self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list):
        """As the optimizers do."""
        for optimizer in self._inner if self.built else ():
            optimizer.finalize_variable_values([v for v in var_list if self._optimizer_of[id(v)] is optimizer])

    def get_config(self):
        return {
            "optimizer_map": serialize_keras_object(self._map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """An optimizer from `get_config`."""
        from nbkeras.saving import objects

        described = config["optimizer_map"]
        if isinstance(described, dict) and described.get("class_name") == "OptimizerMap":
            chooser = OptimizerMap.from_config(described["config"], custom_objects)
        else:
            chooser = objects.deserialize_keras_object(described, custom_objects)
        return cls(**{**config, "optimizer_map": chooser})


def _check(optimizer, where):
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise ArgumentError(
            f"MultiOptimizer: expected a plain optimizer for {where}, got {optimizer!r}.",
            next="wrap the MultiOptimizer in a LossScaleOptimizer, not the other way round.",
        )
