"""`BackupAndRestore` and its base: the state of a training in a file, from which the same `fit` goes on."""

from __future__ import annotations

import contextlib
import os
import time
import warnings

from nbkeras.arguments import FLAG, PATH, accepts
from nbkeras.callbacks.callback import Callback
from nbkeras.errors import ArgumentError, FileError
from nbkeras.saving import state_file


class Backup(Callback):
    """The base of callbacks that keep a training's state in a file; `fit` writes and reads it at the right moments.

    The last two states are kept, so that a file that was damaged on the disk costs one of them, not the training.

    Args:
        path: of the file; None keeps nothing.
        every: `"epoch"`, a number of steps, or None for interruptions alone.
        keep: whether the state stays when the training is over, so that the same `fit` once more does nothing.
        max_restarts: how often the training is taken up at one place at most; None for any number.

    Attributes:
        seconds: how long the last writing took.
    """

    def __init__(self, path: str | None, every: str | int | None = "epoch", keep: bool = True, max_restarts=None):
        super().__init__()
        if max_restarts is not None and (not isinstance(max_restarts, int) or max_restarts < 0):
            raise ArgumentError(
                f"{type(self).__name__}: max_restarts must be a number from 0 on or None, got {max_restarts!r}."
            )
        self.max_restarts = max_restarts
        if every is not None and every != "epoch" and (not isinstance(every, int) or every < 1):
            raise ArgumentError(
                f"{type(self).__name__}: save_freq must be 'epoch' or a number of steps, got {every!r}."
            )
        self._path, self._every, self._keep = path, every, keep
        self._steps = 0
        self.seconds = 0.0

    def backup_path(self) -> str | None:
        """Where the state is kept; None if nowhere."""
        return self._path

    def is_due_after_step(self) -> bool:
        """Whether to keep the state after this step."""
        if self._every == "epoch" or self._every is None:
            return False
        self._steps += 1
        if self._steps >= self._every:
            self._steps = 0
            return True
        return False

    def is_due_after_epoch(self) -> bool:
        """Whether to keep the state after this epoch."""
        return self._every == "epoch"

    def keeps_the_end(self) -> bool:
        """Whether the state of a finished training stays."""
        return self._keep

    @property
    def _previous(self) -> str:
        return f"{self._path}.previous"

    def read(self) -> dict | None:
        """The newest state that is whole; None if there is none."""
        if self._path is None:
            return None
        problem = None
        for path in (self._path, self._previous):
            if not os.path.exists(path):
                continue
            try:
                return state_file.read(path)
            except FileError as error:
                problem = error
                warnings.warn(f"{type(self).__name__}: {error}", stacklevel=6)
        if problem is not None:
            raise problem
        return None

    def write(self, state: dict) -> None:
        """Keep a state; the one before stays beside it."""
        if self._path is None:
            return
        start = time.monotonic()
        os.makedirs(os.path.dirname(os.path.abspath(self._path)), exist_ok=True)
        if os.path.exists(self._path):
            # A second name for the present file, which the new one then replaces under the first.
            with contextlib.suppress(OSError):
                os.unlink(self._previous)
            with contextlib.suppress(OSError):
                os.link(self._path, self._previous)
        state_file.write(self._path, state)
        self.seconds = time.monotonic() - start

    def remove(self) -> None:
        """Remove this callback's own files; the folder stays."""
        if self._path is None:
            return
        for path in (self._path, self._previous):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


class BackupAndRestore(Backup):
    """Keep the state of the training in a folder; the same `fit`, run again, goes on where it was interrupted.

    It goes on after the last step that was kept, with the same bits that a training without interruption has: weights,
    optimizer, random numbers, order of the data, running metrics, history, and the state of the other callbacks. The
    number of threads may differ. Callbacks of your own keep what `Callback.get_state` gives; a generator or data set
    of your own is read again as far as it was read before, or has `get_state()` and `set_state(state)`.

    Args:
        backup_dir: the folder, which is made if need be; one for each training.
        save_freq: `"epoch"`, or a number of steps.
        double_checkpoint: accepted as Keras has it; the last two states are always kept.
        delete_checkpoint: remove the state when the training is over. A job that may be run again after its end should
            keep it: then nothing is trained again.
        max_restarts: how often the training is taken up at one and the same place, for jobs that are put back into a
            queue: one that always fails there ends with an error instead. None for any number.

    Raises:
        ArgumentError: `backup_dir` is empty, or `save_freq` or `max_restarts` is not what it may be.
        StateError: when `fit` starts: the folder holds the state of a training with another model, data or callbacks,
            or one that was taken up `max_restarts` times and never came further.

    Example:
        >>> import os, tempfile, numpy as np, nbkeras as keras
        >>> x, folder = np.ones((4, 2)), tempfile.mkdtemp()
        >>> def fit(last_epoch):
        ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", "mse")
        ...     def fail(epoch, logs):
        ...         if epoch > last_epoch: raise SystemError("the machine was switched off")
        ...     callbacks = [BackupAndRestore(folder), keras.callbacks.LambdaCallback(on_epoch_begin=fail)]
        ...     return model.fit(x, x[:, :1], epochs=4, verbose=0, callbacks=callbacks).epoch
        >>> fit(last_epoch=1)
        Traceback (most recent call last):
        ...
        SystemError: the machine was switched off
        >>> fit(last_epoch=9), os.listdir(folder)
        ([0, 1, 2, 3], [])

    Source: arguments are those of `keras.callbacks.BackupAndRestore`.
    """

    @accepts(backup_dir=PATH, double_checkpoint=FLAG, delete_checkpoint=FLAG)
    def __init__(
        self,
        backup_dir: str | os.PathLike,
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
        max_restarts: int | None = None,
    ):
        if not backup_dir:
            raise ArgumentError("BackupAndRestore: backup_dir must be the name of a folder, got an empty one.")
        if save_freq is None:
            raise ArgumentError("BackupAndRestore: save_freq must be 'epoch' or a number of steps, got None.")
        path = os.path.join(os.fspath(backup_dir), "training.state")
        super().__init__(path, save_freq, not delete_checkpoint, max_restarts)
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
