"""`ModelCheckpoint`: the model, or its weights, in files while it trains."""

from __future__ import annotations

import os
import warnings

import numpy as np

from nbkeras.arguments import FLAG, PATH, TEXT, VERBOSE, accepts, number, optional
from nbkeras.callbacks.callback import Logs
from nbkeras.callbacks.monitor import MonitorCallback
from nbkeras.errors import ArgumentError, FileError, nearest


class ModelCheckpoint(MonitorCallback):
    """Save the model after each epoch, each so many batches, or whenever a number is the best so far.

    A file is replaced only once the new one is safe on the disk, so a job that is killed leaves a whole one.

    Args:
        filepath: of the file, ending in `.keras`, or `.weights.h5` for weights; may have places for the epoch, counted
            from 1, the batch, and the logs: `"{epoch:02d}-{val_loss:.2f}.keras"`. Folders are made.
        monitor: the number's name in the logs, for `save_best_only`.
        verbose: 1 prints when it acts.
        save_best_only: save only when the number is better than ever before.
        save_weights_only: weights and the optimizer's state only.
        mode: `"min"`, `"max"` or `"auto"`.
        save_freq: `"epoch"`, or a number of batches.
        initial_value_threshold: the first value to beat.

    Raises:
        ArgumentError: the file's name or `save_freq` cannot be used, or the best of a validation result is wanted
            after batches, where there is none; also see `MonitorCallback`.

    Example:
        >>> import os, tempfile, numpy as np, nbkeras as keras
        >>> folder = tempfile.mkdtemp()
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> checkpoint = ModelCheckpoint(folder + "/{epoch}.keras")
        >>> _ = model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[checkpoint])
        >>> sorted(os.listdir(folder))
        ['1.keras', '2.keras']

    Source: arguments and rules are those of `keras.callbacks.ModelCheckpoint`.
    """

    STATE = (*MonitorCallback.STATE, "_batches", "_last_batch")

    @accepts(
        verbose=VERBOSE,
        filepath=PATH,
        monitor=TEXT,
        save_best_only=FLAG,
        save_weights_only=FLAG,
        mode=TEXT,
        initial_value_threshold=optional(number(infinite=True)),
    )
    def __init__(
        self,
        filepath: str | os.PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._batches, self._last_batch, self._epoch = 0, -1, 0
        self._check_arguments()
        if save_freq != "epoch":
            # Only now is this a callback that wants the logs of every batch.
            self.on_train_batch_end = self._after_batch

    def _check_arguments(self) -> None:
        if self.save_freq != "epoch" and (not isinstance(self.save_freq, int) or self.save_freq < 1):
            raise ArgumentError(
                f"ModelCheckpoint: save_freq must be 'epoch' or a number of batches, got {self.save_freq!r}."
            )
        ending = ".weights.h5" if self.save_weights_only else ".keras"
        if not self.filepath.endswith(ending):
            raise ArgumentError(
                f"ModelCheckpoint: with save_weights_only={self.save_weights_only} the file's name must end in "
                f"{ending!r}, got {self.filepath!r}."
            )
        if self.save_best_only and self.save_freq != "epoch" and self.monitor.startswith("val_"):
            raise ArgumentError(
                f"ModelCheckpoint: {self.monitor!r} is known at the end of an epoch only, not after "
                f"{self.save_freq} batches.",
                next="use save_freq='epoch', or monitor a number of the training such as 'loss'.",
            )

    def on_train_begin(self, logs: Logs = None) -> None:
        self._last_batch = -1
        if self.save_best_only:
            super().on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch

    def _after_batch(self, batch: int, logs: Logs = None) -> None:
        # With steps_per_execution, this is called for a few batches at once.
        self._batches += batch - self._last_batch if batch > self._last_batch else batch + 1
        self._last_batch = batch
        if self._batches >= self.save_freq:
            self._batches = 0
            self._save(self._epoch, logs or {}, batch)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: dict, batch: int | None = None) -> None:
        path = self._path(epoch, logs, batch)
        if not self._is_due(epoch, logs, path):
            return
        if os.path.isdir(path):
            raise FileError(f"ModelCheckpoint: {path!r} is a folder.", next="give the name of a file.")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: finished saving model to {path}")

    def _path(self, epoch: int, logs: dict, batch: int | None) -> str:
        places = {"epoch": epoch + 1, **({} if batch is None else {"batch": batch + 1}), **logs}
        try:
            return self.filepath.format(**places)
        except (KeyError, IndexError) as error:
            raise MissingPlace(
                f"ModelCheckpoint: nothing is known for {error} in {self.filepath!r}.",
                next=nearest(str(error.args[0]), places),
            ) from error

    def _is_due(self, epoch: int, logs: dict, path: str) -> bool:
        """Whether to save now; keeps the best number."""
        if not self.save_best_only:
            if self.verbose > 0:
                print(f"\nEpoch {epoch + 1}: saving model to {path}")
            return True
        value = logs.get(self.monitor) if self.save_freq != "epoch" else self.monitored(logs)
        if value is None:
            return False
        if np.ndim(value):
            warnings.warn(f"ModelCheckpoint: {self.monitor!r} is no single number; the model is saved.", stacklevel=3)
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        improved = self.is_improvement(value, self.best)
        if self.verbose > 0 and improved:
            print(f"\nEpoch {epoch + 1}: {self.monitor} improved from {best} to {value:.5f}, saving model to {path}")
        elif self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {best}")
        if improved:
            self.best = value
        return improved


class MissingPlace(ArgumentError, KeyError):
    """A file's name has a place for something that the logs do not have."""

    def __str__(self):
        return str(self.args[0])
