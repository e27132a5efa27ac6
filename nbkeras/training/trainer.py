"""What every model can do: fit, evaluate, predict, and single batches of each."""

from __future__ import annotations

import os
import warnings

import numpy as np

from nbkeras import config, device, tree
from nbkeras.callbacks import CallbackList
from nbkeras.callbacks.backup import Backup
from nbkeras.errors import ArgumentError
from nbkeras.graph import live
from nbkeras.graph.buffers import Scratch
from nbkeras.graph.dtypes import dtype_name, is_float
from nbkeras.graph.keras_tensor import KerasTensor
from nbkeras.training import checks, loops
from nbkeras.training.batch_source import as_batch
from nbkeras.training.compiling import Compiled
from nbkeras.training.data import make_source
from nbkeras.training.logs import check_logs, in_order, numbers
from nbkeras.training.progress import Progress
from nbkeras.training.session import Session
from nbkeras.training.split import check_share, split_validation
from nbkeras.training.steps import Steps


class Trainer(Compiled):
    """The training half of `Model`.

    Attributes:
        history: the `History` of the last fit.
        stop_training: set it to True in a callback to end training after the batch.
        stop_evaluating, stop_predicting: likewise for evaluate and predict.
    """

    def __init__(self):
        super().__init__()
        self.history = None
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        scratch = Scratch(device.backend())
        self._untracked_steps = {
            "train": Steps(self._train, scratch, self._runs_eagerly, self._prepare_train),
            "test": Steps(self._test, scratch, self._runs_eagerly, self._prepare_test),
            "predict": Steps(self._predict, scratch, self._runs_eagerly),
        }

    # The model's own methods may be replaced after this object was made, so they are looked up at each trace.

    def _train(self, data):
        return check_logs(self.train_step(data), self.name)

    def _test(self, data):
        return check_logs(self.test_step(data), self.name)

    def _predict(self, data):
        return self.predict_step(data)

    def _runs_eagerly(self) -> bool:
        return self.run_eagerly

    def _prepare_train(self, batch):
        return checks.label_check(self, batch, "fit")

    def _prepare_test(self, batch):
        return checks.label_check(self, batch, "evaluate")

    def _forget_plans(self):
        for steps in self._untracked_steps.values():
            steps.clear()
        self._untracked_specs.clear()

    def _release(self):
        for steps in self._untracked_steps.values():
            steps.release()

    def compute_output_spec_for(self, x):
        """The outputs for a batch of inputs, as Keras tensors; builds the model for the batch if need be."""
        def placeholder(leaf):
            if leaf is None:
                return None
            dtype = dtype_name(leaf.dtype)
            return KerasTensor(leaf.shape, self.compute_dtype if is_float(dtype) else dtype)

        inputs = tree.map_structure(placeholder, x)
        key = str(inputs)
        if key not in self._untracked_specs:
            self._check_inputs((inputs,))
            self._build_for((inputs,), {})
            if self.run_eagerly:
                outputs = live.shapes_of(lambda x: self(x, training=False), (x,))
                self._untracked_specs[key] = tree.map_structure(placeholder, outputs)
            else:
                self._untracked_specs[key] = self.compute_output_spec(inputs)
        return self._untracked_specs[key]

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
        resume=None,
        validation_shuffle=False,
        validation_seed=0,
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
            resume: a file for the state of the training, written after each epoch. The same call, run again after an
                interruption, goes on from there with the same bits; after the end, it does nothing.
                `callbacks.BackupAndRestore` says what is kept, and can keep it more often.
            validation_shuffle: True draws the rows of `validation_split` instead of taking the last ones, "stratified"
                draws the same share of each class.
            validation_seed: of that draw.

        Returns:
            History: `history.history` has a list of values for each log.

        Raises:
            DataError, ShapeError, ArgumentError, StateError: before any training, where the data or an argument cannot
                be used.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> x = np.random.default_rng(1).random((32, 2), dtype="float32")
            >>> history = model.fit(x, x.sum(axis=1), epochs=3, batch_size=8, validation_split=0.25, verbose=0)
            >>> sorted(history.history), len(history.history["loss"])
            (['loss', 'val_loss'], 3)
        """
        self._need_compiled("fit")
        checks.need_optimizer(self)
        epochs = checks.whole("epochs", epochs, "fit", least=0)
        initial_epoch = checks.whole("initial_epoch", initial_epoch, "fit", least=0)
        if config.max_epochs() is not None and epochs > config.max_epochs():
            warnings.warn(f"fit: {config.max_epochs()} of {epochs} epochs, by config.set_max_epochs.", stacklevel=2)
            epochs = config.max_epochs()
        due = checks.validation_epochs(validation_freq)
        check_share(validation_split)
        if validation_data is None:
            (x, y, sample_weight), validation_data = split_validation(
                (x, y, sample_weight), validation_split, validation_shuffle, validation_seed
            )
        source = make_source(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            steps=steps_per_epoch,
            shuffle=shuffle,
            class_weight=class_weight,
        )
        validation = self._validation_source(validation_data, validation_batch_size, batch_size, validation_steps)
        checks.check_first_batch(self, source, "fit")
        if validation is not None:
            checks.check_first_batch(self, validation, "fit: validation_data")
        self._note_trainable()
        progress = Progress(epochs, source.num_batches, verbose)
        callbacks = self._callbacks(
            callbacks, verbose, source, add_history=True, epochs=epochs, do_validation=validation is not None
        )
        progress.silent |= callbacks.shows_progress
        if resume is not None:
            callbacks.append(Backup(os.fspath(resume)))
        session = Session(self, source, callbacks, initial_epoch)
        try:
            with callbacks.around():
                loops.fit(self, session, validation, due, epochs, progress)
        finally:
            self._release()
        return self.history

    def _callbacks(self, callbacks, verbose, source, epochs=1, **settings):
        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(callbacks, model=self, verbose=verbose, epochs=epochs, steps=source.num_batches, **settings)

    def _validation_source(self, data, own_size, batch_size, steps):
        if data is None:
            return None
        parts = tuple(data) if isinstance(data, (tuple, list)) else (data,)
        if not 1 <= len(parts) <= 3:
            raise ArgumentError(
                f"fit: validation_data must be (x, y) or (x, y, sample_weight), got {len(parts)} parts.",
                next="put several inputs into one list or dict: ([x1, x2], y).",
            )
        checks.check_sizes(validation_batch_size=own_size, validation_steps=steps)
        return make_source(*parts, batch_size=own_size or batch_size, steps=steps, caller="fit: validation_data")

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

        Args:
            x, y, sample_weight: as in `fit`.
            batch_size, verbose, callbacks: likewise.
            steps: batches to evaluate, all by default.
            return_dict: give the results by name.

        Returns:
            A list, the loss first; the loss alone if there are no metrics; a dict with `return_dict`.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
            >>> model.compile(loss="mse", metrics=["mae"])
            >>> x, y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")
            >>> model.evaluate(x, y, verbose=0)
            [4.0, 2.0]
            >>> model.evaluate(x, y, verbose=0, return_dict=True)
            {'loss': 4.0, 'mae': 2.0}
        """
        if kwargs:
            raise ArgumentError(f"evaluate: unknown argument {next(iter(kwargs))!r}.")
        self._need_compiled("evaluate")
        source = make_source(x, y, sample_weight, batch_size=batch_size, steps=steps, caller="evaluate")
        checks.check_first_batch(self, source, "evaluate")
        progress = Progress(1, source.num_batches, verbose)
        callbacks = self._callbacks(callbacks, verbose, source)
        progress.silent |= callbacks.shows_progress
        try:
            with callbacks.around():
                logs = loops.evaluate(self, source, callbacks, progress)
        finally:
            progress.close()
            self._release()
        return logs if return_dict else in_order(logs, self.metrics)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """The outputs for inputs, as NumPy arrays.

        Args:
            x: as in `fit`; of batches (x, y), only x is used.
            batch_size, verbose, callbacks: likewise.
            steps: batches to predict, all by default.

        Returns:
            The outputs of the batches that were done: all, unless a callback ended it (`PreemptionCheckpoint`,
            `TimeLimit`); None if it did so before the first, while kernels were compiled.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, kernel_initializer="identity")])
            >>> scores = model.predict(np.array([[1.0, 2.0], [5.0, 4.0]], "float32"), verbose=0)
            >>> scores.argmax(axis=-1)
            array([1, 0])
        """
        source = make_source(x, None, None, batch_size=batch_size, steps=steps, caller="predict")
        self.compute_output_spec_for(source.peek().x)
        progress = Progress(1, source.num_batches, verbose)
        callbacks = self._callbacks(callbacks, verbose, source)
        progress.silent |= callbacks.shows_progress
        try:
            with callbacks.around():
                return loops.predict(self, source, callbacks, progress)
        finally:
            self._release()

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One step of training on one batch.

        Returns:
            The loss and metrics of this batch, as `evaluate` gives them.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
            >>> model.compile(keras.optimizers.SGD(0.1), "mse")
            >>> x, y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")
            >>> float(model.train_on_batch(x, y)), model.train_on_batch(x, y) < 1.0
            (4.0, True)
        """
        self._need_compiled("train_on_batch")
        checks.need_optimizer(self)
        self._note_trainable()
        return self._on_batch("train", (x, y, sample_weight), class_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """The loss and metrics of one batch, as `evaluate` gives them.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
            >>> model.compile(loss="mse")
            >>> float(model.test_on_batch(np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")))
            4.0
        """
        self._need_compiled("test_on_batch")
        return self._on_batch("test", (x, y, sample_weight), None, return_dict)

    def _on_batch(self, kind, data, class_weight, return_dict):
        batch = as_batch(data, class_weight, f"{kind}_on_batch")
        self.reset_metrics()
        steps = self._untracked_steps[kind]
        with steps.scratch.lock:
            logs = numbers(steps.run(batch).result())
        return dict(sorted(logs.items())) if return_dict else in_order(logs, self.metrics)

    def predict_on_batch(self, x):
        """The outputs for one batch, as NumPy arrays.

        Example:
            >>> import numpy as np, nbkeras as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
            >>> model.predict_on_batch(np.ones((1, 2), "float32"))
            array([[2.]], dtype=float32)
        """
        batch = as_batch((x,), None, "predict_on_batch")
        steps = self._untracked_steps["predict"]
        with steps.scratch.lock:
            return tree.map_structure(np.array, steps.run(batch).result())
