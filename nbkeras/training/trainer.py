"""What every model can do: compile, fit, evaluate, predict, and single batches of each."""

from __future__ import annotations

import warnings

import numpy as np

from nbkeras import losses as losses_module
from nbkeras import metrics as metrics_module
from nbkeras import optimizers, tree
from nbkeras.callbacks import CallbackList
from nbkeras.errors import ArgumentError, NbkerasError, ShapeError, StateError
from nbkeras.graph import trace
from nbkeras.graph.gradient import gradient
from nbkeras.ops.common import is_tensor
from nbkeras.training import checks
from nbkeras.training.compile_utils import CompileLoss, CompileMetrics
from nbkeras.training.data import make_source
from nbkeras.training.progress import Progress
from nbkeras.training.split import split_validation
from nbkeras.training.steps import Steps, as_batch
from nbkeras.utils.data import unpack_x_y_sample_weight


class Trainer:
    """The training half of `Model`; a subclass may override `train_step`, `test_step`, `predict_step`,
    `compute_loss` and `compute_metrics`, which are traced once and then run as one program."""

    def __init__(self):
        self._untracked_steps = {
            "train": Steps(self._train),
            "test": Steps(self._test),
            "predict": Steps(self._predict),
        }
        self._untracked_specs = {}
        self.compiled = False
        self.stop_training = False
        self.optimizer = None
        self.loss = None
        self._untracked_loss = None
        self._untracked_metrics = None
        self._untracked_tracker = None
        self.history = None

    def __setattr__(self, name, value):
        # What training keeps does not belong to the model's weights.
        if name in ("optimizer", "loss", "history"):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    # -- compile --------------------------------------------------------------------------------------------------

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
            run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: accepted as Keras has them; a step is
                always compiled to one program.

        Raises:
            ArgumentError: a name is unknown; the message suggests the nearest.
        """
        self.optimizer = optimizers.get(optimizer)
        self.loss = loss
        self.run_eagerly = run_eagerly
        self._untracked_loss = CompileLoss(loss, loss_weights, output_names=self._names()) if loss is not None else None
        self._untracked_metrics = None
        if metrics is not None or weighted_metrics is not None:
            self._untracked_metrics = CompileMetrics(metrics, weighted_metrics, output_names=self._names())
        if isinstance(loss, str):
            losses_module.get(loss)
        self._untracked_tracker = metrics_module.Mean(name="loss")
        self.compiled = True
        self.stop_training = False
        self._forget_plans()

    def _names(self):
        try:
            return list(self.output_names)
        except (AttributeError, NbkerasError):
            return None

    def _forget_plans(self):
        for steps in self._untracked_steps.values():
            steps.clear()
        self._untracked_specs.clear()

    def _need_compiled(self, caller):
        if not self.compiled:
            raise StateError(
                f"model {self.name!r}: {caller} before compile.",
                next=f"call model.compile(optimizer=..., loss=...) first, then {caller}.",
            )

    @property
    def metrics(self):
        """The loss tracker, the metrics of compile, and those of the model and its layers."""
        found = [self._untracked_tracker] if self._untracked_tracker is not None else []
        found += super().metrics
        if self._untracked_metrics is not None:
            found += [m for m in self._untracked_metrics.metrics if not any(m is f for f in found)]
        if self._untracked_loss is not None:
            found += self._untracked_loss.metrics
        return found

    @property
    def metrics_names(self):
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def reset_metrics(self):
        """Start all metrics anew."""
        for metric in self.metrics:
            metric.reset_state()
        if self._untracked_metrics is not None:
            self._untracked_metrics.reset_state()

    # -- steps: what is traced ------------------------------------------------------------------------------------

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The loss of a batch: the compiled loss, plus what layers and weights add."""
        parts = []
        if self._untracked_loss is not None:
            loss = self._untracked_loss(y, y_pred, sample_weight)
            if loss is not None:
                parts.append(loss)
        parts.extend(self.losses)
        if not parts:
            raise StateError(
                f"model {self.name!r} has no loss to train with.",
                next="give compile a loss, or call add_loss in a layer.",
            )
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Update the compiled metrics with a batch; returns all results by name."""
        if self._untracked_metrics is not None:
            self._untracked_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict:
        """The results of all metrics by name."""
        results = {}
        own = [] if self._untracked_metrics is None else self._untracked_metrics.metrics
        for metric in self.metrics:
            if any(metric is m for m in own):
                continue
            result = metric.result()
            results.update(result if isinstance(result, dict) else {metric.name: result})
        if self._untracked_metrics is not None:
            results.update(self._untracked_metrics.result())
        return results

    def train_step(self, data):
        """One step of training: forward, loss, gradients, update, metrics; returns the logs."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=True)
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True)
        self._untracked_tracker.update_state(loss, sample_weight=_rows(x))
        weights = self.trainable_weights
        if weights:
            self.optimizer.apply(self.gradients(self.optimizer.scale_loss(loss), weights), weights)
        else:
            warnings.warn(f"model {self.name!r} has no trainable weights: fit changes nothing.", stacklevel=2)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def gradients(self, loss, weights):
        """The derivatives of a loss with respect to weights, inside a step."""
        if loss.shape != () and loss.size != 1:
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
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False)
        self._untracked_tracker.update_state(loss, sample_weight=_rows(x))
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data):
        """One step of prediction; returns the outputs."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def _train(self, data):
        return self._logs(self.train_step(data))

    def _test(self, data):
        return self._logs(self.test_step(data))

    def _predict(self, data):
        return self.predict_step(data)

    def _logs(self, logs):
        if not isinstance(logs, dict):
            raise ArgumentError(
                f"model {self.name!r}: a step must return a dict of logs, got {type(logs).__name__}.",
                next="return {m.name: m.result() for m in self.metrics}.",
            )
        return logs

    # -- loops ----------------------------------------------------------------------------------------------------

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """Train.

        Args:
            x, y: arrays, nests of them, pandas frames; or x alone a generator or PyDataset of batches.
            batch_size: rows a step, 32 by default.
            epochs: where to stop counting; training starts at `initial_epoch`.
            verbose: 0 silent, 1 a bar, 2 a line an epoch, 'auto' by where the output goes.
            callbacks: a list of `callbacks.Callback`.
            validation_split: this part of the rows, the last ones, is kept for validation.
            validation_data: (x, y) or (x, y, sample_weight), or what yields such batches.
            shuffle: a new order of the rows each epoch; 'batch' keeps batches together.
            class_weight: class number -> weight.
            sample_weight: a weight a row.
            steps_per_epoch: batches an epoch, all by default.
            validation_steps, validation_batch_size: likewise for validation.
            validation_freq: validate every so many epochs, or after the epochs in a list.

        Returns:
            History: `history.history` has a list of values for each log.

        Raises:
            DataError, ShapeError, ArgumentError: before any training, where the data or an argument cannot be used.
        """
        self._need_compiled("fit")
        epochs = checks.whole("epochs", epochs, "fit", least=0)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_validation((x, y, sample_weight), validation_split)
        source = make_source(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            steps=steps_per_epoch,
            shuffle=shuffle,
            class_weight=class_weight,
        )
        validation = self._validation_source(validation_data, validation_batch_size or batch_size, validation_steps)
        due = checks.validation_epochs(validation_freq)
        self._check_data(source, "fit")
        if not isinstance(callbacks, CallbackList):
            callbacks = CallbackList(
                callbacks,
                add_history=True,
                model=self,
                verbose=verbose,
                epochs=epochs,
                steps=source.num_batches,
                do_validation=validation is not None,
            )
        self.stop_training = False
        progress = Progress(epochs, source.num_batches, verbose)
        logs = {}
        callbacks.on_train_begin()
        try:
            for epoch in range(initial_epoch, epochs):
                progress.epoch_begin(epoch)
                callbacks.on_epoch_begin(epoch)
                self.reset_metrics()
                logs = self._run_epoch("train", source, epoch, callbacks, progress)
                if validation is not None and due(epoch) and logs:
                    validation.rewind()
                    results = self._evaluate(validation, callbacks, "fit")
                    logs.update({f"val_{name}": value for name, value in results.items()})
                if not logs:
                    break
                progress.epoch_end(logs)
                callbacks.on_epoch_end(epoch, logs)
                if self.stop_training or source.exhausted:
                    break
        finally:
            progress.close()
            for steps in self._untracked_steps.values():
                steps.release()
        if getattr(self.optimizer, "use_ema", False) and epochs > 0:
            self.optimizer.finalize_variable_values(self.trainable_weights)
        callbacks.on_train_end(logs)
        return callbacks.history

    def _run_epoch(self, kind, source, epoch, callbacks, progress):
        """All batches of an epoch; returns the logs after the last, as numbers."""
        steps, columns = self._untracked_steps[kind], source.columns
        wanted = getattr(callbacks, f"wants_{kind}_batches")
        begin = getattr(callbacks, f"on_{kind}_batch_begin")
        end = getattr(callbacks, f"on_{kind}_batch_end")
        silent, traced = progress is None or progress.silent, None
        batches = source.batches(epoch)
        for step, batch in enumerate(batches):
            if wanted:
                begin(step)
            traced = steps.run(batch, columns)
            if wanted:
                end(step, numbers(traced.result()))
            if not silent:
                progress.batch_end(step, lambda traced=traced: numbers(traced.result()))
            if self.stop_training and kind == "train":
                batches.close()
                break
        if traced is None:
            warnings.warn(f"model {self.name!r}: the data gave no batch.", stacklevel=3)
            return {}
        return numbers(traced.result())

    def _validation_source(self, data, batch_size, steps):
        if data is None:
            return None
        parts = data if isinstance(data, (tuple, list)) else (data,)
        if isinstance(data, (tuple, list)) and not 1 <= len(parts) <= 3:
            raise ArgumentError(
                f"fit: validation_data must be (x, y) or (x, y, sample_weight), got {len(parts)} parts."
            )
        source = make_source(*parts, batch_size=batch_size, steps=steps, shuffle=False, caller="evaluate")
        self._check_data(source, "evaluate")
        return source

    def _check_data(self, source, caller):
        """Look at the first batch before any work: shapes, labels, the loss that fits them."""
        checks.check_first_batch(self, source, caller)

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
        **kwargs,
    ):
        """The loss and metrics over data.

        Returns:
            A list, the loss first; the loss alone if there are no metrics; a dict with `return_dict`.
        """
        self._need_compiled("evaluate")
        source = make_source(x, y, sample_weight, batch_size=batch_size, steps=steps, caller="evaluate")
        self._check_data(source, "evaluate")
        if not isinstance(callbacks, CallbackList):
            callbacks = CallbackList(callbacks, model=self, verbose=verbose, epochs=1, steps=source.num_batches)
        progress = Progress(1, source.num_batches, verbose)
        try:
            logs = self._evaluate(source, callbacks, "evaluate", progress)
        finally:
            progress.close()
            self._untracked_steps["test"].release()
        if return_dict:
            return logs
        values = self._in_order(logs)
        return values[0] if len(values) == 1 else values

    def _evaluate(self, source, callbacks, caller, progress=None):
        callbacks.on_test_begin()
        self.reset_metrics()
        if progress is not None:
            progress.epoch_begin(0)
        logs = self._run_epoch("test", source, 0, callbacks, progress)
        if progress is not None:
            progress.epoch_end(logs)
        callbacks.on_test_end(logs)
        return logs

    @staticmethod
    def _in_order(logs) -> list:
        """The values of logs, the loss first."""
        return [logs[name] for name in sorted(logs, key=lambda name: name != "loss")]

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """The outputs for inputs, as NumPy arrays."""
        source = make_source(x, None, None, batch_size=batch_size, steps=steps, caller="predict")
        if not isinstance(callbacks, CallbackList):
            callbacks = CallbackList(callbacks, model=self, verbose=verbose, epochs=1, steps=source.num_batches)
        progress = Progress(1, source.num_batches, verbose)
        runner = self._untracked_steps["predict"]
        wanted = callbacks.wants_predict_batches
        collected = Collector(source.num_samples)
        callbacks.on_predict_begin()
        progress.epoch_begin(0)
        try:
            for step, batch in enumerate(source.batches(0)):
                if wanted:
                    callbacks.on_predict_batch_begin(step)
                outputs = runner.run(batch, source.columns).result()
                collected.add(outputs)
                if wanted:
                    callbacks.on_predict_batch_end(step, {"outputs": tree.map_structure(np.array, outputs)})
                if not progress.silent:
                    progress.batch_end(step)
            progress.epoch_end({})
        finally:
            progress.close()
            runner.release()
        callbacks.on_predict_end()
        return collected.result()

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One step of training on one batch; returns the metrics since the last reset, the loss first."""
        self._need_compiled("train_on_batch")
        if class_weight is not None:
            from nbkeras.training.sample_weights import combine_weights

            sample_weight = combine_weights(y, sample_weight, class_weight, "train_on_batch")
        return self._on_batch("train", as_batch(x, y, sample_weight), return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """The loss and metrics of one batch, added to those since the last reset."""
        self._need_compiled("test_on_batch")
        return self._on_batch("test", as_batch(x, y, sample_weight), return_dict)

    def _on_batch(self, kind, batch, return_dict):
        logs = numbers(self._untracked_steps[kind].run(batch).result())
        if return_dict:
            return logs
        values = self._in_order(logs)
        return values[0] if len(values) == 1 else values

    def predict_on_batch(self, x):
        """The outputs for one batch, as NumPy arrays."""
        outputs = self._untracked_steps["predict"].run(as_batch(x)).result()
        return tree.map_structure(np.array, outputs)


class Collector:
    """Puts the outputs of batches into whole arrays.

    Args:
        rows: how many rows there will be, None if unknown.
    """

    def __init__(self, rows):
        self.rows, self.at, self._parts, self._whole, self._structure = rows, 0, [], None, None

    def add(self, outputs):
        from nbkeras import device

        leaves = [device.backend().to_host(leaf) for leaf in tree.flatten(outputs)]
        self._structure = outputs
        if self.rows is None:
            self._parts.append([np.array(leaf) for leaf in leaves])
            return
        if self._whole is None:
            self._whole = [np.empty((self.rows, *leaf.shape[1:]), leaf.dtype) for leaf in leaves]
        n = leaves[0].shape[0]
        for whole, leaf in zip(self._whole, leaves, strict=True):
            whole[self.at : self.at + n] = leaf
        self.at += n

    def result(self):
        if self._structure is None:
            raise StateError("predict: the data gave no batch.")
        if self.rows is None:
            whole = [np.concatenate(parts) for parts in zip(*self._parts, strict=True)]
        else:
            whole = [part[: self.at] for part in self._whole]
        return tree.pack_sequence_as(self._structure, whole)


def numbers(logs) -> dict:
    """Logs as Python floats."""
    from nbkeras import device

    values = {}
    for name, value in logs.items():
        host = np.asarray(device.backend().to_host(value) if is_tensor(value) else value)
        values[name] = float(host) if host.ndim == 0 else np.array(host)
    return values


def _rows(x) -> int:
    """The number of rows of a batch: what a batch's loss counts for in the mean."""
    first = next((leaf for leaf in tree.flatten(x) if leaf is not None), None)
    return first.shape[0] if first is not None and first.shape else 1
