"""`RollbackOnNaN`: back to the last good epoch with a smaller learning rate, instead of an end."""

from __future__ import annotations

import math

from nbkeras.arguments import VERBOSE, accepts, number, whole
from nbkeras.callbacks.callback import Callback, Logs
from nbkeras.errors import StateError


class RollbackOnNaN(Callback):
    """When a batch's loss is NaN or infinite, give weights and optimizer the values that they had when the epoch
    began, multiply the learning rate by `factor`, and go on with the next batch.

    It reads the loss after each batch, which a training without it need not do.

    Args:
        factor: between 0 and 1.
        max_rollbacks: after so many, training stops.
        verbose: 1 says so each time.

    Raises:
        ArgumentError: `factor` is not between 0 and 1.
        StateError: when training begins: the learning rate follows a schedule, which cannot be cut.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.SGD(0.25), "mse")
        >>> x = np.array([[1.0], [1e30]], "float32")
        >>> history = model.fit(x, x, batch_size=1, verbose=0, callbacks=[RollbackOnNaN(0.1)])
        >>> bool(np.isfinite(model.get_weights()[0]).all()), round(float(model.optimizer.learning_rate), 4)
        (True, 0.025)

    Source: ours; the wish is keras#8332.
    """

    STATE = ("rollbacks", "_kept")

    @accepts(verbose=VERBOSE, factor=number(above=0, below=1), max_rollbacks=whole(0))
    def __init__(self, factor: float = 0.5, max_rollbacks: int = 10, verbose: int = 0):
        super().__init__()
        self.factor = factor
        self.max_rollbacks = max_rollbacks
        self.verbose = verbose
        self.rollbacks = 0
        self._kept = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self.rollbacks = 0
        if not hasattr(self.model.optimizer.learning_rate, "assign"):
            raise StateError(
                "RollbackOnNaN: the optimizer's learning rate follows a schedule and cannot be cut.",
                next="compile with a number as the learning rate.",
            )

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.model.optimizer.build(self.model.trainable_variables)
        self._kept = [variable.numpy() for variable in self._variables()]

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        self.rollbacks += 1
        for variable, value in zip(self._variables(), self._kept, strict=True):
            variable.assign(value)
        # Their sums have the bad loss in them.
        self.model.reset_metrics()
        rate = self.model.optimizer.learning_rate
        rate.assign(float(rate) * self.factor)
        if self.verbose:
            print(f"Batch {batch}: loss is {loss}; back to the start of the epoch, learning rate {float(rate):.3g}")
        if self.rollbacks >= self.max_rollbacks:
            self.model.stop_training = True

    def _variables(self) -> list:
        """All that is rolled back: not the learning rate, which is cut."""
        optimizer = self.model.optimizer
        return [v for v in (*self.model.variables, *optimizer.variables) if v is not optimizer.learning_rate]
