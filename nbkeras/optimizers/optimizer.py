"""Optimizer: how gradients change weights."""

from __future__ import annotations

import math
import re
import warnings

import numpy as np

from nbkeras import initializers, ops
from nbkeras.arguments import FLAG, NAME, POSITIVE, SHARE, SIZE, accepts, is_number, number, optional, whole
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError, StateError
from nbkeras.graph import live, trace
from nbkeras.graph.primitives import cast, emit, lift
from nbkeras.graph.stateless import stateless
from nbkeras.graph.traced import Traced
from nbkeras.naming import auto_name, to_snake_case
from nbkeras.optimizers import accumulate, regularize, schedules
from nbkeras.optimizers.sections import Section, neighbours, put_into_arenas
from nbkeras.optimizers.state import State
from nbkeras.saving.registry import serialize_keras_object
from nbkeras.variables import Variable


class Optimizer(State):
    """The base of all optimizers. A subclass makes its variables in `build` and changes one weight in `update_step`.

    Args:
        learning_rate: a number, a schedule, or a function without arguments; `lr=` is the same.
        weight_decay: each step takes this part of learning_rate * weight off each weight.
        clipnorm: the greatest norm of each gradient.
        clipvalue: the greatest size of each gradient's elements.
        global_clipnorm: the greatest norm of all gradients together.
        use_ema: keep moving averages of the weights; after training they take the weights' place.
        ema_momentum: of these averages.
        ema_overwrite_frequency: also put them in the weights' place each so many steps.
        loss_scale_factor: the loss is multiplied by it and the gradients are divided by it.
        gradient_accumulation_steps: sum the gradients of so many steps and update the weights with their mean at the
            last; `iterations` counts updates.
        name: made from the class name by default.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> class SignDescent(keras.optimizers.Optimizer):
        ...     def update_step(self, gradient, variable, learning_rate):
        ...         self.assign_sub(variable, learning_rate * keras.ops.sign(gradient))
        >>> w = keras.Variable([1.0, 2.0])
        >>> SignDescent(learning_rate=0.5).apply([np.array([3.0, -1.0], "float32")], [w])
        >>> w.numpy()
        array([0.5, 2.5], dtype=float32)
    """

    @accepts(
        name=optional(NAME),
        weight_decay=optional(SIZE),
        clipnorm=optional(number(0, infinite=True)),
        clipvalue=optional(number(0, infinite=True)),
        global_clipnorm=optional(number(0, infinite=True)),
        use_ema=FLAG,
        ema_momentum=SHARE,
        ema_overwrite_frequency=optional(whole(0)),
        loss_scale_factor=optional(POSITIVE),
    )
    def __init__(
        self,
        learning_rate=None,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        learning_rate = kwargs.pop("lr", learning_rate)
        if kwargs.pop("decay", None):
            warnings.warn(
                f"optimizer {self.name!r}: decay= has no effect any more; give a schedule as the learning rate, such "
                "as keras.optimizers.schedules.InverseTimeDecay."
            )
        if kwargs:
            raise ArgumentError(
                f"optimizer {self.name!r}: unknown argument {next(iter(kwargs))!r}.",
                next=f"see help(keras.optimizers.{type(self).__name__}).",
            )
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check_arguments()
        self.built = False
        self._trainable_variables = []
        self._positions = {}
        self._model_variables_moving_average = []
        self._accumulated_gradients = []
        self._eager = {}
        self._excluded, self._excluded_pattern = set(), None
        self._iterations = self.add_variable((), dtype="int64", name="iteration")
        self._set_learning_rate(learning_rate)

    def _check_arguments(self):
        clips = {key: getattr(self, key) for key in ("clipnorm", "clipvalue", "global_clipnorm")}
        given = {key: value for key, value in clips.items() if value is not None}
        if len(given) > 1:
            raise ArgumentError(f"optimizer {self.name!r}: expected one way of clipping at most, got {given}.")
        steps = self.gradient_accumulation_steps
        if steps and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 2):
            raise ArgumentError(
                f"optimizer {self.name!r}: expected gradient_accumulation_steps to be an integer from 2 on or None, "
                f"got {steps!r}."
            )

    # -- weights --------------------------------------------------------------------------------------------------

    @property
    def iterations(self):
        """How many updates were made: a variable; with gradient accumulation, a tensor."""
        if self.gradient_accumulation_steps:
            return ops.floor_divide(self._iterations, np.int64(self.gradient_accumulation_steps))
        return self._iterations

    def build(self, variables):
        """Make the state for these weights. Weights that lie in no arena move into one."""
        if self.built:
            return
        variables = list(variables)
        put_into_arenas(variables, f"{self.name}_weights")
        if self.use_ema:
            self._model_variables_moving_average = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulated_gradients = self.add_optimizer_variables(variables, "gradient_accumulator")
        self._trainable_variables = variables
        self._positions = {id(variable): i for i, variable in enumerate(variables)}
        self.built = True

    def _get_variable_index(self, variable) -> int:
        """The weight's position among those that the optimizer was built with."""
        return self._positions[id(variable)]

    # -- learning rate --------------------------------------------------------------------------------------------

    @property
    def learning_rate(self):
        """The learning rate's variable; with a schedule, its value at the present step."""
        rate = self._learning_rate
        if isinstance(rate, schedules.LearningRateSchedule):
            return rate(self._iterations)
        return rate if isinstance(rate, Variable) else rate()

    @learning_rate.setter
    def learning_rate(self, value):
        current = self._learning_rate
        if isinstance(value, schedules.LearningRateSchedule) or (callable(value) and not ops.is_tensor(value)):
            self._variables[:] = [v for v in self._variables if v is not current]
            self._learning_rate = value
        elif isinstance(current, Variable):
            current.assign(value)
        else:
            raise ArgumentTypeError(
                f"optimizer {self.name!r}: its learning rate follows {current!r} and cannot be set.",
                next="make the optimizer with a number as its learning rate.",
            )

    #: The name that older scripts use.
    lr = learning_rate

    def _set_learning_rate(self, rate):
        if isinstance(rate, schedules.LearningRateSchedule) or callable(rate):
            self._learning_rate = rate
            return
        if not is_number(rate) or not math.isfinite(rate):
            raise ArgumentError(
                f"optimizer {self.name!r}: expected the learning rate to be a finite number, a schedule or a function, "
                f"got {rate!r}."
            )
        self._learning_rate = self.add_variable((), initializers.Constant(float(rate)), name="learning_rate")

    # -- updating -------------------------------------------------------------------------------------------------

    def apply_gradients(self, grads_and_vars):
        """Update weights from pairs (gradient, weight); returns the step counter.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> w = keras.Variable([1.0, 2.0])
            >>> step = keras.optimizers.SGD(0.5).apply_gradients([(np.array([1.0, 0.0], "float32"), w)])
            >>> w.numpy()
            array([0.5, 2. ], dtype=float32)
        """
        grads, variables = zip(*grads_and_vars, strict=True)
        self.apply(grads, variables)
        return self._iterations

    def apply(self, grads, trainable_variables=None):
        """Update weights.

        Args:
            grads: a gradient for each weight, None for those that the loss does not depend on.
            trainable_variables: the weights; by default those that the optimizer was built with.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> w = keras.Variable([1.0, 2.0])
            >>> optimizer = keras.optimizers.SGD(0.5)
            >>> optimizer.build([w])
            >>> optimizer.apply([np.array([1.0, 0.0], "float32")])
            >>> w.numpy(), int(optimizer.iterations.numpy())
            (array([0.5, 2. ], dtype=float32), 1)
        """
        grads = list(grads)
        if not grads:
            return
        if trainable_variables is None:
            if not self.built:
                raise StateError(
                    f"optimizer {self.name!r}: apply(grads) before it knows the weights.",
                    next="call build(variables) first, or apply(grads, variables).",
                )
            trainable_variables = self._trainable_variables
        variables = list(trainable_variables)
        if len(grads) != len(variables):
            raise ArgumentError(f"optimizer {self.name!r}: got {len(grads)} gradients for {len(variables)} weights.")
        if not self.built:
            with trace.paused():
                self.build(variables)
        self._check_known(variables)
        if trace.current() is not None:
            self._apply(grads, variables)
            return
        key = tuple(id(v) for v in variables)
        if key not in self._eager:
            self._eager[key] = Traced(lambda *arrays: self._apply(list(arrays), variables))
        self._eager[key](*grads)

    def stateless_apply(self, optimizer_variables, grads, trainable_variables):
        """What weights and state would be after an update; the optimizer and its weights stay as they are.

        Args:
            optimizer_variables: values of `variables`.
            grads: a gradient for each weight.
            trainable_variables: values of the weights that the optimizer was built with.

        Returns:
            The new values of the weights, and those of the optimizer's variables.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> w = keras.Variable([1.0, 2.0])
            >>> optimizer = keras.optimizers.SGD(0.5)
            >>> optimizer.build([w])
            >>> state = [v.numpy() for v in optimizer.variables]
            >>> weights, state = optimizer.stateless_apply(state, [np.array([1.0, 0.0], "float32")], [w.numpy()])
            >>> weights[0], w.numpy()
            (array([0.5, 2. ], dtype=float32), array([1., 2.], dtype=float32))
        """
        if not self.built:
            raise StateError(
                f"optimizer {self.name!r}: stateless_apply before it knows the weights.",
                next="call build(model.trainable_variables) first.",
            )
        for name, given, own in (
            ("optimizer_variables", optimizer_variables, self.variables),
            ("trainable_variables", trainable_variables, self._trainable_variables),
        ):
            if len(given) != len(own):
                raise ArgumentError(f"optimizer {self.name!r}: expected {len(own)} {name}, got {len(given)}.")
        variables = [*self._trainable_variables, *self.variables]
        values = [*trainable_variables, *optimizer_variables]
        if trace.current() is None:
            run = lambda grads, values: stateless(lambda: self.apply(grads), variables, values)  # noqa: E731
            _, after = live.compute(run, (list(grads), values))
        else:
            _, after = stateless(lambda: self.apply(grads), variables, values)
        count = len(self._trainable_variables)
        return after[:count], after[count:]

    def _check_known(self, variables):
        for variable in variables:
            if id(variable) not in self._positions:
                raise ArgumentError(
                    f"optimizer {self.name!r}: weight {getattr(variable, 'path', variable.name)!r} is not one of those "
                    "that it was built with.",
                    next="make a new optimizer for other weights, or build(variables) with all of them.",
                )

    def _apply(self, grads, variables):
        """Add one update to the active graph."""
        present = [i for i, g in enumerate(grads) if g is not None]
        if not present:
            raise ArgumentError(
                f"optimizer {self.name!r}: all gradients are None: the loss depends on none of the weights.",
                next="check that the loss is computed from the model's output, with keras.ops only.",
            )
        if len(present) < len(grads):
            missing = [getattr(v, "path", v.name) for g, v in zip(grads, variables, strict=True) if g is None]
            warnings.warn(f"optimizer {self.name!r}: the loss does not depend on {missing}, which stay as they are.")
        grads, variables = [lift(grads[i]) for i in present], [variables[i] for i in present]
        for gradient, variable in zip(grads, variables, strict=True):
            if tuple(gradient.shape) != tuple(variable.shape):
                raise ShapeError(
                    f"optimizer {self.name!r}: weight {variable.path!r} has shape {tuple(variable.shape)}, its "
                    f"gradient {tuple(gradient.shape)}."
                )
        overwritten = [getattr(v, "overwrite_with_gradient", False) for v in variables]
        for gradient, variable, yes in zip(grads, variables, overwritten, strict=True):
            if yes:
                variable.assign(accumulate.where_due(self, gradient, variable.value))
        grads = [g for g, yes in zip(grads, overwritten, strict=True) if not yes]
        variables = [v for v, yes in zip(variables, overwritten, strict=True) if not yes]
        with trace.current().scope(self.name):
            if variables:
                self._update(grads, variables)
            for variable in variables:
                if variable.constraint is not None:
                    variable.assign(variable.constraint(variable.value))
            counter = self._iterations
            trace.current().values[counter] = emit("increment", counter, amount=1)

    def _update(self, grads, variables):
        """Unscale, accumulate, clip, decay, update, average."""
        rate = lift(ops.convert_to_tensor(self.learning_rate))
        groups = neighbours(variables)
        sections = [Section([variables[i] for i in group]) for group in groups]
        flats = regularize.gradients(self, [[grads[i] for i in group] for group in groups], sections)
        with accumulate.updates(self, flats, sections) as flats:
            flats = regularize.clip(self, flats, sections)
            regularize.decay(self, sections, rate)
            self._update_sections(flats, sections, rate)
        if self.use_ema:
            regularize.average(self)

    def _update_sections(self, flats, sections, rate):
        """One `update_step` a weight; optimizers with a kernel of their own do a section at once."""
        for flat, section in zip(flats, sections, strict=True):
            for gradient, variable in zip(section.unpack(flat), section.variables, strict=True):
                self.update_step(gradient, variable, cast(rate, variable.dtype))

    def update_step(self, gradient, variable, learning_rate):
        """Change one weight; every rule has its own. `assign`, `assign_add` and `assign_sub` change variables."""
        raise NotImplementedError(f"optimizer {type(self).__name__} has no update_step().")

    def assign(self, variable, value):
        """Set a variable."""
        variable.assign(value)

    def assign_add(self, variable, value):
        """Add to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable, value):
        """Subtract from a variable."""
        variable.assign_sub(value)

    def scale_loss(self, loss):
        """The loss times `loss_scale_factor`, if there is one."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def finalize_variable_values(self, var_list):
        """After training: with `use_ema`, put the averages in the weights' place."""
        for variable in var_list if self.use_ema and self.built else ():
            average = self._model_variables_moving_average[self._get_variable_index(variable)]
            if average is not None:
                variable.assign(average.numpy())

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Leave weights without decay; call before `build`.

        Args:
            var_list: weights.
            var_names: patterns; a weight whose name has one of them in it is left out.

        Example:
            >>> import nbkeras as keras
            >>> optimizer = keras.optimizers.AdamW(1e-3)
            >>> optimizer.exclude_from_weight_decay(var_names=["bias"])
        """
        if self.built:
            raise StateError(
                f"optimizer {self.name!r}: exclude_from_weight_decay after it was built.",
                next="call it before compile or fit.",
            )
        self._excluded = {id(v) for v in var_list or ()}
        self._excluded_pattern = re.compile("|".join(var_names)) if var_names else None

    def weight_decay_of(self, variable):
        """The weight decay of a weight that is not excluded."""
        return self.weight_decay

    def _use_weight_decay(self, variable) -> bool:
        by_name = self._excluded_pattern is not None and self._excluded_pattern.search(variable.name)
        return id(variable) not in self._excluded and not by_name

    # -- configuration ------------------------------------------------------------------------------------------------

    def get_config(self) -> dict:
        """The arguments that make an equal optimizer, as plain values."""
        rate = self._learning_rate
        return {
            "name": self.name,
            "learning_rate": float(rate.numpy()) if isinstance(rate, Variable) else serialize_keras_object(rate),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """An optimizer from `get_config`."""
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = schedules.deserialize(config["learning_rate"], custom_objects)
        return cls(**config)
