"""`SwapEMAWeights`: evaluation with the moving averages of the weights."""

from __future__ import annotations

from nbkeras.arguments import FLAG, accepts
from nbkeras.callbacks.callback import Callback, Logs
from nbkeras.errors import StateError


class SwapEMAWeights(Callback):
    """Put the optimizer's moving averages in the weights' place for evaluation and prediction, and the weights back
    afterwards.

    Args:
        swap_on_epoch: have the averages in place at the end of each epoch, too, for callbacks that come later, such
            as `ModelCheckpoint`.

    Raises:
        StateError: the optimizer keeps no averages.

    Example:
        >>> import numpy as np, nbkeras as keras
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        >>> model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
        >>> x = np.ones((8, 1), "float32")
        >>> history = model.fit(x, x, batch_size=2, verbose=0, validation_data=(x, x), callbacks=[SwapEMAWeights()])

    Source: rules are those of `keras.callbacks.SwapEMAWeights`, but that the weights come back after `predict`.
    """

    STATE = ("_swapped",)

    @accepts(swap_on_epoch=FLAG)
    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._have(False)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._have(True)
            # At the end of fit the optimizer puts its averages into the weights: after the last epoch both are these.
            if epoch == self.params["epochs"] - 1:
                for weight, average in self._pairs():
                    average.assign(weight.numpy())

    def on_test_begin(self, logs: Logs = None) -> None:
        self._have(True)

    def on_test_end(self, logs: Logs = None) -> None:
        self._have(False)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._have(True)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._have(False)

    def _have(self, averages: bool) -> None:
        """Have the averages, or the weights, in the weights' place."""
        if self._swapped == averages:
            return
        for weight, average in self._pairs():
            before = weight.numpy()
            weight.assign(average.numpy())
            average.assign(before)
        self._swapped = averages

    def _pairs(self) -> list[tuple]:
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        pairs = [
            (weight, average)
            for own in getattr(optimizer, "optimizers", [optimizer])
            for weight, average in zip(own._trainable_variables, own._model_variables_moving_average, strict=False)
            if average is not None
        ]
        if not pairs:
            raise StateError(
                "SwapEMAWeights: the optimizer keeps no moving averages.",
                next="compile with an optimizer that has use_ema=True.",
            )
        return pairs
