"""The part of a model that says how to train: compile, the loss, the metrics, and what one step does."""

from __future__ import annotations

import inspect
import warnings

from nbkeras import metrics as metrics_module
from nbkeras import ops, optimizers, tree
from nbkeras.config import floatx
from nbkeras.errors import ArgumentError, NbkerasError, ShapeError, StateError
from nbkeras.graph import trace
from nbkeras.graph.dtypes import is_float
from nbkeras.graph.gradient import gradient
from nbkeras.training import checks, compile_config
from nbkeras.training.compile_utils import CompileLoss, CompileMetrics
from nbkeras.utils.data import unpack_x_y_sample_weight


class Compiled:
    """Loss, metrics and optimizer of a model.

    A subclass may override `train_step`, `test_step`, `predict_step`, `compute_loss` and `compute_metrics`: they are
    traced once and then run as one program.
    """

    #: What training keeps does not belong to the model's weights.
    _UNTRACKED = ("optimizer", "loss", "history", "_loss_tracker", "_compile_loss", "_compile_metrics")

    def __init__(self):
        self._untracked_specs = {}
        self.compiled = False
        self.optimizer = None
        self.loss = None
        self.run_eagerly = False
        self.steps_per_execution = 1
        self.jit_compile = True
        self._compile_loss = None
        self._compile_metrics = None
        self._loss_tracker = None
        self._untracked_trainable = None
        self._untracked_arguments = {}

    def __setattr__(self, name, value):
        if name in Compiled._UNTRACKED:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Say how to train.

        Args:
            optimizer: name or object.
            loss: name, object or function; a list or dict for several outputs.
            loss_weights: factors of the losses of several outputs.
            metrics: names, objects or functions; a list or dict for several outputs.
            weighted_metrics: likewise; sample and class weights count in them.
            run_eagerly: run the Python code of `call` and `train_step` for every batch on tensors that have values, so
                that print, breakpoints and Python's if work there; slow, for debugging.
            steps_per_execution: call the callbacks' batch hooks after so many batches.
            jit_compile, auto_scale_loss: accepted as Keras has them; a step is always compiled.

        Raises:
            ArgumentError: a name is unknown; the message suggests the nearest.

        Example:
            >>> import nbkeras as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="softmax")])
            >>> model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
            >>> round(float(model.optimizer.learning_rate.numpy()), 6), model.loss
            (0.001, 'sparse_categorical_crossentropy')
        """
        steps_per_execution = checks.whole("steps_per_execution", steps_per_execution, "compile")
        optimizer = None if optimizer is None else optimizers.get(optimizer)
        names = self._names()
        compiled_loss = (
            CompileLoss(loss, loss_weights, output_names=self._names(each=True)) if loss is not None else None
        )
        compiled_metrics = None
        if metrics is not None or weighted_metrics is not None:
            compiled_metrics = CompileMetrics(metrics, weighted_metrics, output_names=names)
        self.optimizer, self.loss = optimizer, loss
        self.run_eagerly = bool(run_eagerly)
        self.steps_per_execution = steps_per_execution
        self.jit_compile = not run_eagerly if jit_compile == "auto" else jit_compile
        self._compile_loss, self._compile_metrics = compiled_loss, compiled_metrics
        self._loss_tracker = metrics_module.Mean(name="loss")
        self._untracked_trainable = None
        self._untracked_arguments = {
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": self.jit_compile,
        }
        self.compiled = True
        self.stop_training = False
        self._forget_plans()

    def get_compile_config(self) -> dict:
        """What compile was called with, as plain values; empty before compile."""
        return compile_config.to_config(self._untracked_arguments) if self.compiled else {}

    def compile_from_config(self, config) -> None:
        """Compile as `get_compile_config` says. A model with a `compile` of its own needs both methods of its own."""
        if type(self).compile is not Compiled.compile:
            warnings.warn(
                f"model {self.name!r}: it was not compiled as it was loaded, because its class has a compile() of its "
                "own. Override get_compile_config() and compile_from_config(config) too, or compile it now.",
                stacklevel=2,
            )
            return
        self.compile(**compile_config.from_config(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def _names(self, each=False):
        """The names of the outputs; with `each` of the layers that make them, if those are names of several."""
        try:
            names = list(self.output_names)
            if each and len(names) < len(self.outputs):
                names = [tensor.history[0].operation.name for tensor in self.outputs]
            return names
        except (AttributeError, NbkerasError):
            return None

    def _need_compiled(self, caller):
        if not self.compiled:
            raise StateError(
                f"model {self.name!r}: {caller} before compile.",
                next=f"call model.compile(optimizer=..., loss=...) first, then {caller}.",
            )

    def _note_trainable(self):
        """Trace anew if other weights train than when the step was traced."""
        chosen = [id(weight) for weight in self.trainable_weights]
        if self._untracked_trainable not in (None, chosen):
            self._forget_plans()
            warnings.warn(
                f"model {self.name!r}: `trainable` was changed after compile; it takes effect now. "
                "Compile again to let the optimizer start anew.",
                stacklevel=4,
            )
        self._untracked_trainable = chosen

    # -- metrics --------------------------------------------------------------------------------------------------

    @property
    def metrics(self):
        """The loss tracker, the metrics of compile (as one), the losses of single outputs, and those of the model
        and its layers."""
        found = []
        if self.compiled:
            found.append(self._loss_tracker)
            if self._compile_metrics is not None:
                found.append(self._compile_metrics)
            if self._compile_loss is not None:
                found += self._compile_loss.metrics
        found += self._tracked["metrics"]
        for layer in self._layers:
            found += [m for m in _layer_metrics(layer) if not any(m is f for f in found)]
        return found

    @property
    def metrics_names(self):
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    @property
    def metrics_variables(self) -> list:
        """The state of `metrics`."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def reset_metrics(self):
        """Start all metrics anew."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict:
        """The results of all metrics by name."""
        results = {}
        for metric in self.metrics:
            result = metric.result()
            results.update(result if isinstance(result, dict) else {metric.name: result})
        return results

    # -- steps: what is traced ------------------------------------------------------------------------------------

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The loss of a batch: the compiled loss, plus what layers and weights add.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
            >>> model.compile("sgd", "mse")
            >>> x, y = np.ones((1, 2), "float32"), np.zeros((1, 1), "float32")
            >>> float(model.compute_loss(x, y, model(x)))
            4.0
        """
        parts = []
        if self._compile_loss is not None:
            self._check_outputs(y_pred)
            loss = self._compile_loss(y, y_pred, sample_weight)
            if loss is not None:
                parts.append(loss)
        for loss in self.losses:
            parts.append(ops.sum(loss if is_float(loss.dtype) else ops.cast(loss, floatx())))
        if not parts:
            raise StateError(
                f"model {self.name!r} has no loss to train with.",
                next="give compile a loss, or call add_loss in a layer.",
            )
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def _has_own_loss(self) -> bool:
        """True if a subclass overrides `compute_loss`."""
        return type(self).compute_loss not in _DEFAULTS

    def _loss_of(self, x, y, y_pred, sample_weight, training):
        """`compute_loss`, which older subclasses override without `training`."""
        taken = inspect.signature(self.compute_loss).parameters
        flag = {"training": training} if "training" in taken or "kwargs" in taken else {}
        if not training and self._compile_loss is None and not self.losses and not self._has_own_loss():
            return ops.zeros(())
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, **flag)
        if loss is None:
            raise ArgumentError(f"model {self.name!r}: compute_loss() returned None.", next="return the loss from it.")
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Update the compiled metrics with a batch; returns all results by name."""
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def train_step(self, data):
        """One step of training: forward, loss, gradients, update, metrics; returns the logs.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> class Twice(keras.Model):
            ...     def __init__(self):
            ...         super().__init__()
            ...         self.dense = keras.layers.Dense(1)
            ...     def call(self, x):
            ...         return self.dense(x)
            ...     def train_step(self, data):
            ...         logs = super().train_step(data)
            ...         return {**logs, "twice": 2 * logs["loss"]}
            >>> model = Twice()
            >>> model.compile("sgd", "mse")
            >>> history = model.fit(np.ones((4, 2), "float32"), np.ones((4, 1), "float32"), verbose=0)
            >>> bool(np.isclose(history.history["twice"][0], 2 * history.history["loss"][0]))
            True
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=True)
        loss = self._loss_of(x, y, y_pred, sample_weight, True)
        self._loss_tracker.update_state(loss, sample_weight=rows_of(x))
        weights = self.trainable_weights
        if weights:
            self.optimizer.apply(self.gradients(self.optimizer.scale_loss(loss), weights), weights)
        else:
            warnings.warn(f"model {self.name!r} has no trainable weights: fit changes nothing.", stacklevel=2)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def gradients(self, loss, weights):
        """The derivatives of a loss with respect to weights, inside a step.

        Args:
            loss: one number.
            weights: variables that the loss depends on.
        """
        if loss.size != 1:
            raise ShapeError(
                f"model {self.name!r}: the loss must be one number, got shape {tuple(loss.shape)}.",
                next="reduce it with ops.mean or ops.sum, or use a reduction other than 'none'.",
            )
        graph = trace.current()
        return gradient(loss, [graph.reads[w] if w in graph.reads else graph.read(w) for w in weights])

    def test_step(self, data):
        """One step of evaluation: forward, loss, metrics; returns the logs."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        loss = self._loss_of(x, y, y_pred, sample_weight, False)
        self._loss_tracker.update_state(loss, sample_weight=rows_of(x))
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data):
        """One step of prediction; returns the outputs."""
        x, _, _ = unpack_x_y_sample_weight(data)
        outputs = self(x, training=False)
        self._check_outputs(outputs)
        return outputs


_DEFAULTS = (Compiled.compute_loss,)


def _layer_metrics(layer):
    """A layer's metrics; what a model inside was compiled with does not count, as in Keras."""
    found = list(layer._tracked["metrics"]) if isinstance(layer, Compiled) else list(layer.metrics)
    if isinstance(layer, Compiled):
        for inner in layer._layers:
            found += _layer_metrics(inner)
    return found


def rows_of(x) -> int:
    """The number of rows of a batch: what a batch's loss counts for in the mean."""
    first = next((leaf for leaf in tree.flatten(x) if leaf is not None), None)
    return first.shape[0] if first is not None and first.shape else 1
